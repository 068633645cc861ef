"""Quotes, drifts and periods by the rate: one source of each pair throughout, chosen by an order."""

from dataclasses import replace
from datetime import date

import pandas as pd
import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st
from laws import law
from rate_ticks import AT, DAY, PAIRS, TICKS, market, official, true_paths
from true_rates import frame_of

import fxticker as fx
from fxticker.cli import app
from fxticker.model.records import Outcome, Poll, TimeBasis

MORE = [
    *TICKS,
    *(market("KZT/USD", f"0.0020{number}", AT + number * DAY) for number in range(1, 10)),
    official("USD/UZS", "12142.10", "cbu", date(2026, 4, 3)),
    official("USD/KZT", "480.00", "nbk", date(2026, 4, 6)),
]
SPAN = {"start": "2026-04-01", "end": "2026-04-10"}


@pytest.fixture
def ticks():
    return frame_of(MORE)


def by_pair(frame, *columns):
    return {pair: [*map(tuple, rows[[*columns]].astype("str").to_numpy())] for pair, rows in frame.groupby("pair")}


def test_quotes_by_the_rate_are_of_one_source_and_a_cross_names_that_of_each_leg(ticks):
    frame = fx.quotes(ticks, sources="rate", pairs=["KZT/USD", "KZT/UZS"], **SPAN)
    assert by_pair(frame.assign(day=frame["observed_at"].dt.date), "source", "day") == {
        "KZT/USD": [("nbk", "2026-04-01"), ("nbk", "2026-04-06")],
        "KZT/UZS": [("nbk+cbu", "2026-04-01"), ("nbk+cbu", "2026-04-03"), ("nbk+cbu", "2026-04-06")],
    }
    cross = frame[frame["pair"] == "KZT/UZS"]["rate"]
    assert [*cross] == pytest.approx([12194.21 / 478.77, 12142.10 / 478.77, 12142.10 / 480])


def test_quotes_by_the_rate_have_the_columns_of_quotes(ticks):
    by_rate = fx.quotes(ticks, sources="rate", pairs=["KZT/USD", "KZT/UZS"])
    assert by_rate.dtypes.astype(str).to_dict() == fx.quotes(ticks).dtypes.astype(str).to_dict()
    only = fx.quotes(ticks, sources="rate", pairs="USD/KZT")
    assert [*only["rate_text"]] == ["478.77", "480.00"]


def test_order_decides_which_source_the_quotes_are_of(ticks):
    frame = fx.quotes(ticks, sources="rate", pairs="KZT", order="ticker,official", **SPAN)
    assert {*frame["source"]} == {"timesca"}
    assert len(frame) == 10


def test_pair_that_no_source_has_throughout_is_no_series_and_what_is_missing_is_named(ticks):
    match = (
        r"no source has KZT/USD, UZS/USD throughout: name other.*UZS/USD at all 30 .*cbu: lacks 13.*timesca: lacks 23"
    )
    with pytest.raises(fx.NoData, match=match):
        fx.quotes(ticks, sources="rate", pairs=["KZT", "UZS"], start="2026-04-01", end="2026-04-30")
    with pytest.raises(fx.NoData, match="no source has a rate of KZT/USD at all 41 instants"):
        fx.quotes(ticks, sources="rate", pairs=["KZT"], start="2026-03-01", end="2026-04-10")


def test_open_start_is_the_first_rate_of_the_source_and_open_end_the_last_of_any():
    early = [market("KZT/USD", "0.00211", AT - number * DAY) for number in range(1, 30)]
    frame = fx.quotes(frame_of([*MORE, *early]), sources="rate", pairs="KZT")
    assert ([*frame["source"]], frame["observed_at"][0].day) == (["nbk", "nbk"], 1)
    late = [market("KZT/USD", "0.00211", AT + number * 5 * DAY) for number in range(1, 6)]
    frame = fx.quotes(frame_of([*MORE, *late]), sources="rate", pairs="KZT")
    assert {*frame["source"]} == {"timesca"}


