"""Drift: between two instants, since a base, from period to period; with bands that hold the true one."""

from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from builders import NOON, FixedClock, cases, snapshot_ticks, tick
from hypothesis import given
from hypothesis import strategies as st
from laws import law
from true_rates import frame_of, shown, true_and_printed

import fxticker as fx
from fxticker.analysis.convert import convert
from fxticker.analysis.drift import drift, drift_series
from fxticker.analysis.drift_by_period import drift_by_period
from fxticker.analysis.lookup import rates_by
from fxticker.analysis.resample import resample
from fxticker.errors import NotDerivable
from fxticker.model.days import lookup
from fxticker.model.records import Origin, TimeBasis
from fxticker.model.selection import Selection
from fxticker.store.store import Store

NOW = datetime(2026, 11, 29, tzinfo=UTC)
THE_13TH = datetime(2025, 11, 13, tzinfo=UTC)
THE_14TH = datetime(2025, 11, 14, tzinfo=UTC)


def _tjs(rate_text, observed_at, **changes):
    return tick("TJS/USD", rate_text, "0%", observed_at, **changes)


def _percents(row):
    return row.drift_lo_pct, row.drift_pct, row.drift_hi_pct


def test_change_larger_than_rounding_is_significant(store):
    store.append([_tjs("0.10798", THE_13TH), _tjs("0.10840", THE_14TH)])
    [row] = fx.drift(store, start="2025-11-13", end="2025-11-14").itertuples()
    assert _percents(row) == pytest.approx((0.37968, 0.38896, 0.39824), abs=1e-5)
    assert row.significant


def test_change_of_one_printed_step_is_not_significant(store):
    store.append([tick(rate_text="0.00191", observed_at=THE_13TH), tick(rate_text="0.00192", observed_at=THE_14TH)])
    [row] = fx.drift(store, start="2025-11-13", end="2025-11-14").itertuples()
    assert row.drift_lo_pct == 0.0
    assert not row.significant


def test_date_stands_for_the_last_ticks_of_its_day(store):
    store.append(
        [_tjs("0.10800", NOON), _tjs("0.10810", NOON + timedelta(hours=11)), _tjs("0.10900", NOON + timedelta(days=1))]
    )
    [row] = fx.drift(store, start="2025-11-14", end=date(2025, 11, 15)).itertuples()
    assert row.rate_start == pytest.approx(0.10810)
    assert row.start_at == pd.Timestamp("2025-11-14T23:00Z")


def test_instant_is_looked_up_as_of_itself(store):
    store.append([_tjs("0.10800", NOON), _tjs("0.10900", NOON + timedelta(hours=2))])
    [row] = fx.drift(store, start="2025-11-14T13:59Z", end="2025-11-14T14:00Z").itertuples()
    assert (row.rate_start, row.rate_end) == (pytest.approx(0.108), pytest.approx(0.109))


def test_several_values_of_one_date_count_with_the_hull_of_their_bands(store):
    store.append(
        [
            _tjs("0.10798", THE_13TH, time_basis=TimeBasis.DATE),
            _tjs("0.10802", THE_13TH, time_basis=TimeBasis.DATE),
            _tjs("0.10802", THE_14TH, time_basis=TimeBasis.DATE),
        ]
    )
    [row] = fx.drift(store, start="2025-11-13", end="2025-11-14").itertuples()
    assert row.rate_start == pytest.approx(0.10800)
    assert row.drift_lo_pct < 0 < row.drift_hi_pct
    assert not row.significant


def test_of_several_values_at_one_polled_instant_the_last_recorded_counts(tmp_path):
    store = Store(tmp_path / "parquet", clock=FixedClock(step=timedelta(seconds=1)))
    store.append([_tjs("0.10900", NOON), _tjs("0.10700", THE_13TH)])
    store.append([_tjs("0.10800", NOON)])
    [row] = fx.drift(store, start="2025-11-13", end=NOON).itertuples()
    assert row.rate_text_end == "0.10800"


def test_pair_that_came_later_is_shown_without_a_start(store):
    store.append([_tjs("0.10800", THE_13TH), _tjs("0.10800", THE_14TH), tick("TMT/USD", "0.28571", "0%", THE_14TH)])
    frame = fx.drift(store, start="2025-11-13", end="2025-11-14").set_index("pair")
    assert frame.loc["TMT/USD", ["start_at", "drift_pct"]].isna().all()
    assert not frame.loc["TMT/USD", "significant"]


