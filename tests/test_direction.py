"""One direction: sources that print a pair in opposite directions are compared and drawn the same way."""

from datetime import UTC, datetime, timedelta
from fractions import Fraction

import pandas as pd
import pytest
from builders import NOON, snapshot_ticks, tick
from hypothesis import given
from laws import law
from true_rates import frame_of, shown, true_and_printed

import fxticker as fx
from fxticker.charts.sides import sides_of
from fxticker.model.invalid import InvalidArgument
from fxticker.model.pairs import directed
from fxticker.model.records import Origin, TimeBasis

DAY = timedelta(days=1)
BANK = {"source": "nbk", "time_basis": TimeBasis.DATE, "origin": Origin.ARCHIVE}


def _of_bank(rate_text, day):
    return tick("USD/KZT", rate_text, None, datetime(2025, 11, day, tzinfo=UTC), **BANK)


@pytest.fixture
def both(store):
    """The ticker and the National Bank of Kazakhstan, whose prints fall and rise with the same move of the tenge."""
    store.append([*snapshot_ticks(NOON - DAY), *snapshot_ticks(NOON), _of_bank("523.68", 13), _of_bank("521.11", 14)])
    store.append([tick("KZT/USD", "0.00192", observed_at=NOON + timedelta(minutes=15))])
    return store


DERIVED = {
    "quotes": fx.quotes,
    "changes": fx.changes,
    "resample": lambda store, **chosen: fx.resample(store, "day", **chosen),
    "drift": lambda store, **chosen: fx.drift(store, start="2025-11-13", end="2025-11-14", **chosen),
    "drift_series": fx.drift_series,
    "drift_by_period": lambda store, **chosen: fx.drift_by_period(store, "day", **chosen),
    "compare": fx.compare,
}


@pytest.mark.parametrize("name", DERIVED)
def test_every_derived_answer_has_one_direction(both, name):
    usual, per_usd = (set(DERIVED[name](both, **chosen)["pair"].astype(str)) for chosen in ({}, {"per_usd": True}))
    assert all(pair.endswith("/USD") for pair in usual)
    assert per_usd == {directed(pair, per_usd=True) for pair in usual}


def test_sources_that_print_opposite_directions_drift_to_the_same_side(both):
    found = DERIVED["drift"](both).set_index(["pair", "source"])["drift_pct"]
    assert found["KZT/USD", "timesca"] == pytest.approx(0.5236, abs=1e-4)
    assert found["KZT/USD", "nbk"] == pytest.approx(100 * (523.68 / 521.11 - 1))
    turned = DERIVED["drift"](both, per_usd=True).set_index(["pair", "source"])["drift_pct"]
    assert turned["USD/KZT", "timesca"] < 0 > turned["USD/KZT", "nbk"]


def test_pairs_that_are_named_keep_their_direction_and_per_usd_turns_them(both):
    assert set(fx.quotes(both, pairs=["USD/KZT", "KZT/UZS"])["pair"]) == {"USD/KZT", "KZT/UZS"}
    assert set(fx.quotes(both, pairs=["KZT", "USD/KZT", "KZT/UZS"], per_usd=True)["pair"]) == {"USD/KZT", "KZT/UZS"}


def test_what_is_stored_stays_as_printed(both):
    assert set(fx.load(both)["pair"]) == set(fx.latest(both)["pair"]) >= {"KZT/USD", "USD/KZT"}


def test_source_with_both_directions_at_an_instant_counts_once():
    frame = frame_of([shown("USD/KZT", "500.00"), shown("KZT/USD", "0.00191"), shown("USD/KZT", "510.00", NOON + DAY)])
    found = fx.quotes(frame)
    assert found["rate"].tolist() == [0.00191, pytest.approx(1 / 510)]
    assert found["rate_text"].tolist()[:1] == ["0.00191"]
    [row] = fx.drift(frame, start=NOON, end=NOON + DAY).itertuples()
    assert (row.pair, row.rate_start) == ("KZT/USD", 0.00191)


@given(true_and_printed())
@law(60)
def test_band_of_a_turned_rate_holds_the_inverse_of_the_true_one(drawn):
    true, text = drawn
    found = fx.quotes(frame_of([shown("USD/KZT", text), shown("KZT/USD", "1", NOON + DAY)]))
    row = found.iloc[0]
    assert row["pair"] == "KZT/USD"
    assert Fraction(row["rate_lo"]) <= 1 / true <= Fraction(row["rate_hi"])
    assert pd.isna(row["rate_text"])


@pytest.mark.parametrize(
    ("pairs", "sides"),
    [
        (["KZT/USD"], ("tenge weaker", "tenge stronger")),
        (["USD/KZT"], ("tenge stronger", "tenge weaker")),
        (["KZT/USD", "TJS/USD"], ("currency weaker", "currency stronger")),
        (["USD/KZT", "USD/TJS"], ("currency stronger", "currency weaker")),
        (["KZT/UZS"], ("tenge weaker", "tenge stronger")),
        (["KZT/UZS", "TJS/UZS"], ("first currency weaker", "first currency stronger")),
        (["XAU/USD"], ("XAU weaker", "XAU stronger")),
    ],
)
def test_sides_of_a_chart_are_named_in_words(pairs, sides):
    assert sides_of(pairs) == sides


@pytest.mark.parametrize("draw", [fx.plot_drift, fx.plot_path, fx.plot_heatmap], ids=["drift", "path", "heatmap"])
def test_chart_of_changes_in_both_directions_is_refused(both, draw):
    of = {fx.plot_drift: "drift", fx.plot_path: "drift_series", fx.plot_heatmap: "drift_by_period"}
    with pytest.raises(InvalidArgument, match=r"different directions.*: KZT/USD, USD/TJS"):
        draw(DERIVED[of[draw]](both, pairs=["KZT/USD", "USD/TJS"]))


def test_drift_chart_names_its_sides(both):
    [axis] = fx.plot_drift(DERIVED["drift"](both, pairs=["KZT"])).axes
    assert axis.get_xlabel().split("     ") == [*("← tenge weaker", "change in percent", "tenge stronger →")]


def test_history_draws_all_sources_of_a_currency_in_one_panel(both):
    for frame in (fx.load(both, pairs=["KZT/USD", "USD/KZT"]), fx.quotes(both, pairs=["KZT/USD", "USD/KZT"])):
        [panel] = fx.plot_history(frame).axes
        assert panel.get_ylabel() == "USD per KZT"
