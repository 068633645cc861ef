"""Resampling: open, high, low, close, count and coverage of a period."""

import math
from dataclasses import asdict
from datetime import UTC, datetime, timedelta

import numpy as np
import pandas as pd
import pytest
from builders import NOON, FixedClock, capture_ticks, cases, tick
from hypothesis import given
from hypothesis import strategies as st
from laws import law

import fxticker as fx
from fxticker.analysis.periods import period_of, start_of
from fxticker.analysis.resample import resample
from fxticker.model.bands import rate_band
from fxticker.model.records import Outcome, Poll, TimeBasis
from fxticker.store.store import Store

QUARTER = timedelta(minutes=15)
DAY = timedelta(days=1)


def _tjs(rate_text, observed_at, **changes):
    return tick("TJS/USD", rate_text, "0%", observed_at, **changes)


def test_day_has_its_open_high_low_and_close_with_their_bands(store):
    texts = ("0.10840", "0.10810", "0.10860", "0.10850")
    store.append([_tjs(text, NOON + n * QUARTER) for n, text in enumerate(texts)])

    [day] = resample(store, "day").itertuples()

    assert (day.source, day.pair, day.start_at) == ("timesca", "TJS/USD", pd.Timestamp("2025-11-14T00:00Z"))
    assert (day.open, day.open_lo, day.open_hi) == (0.10840, 0.108395, 0.108405)
    assert (day.high, day.high_lo, day.high_hi) == (0.10860, 0.108595, 0.108605)
    assert (day.low, day.low_lo, day.low_hi) == (0.10810, 0.108095, 0.108105)
    assert (day.close, day.close_lo, day.close_hi) == (0.10850, 0.108495, 0.108505)
    assert day.count == 4


def test_close_has_the_instant_at_which_it_was_observed(store):
    monday = datetime(2025, 11, 10, 6, tzinfo=UTC)
    store.append([_tjs("0.10830", monday), _tjs("0.10850", monday + DAY), _tjs("0.10840", monday + 15 * DAY)])
    weeks = resample(store, "week", tz="Asia/Tashkent")
    assert weeks["close_at"].tolist() == [monday + DAY, pd.NaT, monday + 15 * DAY]
    assert weeks["close_at"].dtype == weeks["start_at"].dtype


def test_bounds_of_the_highest_are_the_highest_bounds(store):
    store.append([_tjs("0.108", NOON), _tjs("0.10849", NOON + QUARTER)])

    [day] = resample(store, "day").itertuples()

    assert (day.high, day.high_lo, day.high_hi) == (0.10849, 0.108485, 0.1085)
    assert (day.low, day.low_lo, day.low_hi) == (0.108, 0.1075, 0.108495)


def test_each_kind_of_period_begins_at_its_own_instant(store):
    store.append([_tjs("0.10840", NOON)])

    found = [resample(store, freq)[["start_at", "count"]].astype("str") for freq in ("hour", "day", "week", "month")]

    assert [frame.to_numpy().tolist() for frame in found] == [
        [["2025-11-14 12:00:00+00:00", "1"]],
        [["2025-11-14 00:00:00+00:00", "1"]],
        [["2025-11-10 00:00:00+00:00", "1"]],
        [["2025-11-01 00:00:00+00:00", "1"]],
    ]


def test_week_ends_with_sunday(store):
    sunday = datetime(2025, 11, 16, 23, 59, 59, 999_999, tzinfo=UTC)
    store.append([_tjs("0.10840", sunday), _tjs("0.10850", sunday + timedelta(microseconds=1))])

    assert list(resample(store, "week")["start_at"].dt.day) == [10, 17]


def test_period_without_ticks_is_there_and_not_filled(store):
    store.append([_tjs("0.10840", NOON), _tjs("0.10850", NOON + 2 * DAY)])

    found = resample(store, "day")

    assert list(found["count"]) == [1, 0, 1]
    assert found.iloc[1][["open", "high_hi", "low_lo", "close"]].isna().all()


def test_pair_that_came_later_has_the_periods_of_its_source(store):
    store.append([_tjs("0.10840", NOON), tick("KZT/USD", observed_at=NOON + DAY)])

    found = resample(store, "day")

    assert list(zip(found["pair"], found["start_at"].dt.day, found["count"], strict=True)) == [
        ("KZT/USD", 14, 0),
        ("KZT/USD", 15, 1),
        ("TJS/USD", 14, 1),
        ("TJS/USD", 15, 0),
    ]


