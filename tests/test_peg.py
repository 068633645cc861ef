"""Pegs: the distance from what the central bank says, and the hops between plateaus."""

from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from fractions import Fraction

import pandas as pd
import pytest
from builders import NOON, cases, snapshot_ticks, tick
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st
from laws import law

import fxticker as fx
from fxticker.analysis.peg import peg
from fxticker.cli import app
from fxticker.model.bands import rate_band
from fxticker.model.pegs import PEGS, pegs_of

QUARTER = timedelta(minutes=15)
BEFORE_DEVALUATION = datetime(2014, 12, 31, 23, 45, tzinfo=UTC)


def _tmt(*rates, since=NOON):
    return [tick("TMT/USD", rate, "0%", since + QUARTER * n) for n, rate in enumerate(rates)]


@pytest.mark.parametrize(
    ("rate_text", "distance_pct", "at_peg"),
    [
        ("0.28571", (-0.0015, -0.00325, 0.00025), True),
        ("0.28490", (-0.285, -0.28675, -0.28325), False),
        ("0.28615", (0.1525, 0.15075, 0.15425), False),
    ],
)
def test_rate_is_at_the_peg_if_its_band_contains_it(store, rate_text, distance_pct, at_peg):
    store.append(_tmt(rate_text))

    [row] = peg(store).itertuples()

    assert (row.peg_rate, row.at_peg) == (2 / 7, at_peg)
    assert (row.distance_pct, row.distance_lo_pct, row.distance_hi_pct) == pytest.approx(distance_pct)


def test_first_poll_of_a_level_shown_before_is_a_hop(store):
    store.append(_tmt("0.28490", "0.28490", "0.28571", "0.28490"))

    found = peg(store)

    assert list(found["plateau"]) == [0, 0, 1, 2]
    assert list(found["hop"]) == [False, False, False, True]


def test_hops_are_those_that_changes_names(history_store):
    for start in (None, "2026-02-02"):
        found, runs = (of(history_store, pairs=["TMT/USD"], start=start) for of in (peg, fx.changes))
        assert list(found.loc[found["hop"], "observed_at"]) == list(runs.loc[runs["peg_hop"], "first_at"])


def test_hops_of_the_real_history_are_marked_and_none_is_removed(history_store):
    found = peg(history_store)

    assert (len(found), found["hop"].sum(), found["at_peg"].sum()) == (167, 42, 64)
    assert set(found["pair"]) == {"TMT/USD"}
    assert (found["distance_pct"].min(), found["distance_pct"].max()) == pytest.approx((-0.285, 0.1525))


def test_sources_have_plateaus_of_their_own(store):
    store.append(_tmt("0.28490", "0.28571"))
    store.append([tick("TMT/USD", "0.28615", "0%", NOON, source="other")])

    found = peg(store)

    assert list(zip(found["source"], found["plateau"], found["hop"], strict=True)) == [
        ("other", 0, False),
        ("timesca", 0, False),
        ("timesca", 1, False),
    ]


def test_inverse_pair_is_measured_against_the_units_per_dollar(store):
    store.append(_tmt("0.28571"))

    [row] = peg(store, pairs=["USD/TMT"]).itertuples()

    assert row.peg_rate == 3.5
    assert row.distance_pct == pytest.approx(0.0015, abs=1e-6)
    assert row.at_peg


def test_each_rate_is_measured_against_the_peg_in_force(store):
    store.append(_tmt("0.35088", "0.35088", since=BEFORE_DEVALUATION))

    before, after = peg(store).itertuples()

    assert (before.peg_rate, before.at_peg) == (1 / 2.85, True)
    assert (after.peg_rate, after.at_peg) == (2 / 7, False)
    assert after.distance_pct == pytest.approx(22.808)


def test_where_no_peg_is_in_force_there_is_no_distance(store):
    store.append(_tmt("0.35088", since=datetime(2008, 6, 1, tzinfo=UTC)))

    [row] = peg(store).itertuples()

    assert pd.isna(row.peg_rate)
    assert pd.isna(row.distance_pct)
    assert row.at_peg is pd.NA


def test_pairs_without_a_peg_are_left_out_unless_they_are_asked_for(store):
    store.append(snapshot_ticks())

    assert list(peg(store)["pair"]) == ["TMT/USD"]
    with pytest.raises(ValueError, match="KZT/USD has no peg"):
        peg(store, pairs=["TMT/USD", "KZT/USD"])


def test_frame_is_as_good_as_a_store(history_store):
    pd.testing.assert_frame_equal(peg(fx.load(history_store)), peg(history_store))


def test_nothing_that_matches_is_an_empty_frame_of_the_same_columns(store):
    store.append([tick()])

    assert peg(store).dtypes.astype(str).to_dict() == cases("peg")["columns"]


def test_pegs_have_exact_rates_in_both_directions():
    assert [(one.since.isoformat(), rate) for one, rate in pegs_of("TMT/USD")] == [
        ("2009-01-01", Fraction(20, 57)),
        ("2015-01-01", Fraction(2, 7)),
    ]
    assert [rate for _, rate in pegs_of("USD/TMT")] == [Fraction(57, 20), Fraction(7, 2)]
    assert pegs_of("KZT/USD") == []


def test_pegs_of_one_currency_follow_one_another():
    assert [(one.currency, one.until) for one in PEGS[:-1]] == [("TMT", PEGS[-1].since)]
    assert all(one.stated for one in PEGS)


def _frame(ticks):
    return pd.DataFrame([asdict(one) for one in ticks]).assign(recorded_at=pd.Timestamp(NOON))


@given(st.integers(1, 10**6), st.integers(2, 7), st.fractions(0, 1))
@law(100)
def test_true_distance_lies_in_the_band(steps, decimals, place):
    rate_text = f"{steps / 10**decimals:.{decimals}f}"
    band = rate_band(rate_text)
    true = band.lo + place * (band.hi - band.lo)

    [row] = peg(_frame(_tmt(rate_text))).itertuples()

    assert row.distance_lo_pct <= 100 * (true / Fraction(2, 7) - 1) <= row.distance_hi_pct
    assert row.at_peg == (Fraction(2, 7) in band)


def test_table_names_the_peg_that_distances_are_from(history_store):
    result = CliRunner().invoke(app, ["peg", "--start", "2026-02-20", "--store", str(history_store)])

    assert result.stdout.splitlines()[0] == "source timesca, pair TMT/USD, peg_rate 0.285714"
    assert "peg_rate" not in result.stderr


def test_table_marks_hops_and_newer_levels(history_store):
    span = ["--start", "2026-02-01", "--end", "2026-02-09", "--store", str(history_store)]
    rows = CliRunner().invoke(app, ["peg", *span]).stdout.splitlines()[-8:]
    assert [row.split()[-1] for row in rows] == ["0", "no", "newer", "no", "no", "yes", "no", "yes"]
    assert "newer" not in CliRunner().invoke(app, ["peg", *span, "--format", "csv"]).stdout


def test_table_has_no_verdict_on_the_first_tick_of_a_span(history_store):
    span = ["--start", "2025-12-12", "--end", "2025-12-12", "--wide", "--format", "csv"]
    table = CliRunner().invoke(app, ["peg", *span, "--store", str(history_store)]).stdout.splitlines()
    hop = table[0].split(",").index("hop")
    assert [line.split(",")[hop] for line in table[1:3]] == ["", "False"]
