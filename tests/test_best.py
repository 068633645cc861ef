"""The most precise statement that the stored sources support."""

import json
from datetime import UTC, date, datetime, timedelta

import pytest
from builders import tick
from click.testing import CliRunner
from rate_ticks import AT, DAY, official

import fxticker as fx
from fxticker.analysis.best import best
from fxticker.cli import app
from fxticker.model.records import Origin, TimeBasis
from fxticker.store.store import Store


@pytest.fixture
def store(tmp_path):
    held = Store(tmp_path / "parquet")
    held.append([tick("UZS/USD", "0.00008", "0%", AT), tick("KZT/USD", "0.00209", "0%", AT)])
    held.append([official("USD/UZS", "12194.21", "cbu"), official("USD/KZT", "478.77", "nbk")])
    return held


def test_the_most_precise_source_is_stated_with_its_age(store):
    said = best(store, "UZS/USD", at=AT)
    assert said.source == "cbu"
    assert said.lo < 1 / 12194.21 < said.hi
    assert said.hi - said.lo == pytest.approx(0.01 / 12194.21**2, rel=1e-3)
    assert (said.at, said.age) == (datetime(2026, 4, 1, tzinfo=UTC), timedelta(0))
    assert [other.source for other in said.others] == ["timesca"]
    assert said.contradictions == ()


def test_disjoint_bands_are_reported_and_nothing_is_averaged(store):
    store.append([official("USD/UZS", "11000.00", "fawazahmed0", date(2026, 3, 31))])
    said = best(store, "UZS/USD", at=AT)
    assert said.source == "cbu"
    assert [{one.source, other.source} for one, other in said.contradictions] == [
        {"cbu", "fawazahmed0"},
        {"fawazahmed0", "timesca"},
    ]


def test_an_instant_sees_only_what_was_in_force_by_then(store):
    with pytest.raises(fx.NoData):
        best(store, "UZS/USD", at=AT - DAY)


def test_a_rate_for_tomorrow_is_not_in_force_today(store):
    live = {"time_basis": TimeBasis.CLOCK, "origin": Origin.LIVE, "source_date": date(2026, 4, 2)}
    store.append([tick("USD/UZS", "12142.10", None, AT, source="cbu", **live)])
    assert best(store, "USD/UZS", at=AT + DAY / 4).lo == pytest.approx(12194.205)
    assert best(store, "USD/UZS", at=AT + DAY).lo == pytest.approx(12142.095)


def test_old_ticks_say_nothing(store):
    assert best(store, "UZS/USD", at=AT + 13 * DAY).source == "cbu"
    ages = r"UZS/USD of timesca: 30 d 0 h old, limit 7 d; UZS/USD of cbu: 29 d 12 h old, limit 14 d; max_age"
    with pytest.raises(fx.NoData, match=f"no source has a rate of UZS/USD at .*; {ages}"):
        best(store, "UZS/USD", at=AT + 30 * DAY)
    for max_age in ("60D", "any"):
        assert best(store, "UZS/USD", at=AT + 30 * DAY, max_age=max_age).age == 29 * DAY + DAY / 2


def test_a_cross_rate_may_be_of_two_sources(store):
    said = best(store, "KZT/UZS", at=AT)
    assert said.source == "nbk+cbu"
    assert said.lo < 12194.21 / 478.77 < said.hi
    assert {other.source for other in said.others} == {"timesca", "nbk+timesca", "timesca+cbu"}