def test_dates_before_all_ticks_are_no_data(store):
    store.append([_tjs("0.10800", THE_14TH)])
    with pytest.raises(fx.NoData, match="2020-01-01"):
        fx.drift(store, start="2020-01-01", end="2020-01-02")


def test_start_after_end_is_refused(store):
    with pytest.raises(ValueError, match="after"):
        fx.drift(store, start="2025-11-14", end="2025-11-13")


def test_columns_have_their_documented_types(store):
    store.append([_tjs("0.10800", THE_13TH), _tjs("0.10800", THE_14TH)])
    frame = fx.drift(store, start="2025-11-13", end="2025-11-14")
    assert frame.dtypes.astype(str).to_dict() == cases("drift")["columns"]


def test_as_of_leaves_out_what_was_recorded_later(tmp_path):
    clock = FixedClock(NOON)
    store = Store(tmp_path / "parquet", clock=clock)
    store.append([_tjs("0.10798", THE_13TH), _tjs("0.10840", THE_14TH)])
    clock.at = NOON + timedelta(days=1)
    store.append([_tjs("0.10999", THE_14TH)])
    [row] = fx.drift(store, start="2025-11-13", end="2025-11-14", as_of=NOON).itertuples()
    assert row.rate_end == pytest.approx(0.10840)


def test_one_tick_is_no_drift(store):
    store.append([_tjs("0.10800", THE_13TH)])
    with pytest.raises(fx.NoData, match="the same tick at both ends, 2025-11-13 00:00"):
        fx.drift(store, start="2025-11-13", end="2025-11-14")


def test_value_known_by_its_date_only_counts_from_the_end_of_its_day(store):
    store.append([_tjs("0.10800", THE_13TH), _tjs("0.10900", THE_14TH, time_basis=TimeBasis.DATE)])
    with pytest.raises(fx.NoData):
        fx.drift(store, start="2025-11-13", end="2025-11-14T12:00Z")
    [row] = fx.drift(store, start="2025-11-13", end="2025-11-14").itertuples()
    assert row.rate_text_end == "0.10900"


@pytest.mark.parametrize("end", ["9999-12-31", "9999-12-31T23:59:59.999999Z"])
def test_end_later_than_now_is_now(store, end):
    store.append([_tjs("0.10800", THE_13TH), _tjs("0.10800", THE_14TH)])
    [row] = fx.drift(store, start="2025-11-13", end=end, max_age="any").itertuples()
    expected_h = (datetime.now(UTC) - THE_14TH) / timedelta(hours=1)
    assert row.end_age_h == pytest.approx(expected_h, abs=0.1)


# other pairs, other bases, frames


@pytest.mark.parametrize("as_frame", [False, True])
def test_inverse_and_cross_pairs_drift_by_the_last_ticks_of_their_legs(store, as_frame):
    store.append(snapshot_ticks(THE_13TH))
    store.append([tick("KZT/USD", "0.00200", observed_at=THE_14TH), tick("UZS/USD", "0.00008", observed_at=THE_14TH)])
    ticks = fx.load(store) if as_frame else store

    found = drift(ticks, start="2025-11-13", end="2025-11-14", pairs=iter(["USD/KZT", "KZT/UZS"]))

    assert found["pair"].tolist() == ["KZT/UZS", "USD/KZT"]
    assert found["rate_start"].tolist() == pytest.approx([23.875, 1 / 0.00191])
    assert found["drift_pct"].tolist() == pytest.approx([100 * (25 / 23.875 - 1), -4.5])
    assert found["drift_lo_pct"].tolist() == pytest.approx([100 * (1995 / 85 * 75 / 1915 - 1), 100 * (1905 / 2005 - 1)])
    assert found["significant"].tolist() == [False, True]
    assert found[["rate_text_start", "rate_text_end"]].isna().all(axis=None)


