"""Decoding: what printed percentages say of the site's own earlier rate."""

from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from functools import partial

import pandas as pd
import pytest
from builders import NOON, FixedClock, cases, snapshot_ticks, tick
from hypothesis import given
from hypothesis import strategies as st
from laws import law

import fxticker as fx
from fxticker.analysis.decode import decode, rollovers
from fxticker.model.bands import rate_band
from fxticker.model.records import TimeBasis
from fxticker.store.store import Store

CASES = cases("decode")
QUARTER = timedelta(minutes=15)
DAY = timedelta(days=1)
tjs = partial(tick, "TJS/USD")


def decoded(store, *ticks):
    """What is decoded of a store once it has these ticks, too."""
    store.append(ticks)
    return decode(store)


def test_percentages_of_a_real_page_tell_where_the_earlier_rates_lie(store):
    found = decoded(store, *snapshot_ticks())

    assert list(zip(found["pair"], found["base_lo"], found["base_hi"], strict=True)) == [
        ("KGS/USD", 0.01139, 0.01149),
        ("KZT/USD", 0.00191, 0.00196),
        ("TJS/USD", 0.10795, 0.10805),
        ("TMT/USD", 0.28566, 0.28576),
        ("UZS/USD", 0.00003, 0.00013),
    ]
    assert found["consistent"].all()


def test_every_percentage_of_the_real_history_is_consistent(history_store):
    found = decode(history_store)

    assert len(found) == 835
    assert found["consistent"].all()


def test_percentage_that_no_earlier_rate_gives_is_marked(store):
    [row] = decoded(store, tjs("0.10840", "0.38%")).itertuples()

    assert not row.consistent
    assert pd.isna(row.base_lo)
    assert pd.isna(row.base_hi)


def test_tick_without_a_percentage_says_nothing(store):
    [row] = decoded(store, tjs("0.10840", None)).itertuples()

    assert row.consistent is pd.NA
    assert row.agrees is pd.NA
    assert pd.isna(row.base_lo)


def test_several_values_of_one_date_say_nothing_of_one_base(store):
    on_a_date = partial(
        tjs, change_text="0%", observed_at=datetime(2025, 11, 14, tzinfo=UTC), time_basis=TimeBasis.DATE
    )
    store.append([on_a_date("0.10840"), on_a_date("0.10850")])

    [row] = decode(store).itertuples()

    assert row.consistent is pd.NA
    assert pd.isna(row.base_lo)


def test_percentages_of_other_sources_are_not_decoded(store):
    store.append([tick(source="other"), tick()])

    assert list(decode(store)["source"]) == ["timesca"]


def test_change_that_the_store_saw_is_from_the_last_tick_of_the_day_before(store):
    last = decoded(
        store,
        tjs("0.10700", "0%", NOON - DAY),
        tjs("0.10798", "0%", NOON - DAY + QUARTER),
        tjs("0.10810", "0%", NOON - QUARTER),
        tjs("0.10840", "0.37%", NOON),
    ).iloc[-1]

    assert last["seen_from_at"] == pd.Timestamp("2025-11-13T12:15Z")
    assert last["seen_lo_pct"] == pytest.approx(0.37968, abs=1e-5)
    assert last["seen_hi_pct"] == pytest.approx(0.39824, abs=1e-5)
    # 0.37 % stands for up to 0.375 %: the site rounds the change to 0.0004 before it divides
    assert not last["agrees"]


def test_days_without_ticks_are_gone_back_over_and_named(store):
    last = decoded(store, tjs("0.10840", "0%", NOON - 5 * DAY), tjs("0.10840", "0%", NOON)).iloc[-1]

    assert last["seen_from_at"] == pd.Timestamp("2025-11-09T12:00Z")
    assert last["agrees"]


def test_first_day_of_a_pair_has_seen_no_change(store):
    last = decoded(store, *snapshot_ticks(NOON - DAY)[:1], tjs("0.10840", "0%", NOON)).iloc[-1]

    assert pd.isna(last["seen_from_at"])
    assert pd.isna(last["seen_lo_pct"])
    assert last["agrees"] is pd.NA


