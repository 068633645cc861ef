"""The chart of rates as a reader has it: its scales, its title, its colours, and the hops of a pegged pair."""

from datetime import timedelta

import numpy as np
import pandas as pd
import pytest
from builders import NOON, snapshot_ticks, tick
from drawn import drawn, ticks_of
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.colors import same_color
from matplotlib.figure import Figure

import fxticker as fx
from fxticker.charts import plot_compare
from fxticker.charts.rate_axis import percent_axis, rate_axis
from fxticker.charts.style import themed

LEVELS = ["0.28571", "0.28490", "0.28571", "0.28490"]


def _history(texts, pair="KZT/USD", **options):
    at = [NOON + timedelta(minutes=15 * number) for number in range(len(texts))]
    return fx.plot_history(ticks_of({"pair": pair, "observed_at": at, "rate_text": texts}), **options)


def _in_sight(axis):
    low, high = sorted(axis.get_ylim())
    return [label.get_text() for label in axis.get_yticklabels() if low <= label.get_position()[1] <= high]


def _caption(figure):
    return figure.get_supxlabel().replace("\n", " ")


def _walls(panel):
    """The heights of the vertical lines of the steps."""
    values = [line.get_ydata() for line in panel.lines if line.get_drawstyle() == "steps-post"]
    moves = np.abs(np.concatenate([np.diff(line) for line in values]))
    return [move for move in moves.tolist() if move > 0]


@settings(max_examples=8, deadline=None)  # each draws
@given(
    st.integers(1, 10**6),
    st.lists(st.integers(-200, 200), min_size=1, max_size=4),
    st.sampled_from([1e-5, 0.01, 1.0]),
    st.booleans(),
)
def test_both_scales_have_four_ticks_and_agree_exactly(first, moves, quantum, is_printed):
    values = [quantum * max(first + move, 1) for move in (0, *moves)]
    panel = Figure().subplots()
    with themed("light") as palette:
        rate_axis(panel, min(values) - quantum / 2, max(values) + quantum / 2, [quantum] if is_printed else [])
        percent_axis(panel, values[0], palette)
    panel.figure.draw_without_rendering()
    [percent] = panel.child_axes
    assert [limit - values[0] for limit in panel.get_ylim()] == pytest.approx(
        [values[0] * limit / 100 for limit in percent.get_ylim()]
    )
    for axis in (panel, percent):
        assert 4 <= len(_in_sight(axis)) <= 9
        assert len({*_in_sight(axis)}) == len(_in_sight(axis))


def test_ticks_of_one_printed_value_are_the_ends_of_its_band():
    [panel] = drawn(_history(["0.00008"], "UZS/USD")).axes
    assert _in_sight(panel) == ["0.000070", "0.000075", "0.000080", "0.000085", "0.000090"]


def test_scales_have_thousands_separators_and_real_minus_signs():
    [panel] = drawn(_history(["12190", "12010"], "USD/UZS")).axes
    assert _in_sight(panel) == ["12,000", "12,050", "12,100", "12,150", "12,200"]
    assert _in_sight(panel.child_axes[0]) == [
        "\N{MINUS SIGN}1.5 %",
        "\N{MINUS SIGN}1.0 %",
        "\N{MINUS SIGN}0.5 %",
        "0 %",
    ]


@pytest.mark.parametrize(
    ("texts", "pair", "title"),
    [
        (["0.00191", "0.00194"], "KZT/USD", "The tenge gained 1.0 to 2.1 % against the dollar"),
        (
            ["0.00191", "0.00198", "0.00192"],
            "KZT/USD",
            "Rounding could explain the change of the tenge against the dollar from first to last value",
        ),
        (["521.10", "531.30"], "USD/KZT", "The dollar gained 2.0 % against the tenge"),
        (
            ["0.28571", "0.28490"],
            "TMT/USD",
            "The pegged manat lost 0.28 to 0.29 % against the dollar, to a newer level",
        ),
        (LEVELS, "TMT/USD", "The pegged manat came back to a level shown before"),
        (
            LEVELS[:3],
            "TMT/USD",
            "The digits allow −0.0035 to +0.0036 % for the pegged manat against the dollar: equal at both ends",
        ),
    ],
)
def test_title_states_what_the_bands_prove(texts, pair, title):
    assert _history(texts, pair).get_suptitle().replace("\n", " ").startswith(f"{title}, 2025-11-14 12:00 to ")


def test_title_of_several_pairs_has_the_moves_of_the_chart_of_changes(history_store):
    title = (
        "The somoni gained 11.8 to 11.9 % against the dollar; the tenge lost 3.8 to 4.8 %, the som 3.6 to 3.8 %, "
        "2024-09-08 to 2026-02-25"
    )
    ticks = fx.load(history_store)
    assert fx.plot_history(ticks).get_suptitle().replace("\n", " ") == title
    assert fx.plot_path(ticks).get_suptitle().replace("\n", " ") == title


def test_title_of_one_tick_is_its_rate():
    assert _history(["0.00191"]).get_suptitle() == "KZT/USD: 0.00191, 2025-11-14 12:00"