def test_span_without_a_new_rate_names_the_one_in_force(ticks):
    with pytest.raises(fx.NoData, match=r"nbk states no new rate of KZT/USD in the span: that of 2026-04-06 is in"):
        fx.quotes(ticks, sources="rate", pairs="KZT", start="2026-04-08", end="2026-04-09")
    assert fx.quotes(ticks[:0], sources="rate").empty


def test_rate_of_tomorrow_is_no_quote_of_today():
    today = pd.Timestamp.now("UTC").floor("D").to_pydatetime()
    days = [(today + number * DAY).date() for number in (-1, 0, 1)]
    shown = [official("USD/KZT", "478.77", "nbk", day) for day in days]
    polled = [replace(tick, observed_at=today - DAY, time_basis=TimeBasis.CLOCK) for tick in shown]
    frame = fx.quotes(frame_of(polled), sources="rate", pairs="KZT")
    assert [*frame["observed_at"].dt.date] == days[:2]


@pytest.mark.parametrize("function", [fx.quotes, fx.drift_series])
def test_order_is_for_the_rate_alone(ticks, function):
    with pytest.raises(ValueError, match="an order chooses a source only"):
        function(ticks, order="ticker")
    with pytest.raises(ValueError, match="chooses one source"):
        function(ticks, sources=["rate", "nbk"])


def test_series_by_the_rate_ends_with_the_drift_by_the_rate(ticks):
    pairs, base = ["KZT/USD", "KZT/UZS"], "2026-04-02"
    series = fx.drift_series(ticks, sources="rate", pairs=pairs, base=base, start="2026-04-03", end="2026-04-10")
    last = series.groupby("pair", observed=True).last()
    drift = fx.drift(ticks, sources="rate", pairs=pairs, start=base, end="2026-04-10").set_index("pair")
    assert [*last["source"]] == [*drift["source"]] == ["nbk", "nbk+cbu"]
    assert [*last["drift_pct"]] == pytest.approx([*drift["drift_pct"]])
    assert [*last["base_at"].dt.day] == [1, 1]


def test_base_of_a_series_by_the_rate_is_of_its_source():
    early = [market("KZT/USD", "0.00211", AT - 9 * DAY)]
    series = {"sources": "rate", "pairs": "KZT", "base": "2026-03-24", **SPAN}
    frame = fx.drift_series(frame_of([*MORE, *early]), **series)
    assert {*frame["source"]} == {"timesca"}
    with pytest.raises(fx.NoData, match="nbk: lacks 1 of 11 instants, the first 2026-03-24"):
        fx.drift_series(frame_of(MORE), **series)


def test_periods_by_the_rate_are_of_one_source(ticks):
    days = fx.drift_by_period(ticks, "day", sources="rate", pairs="KZT/UZS", **SPAN).dropna(subset="drift_pct")
    assert {*days["source"]} == {"nbk+cbu"}
    assert [*days["start_at"].dt.day] == [3, 6]
    assert [*days["drift_pct"]] == pytest.approx([100 * (12142.10 / 12194.21 - 1), 100 * (478.77 / 480 - 1)])


def test_changes_of_the_rate_are_those_of_one_source(ticks):
    runs = fx.changes(ticks, sources="rate", pairs="USD/KZT", **SPAN)
    assert [*zip(runs["source"], runs["rate_text"], strict=True)] == [("nbk", "478.77"), ("nbk", "480.00")]
    assert runs["drift_pct"][1] == pytest.approx(100 * (480 / 478.77 - 1))


def test_source_of_what_is_of_one_source_anyway_is_no_order(ticks):
    assert fx.peg(ticks, sources="rate").empty
    with pytest.raises(fx.NoData, match="no tick of rate"):
        fx.estimate(ticks, source="rate", max_move_pct=1)