@pytest.mark.parametrize("as_frame", [False, True])
def test_cross_pair_is_looked_up_where_both_legs_were_last_shown_together(store, as_frame):
    store.append(snapshot_ticks(THE_13TH) + snapshot_ticks(THE_14TH))
    store.append([tick("KZT/USD", "0.00200", observed_at=NOON)])
    store.append([tick("UZS/USD", "0.00009", observed_at=NOON + timedelta(hours=1))])
    ticks = fx.load(store) if as_frame else store

    [row] = drift(ticks, start="2025-11-13", end="2025-11-15", pairs=["KZT/UZS"]).itertuples()

    assert row.end_at == pd.Timestamp(THE_14TH)
    assert row.rate_end == pytest.approx(23.875)


def test_cross_pair_whose_legs_were_never_shown_together_has_no_drift(store):
    store.append([tick("KZT/USD", observed_at=THE_13TH), tick("UZS/USD", "0.00009", observed_at=THE_14TH)])
    with pytest.raises(fx.NoData):
        drift(store, start="2025-11-13", end="2025-11-15", pairs=["KZT/UZS"])


def test_pair_that_nothing_stored_gives_is_named(store):
    store.append([_tjs("0.10800", THE_13TH), _tjs("0.10800", THE_14TH)])
    with pytest.raises(ValueError, match="XAU/USD is neither stored nor derivable; stored are TJS/USD"):
        drift(store, start="2025-11-13", end="2025-11-14", pairs=["XAU/USD"])


def _in_roubles(observed_at, usd, uzs, day=None):
    of = {"source": "cbr", "source_date": day or observed_at.date()}
    return [
        shown("USD/RUB", usd, observed_at, **of),
        shown("UZS/RUB", uzs, observed_at, nominal=10_000, rate=float(uzs.replace(",", ".")) / 10_000, **of),
    ]


def _drifted(ticks, pair):
    [row] = drift(ticks, start="2025-11-13", end="2025-11-14", pairs=[pair]).itertuples()
    return (row.rate_start, row.rate_end, row.drift_pct)


def _in_series(ticks, pair):
    found = drift_series(ticks, base="2025-11-13", pairs=[pair])
    return (*(1e4 * 80 / 64, 1e4 * 90 / 60), found["drift_pct"].iloc[-1])


def _converted(ticks, pair):
    base, quote = pair.split("/")
    start, end = (float(convert(ticks, 1, base, quote, at=day).amount) for day in ("2025-11-13", "2025-11-14"))
    return (start, end, 100 * (end / start - 1))


@pytest.mark.parametrize("as_frame", [False, True])
@pytest.mark.parametrize("asked", [_drifted, _in_series, _converted])
def test_rates_against_the_rouble_give_those_against_the_dollar(store, asked, as_frame):
    store.append(_in_roubles(THE_13TH, "80,0000", "64,0000") + _in_roubles(THE_14TH, "90,0000", "60,0000"))
    store.append(_in_roubles(NOON, "99,0000", "99,0000", date(2025, 11, 15))[:1])  # alone it makes no cross rate
    ticks = fx.load(store) if as_frame else store

    assert asked(ticks, "USD/UZS") == pytest.approx((12_500, 15_000, 20))


@pytest.mark.parametrize("asked", [_drifted, _in_series, _converted])
def test_rate_that_roubles_do_not_give_either_is_refused(store, asked):
    store.append(_in_roubles(THE_13TH, "80,0000", "64,0000") + _in_roubles(THE_14TH, "90,0000", "60,0000"))

    with pytest.raises(NotDerivable, match="USD/XAU is neither stored nor derivable; stored are USD/RUB, UZS/RUB"):
        asked(store, "USD/XAU")


def test_constants_drift_exactly():
    frame = frame_of(
        [
            shown("USD/TMT", text, at, origin=Origin.CONSTANT, time_basis=TimeBasis.DATE)
            for text, at in (("2.8", THE_13TH), ("3.5", THE_14TH))
        ]
    )

    [row] = drift(frame, start="2025-11-13", end="2025-11-14", pairs=["USD/TMT"]).itertuples()

    assert _percents(row) == (25, 25, 25)
    assert row.significant


def test_frame_gives_the_drift_of_the_store_that_it_is_of(history_store):
    span = {"start": "2024-09-08", "end": "2026-02-25", "base": "2025-05-26"}

    from_store, from_frame = (drift(ticks, **span) for ticks in (history_store, fx.load(history_store)))

    pd.testing.assert_frame_equal(from_store, from_frame)


