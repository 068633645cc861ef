"""Peg hops: a pegged currency that comes back to a known level has changed by more than rounding, and not moved."""

from datetime import UTC, datetime, timedelta

import pytest
from builders import NOON, tick
from click.testing import CliRunner

import fxticker as fx
from fxticker.cli import app

DAY = timedelta(days=1)
BEFORE_DEVALUATION = datetime(2014, 12, 30, 12, tzinfo=UTC)


def _tmt(*rates, since=NOON, **changes):
    return [tick("TMT/USD", rate, "0%", since + DAY * number, **changes) for number, rate in enumerate(rates)]


def _hops(frame):
    return list(zip(frame["significant"], frame["peg_hop"], strict=True))


@pytest.mark.parametrize("pair", ["TMT/USD", "USD/TMT"])
@pytest.mark.parametrize("as_frame", [False, True])
def test_return_to_a_known_level_is_a_hop_and_a_new_level_is_not(store, pair, as_frame):
    store.append(_tmt("0.28490", "0.28571", "0.28490", "0.28615"))
    ticks = fx.load(store) if as_frame else store

    ends = [(NOON + DAY, NOON + 2 * DAY), (NOON, NOON + DAY), (NOON, NOON + 2 * DAY), (NOON, NOON + 3 * DAY)]
    drifts = [fx.drift(ticks, start=start, end=end, pairs=[pair]) for start, end in ends]

    assert [_hops(found)[0] for found in drifts] == [(True, True), (True, False), (False, False), (True, False)]
    by_day = fx.drift_by_period(ticks, "day", pairs=[pair])
    assert _hops(by_day)[1:] == [(True, False), (True, True), (True, False)]
    series = fx.drift_series(ticks, pairs=[pair], base=NOON + DAY)
    assert _hops(series) == [(True, False), (False, False), (True, True), (True, False)]


def test_levels_from_before_the_span_are_known(store):
    store.append(_tmt("0.28490", "0.28571", "0.28571", "0.28490"))
    since = NOON + 2 * DAY - timedelta(hours=1)
    assert _hops(fx.drift_series(store, start=since)) == [(False, False), (True, True)]
    assert _hops(fx.drift_by_period(store, "day", start=since))[-1:] == [(True, True)]


def test_level_that_only_goes_on_from_before_the_span_did_not_come_back(store):
    store.append(_tmt("0.28490", "0.28571", "0.28571", "0.28571"))
    found = fx.drift_series(store, start=NOON + 2 * DAY, base=NOON)
    assert set(_hops(found)) == {(True, False)}


def test_new_peg_is_a_move(store):
    store.append(_tmt("0.28571", since=BEFORE_DEVALUATION - 10 * DAY))
    store.append(_tmt("0.35088", "0.35088", "0.28571", since=BEFORE_DEVALUATION))
    [row] = fx.drift(store, start=BEFORE_DEVALUATION, end=BEFORE_DEVALUATION + 2 * DAY).itertuples()
    assert (row.significant, row.peg_hop) == (True, False)


def test_currency_without_a_peg_does_not_hop(store):
    texts = ("0.10798", "0.10840", "0.10798")
    store.append([tick("TJS/USD", text, "0%", NOON + DAY * number) for number, text in enumerate(texts)])
    [row] = fx.drift(store, start=NOON + DAY, end=NOON + 2 * DAY).itertuples()
    assert (row.significant, row.peg_hop) == (True, False)


def test_first_screen_counts_no_hop_among_the_moves(history_store):
    arguments = ["drift", "--start", "2025-11-13", "--end", "2025-12-14", "--store", str(history_store)]
    rows = [line.strip() for line in CliRunner().invoke(app, arguments).stdout.splitlines()[-5:]]
    verdicts = ["within rounding", "within rounding", "more than rounding", "peg hop", "equal at both ends"]
    assert [row.endswith(verdict) for row, verdict in zip(rows, verdicts, strict=True)] == [True] * 5
    figure = fx.plot_drift(fx.drift(history_store, start="2025-11-13", end="2025-12-14"))
    assert figure.get_suptitle().startswith("The somoni lost 0.15 to 0.18 % against the dollar, 2025-11-11")


def test_charts_name_hops(history_store):
    monthly = fx.plot_heatmap(fx.drift_by_period(history_store, "week", pairs=["TMT"]))
    assert "dotted: peg hop" in monthly.get_supxlabel().replace("\n", " ")
    path = fx.plot_path(fx.drift_series(history_store, pairs=["TMT"]))
    assert any("peg hop" in text.get_text() for text in path.axes[0].texts)


def test_level_that_was_first_shown_after_the_start_is_no_hop_however_often_it_is_shown(store):
    store.append(_tmt("0.28571", "0.28490", "0.28571", "0.25000", "0.25050", "0.25000"))
    [row] = fx.drift(store, start=NOON + 2 * DAY, end=NOON + 5 * DAY).itertuples()
    assert (row.significant, row.peg_hop) == (True, False)
    assert [*_hops(fx.drift_series(store, base=NOON + 2 * DAY))][-1] == (True, False)
    assert "to a newer level" in fx.plot_path(store).get_suptitle().replace("\n", " ")
    assert "to a newer level" in fx.plot_history(store).get_suptitle().replace("\n", " ")
    assert list(fx.changes(store)["peg_hop"]) == [False, False, True, False, False, True]


def test_levels_are_shown_in_turn_only_after_the_first_one_came_back(history_store):
    """0.28573 was first shown on 28 March, 0.28615 again on 29 March."""
    series = fx.drift_series(history_store, pairs=["TMT"], start="2025-02-08", end="2025-04-12")
    fallen = series[series["drift_pct"].round(3) == -0.147]
    assert [*zip(fallen["observed_at"].dt.strftime("%m-%d"), fallen["peg_hop"], strict=True)] == [
        ("03-28", False),
        ("04-01", True),
    ]
    ends = [fx.drift(history_store, pairs=["TMT"], start="2025-02-08", end=end) for end in ("2025-03-28", "2025-04-01")]
    assert [row["peg_hop"].item() for row in ends] == [False, True]


@pytest.mark.parametrize("base", ["2024-12-03", "2025-03-29", "2025-04-01", "2025-05-08", "2025-12-12"])
def test_newer_level_was_first_shown_after_that_of_the_base_and_one_of_a_hop_before(history_store, base):
    series = fx.drift_series(history_store, pairs=["TMT"], base=base, start=base)
    changed = series[series["significant"]]
    ticks = fx.load(history_store, pairs=["TMT"])
    base_at = series["base_at"].iloc[0]
    [base_text] = ticks.loc[ticks["observed_at"] == base_at, "rate_text"]
    for row in changed.itertuples():
        known = ticks[(ticks["observed_at"] < row.observed_at) & (ticks["observed_at"] >= base_at - 366 * DAY)]
        [text] = ticks.loc[ticks["observed_at"] == row.observed_at, "rate_text"]
        last_of_base = known.loc[known["rate_text"] == base_text, "observed_at"].max()
        was_shown = known.loc[known["rate_text"] == text, "observed_at"].min() < last_of_base
        assert row.peg_hop == was_shown
    assert len(changed)