def test_a_cross_rate_of_two_sources_has_both_days_and_the_greater_age(store, tmp_path):
    store.append([tick("KZT/USD", "0.00210", "0%", AT + 2 * DAY)])
    at = AT + 2 * DAY + DAY / 3  # on 3 April 20:00; the CBU's rate is of 1 April, and 44 hours old
    first = best(store, "KZT/UZS", at=at)
    [said] = [each for each in (first, *first.others) if each.source == "timesca+cbu"]
    assert [(leg.source, leg.at.day, leg.age) for leg in said.legs] == [
        ("timesca", 3, timedelta(hours=8)),
        ("cbu", 1, timedelta(hours=44)),
    ]
    assert (said.at, said.age) == (datetime(2026, 4, 1, tzinfo=UTC), timedelta(hours=44))
    first = best(store, "KZT/UZS", at=AT + 4 * DAY / 3, sources=["timesca", "nbk"])
    [mixed] = [each for each in (first, *first.others) if each.source == "nbk+timesca"]
    assert mixed.age == max(leg.age for leg in mixed.legs) == timedelta(hours=32)  # the NBK's older instant counts less
    asked = ["best", "KZT/UZS", "--at", at.isoformat(), "--store", str(tmp_path / "parquet")]
    table = CliRunner().invoke(app, asked).stdout
    assert " 2026-04-03+2026-04-01 " in table


def test_a_peg_is_exact_holds_and_is_contradicted_by_what_is_not_it(store):
    peg = official("USD/TMT", "3.5", "tmt-peg", date(2015, 1, 1), origin=Origin.CONSTANT)
    store.append([peg, tick("TMT/USD", "0.28490", "0%", AT)])
    said = best(store, "USD/TMT", at=AT)
    assert (said.source, said.lo, said.hi) == ("tmt-peg", 3.5, 3.5)
    assert [{one.source, other.source} for one, other in said.contradictions] == [{"tmt-peg", "timesca"}]
    assert best(store, "USD/TMT", at=AT, sources="tmt-peg").others == ()


def test_a_bank_that_tells_only_of_changes_says_the_same_for_months(store):
    store.append([official("USD/KGS", "87.4500", "nbkr", date(2025, 9, 1))])
    assert best(store, "USD/KGS", at=AT, max_age="0h").source == "nbkr"


def test_sources_may_be_given_as_anything_that_can_be_gone_through_once(store):
    store.append([official("USD/TMT", "3.5", "tmt-peg", date(2015, 1, 1), origin=Origin.CONSTANT)])
    store.append([tick("TMT/USD", "0.28571", "0%", AT)])
    said = best(store, "TMT/USD", at=AT, sources=(name for name in ("timesca", "tmt-peg")))
    assert {said.source, *(other.source for other in said.others)} == {"timesca", "tmt-peg"}


@pytest.mark.parametrize("max_age", ["nan", "-1D", "5", "soon", "9000000000D", ""])
def test_what_is_no_duration_is_refused(store, max_age):
    with pytest.raises(ValueError, match="a duration is such as 12h"):
        best(store, "UZS/USD", at=AT, max_age=max_age)


@pytest.mark.parametrize("at", ["0001-01-01", "1969-12-31T23:59Z"])
def test_instants_far_away_have_no_data(store, at):
    with pytest.raises(fx.NoData):
        best(store, "KZT/USD", at=at)


def test_a_tick_of_which_only_the_day_is_known_counts_from_the_days_end_on(tmp_path):
    held = Store(tmp_path / "parquet")
    held.append([tick("UZS/USD", "0.00008", "0%", datetime(2026, 4, 1, tzinfo=UTC), time_basis=TimeBasis.DATE)])
    with pytest.raises(fx.NoData):
        best(held, "UZS/USD", at=AT)
    assert best(held, "UZS/USD", at="2026-04-01").source == "timesca"


def test_what_is_no_pair_is_refused(store):
    with pytest.raises(ValueError, match="no pair"):
        best(store, "UZ", at=AT)
    with pytest.raises(fx.NoData):
        best(store, "EUR/USD", at=AT)


def test_command_gives_the_width_of_a_band_in_full(store, tmp_path):
    command = ["best", "UZS", "--at", AT.isoformat(), "--source", "timesca", "--store", str(tmp_path / "parquet")]

    [row] = json.loads(CliRunner().invoke(app, [*command, "--format", "json"]).stdout)

    assert row["width_pct"] == pytest.approx(12.5)
    assert "       12.5      0\n" in CliRunner().invoke(app, command).stdout