def test_hop_to_a_level_shown_before_is_a_mark_and_no_wall():
    [panel] = _history(LEVELS, "TMT/USD").axes
    assert _walls(panel) == pytest.approx([0.00081])  # the first time the lower level is news
    [marks] = [line for line in panel.lines if line.get_marker() == "D"]
    assert marks.get_ydata().tolist() == [0.28571, 0.2849]
    assert " Diamond: peg hop, back to a level that this chart shows before. " in _caption(_history(LEVELS, "TMT/USD"))


def test_many_hops_are_not_drawn_at_all():
    [panel] = _history(LEVELS * 20, "TMT/USD").axes
    assert len(_walls(panel)) == 1
    assert [line for line in panel.lines if line.get_marker() == "D"] == []
    text = " Peg hops, back to a level that this chart shows before, are not connected. "
    assert text in _caption(_history(LEVELS * 20, "TMT/USD"))


def test_caption_names_breaks_only_where_a_line_breaks():
    at = [NOON, NOON + timedelta(minutes=15), NOON + timedelta(days=9)]
    for number, is_told in ((2, False), (3, True)):
        frame = ticks_of({"pair": "KZT/USD", "observed_at": at[:number], "rate_text": "0.00191"})
        assert ("Lines break" in fx.plot_history(frame).get_supxlabel().replace("\n", " ")) == is_told


def test_hop_to_a_level_that_the_store_held_before_the_chart_is_no_wall(store):
    ticks = [tick("TMT/USD", text, None, NOON + timedelta(days=day)) for day, text in enumerate(LEVELS)]
    store.append(ticks)
    [panel] = fx.plot_history(store, pairs=["TMT/USD"], start="2025-11-16").axes
    assert _walls(panel) == []
    assert (
        fx.plot_history(store, pairs=["TMT/USD"], start="2025-11-16")
        .get_suptitle()
        .startswith("The pegged manat came back to a level shown before")
    )


def test_walls_of_pairs_without_a_peg_stay():
    [panel] = _history(["0.00191", "0.00193", "0.00191"]).axes
    assert len(_walls(panel)) == 2


def test_title_of_several_sources_is_about_the_ticker(store):
    ticks = [tick("USD/KZT", "12521.10", None, NOON + timedelta(days=day), source="bank") for day in (0, 1)]
    ticks += [tick("USD/KZT", text, None, NOON + timedelta(days=day)) for day, text in enumerate(["12400", "12810"])]
    store.append(ticks)
    figure = fx.plot_history(store)
    title = "The dollar gained 3.3 % against the tenge by timesca, 2025-11-14 12:00 to 2025-11-15 12:00"
    assert figure.get_suptitle().replace("\n", " ") == title
    assert {text.get_text() for text in figure.axes[0].texts} == {"12,521.10  bank", "12,810  timesca"}


def test_comparison_draws_no_crosses_that_would_hide_the_line():
    at = pd.date_range("2025-01-06T12:00Z", periods=80, freq="1D").as_unit("us")
    frame = pd.DataFrame(
        {"observed_at": at, "day": at.normalize(), "official_at": at.normalize(), "pair": "TMT/USD", "source": "cbr"}
    )
    frame = frame.assign(official=0.2, official_lo=0.2, official_hi=0.2, ticker=[0.28571, 0.2849] * 40, inside=False)
    frame = frame.assign(ticker_lo=frame["ticker"] - 1e-5, ticker_hi=frame["ticker"] + 1e-5)
    frame = frame.assign(**dict.fromkeys(["distance_pct", "distance_lo_pct", "distance_hi_pct"], 42.0))
    markers = {days: {line.get_marker() for line in plot_compare(frame[:days]).axes[0].lines} for days in (20, 80)}
    assert ("x" in markers[20], "D" in markers[20]) == (True, True)
    assert ("x" in markers[80], "D" in markers[80]) == (False, False)


def test_line_has_the_colour_of_its_currency_and_other_sources_an_ink(store):
    store.append([*snapshot_ticks(NOON), tick("KZT/USD", "0.00192", "0%", source="bank")])
    with themed("light") as palette:
        for number, panel in enumerate(fx.plot_history(store, sources=["timesca"]).axes):
            assert same_color(panel.texts[0].get_color(), palette.currencies[number])
        [panel] = fx.plot_history(store, pairs=["KZT/USD"]).axes
        colors = {text.get_text().split()[-1]: text.get_color() for text in panel.texts}
        assert colors == {"timesca": palette.currencies[1], "bank": palette.text}


def test_first_tick_of_time_names_the_year():
    [panel] = drawn(_history(["0.00191"] * 9)).axes
    low, high = panel.get_xlim()
    labels = [label.get_text() for label in panel.get_xticklabels() if low <= label.get_position()[0] <= high]
    assert labels[0].endswith("\n14 Nov\n2025")
    assert not any("2025" in label for label in labels[1:])
    assert panel.xaxis.get_offset_text().get_text() == ""