def test_sources_have_periods_of_their_own(store):
    store.append([_tjs("0.10840", NOON), _tjs("0.10850", NOON - DAY, source="other")])

    found = resample(store, "day")

    assert list(zip(found["source"], found["start_at"].dt.day, found["close"], strict=True)) == [
        ("other", 13, 0.1085),
        ("timesca", 14, 0.1084),
    ]


def test_coverage_is_the_share_of_sound_polls_in_the_stores_own(store):
    store.append([_tjs("0.10840", NOON), _tjs("0.10850", NOON + 2 * DAY)])
    store.record(
        [
            Poll("timesca", NOON, Outcome.OK),
            Poll("timesca", NOON + QUARTER, Outcome.TIMEOUT),
            Poll("timesca", NOON + DAY, Outcome.MISSED),
        ]
    )

    assert list(resample(store, "day")["coverage"].fillna(-1)) == [0.5, 0.0, -1.0]


def test_cut_week_is_not_whole_whatever_its_coverage(store):
    days = pd.date_range("2025-11-05", "2025-11-18", freq="D", tz="UTC")
    store.append([_tjs("0.10840", day) for day in days])
    store.record([Poll("timesca", day, Outcome.OK) for day in days])

    weeks = resample(store, "week")

    assert list(weeks["start_at"].dt.day) == [3, 10, 17]
    assert list(weeks["coverage"]) == [1, 1, 1]
    assert list(weeks["whole"]) == [False, True, False]
    assert list(resample(store, "week", start="2025-11-11")["whole"]) == [False, False]


def test_without_polls_only_what_is_cut_is_known_not_to_be_whole(store):
    store.append([_tjs("0.10840", NOON), _tjs("0.10840", NOON + 10 * DAY)])

    assert resample(store, "week")["whole"].isna().all()
    assert list(resample(fx.load(store), "week", start="2025-11-12")["whole"].fillna(True)) == [False, True, True]


def test_coverage_of_a_frame_needs_its_polls(store):
    store.append([_tjs("0.10840", NOON)])
    store.record([Poll("timesca", NOON, Outcome.OK), Poll("timesca", NOON + QUARTER, Outcome.ERROR)])
    ticks = fx.load(store)

    assert list(resample(ticks, "day")["coverage"].isna()) == [True]
    assert list(resample(ticks, "day", polls=fx.load_polls(store))["coverage"]) == [0.5]


def test_value_known_by_its_date_only_closes_a_day_without_another(store):
    midnight = datetime(2025, 11, 14, tzinfo=UTC)
    store.append(
        [
            _tjs("0.10700", midnight - DAY, time_basis=TimeBasis.DATE),
            _tjs("0.10800", midnight, time_basis=TimeBasis.DATE),
            _tjs("0.10840", NOON),
        ]
    )

    [before, day] = resample(store, "day").itertuples()

    assert (before.open, before.close, before.count) == (0.107, 0.107, 1)
    assert (day.open, day.close, day.low, day.count) == (0.1084, 0.1084, 0.108, 2)


def test_value_known_by_its_date_only_belongs_to_no_hour(store):
    midnight = datetime(2025, 11, 14, tzinfo=UTC)
    store.append([_tjs("0.10800", midnight, time_basis=TimeBasis.DATE), _tjs("0.10840", NOON)])

    assert list(resample(store, "hour")["start_at"]) == [pd.Timestamp("2025-11-14T12:00Z")]


def test_inverse_pair_has_its_highest_where_the_stored_one_has_its_lowest(store):
    store.append([tick("UZS/USD", "0.00008", "0%", NOON), tick("UZS/USD", "0.00009", "0%", NOON + QUARTER)])

    [day] = resample(store, "day", pairs=["USD/UZS"]).itertuples()

    assert day.high == pytest.approx(12_500)
    assert day.high_lo == pytest.approx(1e6 / 85)
    assert day.high_hi == pytest.approx(1e6 / 75)
    assert day.low == pytest.approx(1e5 / 9)