def test_percent_can_be_of_the_rate_at_another_instant(store):
    store.append([_tjs("0.10000", THE_13TH - timedelta(days=1)), _tjs("0.10798", THE_13TH), _tjs("0.10840", THE_14TH)])

    [row] = drift(store, start="2025-11-13", end="2025-11-14", base="2025-11-12").itertuples()

    assert row.base_at == pd.Timestamp("2025-11-12T00:00Z")
    assert _percents(row) == pytest.approx((100 * 0.00041 / 0.100005, 0.42, 100 * 0.00043 / 0.099995))
    assert row.significant


def test_percent_can_be_of_the_rate_at_the_end(store):
    store.append([_tjs("0.10798", THE_13TH), _tjs("0.10840", THE_14TH)])

    [row] = drift(store, start="2025-11-13", end="2025-11-14", base="2025-11-14").itertuples()

    lo, middle, hi = 107985 / 108395, 10798 / 10840, 107975 / 108405
    assert _percents(row) == pytest.approx((100 * (1 - lo), 100 * (1 - middle), 100 * (1 - hi)))


def test_base_before_all_ticks_leaves_nothing_to_measure_by(store):
    store.append([_tjs("0.10798", THE_13TH), _tjs("0.10840", THE_14TH)])
    with pytest.raises(fx.NoData, match="by 2020-01-01 23:59 UTC, the base of its change"):
        drift(store, start="2025-11-13", end="2025-11-14", base="2020-01-01")


# since a base


def test_a_base_before_all_quotes_is_named_and_not_a_table_of_blanks():
    with pytest.raises(fx.NoData, match="by 2020-01-01 23:59 UTC"):
        drift_series(frame_of(snapshot_ticks()), base="2020-01-01")


def test_series_is_measured_from_each_pairs_first_quote():
    frame = frame_of(
        [
            shown("KZT/USD", "0.00200", THE_13TH),
            shown("KZT/USD", "0.00210", THE_14TH),
            shown("UZS/USD", "0.00008", NOON),
        ]
    )

    found = drift_series(frame)

    assert list(found.columns) == [
        *("observed_at", "source", "pair", "drift_pct", "drift_lo_pct", "drift_hi_pct", "significant", "base_at"),
        "reason",
        "peg_hop",
        "several_values",
        "values",
    ]
    assert found["pair"].tolist() == ["KZT/USD", "KZT/USD", "UZS/USD"]
    assert found["drift_pct"].tolist() == pytest.approx([0, 5, 0])
    assert found["drift_lo_pct"].tolist() == pytest.approx([0, 100 * (2095 / 2005 - 1), 0])
    assert found["drift_hi_pct"].tolist() == pytest.approx([0, 100 * (2105 / 1995 - 1), 0])
    assert found["significant"].tolist() == [False, True, False]
    assert found["base_at"].tolist() == [THE_13TH, THE_13TH, NOON]


@pytest.mark.parametrize("as_frame", [False, True])
def test_series_is_measured_from_the_last_tick_as_of_a_moment(store, as_frame):
    store.append([_tjs("0.10000", THE_13TH), _tjs("0.11000", NOON), tick("KZT/USD", observed_at=NOON)])
    ticks = fx.load(store) if as_frame else store

    found = drift_series(ticks, base="2025-11-13", start="2025-11-14", pairs=iter(["USD/TJS", "KZT/USD"]))

    assert found["pair"].tolist() == ["KZT/USD", "USD/TJS"]
    assert found["drift_pct"].tolist()[1] == pytest.approx(100 * (0.1 / 0.11 - 1))
    assert found["significant"].tolist() == [False, True]
    assert found.iloc[0][["drift_pct", "drift_lo_pct", "drift_hi_pct", "base_at"]].isna().all()


def test_bands_that_touch_are_no_significant_change_since_the_base():
    frame = frame_of([shown("KZT/USD", "0.00191", THE_13TH), shown("KZT/USD", "0.00192", THE_14TH)])

    for pair in ("KZT/USD", "USD/KZT"):
        assert drift_series(frame, pairs=[pair])["significant"].tolist() == [False, False]


def test_series_of_nothing_is_an_empty_frame_of_the_same_types(store):
    store.append(snapshot_ticks())
    for base in ("first", "2025-11-14"):
        empty = drift_series(store, base=base, start="2026-01-01", pairs=["KZT/UZS"])
        assert len(empty) == 0
        assert empty.dtypes.astype(str).to_dict() == drift_series(store, base=base).dtypes.astype(str).to_dict()


