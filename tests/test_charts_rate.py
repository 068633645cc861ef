"""Charts by the rate: one source of each pair, which the chart names."""

import numpy as np
import pytest
from click.testing import CliRunner
from rate_ticks import AT, DAY, TICKS, market, official
from true_rates import frame_of

import fxticker as fx
from fxticker.cli import app
from fxticker.model.records import Outcome, Poll

NIGHT = AT - DAY / 2
SPAN = {"start": "2026-04-01", "end": "2026-04-10"}
TICKER = [market("KZT/USD", f"0.0020{number}", AT + number * DAY) for number in range(10)]
BANK = [official("USD/KZT", f"{478 + number}.00", "nbk", (AT + number * DAY).date()) for number in range(0, 10, 3)]
BOTH = [*TICKS[3:], *TICKER, *BANK, official("USD/UZS", "12142.10", "cbu", AT.date() + 4 * DAY)]


@pytest.fixture
def ticks():
    return frame_of(BOTH)


@pytest.fixture
def filled(store):
    store.append(BOTH)
    slots = [AT + hour * DAY / 24 for hour in range(4)]
    store.record([Poll(name, slot, Outcome.TIMEOUT) for name in ("nbk", "timesca") for slot in slots])
    return store


def texts_of(figure):
    labels = [note.get_text() for axis in figure.axes for note in axis.texts]
    return " ".join([figure.get_suptitle(), figure.get_supxlabel(), *labels]).replace("\n", " ")


def test_rates_are_drawn_with_their_band_and_their_source(ticks):
    rates = fx.rate(ticks, "KZT", **SPAN)
    figure = fx.plot_history(rates)
    panel = figure.axes[0]
    assert {rate for line in panel.lines for rate in line.get_ydata()} == {*rates["rate"]}
    bands = np.concatenate([path.vertices[:, 1] for each in panel.collections for path in each.get_paths()])
    assert (bands.min(), bands.max()) == pytest.approx((rates["rate_lo"].min(), rates["rate_hi"].max()))
    assert "Source: nbk (nationalbank.kz). 10 look-ups of 4 ticks on 4 of 10 days" in texts_of(figure)
    assert " Dot: the last rate as of that instant, of a day as of its end. " in texts_of(figure)


@pytest.mark.parametrize(
    ("every", "counts"), [("6h", "40 look-ups of 24 ticks on 6"), ("1D", "10 look-ups of 6 ticks on 6")]
)
def test_rate_that_no_tick_follows_for_long_is_not_drawn_as_one_that_rested(every, counts):
    hours = [hour for hour in range(0, 240, 6) if not 72 <= hour < 168]
    ticks = frame_of([market("KZT/USD", f"0.0020{hour // 24}", NIGHT + hour * DAY / 24) for hour in hours])

    figure = fx.plot_history(fx.rate(ticks, "KZT", every=every, **SPAN))

    words = texts_of(figure)
    assert f"{counts} of 10 days, UTC" in words
    assert "that repeat a tick across a gap. Lines break over three usual distances of values, and at" in words
    assert "Dot: the last rate as of that instant, of a day as of its end." in words


def test_last_rate_is_of_the_date_of_its_tick_and_not_of_its_look_up(ticks):
    assert "nbk of 2026-04-07" in texts_of(fx.plot_history(fx.rate(ticks, ["KZT", "UZS"], at="2026-04-09")))


def test_rate_of_a_bank_is_drawn_over_a_weekend_and_a_fixed_one_always():
    ticks = frame_of(
        [official("USD/KZT", f"{478 + day}.00", "nbk", NIGHT.date() + day * DAY) for day in (0, 1, 2, 6, 7)]
    )
    for shown, pair, order in ((ticks, "KZT", "official"), (frame_of(TICKS), "TMT", "peg")):
        assert "Not drawn" not in texts_of(fx.plot_history(fx.rate(shown, pair, order=order, **SPAN)))


def test_cross_of_two_banks_names_both_and_a_fixed_rate_has_a_panel(ticks):
    figure = fx.plot_history(fx.rate(ticks, ["KZT/UZS", "TMT/USD"], at="2026-04-03", order="official,peg"))
    words = texts_of(figure)
    assert "nbk (nationalbank.kz) + cbu (cbu.uz), tmt-peg." in words
    assert [axis.get_title(loc="left").split()[0] for axis in figure.axes[:2]] == ["KZT/UZS", "TMT/USD"]


def test_pair_without_a_rate_is_named_with_its_reason(ticks):
    words = texts_of(fx.plot_history(fx.rate(ticks, ["KZT", "TMT"], at=AT + 60 * DAY)))
    assert "Left out: KZT/USD (no source has a rate at 2026-05-31 12:00 UTC; nbk: 50 d" in words


def test_store_is_drawn_by_the_order_that_is_asked_for_and_by_the_polls_of_the_ticker_alone(filled):
    span = {"pairs": "KZT", "sources": "rate", **SPAN}
    assert "Source: nbk (nationalbank.kz). 4 values on 4 of 10 days, UTC. " in texts_of(fx.plot_history(filled, **span))
    by_ticker = texts_of(fx.plot_history(filled, order="ticker", **span))
    assert "Source: timesca (timesca.com). 10 values on 10 of 10 days, UTC; 0 of 4 polls successful" in by_ticker


def test_lone_source_of_a_panel_has_the_colour_of_its_currency(filled):
    alone = fx.plot_history(filled, pairs="KZT", sources="rate", **SPAN)
    beside = fx.plot_history(filled, pairs=["KZT", "KZT/UZS"], sources="rate", **SPAN)
    assert beside.axes[0].lines[0].get_color() == alone.axes[0].lines[0].get_color()


@pytest.mark.parametrize("plot", [fx.plot_path, fx.plot_heatmap])
def test_changes_by_the_rate_are_those_of_one_source(filled, plot):
    period = {"freq": "day"} if plot is fx.plot_heatmap else {}
    for order, source, other in ((None, "nbk", "timesca"), ("ticker", "timesca", "nbk")):
        words = texts_of(plot(filled, pairs="KZT", sources="rate", order=order, **period, **SPAN))
        assert source in words
        assert other not in words


@pytest.mark.parametrize("chart", ["history", "path", "heatmap"])
def test_commands_take_the_configured_order(filled, tmp_path, chart):
    file = tmp_path / "config.toml"
    file.write_text('[store]\npath = "parquet"\n[rate]\norder = ["ticker"]\n')
    output = tmp_path / "chart.svg"
    arguments = ["plot", chart, "--source", "rate", "--pair", "KZT", "--start", "2026-04-01", "--end", "2026-04-10"]
    arguments += ["--every", "day"] if chart == "heatmap" else []
    shown = CliRunner().invoke(app, [*arguments, "--config", str(file), "-o", str(output)])
    assert shown.exit_code == 0, shown.output
    assert "timesca" in output.read_text("utf-8")