def test_printed_zero_beside_a_coarse_rate_agrees_with_what_was_seen(store):
    last = decoded(store, tick("UZS/USD", "0.00008", "0%", NOON - DAY), tick("UZS/USD", "0.00008", "0%", NOON)).iloc[-1]

    assert last["seen_lo_pct"] == pytest.approx(-11.76471, abs=1e-5)
    assert last["seen_hi_pct"] == pytest.approx(13.33333, abs=1e-5)
    assert last["agrees"]


def test_printed_zero_that_hides_a_move_does_not_agree(store):
    last = decoded(store, tick("KGS/USD", "0.01144", "0%", NOON - DAY), tick("KGS/USD", "0.01148", "0%", NOON)).iloc[-1]

    assert last["consistent"]
    assert last["seen_lo_pct"] == pytest.approx(0.26212, abs=1e-5)
    assert not last["agrees"]


def test_base_run_grows_where_no_one_base_gives_all_percentages(store):
    store.append(
        [
            tjs("0.10840", "0.37%", NOON),  # base in [0.10795, 0.10805]
            tjs("0.10830", "0.28%", NOON + QUARTER),  # the same
            tjs("0.10830", "-0.09%", NOON + 2 * QUARTER),  # [0.10835, 0.10845]
            tjs("0.10830", None, NOON + 3 * QUARTER),
            tjs("0.10840", "0%", NOON + 4 * QUARTER),  # [0.10835, 0.10845]
        ]
    )

    assert list(decode(store)["base_run"]) == [0, 0, 1, 1, 1]


def test_rollover_lies_between_the_last_old_base_and_the_first_new_one(store):
    store.append(
        [
            tjs("0.10840", "0.37%", NOON),
            tjs("0.10832", "0.28%", NOON + QUARTER),
            tjs("0.10830", "-0.09%", NOON + 2 * QUARTER),
            tjs("0.10840", "0%", NOON + 3 * QUARTER),
        ]
    )

    before, after = rollovers(store).itertuples()

    assert (before.base_lo, before.base_hi, before.polls) == (0.10797, 0.10805, 2)
    assert before.first_at == pd.Timestamp("2025-11-14T12:00Z")
    assert before.last_at == pd.Timestamp("2025-11-14T12:15Z")
    assert pd.isna(before.rolled_after)
    assert pd.isna(before.rolled_before)
    assert (after.base_lo, after.base_hi, after.polls) == (0.10835, 0.10845, 2)
    assert after.rolled_after == pd.Timestamp("2025-11-14T12:15Z")
    assert after.rolled_before == pd.Timestamp("2025-11-14T12:30Z")


def test_poll_that_fits_both_bases_does_not_narrow_the_rollover(store):
    store.append(
        [
            tick("KGS/USD", "0.01150", "0.88%", NOON),  # base in [0.01135, 0.01145]
            tick("KGS/USD", "0.01146", "0%", NOON + QUARTER),  # [0.01141, 0.01151]
            tick("KGS/USD", "0.01153", "0%", NOON + 2 * QUARTER),  # [0.01148, 0.01158]
        ]
    )

    _, after = rollovers(store).itertuples()

    assert after.rolled_after == pd.Timestamp("2025-11-14T12:00Z")
    assert after.rolled_before == pd.Timestamp("2025-11-14T12:30Z")


def test_bases_of_pairs_are_told_each_by_itself(store):
    for n in range(3):
        store.append(snapshot_ticks(NOON + QUARTER * n))

    found = rollovers(store)

    assert list(zip(found["pair"], found["base_run"], found["polls"], strict=True)) == [
        ("KGS/USD", 0, 3),
        ("KZT/USD", 0, 3),
        ("TJS/USD", 0, 3),
        ("TMT/USD", 0, 3),
        ("UZS/USD", 0, 3),
    ]


def test_rollovers_of_the_real_history(history_store):
    found = rollovers(history_store)

    assert found.groupby("pair", observed=True).size().to_dict() == {
        "KGS/USD": 4,
        "KZT/USD": 8,
        "TJS/USD": 44,
        "TMT/USD": 31,
        "UZS/USD": 1,
    }
    assert found["polls"].sum() == 835
    assert (found["base_lo"] <= found["base_hi"]).all()


def test_as_of_leaves_out_what_was_recorded_later(tmp_path):
    clock = FixedClock(NOON)
    store = Store(tmp_path / "parquet", clock=clock)
    store.append([tjs("0.10840", "0.37%", NOON)])
    clock.at = NOON + DAY
    store.append([tjs("0.10840", "0%", NOON + QUARTER)])

    assert list(decode(store, as_of=NOON)["change_text"]) == ["0.37%"]