def test_resampled_rate_has_the_polls_of_its_source(store):
    store.append(MORE)
    slots = [AT + hour * DAY / 24 for hour in range(4)]
    store.record([Poll("timesca", slot, Outcome.OK, ticks=5) for slot in slots])
    store.record([Poll("nbk", slot, Outcome.TIMEOUT if slot == AT else Outcome.OK, ticks=1) for slot in slots])
    frame = fx.resample(store, "month", sources="rate", pairs=["USD/KZT"], **SPAN)
    [row] = frame.to_dict("records")
    assert (row["source"], row["open"], row["close"], row["count"], row["coverage"]) == ("nbk", 478.77, 480, 2, 0.75)
    frame = fx.resample(store, "month", sources="rate", pairs=["USD/KZT"], order="ticker", **SPAN)
    assert [*frame["coverage"]] == [1]


@law(20)
@given(true_paths(), st.sampled_from([("official", "nbk", "cbu"), ("ticker", "timesca", "timesca")]))
def test_quotes_by_the_rate_are_the_rates_of_their_instants(drawn, chosen):
    ticks, truths = drawn
    order, *sources = chosen
    frame = fx.quotes(ticks, sources="rate", pairs=PAIRS, order=order, start="2026-04-01", end="2026-04-06")
    start = frame["observed_at"][0]  # 00:00 of a value date, noon of the ticker
    rates = fx.rate(ticks, PAIRS, order=order, start=start, end="2026-04-06", every="12h")
    both = frame.merge(rates, left_on=["pair", "observed_at"], right_on=["pair", "at"], suffixes=("", "_there"))
    assert len(both) == len(frame) >= len(PAIRS) * 5
    assert (both["source"].astype(str) == both["source_there"].astype(str)).all()
    for name in ("rate", "rate_lo", "rate_hi"):
        assert both[name].to_numpy() == pytest.approx(both[f"{name}_there"].to_numpy(), rel=1e-12)
    for row in frame.to_dict("records"):
        kzt, uzs = (
            truths[source, pair, row["observed_at"].date()] for source, pair in zip(sources, PAIRS, strict=False)
        )
        true = {PAIRS[0]: kzt, PAIRS[1]: uzs, PAIRS[2]: kzt / uzs}[row["pair"]]
        assert row["rate_lo"] <= float(true) <= row["rate_hi"]


@pytest.mark.parametrize("command", ["quotes", "drift-series", "drift-by-period", "changes", "resample"])
def test_commands_take_the_configured_order_for_the_rate(store, tmp_path, command):
    store.append(MORE)
    file = tmp_path / "config.toml"
    file.write_text('[store]\npath = "parquet"\n[rate]\norder = ["ticker"]\n')
    arguments = [command, "--source", "rate", "--pair", "KZT", "--start", "2026-04-01", "--format", "csv"]
    for place, source in ((["--config", str(file)], "timesca"), (["--store", str(store.backend)], "nbk")):
        shown = CliRunner().invoke(app, [*arguments, "--end", "2026-04-10", *place])
        assert shown.exit_code == 0, shown.output
        assert {source} == {"timesca", "nbk"} & {*shown.stdout.replace("\n", ",").split(",")}


def test_command_names_what_is_missing_and_the_nearest_ticks(store):
    store.append(MORE)
    arguments = ["quotes", "--source", "rate", "--pair", "KZT", "--store", str(store.backend), "--format", "csv"]
    shown = CliRunner().invoke(app, [*arguments, "--start", "2026-06-01", "--end", "2026-06-02"])
    assert shown.exit_code == 1
    assert (
        "nbk: lacks 2 of 2 instants, the last 2026-06-02 23:59, the first 2026-06-01 23:59 UTC: 55 d 23 h old, limit"
        in str(shown.exception)
    )
    assert "the nearest tick is of 2026-04-10 12:00 UTC" in str(shown.exception)