# from period to period


def test_period_moves_from_the_close_before_to_its_own():
    day = timedelta(days=1)
    frame = frame_of(
        [
            shown("TJS/USD", "0.10500", THE_13TH),
            shown("TJS/USD", "0.10000", THE_13TH + timedelta(hours=3)),
            shown("TJS/USD", "0.10100", THE_13TH + 2 * day),
            shown("TJS/USD", "0.10200", THE_13TH + 2 * day + timedelta(hours=23)),
            shown("UZS/USD", "0.00008", THE_14TH),
        ]
    )

    found = drift_by_period(frame, "day")

    assert list(found.columns) == [
        *("source", "pair", "start_at", "drift_pct", "drift_lo_pct", "drift_hi_pct", "significant", "from_at", "to_at"),
        *("start_age_h", "end_age_h", "reason", "peg_hop", "several_values"),
    ]
    assert found["pair"].tolist() == ["TJS/USD", "TJS/USD", "TJS/USD", "UZS/USD"]
    assert found["start_at"].tolist() == [THE_13TH, THE_14TH, THE_14TH + day, THE_14TH]
    assert found["drift_pct"].isna().tolist() == [True, True, False, True]
    assert _percents(found.loc[2]) == pytest.approx((100 * (101995 / 100005 - 1), 2, 100 * (102005 / 99995 - 1)))
    assert found["significant"].tolist() == [False, False, True, False]
    assert found["from_at"][2] == THE_13TH + timedelta(hours=3)
    assert found["to_at"].isna().tolist() == [False, True, False, False]


def test_value_known_by_its_date_only_closes_a_day_without_another_and_no_hour():
    frame = frame_of(
        [
            shown("TJS/USD", "0.10000", NOON - timedelta(days=1)),
            shown("TJS/USD", "0.10100", NOON),
            shown("TJS/USD", "0.10200", THE_14TH, time_basis=TimeBasis.DATE),
            shown("TJS/USD", "0.10302", THE_14TH + timedelta(days=1), time_basis=TimeBasis.DATE),
        ]
    )

    assert drift_by_period(frame, "day")["drift_pct"].tolist()[1:] == pytest.approx([1, 2])
    assert drift_by_period(frame, "hour")["drift_pct"].tolist()[-1] == pytest.approx(1)


@given(st.lists(st.tuples(st.integers(0, 3), st.sampled_from(["00:00", "20:00", "20:01", None])), min_size=2))
@law(60)
def test_last_of_a_day_is_the_same_by_whatever_it_is_asked(drawn):
    ticks = []
    for number, (day, clock) in enumerate(drawn):
        at = THE_13TH + timedelta(days=day)
        if clock is None:
            basis = {"time_basis": TimeBasis.DATE}
        else:
            basis, at = {}, at.replace(hour=int(clock[:2]), minute=int(clock[3:]))
        ticks.append(shown(["KZT/USD", "UZS/USD"][number % 2], f"0.{number + 1:03}", at, **basis))
    frame = frame_of(ticks)
    pairs = ["KZT/USD", "KZT/UZS"]
    closes = resample(frame, "day", pairs=pairs)
    moved = drift_by_period(frame, "day", pairs=pairs)
    assert moved["to_at"].notna().sum() == (closes["count"] > 0).sum()
    for close in closes[closes["count"] > 0].itertuples():
        rate = rates_by(frame, lookup(close.start_at.date(), NOW), Selection.of(pairs=close.pair))[
            "timesca", close.pair
        ]
        assert close.close == pytest.approx(float(rate.value))
        [day] = moved[(moved["pair"] == close.pair) & (moved["start_at"] == close.start_at)].itertuples()
        assert day.to_at == rate.observed_at


@pytest.mark.parametrize(("freq", "periods"), [("hour", 241), ("day", 11), ("week", 3), ("month", 1)])
def test_every_period_between_the_first_and_the_last_has_a_row(freq, periods):
    frame = frame_of([shown("TJS/USD", "0.1", NOON), shown("TJS/USD", "0.2", NOON + timedelta(days=10))])

    assert len(drift_by_period(frame, freq)) == periods


def test_unknown_period_is_refused(store):
    store.append(snapshot_ticks())
    with pytest.raises(ValueError, match="fortnight"):
        drift_by_period(store, "fortnight")