def test_frame_is_as_good_as_a_store(history_store):
    span = {"pairs": ["TJS/USD"], "start": "2025-11-01", "end": "2025-12-01"}

    pd.testing.assert_frame_equal(
        decode(fx.load(history_store), **span), decode(history_store, **span), check_categorical=False
    )


def test_frame_of_plain_texts_in_any_order_is_as_good_as_a_store(history_store):
    halves = [fx.load(history_store, start="2025-06-01"), fx.load(history_store, end="2025-06-01")]
    joined = pd.concat(halves, ignore_index=True)

    assert joined["rate_text"].dtype == "str"
    pd.testing.assert_frame_equal(decode(joined), decode(history_store), check_categorical=False)
    pd.testing.assert_frame_equal(rollovers(joined), rollovers(history_store), check_categorical=False)


def test_nothing_that_matches_gives_empty_frames_of_the_same_columns(store):
    store.append([tick()])

    assert decode(store, start="2026-01-01").dtypes.astype(str).to_dict() == CASES["columns"]["decode"]
    assert rollovers(store, start="2026-01-01").dtypes.astype(str).to_dict() == CASES["columns"]["rollovers"]


def _site_text(rate, base):
    """What the site prints, by the formula found in 371 captures; rates are whole steps of 0.00001."""
    change = Fraction(round(Fraction(rate - base, 10)), 10_000)
    hundredths = round(100 * 100 * change / Fraction(base, 100_000))
    digits = f"{abs(hundredths) // 100}.{abs(hundredths) % 100:02d}".rstrip("0").rstrip(".")
    return f"{'-' if rate < base else ''}{digits}%"


def _site_ticks(rates_and_bases):
    return [
        tjs(f"{rate / 100_000:.5f}", _site_text(rate, base), NOON + QUARTER * n)
        for n, (rate, base) in enumerate(rates_and_bases)
    ]


def _frame(ticks):
    return pd.DataFrame([asdict(one) for one in ticks]).assign(recorded_at=pd.Timestamp(NOON))


@pytest.mark.parametrize(
    ("rate", "base", "text"),
    [(10840, 10798, "0.37%"), (1144, 1147, "-0%"), (8, 60, "-83.33%"), (1188, 1180, "0.85%"), (10840, 10740, "0.93%")],
)
def test_simulated_site_prints_as_the_real_one(rate, base, text):
    assert _site_text(rate, base) == text


@given(st.integers(1, 30_000), st.lists(st.integers(1, 30_000), min_size=1, max_size=8))
@law(100)
def test_intersection_of_a_days_intervals_holds_the_true_base(base, rates):
    [run] = rollovers(_frame(_site_ticks([(rate, base) for rate in rates]))).itertuples()

    assert run.base_lo <= base / 100_000 <= run.base_hi


@given(st.data())
@law(100)
def test_every_rollover_told_is_a_change_of_the_true_base(data):
    bases = data.draw(st.lists(st.integers(1_000, 1_100), min_size=1, max_size=5))
    polled = [(data.draw(st.integers(1_000, 1_100)), base) for base in bases for _ in range(3)]
    ticks = _site_ticks(polled)

    told = rollovers(_frame(ticks)).iloc[1:]

    at = [one.observed_at for one in ticks]
    for after, before in zip(told["rolled_after"], told["rolled_before"], strict=True):
        assert len({base for _, base in polled[at.index(after) : at.index(before) + 1]}) > 1


RATES = st.tuples(st.integers(1, 30_000).map(lambda steps: f"{steps / 100_000:.5f}"), st.fractions(0, 1))


def _true(rate_text, place):
    """A true rate that prints as the text: `place` of the way from one end of its band to the other."""
    band = rate_band(rate_text)
    return band.lo + place * (band.hi - band.lo)


@given(RATES, RATES)
@law(100)
def test_band_of_the_change_seen_holds_the_true_one(yesterday, today):
    ticks = [tjs(yesterday[0], None, NOON - DAY), tjs(today[0], None, NOON)]

    last = decode(_frame(ticks)).iloc[-1]

    assert last["seen_lo_pct"] <= 100 * (_true(*today) / _true(*yesterday) - 1) <= last["seen_hi_pct"]