def test_months_of_the_real_history(history_store):
    found = resample(history_store, "month", pairs=["TJS/USD"]).set_index("start_at")

    assert len(found) == 18
    assert found["count"].sum() == 167
    row = found.loc["2025-12-01"]
    assert (row["open"], row["high"], row["low"], row["close"]) == (0.10903, 0.10904, 0.10811, 0.10851)
    assert row["count"] == 82


def test_as_of_leaves_out_what_was_recorded_later(tmp_path):
    clock = FixedClock(NOON)
    store = Store(tmp_path / "parquet", clock=clock)
    store.append([_tjs("0.10840", NOON)])
    clock.at = NOON + DAY
    store.append([_tjs("0.10850", NOON + QUARTER)])

    assert list(resample(store, "day", as_of=NOON)["close"]) == [0.1084]


def test_no_known_period_is_refused(store):
    store.append([_tjs("0.10840", NOON)])

    with pytest.raises(ValueError, match="hour, day, week, month, not '1D'"):
        resample(store, "1D")


def test_nothing_that_matches_is_an_empty_frame_of_the_same_columns(store):
    store.append([tick()])

    assert resample(store, "day", start="2026-01-01").dtypes.astype(str).to_dict() == cases("resample")["columns"]


@pytest.mark.parametrize("freq", ["hour", "day", "week", "month"])
@given(at=st.datetimes(datetime(1, 1, 8), datetime(9999, 12, 24)))  # noqa: DTZ001 - numpy has no zones
@law(50)
def test_instant_lies_in_its_period_and_not_in_the_next(freq, at):
    instant = np.array([at], "M8[us]")

    number = period_of(instant, freq)

    assert start_of(number, freq) <= instant < start_of(number + 1, freq)


def _oracle(ticks, start_of_period):
    """Open, high, low, close and count per pair and period, tick by tick."""
    found = {}
    for one in ticks:
        key = (one.pair, start_of_period(one.observed_at))
        held = found.get(key, (one.rate, -math.inf, math.inf, one.rate, 0))
        found[key] = (held[0], max(held[1], one.rate), min(held[2], one.rate), one.rate, held[4] + 1)
    return found


@pytest.mark.parametrize(
    ("freq", "start_of_period"),
    [
        ("hour", lambda at: at.replace(minute=0, second=0, microsecond=0)),
        ("day", lambda at: at.replace(hour=0, minute=0, second=0, microsecond=0)),
        ("week", lambda at: at.replace(hour=0, minute=0, second=0, microsecond=0) - at.weekday() * DAY),
        ("month", lambda at: at.replace(day=1, hour=0, minute=0, second=0, microsecond=0)),
    ],
)
def test_real_history_is_resampled_as_tick_by_tick(history_store, freq, start_of_period):
    found = resample(fx.load(history_store), freq)

    shown = found[found["count"] > 0]
    keys = zip(shown["pair"], shown["start_at"], strict=True)
    values = zip(shown["open"], shown["high"], shown["low"], shown["close"], shown["count"], strict=True)
    assert dict(zip(keys, values, strict=True)) == _oracle(capture_ticks(), start_of_period)
    assert found[found["count"] == 0]["close"].isna().all()
    assert not found.duplicated(["pair", "start_at"]).any()


def _true(rate_text, place):
    """A true rate that prints as the text: `place` of the way from one end of its band to the other."""
    band = rate_band(rate_text)
    return band.lo + place * (band.hi - band.lo)


@given(
    st.lists(
        st.tuples(st.sampled_from(["0.1", "0.11", "0.108", "0.1084", "0.10841"]), st.fractions(0, 1)),
        min_size=1,
        max_size=20,
    )
)
@law(100)
def test_true_highest_and_lowest_rates_lie_in_their_bands(printed):
    ticks = [_tjs(rate_text, NOON + n * timedelta(minutes=1)) for n, (rate_text, _) in enumerate(printed)]
    true = [_true(rate_text, place) for rate_text, place in printed]

    frame = pd.DataFrame([asdict(one) for one in ticks]).assign(recorded_at=pd.Timestamp(NOON))
    [day] = resample(frame, "day").itertuples()

    ulp = 2.0**-55  # of a double of this size: bounds of stored pairs are the nearest doubles
    assert day.high_lo - ulp <= max(true) <= day.high_hi + ulp
    assert day.low_lo - ulp <= min(true) <= day.low_hi + ulp