def test_periods_of_nothing_are_an_empty_frame_of_the_same_types(store):
    store.append(snapshot_ticks())
    empty = drift_by_period(store, "day", start="2026-01-01")
    assert len(empty) == 0
    assert empty.dtypes.astype(str).to_dict() == drift_by_period(store, "day").dtypes.astype(str).to_dict()


# what the bands hold

PRINTED = true_and_printed()
PAIRS = ["KZT/USD", "USD/KZT", "KZT/UZS", "UZS/KZT"]


def _drawn_frame(drawn):
    """A frame of both legs a day apart, and the true rate of each pair at each of its instants."""
    ticks, true = [], {pair: [] for pair in PAIRS}
    for number, ((kzt, kzt_text), (uzs, uzs_text)) in enumerate(drawn):
        at = NOON + number * timedelta(days=1)
        ticks += [shown("KZT/USD", kzt_text, at), shown("UZS/USD", uzs_text, at)]
        for pair, rate in zip(PAIRS, (kzt, 1 / kzt, kzt / uzs, uzs / kzt), strict=True):
            true[pair].append(rate)
    return frame_of(ticks), true


@given(st.lists(st.tuples(PRINTED, PRINTED), min_size=3, max_size=3))
@law(60)
def test_true_drift_lies_in_the_band_whatever_pair_and_base(drawn):
    frame, true = _drawn_frame(drawn)
    for number in range(3):
        base = NOON + number * timedelta(days=1)
        found = drift(frame, start=NOON, end=NOON + timedelta(days=2), base=base, pairs=PAIRS)
        exact = [float(100 * (true[pair][2] - true[pair][0]) / true[pair][number]) for pair in found["pair"]]
        assert ((found["drift_lo_pct"] <= exact) & (exact <= found["drift_hi_pct"])).all()
        assert ((found["drift_lo_pct"] <= found["drift_pct"]) & (found["drift_pct"] <= found["drift_hi_pct"])).all()


@given(st.lists(st.tuples(PRINTED, PRINTED), min_size=2, max_size=5), st.integers(0, 1))
@law(60)
def test_true_drift_since_a_base_and_from_day_to_day_lies_in_the_bands(drawn, place):
    frame, true = _drawn_frame(drawn)
    series = drift_series(frame, base=NOON + place * timedelta(days=1), pairs=PAIRS)
    by_day = drift_by_period(frame, "day", pairs=PAIRS)
    for pair, rates in true.items():
        since = [100 * (rate / rates[place] - 1) for rate in rates]
        daily = [100 * (rate / before - 1) for before, rate in pairwise(rates)]
        for found, exact in ((series[series["pair"] == pair], since), (by_day[by_day["pair"] == pair][1:], daily)):
            assert [
                (lo, float(value), hi)
                for lo, value, hi in zip(found["drift_lo_pct"], exact, found["drift_hi_pct"], strict=True)
                if not Fraction(lo) <= value <= Fraction(hi)
            ] == []


@given(st.lists(st.tuples(PRINTED, PRINTED), min_size=3, max_size=3))
@law(60)
def test_drift_of_the_whole_agrees_with_those_of_its_halves(drawn):
    frame, _ = _drawn_frame(drawn)
    marks = [NOON + number * timedelta(days=1) for number in range(3)]
    whole, first, second = (
        drift(frame, start=start, end=end, pairs=PAIRS)
        for start, end in ((marks[0], marks[2]), (marks[0], marks[1]), (marks[1], marks[2]))
    )
    for name, compared in (("drift_lo_pct", np.less_equal), ("drift_hi_pct", np.greater_equal)):
        composed = 100 * ((1 + first[name] / 100) * (1 + second[name] / 100) - 1)
        # doubles close to -100 % have lost digits, which the other half may enlarge
        slack = 1e-12 * (100 + first[name].abs()) * (1 + second[name].abs() / 100)
        assert compared(composed + (slack if name == "drift_hi_pct" else -slack), whole[name]).all()


def test_drift_within_one_day_says_what_to_ask_instead(store):
    store.append(snapshot_ticks(NOON) + snapshot_ticks(NOON + timedelta(hours=1)))
    with pytest.raises(ValueError, match="look up the same ticks, the last ones by then; give an earlier start"):
        fx.drift(store, start="2025-11-14", end="2025-11-14")
