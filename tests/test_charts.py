import sys
from datetime import UTC, datetime, timedelta
from subprocess import run

import numpy as np
import pandas as pd
import pytest
from builders import NOON, snapshot_ticks, tick
from drawn import drawn, outside, overlapping, polls_of, regular, ticks_of
from matplotlib.collections import LineCollection
from matplotlib.colors import same_color

import fxticker as fx
from fxticker.analysis.quotes import quotes
from fxticker.charts import plot_compare, plot_coverage, plot_heatmap, plot_path, save_figure
from fxticker.charts.causes import CAUSES
from fxticker.charts.style import color_of, themed
from fxticker.model.records import Origin, Outcome, Poll

with themed("light") as LIGHT:
    pass


def _step_lines(panel):
    return [line for line in panel.lines if line.get_drawstyle() == "steps-post"]


def _pieces(line):
    """How many values each unbroken piece of a line has."""
    breaks = np.flatnonzero(np.isnan(line.get_ydata()))
    return [len(piece) - (number > 0) for number, piece in enumerate(np.split(line.get_ydata(), breaks))]


def _ticks_at(minutes):
    return [tick(observed_at=NOON + timedelta(minutes=minute)) for minute in minutes]


def _labels(panel):
    return [text.get_text() for text in panel.texts]


def _path(rows):
    columns = ["observed_at", "pair", "drift_pct", "drift_lo_pct", "drift_hi_pct", "significant"]
    frame = pd.DataFrame(rows, columns=columns)
    at = pd.to_datetime(frame["observed_at"], utc=True).dt.as_unit("us")
    return frame.assign(source="timesca", observed_at=at, base_at=at.min())


def _periods(percents, significant, starts, *, from_at=None):
    """Changes whose closes are an hour after the begin of their own and the period before, or as given."""
    at = pd.to_datetime(starts, utc=True).as_unit("us")
    hour = pd.Timedelta(hours=1)
    begun = at[[0, *range(len(at) - 1)]] + hour if from_at is None else pd.to_datetime(from_at, utc=True)
    frame = pd.DataFrame({"source": "timesca", "pair": "KZT/USD", "start_at": at, "drift_pct": percents})
    frame = frame.assign(from_at=begun, to_at=at + hour)
    return frame.assign(
        significant=significant, drift_lo_pct=frame["drift_pct"] - 0.5, drift_hi_pct=frame["drift_pct"] + 0.5
    )


def test_history_has_a_panel_per_pair_with_units_and_last_values(store):
    store.append(snapshot_ticks(NOON) + snapshot_ticks(NOON + timedelta(minutes=15)))
    figure = fx.plot_history(fx.load(store))
    assert [panel.get_title(loc="left") for panel in figure.axes] == [
        "KGS/USD",
        "KZT/USD",
        "TJS/USD",
        "TMT/USD   dashed: official peg, 3.5 TMT per USD",
        "UZS/USD",
    ]
    assert figure.axes[1].get_ylabel() == "USD per KZT"
    assert [_labels(panel) for panel in figure.axes] == [
        ["0.01144"],
        ["0.00191"],
        ["0.10840"],
        ["0.28571"],
        ["0.00008"],
    ]


def test_history_says_what_is_seen_and_what_it_rests_on(store):
    store.append(_ticks_at([0, 15]))
    figure = fx.plot_history(fx.load(store))
    assert figure.get_suptitle().replace("\n", " ") == (
        "The digits allow −0.6 to +0.6 % for the tenge against the dollar: equal at both ends, "
        "2025-11-14 12:00 to 12:15"
    )
    assert figure.get_supxlabel().replace("\n", " ") == (
        "Source: timesca (timesca.com). 2 values on 1 of 1 day, UTC. Band: what the printed digits allow. "
        f"Right: percent from the first value. Up: tenge stronger. fxticker {fx.__version__}."
    )


def test_history_of_one_pair_names_it_once(store):
    store.append([*_ticks_at([0, 15]), tick("TMT/USD", "0.28571", "0%")])
    assert [panel.get_title(loc="left") for panel in fx.plot_history(fx.load(store, pairs=["KZT/USD"])).axes] == [""]
    [pegged] = fx.plot_history(fx.load(store, pairs=["TMT/USD"])).axes
    assert pegged.get_title(loc="left") == "dashed: official peg, 3.5 TMT per USD"


def test_history_shows_the_bands_of_lone_values_wider_than_their_dots(store):
    store.append(_ticks_at([0, 15, 30, 45, 3000, 9000]))
    [panel] = fx.plot_history(fx.load(store)).axes
    [strokes] = [piece for piece in panel.collections if isinstance(piece, LineCollection)]
    assert len(strokes.get_segments()) == 4  # of the narrow piece its first and its last, and of each lone value
    assert strokes.get_segments()[0][:, 1].tolist() == [0.001905, 0.001915]
    [dots] = [line for line in panel.lines if line.get_marker() == "o"]
    assert strokes.get_linewidth()[0] > dots.get_markersize()


def test_history_draws_steps_inside_the_rounding_band(store):
    store.append(_ticks_at([0, 15, 30]))
    [panel] = fx.plot_history(fx.load(store)).axes
    [line] = _step_lines(panel)
    assert line.get_ydata().tolist() == [0.00191, 0.00191, 0.00191]
    extent = panel.collections[0].get_paths()[0].get_extents()
    assert (extent.y0, extent.y1) == (pytest.approx(0.001905), pytest.approx(0.001915))


def test_history_does_not_draw_across_a_gap(store):
    store.append(_ticks_at([0, 15, 30, 45, 60, 600, 615]))
    [panel] = fx.plot_history(fx.load(store)).axes
    [line] = _step_lines(panel)
    assert _pieces(line) == [5, 2]


def test_history_breaks_where_a_poll_gave_no_tick_and_shades_it_by_its_cause():
    polls = polls_of(["ok", "ok", "timeout", "timeout", "ok", "ok", "missed"])
    held = polls["slot"][polls["outcome"] == "ok"] + pd.Timedelta(seconds=2)
    frame = ticks_of({"pair": "KZT/USD", "observed_at": held, "rate_text": "0.00191"})
    [panel] = fx.plot_history(frame, polls=polls).axes
    [line] = _step_lines(panel)
    assert _pieces(line) == [2, 2]
    assert [text.get_text() for text in panel.get_legend().get_texts()] == ["no answer"]
    [shade] = [piece for piece in panel.collections if piece.get_alpha() == 0.3]
    days = shade.get_paths()[0].get_extents()
    assert [round((days.x0 % 1) * 96), round((days.x1 % 1) * 96)] == [2, 4]


def test_history_does_not_break_at_an_old_page_whose_ticks_are_stored():
    polls = polls_of(["ok", "stale", "stale", "ok"])
    frame = ticks_of({"pair": "KZT/USD", "observed_at": polls["slot"], "rate_text": "0.00191"})
    [panel] = fx.plot_history(frame, polls=polls).axes
    [line] = _step_lines(panel)
    assert _pieces(line) == [4]


def test_history_shows_that_nobody_looked_before_the_first_tick():
    polls = polls_of(["missed"] * 10 + ["ok"] * 10)
    frame = ticks_of({"pair": "KZT/USD", "observed_at": polls["slot"][10:], "rate_text": "0.00191"})
    figure = fx.plot_history(frame, polls=polls)
    [panel] = figure.axes
    assert panel.get_xlim()[0] < polls["slot"][0].timestamp() / 86_400
    assert "10 of 20 polls successful" in figure.get_supxlabel()


def test_history_of_several_sources_shades_only_where_none_looked():
    one = polls_of(["ok", "timeout", "timeout", "ok", "ok"], source="a")
    other = polls_of(["ok", "ok", "missed", "missed", "ok"], source="b")
    frames = [
        ticks_of({"pair": "KZT/USD", "observed_at": one["slot"][[0, 4]], "rate_text": "0.00191", "source": name})
        for name in "ab"
    ]
    polls = pd.concat([one, other]).astype({"source": "category"})
    [panel] = fx.plot_history(pd.concat(frames).astype({"source": "category"}), polls=polls).axes
    [shade] = [piece for piece in panel.collections if piece.get_alpha() == 0.3]
    [path] = shade.get_paths()
    assert [round((end % 1) * 96) for end in (path.get_extents().x0, path.get_extents().x1)] == [2, 3]


@pytest.mark.parametrize("minutes", [[0], [0, 15], [0, 15, 3000], [0, 3000, 3015]])
def test_history_of_few_ticks_keeps_every_text_apart_and_on_the_canvas(store, minutes):
    store.append(_ticks_at(minutes))
    figure = fx.plot_history(fx.load(store))
    assert outside(figure) == []
    assert overlapping(figure) == []


def test_history_of_two_sources_names_them_in_one_panel(store):
    store.append([*snapshot_ticks(NOON)[:1], tick("KGS/USD", "0.01145", "0%", source="other")])
    [panel] = fx.plot_history(fx.load(store)).axes
    assert _labels(panel) == ["0.01145  other", "0.01144  timesca"]


def test_labels_of_seven_sources_with_one_value_do_not_overlap(store):
    store.append([tick("KGS/USD", "0.01144", "0%", source=f"bank{number}") for number in range(7)])
    figure = fx.plot_history(fx.load(store))
    assert len(figure.axes[0].texts) == 7
    assert overlapping(figure) == []
    assert outside(figure) == []


def test_inverse_history_says_its_last_range_and_unit(store):
    store.append(_ticks_at([0, 15]))
    [panel] = fx.plot_history(quotes(store, pairs=["USD/KZT"])).axes
    assert panel.get_ylabel() == "KZT per USD"
    assert _labels(panel) == ["522.1 to\n525.0"]


def test_peg_line_stands_at_the_official_rate(store):
    store.append([tick("TMT/USD", "0.28490", "0%")])
    [panel] = fx.plot_history(fx.load(store)).axes
    [peg] = [line for line in panel.lines if line.is_dashed()]
    assert peg.get_ydata()[0] == pytest.approx(2 / 7)
    low, high = panel.get_ylim()
    assert low < 2 / 7 < high


@pytest.mark.slow
def test_whole_history_keeps_every_text_apart_and_on_the_canvas(history_store):
    figure = fx.plot_history(fx.load(history_store), theme="dark")  # both themes have the same sizes
    assert (outside(figure), overlapping(figure)) == ([], [])


def test_a_week_of_polls_is_drawn_value_by_value():
    frame = ticks_of({"pair": "KZT/USD", "observed_at": regular(672), "rate_text": "0.00191"})
    [panel] = fx.plot_history(frame).axes
    assert len(_step_lines(panel)[0].get_ydata()) == 672


def test_many_values_are_reduced_to_changes_exactly():
    texts = ["0.00191"] * 30_000 + ["0.00192"] + ["0.00191"] * 30_000
    frame = ticks_of({"pair": "KZT/USD", "observed_at": regular(60_001, "1min"), "rate_text": texts})
    figure = fx.plot_history(frame)
    [line] = _step_lines(figure.axes[0])
    assert line.get_ydata().tolist() == [0.00191, 0.00192, 0.00191, 0.00191]
    assert "60,001 values on 42 of 42 days" in figure.get_supxlabel()


def test_many_changes_are_reduced_with_their_extremes_and_gaps():
    digits = np.where(np.arange(50_000) % 2, 191, 192)
    digits[[12_345, 33_333]] = 150, 250
    at = regular(50_000, "1min") + pd.to_timedelta(np.where(np.arange(50_000) < 20_000, 0, 600), unit="h")
    frame = ticks_of({"pair": "KZT/USD", "observed_at": at, "rate_text": [f"{value / 1e5:.5f}" for value in digits]})
    [line] = _step_lines(fx.plot_history(frame).axes[0])
    values = line.get_ydata()
    assert len(values) < 10_000
    assert (np.nanmin(values), np.nanmax(values)) == (0.0015, 0.0025)
    assert np.isnan(values).sum() == 1


def test_unsorted_ticks_draw_the_same_line():
    frame = ticks_of({"pair": "KZT/USD", "observed_at": regular(9), "rate_text": [f"0.0019{n}" for n in range(9)]})
    lines = [_step_lines(fx.plot_history(one).axes[0])[0] for one in (frame, frame[::-1])]
    assert lines[0].get_ydata().tolist() == lines[1].get_ydata().tolist()


def test_drift_tells_significant_changes_in_words(history_store):
    frame = fx.drift(history_store, start="2024-09-08", end="2026-02-25")
    figure = fx.plot_drift(frame)
    [axis] = figure.axes
    assert {"+11.851 %", "+11.839 to +11.862 %   more than rounding"} < {*_labels(axis)}
    assert {"−0.4368 %", "−0.4404 to −0.4333 %   peg hop"} < {*_labels(axis)}
    assert figure.get_suptitle().replace("\n", " ") == (
        "The somoni gained 11.8 to 11.9 % against the dollar; the tenge lost 3.8 to 4.8 %, the som 3.6 to 3.8 %, "
        "2024-09-08 to 2026-02-25"
    )
    narrow = fx.plot_drift(frame, figsize=(7.4, 5)).get_suptitle()
    assert "the tenge lost 3.8 to\n4.8 %, the som" in narrow  # at a word a unit would begin the line


def test_drift_writes_what_its_axis_cannot_resolve_and_does_not_draw_it(history_store):
    frame = fx.drift(history_store, start="2024-09-08", end="2026-02-25")
    figure = fx.plot_drift(frame)
    [axis] = figure.axes
    assert "cannot be told: the printed digits allow −12 to +14 %" in _labels(axis)
    assert len([line for line in axis.lines if line.get_marker() == "o"]) == 4
    assert axis.get_xscale() == "linear"
    assert "Not drawn" in figure.get_supxlabel()


def test_drift_of_other_dates_than_the_others_has_its_own_and_no_part_in_the_title(store):
    days = [NOON + timedelta(days=number) for number in (0, 3, 5)]
    store.append([tick("KZT/USD", "0.00191", None, days[0]), tick("KZT/USD", "0.00201", None, days[2])])
    bank = [tick("KZT/USD", text, None, day, source="nbk") for text, day in (("0.0019", days[0]), ("0.0021", days[1]))]
    store.append(bank)
    figure = fx.plot_drift(fx.drift(store, start=days[0], end=days[2]))
    assert [label.split("\n")[1:] for label in _labels(figure.axes[0]) if " to " in label] == [
        [],
        ["2025-11-14 to 2025-11-17"],
    ]
    title = "The tenge gained 4.6 to 5.8 % against the dollar by timesca, 2025-11-14 to 2025-11-19"
    assert figure.get_suptitle().replace("\n", " ") == title


def test_title_of_a_drift_at_a_weekend_is_about_the_rates_that_ended_on_friday(store):
    at = [datetime(2025, 12, day, tzinfo=UTC) for day in (3, 26, 28)]
    banks = {"USD/KZT": ("nbk", "512.00", "520.00"), "USD/TJS": ("nbt", "9.2200", "9.3200")}
    for pair, (bank, *texts) in banks.items():
        store.append([tick(pair, text, None, day, source=bank) for text, day in zip(texts, at[:2], strict=True)])
    store.append([tick("TMT/USD", "0.28571", None, day) for day in at[::2]])
    figure = fx.plot_drift(store, start=at[0], end=at[2])
    assert figure.get_suptitle().replace("\n", " ") == (
        "The tenge lost 1.5 % against the dollar, the somoni 1.1 %, 2025-12-03 to 2025-12-26"
    )
    assert [label.partition("\n")[2] for label in _labels(figure.axes[0]) if " to " in label] == [
        "",
        "",
        "2025-12-03 to 2025-12-28",
    ]


def test_title_of_a_drift_has_the_times_of_the_source_that_it_is_about(store):
    at = [NOON + timedelta(minutes=15), NOON + timedelta(days=1)]
    store.append([tick("TJS/USD", text, None, day) for text, day in zip(("0.10840", "0.10863"), at, strict=True)])
    store.append([tick("TJS/USD", "0.10840", None, day, source="nbt") for day in (NOON, at[1] - timedelta(hours=1))])
    title = fx.plot_drift(store, start=at[0], end=at[1]).get_suptitle().replace("\n", " ")
    assert title.endswith(" % against the dollar by timesca, 2025-11-14 12:15 to 2025-11-15 12:00")


def test_drift_within_rounding_fills_no_axis(history_store):
    [axis] = fx.plot_drift(fx.drift(history_store, start="2026-02-23", end="2026-02-25")).axes
    low, high = axis.get_xlim()
    assert low < -1
    assert high > 1


def test_drift_of_a_wide_band_alone_is_drawn(history_store):
    figure = fx.plot_drift(fx.drift(history_store, start="2025-11-13", end="2025-12-14", pairs=["UZS/USD"]))
    assert _labels(figure.axes[0]) == ["0 %", "−12 to +14 %   equal at both ends"]
    assert figure.get_suptitle().replace("\n", " ") == (
        "The digits allow −12 to +14 % for the sum against the dollar: equal at both ends, 2025-11-11 to 2025-12-14"
    )


def test_drift_puts_the_largest_rise_on_top(history_store):
    frame = fx.drift(history_store, start="2024-09-08", end="2026-02-25")
    [axis] = fx.plot_drift(frame).axes
    upwards = [label.get_text() for label in axis.get_yticklabels()]
    assert upwards == ["UZS/USD", "KZT/USD", "KGS/USD", "TMT/USD", "TJS/USD"]  # what is not drawn stands below


@pytest.mark.parametrize("pairs", [["TJS/USD"], ["UZS/USD"], ["KGS/USD", "TMT/USD"], None])
def test_drift_keeps_every_text_apart_and_on_the_canvas(history_store, pairs):
    frame = fx.drift(history_store, start="2024-09-08", end="2026-02-25", pairs=pairs)
    figure = fx.plot_drift(frame)
    assert (outside(figure), overlapping(figure)) == ([], [])


def test_path_labels_each_rate_with_its_last_change():
    rows = [
        ("2025-11-10", "KZT/USD", 0.0, -0.5, 0.5, False),
        ("2025-11-10", "UZS/USD", 0.0, -12.0, 13.0, False),
        ("2025-11-11", "KZT/USD", 2.0, 1.5, 2.6, True),
        ("2025-11-11", "UZS/USD", 0.0, -12.0, 13.0, False),
    ]
    figure = plot_path(_path(rows))
    [axis] = figure.axes
    assert _labels(axis) == ["KZT/USD +2.0 %"]
    assert axis.get_title(loc="left") == "Not drawn: UZS/USD, whose printed digits allow −12 to +13 %"
    assert figure.get_suptitle() == "The tenge gained 1.5 to 2.6 % against the dollar, 2025-11-10 to 2025-11-11"
    assert (outside(figure), overlapping(figure)) == ([], [])


def test_path_draws_the_widest_band_below_the_others():
    rows = [
        (day, pair, 0.0, -half, half, False)
        for day in ("2025-11-10", "2025-11-11", "2025-11-12")
        for pair, half in (("KGS/USD", 0.09), ("KZT/USD", 0.5))
    ]
    [axis] = plot_path(_path(rows)).axes
    colors = [color_of(pair, LIGHT) for pair in ("KZT/USD", "KGS/USD")]
    assert [line.get_color() for line in _step_lines(axis)] == colors


def test_path_draws_the_lines_of_the_ticker_solid_and_those_of_a_bank_dashed():
    rows = _path([(day, "KZT/USD", 0.0, -0.5, 0.5, False) for day in ("2025-11-10", "2025-11-11")])
    figure = plot_path(pd.concat([rows.assign(source="nbk"), rows], ignore_index=True))
    assert sorted(_labels(figure.axes[0])) == [
        "KZT/USD (nbk, dashed ■) 0 %, equal at both ends",
        "KZT/USD (timesca) 0 %, equal at both ends",
    ]


def test_path_of_a_wide_band_alone_is_drawn():
    [axis] = plot_path(_path([("2025-11-10", "UZS/USD", 0.0, -12.0, 13.0, False)])).axes
    assert len(_step_lines(axis)) == 1
    assert axis.get_title(loc="left") == ""


def test_path_states_the_date_of_a_change_that_is_old_and_no_finding_of_it():
    rows = [
        (day, pair, *drift)
        for day, drift in (("2025-10-31", (0.0, 0.0, 0.0, False)), ("2025-11-01", (2.0, 1.5, 2.6, True)))
        for pair in ("KZT/USD", "TJS/USD")
    ]
    figure = plot_path(_path([*rows, ("2025-11-30", "TJS/USD", 3.0, 2.9, 3.1, True)]))
    assert _labels(figure.axes[0]) == ["KZT/USD +2.0 % by 2025-11-01", "TJS/USD +3.00 %"]
    assert figure.get_suptitle().startswith("The somoni gained 2.9 to 3.1 % against the dollar, ")


def test_path_of_real_history_keeps_every_text_apart_and_on_the_canvas(history_store):
    figure = plot_path(fx.drift_series(history_store), theme="dark")  # both themes have the same sizes
    assert (outside(figure), overlapping(figure)) == ([], [])


def test_path_does_not_draw_across_a_gap():
    days = ["2025-11-01", "2025-11-02", "2025-11-03", "2025-11-20", "2025-11-21"]
    [axis] = plot_path(_path([(day, "KZT/USD", 0.0, -0.5, 0.5, False) for day in days])).axes
    [line] = _step_lines(axis)
    assert _pieces(line) == [3, 2]


def test_heatmap_hatches_what_rounding_explains_and_leaves_missing_cells_empty():
    starts = ["2025-08-01", "2025-09-01", "2025-10-01", "2025-11-01"]
    frame = _periods([1.0, 0.0, np.nan, -2.0], [True, False, False, True], starts)
    figure = plot_heatmap(frame)
    axis = figure.axes[0]
    mesh, hatched = axis.collections
    assert mesh.get_array().tolist() == [[1.0, None, None, -2.0]]
    assert hatched.get_hatch() == "////"
    assert same_color(hatched.get_facecolor()[0], LIGHT.still)
    [piece] = hatched.get_paths()
    months = [
        pd.Timestamp(day, unit="D").strftime("%Y-%m-%d") for day in (piece.get_extents().x0, piece.get_extents().x1)
    ]
    assert months == ["2025-09-01", "2025-10-01"]
    assert _labels(axis) == ["+1.0", "0", "−2.0"]
    assert figure.get_suptitle().replace("\n", " ") == (
        "Largest proven change from one month to the next: the tenge lost 1.5 to 2.5 % against the dollar, "
        "2025-10-01 to 2025-11-01"
    )


def test_heatmap_frames_a_change_of_several_periods_and_gives_it_the_colour_of_none():
    starts = ["2025-08-01", "2025-09-01", "2025-10-01", "2025-11-01"]
    figure = plot_heatmap(
        _periods([1.0, np.nan, 2.0, -2.0], [True] * 4, starts, from_at=["2025-07-05", None, "2025-08-05", "2025-10-05"])
    )
    axis = figure.axes[0]
    mesh, frame = axis.collections
    assert mesh.get_array().tolist() == [[1.0, None, None, -2.0]]
    [piece] = frame.get_paths()
    ends = [pd.Timestamp(day, unit="D") for day in (piece.get_extents().x0, piece.get_extents().x1)]
    assert ends == [pd.Timestamp("2025-09-01"), pd.Timestamp("2025-11-01")]
    assert len(frame.get_facecolor()) == 0
    [number] = [text for text in axis.texts if text.get_text() == "+2.0"]
    assert pd.Timestamp(number.get_position()[0], unit="D") == pd.Timestamp("2025-10-01 12:00")
    assert "Frame: one change over all its periods" in figure.get_supxlabel().replace("\n", " ")


def test_heatmap_without_empty_periods_speaks_of_no_frame():
    figure = plot_heatmap(_periods([0.5, -3.0], [True, True], ["2025-11-03", "2025-11-10"]))
    assert "Frame" not in figure.get_supxlabel()


def test_heatmap_labels_periods_in_the_middle_of_their_cells():
    starts = ["2025-11-01", "2025-12-01", "2026-01-01"]
    [axis, _] = plot_heatmap(_periods([0.5, -3.0, 1.0], [True] * 3, starts)).axes
    middles = [pd.Timestamp(day, unit="D") for day in axis.get_xticks()]
    assert middles == [pd.Timestamp("2025-11-16"), pd.Timestamp("2025-12-16 12:00"), pd.Timestamp("2026-01-16 12:00")]
    assert [label.get_text() for label in axis.get_xticklabels()] == ["Nov\n2025", "Dec", "Jan\n2026"]


@pytest.mark.parametrize(("number", "rotation", "width_in"), [(12, 0, 8), (36, 90, 8), (84, 90, 11.18)])
def test_heatmap_turns_its_numbers_upright_and_grows_for_them(number, rotation, width_in):
    starts = pd.date_range("2018-01-01", periods=number, freq="MS").astype(str).tolist()
    figure = plot_heatmap(_periods([-1.5] * number, [True] * number, starts))
    assert figure.get_figwidth() == pytest.approx(width_in)
    assert {text.get_rotation() for text in figure.axes[0].texts} == {rotation}
    assert len(_labels(figure.axes[0])) == number


def test_heatmap_says_that_its_numbers_have_no_room():
    starts = pd.date_range("2018-01-01", periods=84, freq="MS").astype(str).tolist()
    figure = plot_heatmap(_periods([-1.5] * 84, [True] * 84, starts), figsize=(8, 3))
    assert _labels(figure.axes[0]) == []
    assert "Numbers only where they have room" in figure.get_supxlabel().replace("\n", " ")


def test_heatmap_of_rounding_alone_has_no_scale_of_colours():
    figure = plot_heatmap(_periods([0.0, 0.0], [False] * 2, ["2025-11-03", "2025-11-10"]))
    assert len(figure.axes) == 1
    assert (
        figure.get_suptitle() == "No change from one week to the next is more than rounding, 2025-11-03 to 2025-11-10"
    )


def test_heatmap_names_the_instants_of_the_data_and_not_of_the_periods(history_store):
    figure = plot_heatmap(fx.drift_by_period(history_store, "month"))
    caption = " ".join(figure.get_supxlabel().split())
    assert "Source: timesca (timesca.com). 50 comparisons of closes of months, 2024-09-29 to 2026-02-25 UTC" in caption
    assert "UTC, 25 more than rounding, 1 of them to a newer level, peg hops aside." in caption


def test_heatmap_counts_the_cells_whose_closes_are_too_old(history_store):
    figure = plot_heatmap(fx.drift_by_period(history_store, "month", max_age=None))
    assert "2025-03-29 to 2025-05-25" in figure.get_supxlabel().replace("\n", " ")
    caption = " ".join(figure.get_supxlabel().split())
    assert "Left out: 5 changes (end tick older than 7 d), 35 changes (start tick older than 7 d)." in caption


def test_drift_names_the_pairs_that_it_leaves_out(store):
    day = timedelta(days=1)
    store.append(snapshot_ticks(NOON - 20 * day)[:1] + snapshot_ticks(NOON)[1:] + snapshot_ticks(NOON + day))
    figure = fx.plot_drift(fx.drift(store, start=NOON, end=NOON + day))
    caption = " ".join(figure.get_supxlabel().split())
    assert "Left out: KGS/USD (start tick at 2025-10-25 12:00 UTC, 20 d 0 h old, limit 7 d)." in caption


def test_drift_of_several_sources_names_that_of_each_pair_it_leaves_out(store):
    day = timedelta(days=1)
    bank = tick("USD/KZT", "478.77", None, NOON - 20 * day, source="nbk")
    store.append([*snapshot_ticks(NOON), *snapshot_ticks(NOON + day), bank])
    caption = " ".join(fx.plot_drift(fx.drift(store, start=NOON, end=NOON + day)).get_supxlabel().split())
    assert "Left out: KZT/USD of nbk (" in caption


def test_history_of_imported_pages_speaks_of_no_polls():
    frame = ticks_of({"pair": "KZT/USD", "observed_at": [NOON], "rate_text": "0.00191"})
    assert "polls" not in fx.plot_history(frame, polls=polls_of([])).get_supxlabel()


def test_heatmap_colours_run_the_same_way_on_both_sides_of_no_change():
    frame = _periods([0.5, -3.0], [True, True], ["2025-11-03", "2025-11-10"])
    figure = plot_heatmap(frame)
    norm = figure.axes[0].collections[0].norm
    assert (norm.vmin, norm.vmax) == (-3.0, 3.0)
    assert (
        "from one week to the next: the tenge lost 2.5 to 3.5 % against the dollar, 2025-11-03 to 2025-11-10"
        in figure.get_suptitle().replace("\n", " ")
    )


@pytest.mark.slow
@pytest.mark.parametrize("freq", ["day", "week", "month"])
def test_heatmap_of_real_history_keeps_every_text_apart_and_on_the_canvas(history_store, freq):
    figure = plot_heatmap(fx.drift_by_period(history_store, freq), theme="dark")  # both themes have the same sizes
    assert (outside(figure), overlapping(figure)) == ([], [])


def test_heatmap_of_one_period_is_drawn():
    figure = plot_heatmap(_periods([0.0], [False], ["2025-11-03"]))
    assert (outside(figure), overlapping(figure)) == ([], [])


def test_coverage_fills_days_by_share_and_main_cause():
    polls = polls_of(["ok"] * 96 + ["ok"] * 48 + ["timeout"] * 30 + ["missed"] * 18)
    figure = plot_coverage(polls)
    [axis] = figure.axes
    sound, unsound = axis.collections
    heights = [path.get_extents().height for path in sound.get_paths()]
    assert heights == [pytest.approx(0.86), pytest.approx(0.43)]
    assert [path.get_extents().height for path in unsound.get_paths()] == [pytest.approx(0.43)]
    assert same_color(unsound.get_facecolor()[0], "#e69f00")
    assert figure.get_suptitle() == "75.0 % of 192 polls succeeded, on 2 of 2 days"
    assert "75.0 % successful\nof 192 polls\non 2 of 2 days" in _labels(axis)


def test_coverage_tells_and_explains_the_days_without_a_poll():
    figure = plot_coverage(polls_of(["ok"] * 3, start="2025-11-10T00:00Z", every="240h"))
    [axis] = figure.axes
    sound, pale = axis.collections
    assert (len(sound.get_paths()), len(pale.get_paths())) == (3, 18)
    assert figure.get_suptitle() == "100 % of 3 polls succeeded, on 3 of 21 days"
    assert [text.get_text() for text in axis.get_legend().get_texts()] == ["successful", "no poll on record"]


def test_coverage_shows_the_days_that_are_asked_for(store):
    polls = polls_of(["ok"] * 3, start="2025-11-10T00:00Z", every="24h")
    figure = plot_coverage(polls, start="2025-11-01", end="2025-11-30")
    assert figure.get_suptitle() == "100 % of 3 polls succeeded, on 3 of 30 days"
    assert "2025-11-01 to 2025-11-30 UTC" in figure.get_supxlabel()
    sound, pale = figure.axes[0].collections
    assert (len(sound.get_paths()), len(pale.get_paths())) == (3, 27)
    assert plot_coverage(polls, start="2025-11-11").get_suptitle().endswith("on 2 of 2 days")
    store.record([Poll("timesca", NOON, Outcome.OK)])
    stored = plot_coverage(store, start="2025-11", end="2025-11")
    assert stored.get_suptitle() == "100 % of 1 poll succeeded, on 1 of 30 days"


def test_coverage_counts_only_days_with_a_sound_poll():
    figure = plot_coverage(polls_of(["ok"] * 24 + ["missed"] * 48, every="1h"))
    assert figure.get_suptitle() == "33.3 % of 72 polls succeeded, on 1 of 3 days"


def test_coverage_of_a_fortnight_is_not_a_year_wide():
    [axis] = plot_coverage(polls_of(["ok"] * 14, every="24h")).axes
    assert axis.get_xlim() == pytest.approx((-0.7, 11.7))


def test_coverage_of_a_turn_of_the_year_is_one_strip():
    [axis] = plot_coverage(polls_of(["ok"] * 4, start="2025-12-30T00:00Z", every="24h")).axes
    assert axis.get_title(loc="left") == "2025 to 2026"
    assert [label.get_text() for label in axis.get_xticklabels()] == ["Jan\n2026"]


def test_coverage_puts_days_in_the_rows_of_their_weekdays():
    polls = polls_of(["ok"] * 3, start="2025-01-01T00:00Z", every="96h")
    [axis] = plot_coverage(polls).axes
    centers = [path.get_extents() for path in axis.collections[0].get_paths()]
    # Wednesday and Sunday of the first week, Thursday of the second
    assert [(round((box.x0 + box.x1) / 2), round((box.y0 + box.y1) / 2)) for box in centers] == [(0, 2), (0, 6), (1, 3)]


@pytest.mark.slow
def test_coverage_has_a_strip_per_source_and_year():
    polls = pd.concat([polls_of(["ok"] * 2, start="2025-01-31T12:00Z", every="9000h", source=name) for name in "ab"])
    figure = plot_coverage(polls.astype({"source": "category"}))
    assert [axis.get_title(loc="left") for axis in figure.axes] == ["a 2025", "a 2026", "b 2025", "b 2026"]
    assert (outside(figure), overlapping(figure)) == ([], [])


def test_coverage_never_rounds_to_all_or_none():
    figure = plot_coverage(polls_of(["ok"] * 2999 + ["timeout"], every="1min"))
    assert figure.get_suptitle().startswith("99.9 % of 3,000 polls")


@pytest.mark.parametrize("number", [1, 3000])
def test_coverage_keeps_every_text_apart_and_on_the_canvas(number):
    for theme in ("light", "dark"):
        figure = plot_coverage(polls_of(["ok", "blocked", "stale", "missed", "timeout"] * number), theme=theme)
        assert (outside(figure), overlapping(figure)) == ([], [])


def _compared(inside, days, source="nbt", pair="TJS/USD"):
    """Rows of `compare`, a tick at noon of each day."""
    day = pd.to_datetime(days, utc=True).as_unit("us")
    frame = pd.DataFrame({"day": day, "pair": pair, "source": source, "official_at": day, "inside": inside})
    frame["official"] = frame["inside"].map({True: 0.09148, False: 0.09155})
    bounds = {"ticker": 0.09148, "ticker_lo": 0.091475, "ticker_hi": 0.091485}
    distance = 100 * (0.09148 / frame["official"] - 1)
    return frame.assign(
        observed_at=day + pd.Timedelta(hours=12),
        official_lo=frame["official"],
        official_hi=frame["official"],
        **bounds,
        **{f"distance{end}_pct": distance for end in ("", "_lo", "_hi")},
    )


def _crosses(panel):
    [crosses] = [line for line in panel.lines if line.get_marker() == "x"]
    return crosses


def test_comparison_says_on_how_many_days_the_official_rate_is_inside():
    frame = _compared([True, False, True], ["2025-01-20", "2025-01-21", "2025-01-24"])
    figure = plot_compare(frame)
    [panel] = figure.axes
    assert figure.get_suptitle().replace("\n", " ") == (
        "TJS/USD: nbt inside the ticker's band at 2 of 3 ticks, 2025-01-20 to 2025-01-24"
    )
    assert _labels(panel) == ["nbt inside at 2 of 3 ticks\nby chance 66.7 %, band 0.0109 % wide"]
    assert (panel.get_title(loc="left"), panel.get_ylabel()) == ("", "USD per TJS")
    assert figure.get_supxlabel().replace("\n", " ") == (
        "Ticker and official rates. Sources: timesca (timesca.com), nbt (nbt.tj). 3 of 5 days, UTC. Up: somoni "
        "stronger. In colour: the ticker, in the band that its digits allow. In ink: the last official rate stored by "
        "that day, of 3 value dates from 2025-01-20 to 2025-01-24, each of its day. Cross: a day on which it lay "
        "outside at some tick. Inside: both bands meet; chance: the share if the rates of all days were compared. "
        f"fxticker {fx.__version__}."
    )


def test_comparison_says_how_much_older_than_their_day_official_rates_are():
    frame = _compared([True, False, True], ["2025-01-20", "2025-01-21", "2025-01-24"])
    frame["official_at"] = frame["official_at"].iloc[0]
    assert "of 2025-01-20, up to 4 days older than the day. Cross:" in plot_compare(frame).get_supxlabel().replace(
        "\n", " "
    )


def test_comparison_marks_the_days_outside_and_breaks_where_a_day_is_missing():
    frame = _compared([True, False, True], ["2025-01-20", "2025-01-21", "2025-01-24"])
    [panel] = plot_compare(frame).axes
    assert list(_crosses(panel).get_xdata()) == [np.datetime64("2025-01-21T12:00")]
    _, line = _step_lines(panel)
    assert line.get_ydata()[:3].tolist() == [0.09148, 0.09155, 0.09155]
    assert np.isnan(line.get_ydata()[3])
    assert line.get_ydata()[4:].tolist() == [0.09148, 0.09148]
    assert list(line.get_xdata()[[2, 4, 5]]) == [np.datetime64(f"2025-01-{day}") for day in (22, 24, 25)]


def test_comparison_of_several_pairs_and_sources_names_each():
    days = ["2025-01-20", "2025-01-21"]
    frame = pd.concat(
        [
            _compared([True, True], days),
            _compared([True, False], days, source="cbr"),
            _compared([False, False], days, source="nbk", pair="KZT/USD"),
        ]
    )
    for theme in ("light", "dark"):
        figure = plot_compare(frame, theme=theme)
        assert (outside(figure), overlapping(figure)) == ([], [])
    assert figure.get_suptitle().replace("\n", " ") == (
        "Official rate inside the ticker's band: TJS at 75.0 % of comparisons; KZT never, 2025-01-20 to 2025-01-21"
    )
    assert [panel.get_title(loc="left") for panel in figure.axes] == ["KZT/USD", "TJS/USD"]
    assert [_labels(panel) for panel in figure.axes] == [
        ["nbk inside at 0 of 2 ticks\nby chance 0 %, band 0.0109 % wide"],
        [
            "cbr inside at 1 of 2 ticks\nby chance 50.0 %, band 0.0109 % wide",
            "nbt inside at 2 of 2 ticks\nby chance 100 %, band 0.0109 % wide",
        ],
    ]


def test_comparison_of_one_day_is_drawn():
    figure = plot_compare(_compared([True], ["2025-01-20"]))
    assert (outside(figure), overlapping(figure)) == ([], [])


def test_every_outcome_has_one_cause():
    named = [outcome for outcomes in CAUSES.values() for outcome in outcomes]
    assert sorted([*named, Outcome.OK]) == sorted(Outcome)


def test_nothing_to_draw_is_no_data(history_store):
    with pytest.raises(fx.NoData):
        plot_compare(_compared([], []))
    with pytest.raises(fx.NoData):
        fx.plot_history(fx.load(history_store).iloc[:0])
    for plot in (fx.plot_drift, plot_path, plot_heatmap):
        with pytest.raises(fx.NoData):
            plot(pd.DataFrame({"drift_pct": [float("nan")]}))
    with pytest.raises(fx.NoData):
        plot_coverage(fx.load_polls(history_store))


def test_dark_figures_stay_dark_when_they_are_drawn_later(store):
    store.append(_ticks_at([0, 15]))
    figure = drawn(fx.plot_history(fx.load(store), theme="dark"))
    [panel] = figure.axes
    assert same_color(figure.get_facecolor(), "#14181d")
    assert {label.get_color() for label in panel.get_xticklabels() + panel.get_yticklabels()} == {"#a9b0b7"}


def test_an_unknown_theme_is_refused(history_store):
    with pytest.raises(ValueError, match="light, dark"):
        fx.plot_history(fx.load(history_store), theme="sepia")


@pytest.mark.parametrize(
    ("ending", "magic"),
    [
        ("png", b"\x89PNG"),
        pytest.param("svg", b"<?xml", marks=pytest.mark.slow),
        pytest.param("pdf", b"%PDF", marks=pytest.mark.slow),
    ],
)
def test_same_data_give_the_same_bytes(history_store, tmp_path, ending, magic):
    polls = polls_of(["ok", "timeout"] * 50)
    charts = {
        "history": lambda: fx.plot_history(fx.load(history_store, pairs=["KZT/USD"]), polls=polls),
        "path": lambda: plot_path(fx.drift_series(history_store), theme="dark"),
        "heatmap": lambda: plot_heatmap(fx.drift_by_period(history_store, "month")),
        "coverage": lambda: plot_coverage(polls),
    }
    for name, chart in charts.items():
        paths = [tmp_path / f"{name}{number}.{ending}" for number in (1, 2)]
        for path in paths:
            save_figure(chart(), path)
        assert paths[0].read_bytes() == paths[1].read_bytes()
        assert paths[0].read_bytes().startswith(magic)


def test_other_endings_are_refused(store, tmp_path):
    store.append(_ticks_at([0]))
    with pytest.raises(ValueError, match=r"\.png, \.svg, \.pdf"):
        save_figure(fx.plot_history(fx.load(store)), tmp_path / "chart.jpg")


@pytest.mark.slow
def test_drawing_uses_no_pyplot(history_store):
    code = (
        "import sys, fxticker as fx\n"
        f"fx.plot_history(fx.load({str(history_store)!r}))\n"
        f"fx.plot_heatmap(fx.drift_by_period({str(history_store)!r}, 'month'))\n"
        "sys.exit('matplotlib.pyplot' in sys.modules)"
    )
    assert run([sys.executable, "-c", code], check=False).returncode == 0


def test_peg_far_from_finely_printed_rates_is_shown_with_few_ticks(store):
    store.append([tick("USD/TMT", "3.50123456", None, source="fawazahmed0")])
    [panel] = drawn(fx.plot_history(fx.load(store))).axes
    assert len(panel.get_yticks()) <= 8
    bottom, top = panel.get_ylim()
    assert bottom < 3.5
    assert top > 3.50123456
    assert "3.50000000" in [label.get_text() for label in panel.get_yticklabels()]


def test_stored_peg_does_not_stretch_the_time_axis(store):
    peg = tick("USD/TMT", "3.5", None, datetime(2015, 1, 1, tzinfo=UTC), source="tmt-peg", origin=Origin.CONSTANT)
    store.append([peg, *snapshot_ticks()])
    figure = drawn(fx.plot_history(fx.load(store)))
    low, high = figure.axes[0].get_xlim()
    assert high - low <= 2


def test_fixed_rate_alone_can_be_drawn(store):
    store.append(
        [tick("USD/TMT", "3.5", None, datetime(2015, 1, 1, tzinfo=UTC), source="tmt-peg", origin=Origin.CONSTANT)]
    )
    [panel] = drawn(fx.plot_history(fx.load(store))).axes
    bottom, top = panel.get_ylim()
    assert bottom < 3.5 < top


def test_a_path_of_the_base_alone_has_an_axis():
    figure = drawn(plot_path(_path([(NOON, "KZT/USD", 0.0, 0.0, 0.0, False)])))
    assert figure.get_suptitle() == "No change yet: 1 rate at the base alone, 2025-11-14 12:00"
    assert _labels(figure.axes[0]) == ["KZT/USD 0 %, the base"]
    low, high = figure.axes[0].get_ylim()
    assert low < 0 < high


def test_lines_whose_colour_has_come_before_are_told_apart_by_their_style():
    pairs = [f"{base}/USD" for base in ("AED", "AMD", "AZN", "CNY", "EUR", "GBP", "INR", "JPY")]
    rows = [(NOON + timedelta(hours=hour), pair, 0.1 * hour, 0.0, 0.2, False) for pair in pairs for hour in (0, 1)]
    [axis] = plot_path(_path(rows)).axes
    lines = _step_lines(axis)
    assert len({(line.get_color(), line.get_linestyle()) for line in lines}) == 8
    assert next(label for label in _labels(axis) if "(dashed ■)" in label).startswith("JPY/USD (dashed ■)")


def test_a_heatmap_of_more_periods_than_pixels_is_refused():
    starts = pd.date_range("2025-01-01", periods=961, freq="h").astype(str).tolist()
    with pytest.raises(ValueError, match="961 hours are more columns than a picture can show, 960"):
        plot_heatmap(_periods([0.1] * 961, [True] * 961, starts))
    assert plot_heatmap(_periods([0.1] * 960, [True] * 960, starts[:960])).axes


def test_drift_by_another_base_names_it_in_the_caption(store):
    for day in range(3):
        store.append(snapshot_ticks(NOON + timedelta(days=day)))
    span = {"start": NOON + timedelta(days=1), "end": NOON + timedelta(days=2)}
    own, other = (fx.plot_drift(fx.drift(store, **span, **base)) for base in ({}, {"base": NOON}))
    assert "Percent of" not in own.get_supxlabel()
    assert "Percent of the values as of 2025-11-14 12:00 UTC." in other.get_supxlabel().replace("\n", " ")
    assert other.get_suptitle().replace("\n", " ").endswith(", in percent of the values of 2025-11-14")


def test_the_last_value_has_its_band_though_no_time_has_passed_since(store):
    store.append(_ticks_at([0, 15]))
    [panel] = fx.plot_history(fx.load(store)).axes
    [strokes] = [piece for piece in panel.collections if isinstance(piece, LineCollection)]
    assert strokes.get_segments()[-1][:, 1].tolist() == [0.001905, 0.001915]


def test_heatmap_of_series_with_years_between_them_has_columns_for_all_periods():
    far = pd.concat(
        [_periods([1.0], [True], ["2021-03-01"]), _periods([2.0, 3.0], [True] * 2, ["2024-09-01", "2024-10-01"])]
    )
    figure = plot_heatmap(far.reset_index(drop=True))
    assert figure.axes[0].collections[0].get_array().shape == (1, 44)


def test_a_proven_change_is_never_written_as_none():
    frame = _periods([0.003], [True], ["2025-11-01"]).assign(drift_lo_pct=0.0029, drift_hi_pct=0.0031)
    assert _labels(plot_heatmap(frame).axes[0]) == ["+0.003"]


@pytest.mark.parametrize("plot", [plot_heatmap, plot_path])
def test_a_fixed_rate_of_long_ago_does_not_stretch_the_axis(plot):
    if plot is plot_path:
        held = _path(
            [(NOON, "KZT/USD", 0.0, 0.0, 0.0, False), (NOON + timedelta(days=1), "KZT/USD", 1.0, 0.5, 1.5, True)]
        )
        peg = _path([("2015-01-01", "USD/TMT", 0.0, 0.0, 0.0, False)])
    else:
        held = _periods([1.0], [True], ["2025-11-01"])
        peg = _periods([0.0], [False], ["2015-01-01"])
    both = pd.concat([held, peg.assign(source="tmt-peg")], ignore_index=True)
    figure = plot(both)
    assert "tmt-peg" not in figure.get_supxlabel()
    first, last = figure.axes[0].get_xlim()
    assert last - first < 60


def test_the_time_axis_is_utc_whatever_matplotlib_is_told(store, tmp_path):
    import matplotlib as mpl

    store.append(_ticks_at([0, 15, 30]))
    files = []
    for zone in ("UTC", "Asia/Almaty"):
        with mpl.rc_context({"timezone": zone}):
            files.append(tmp_path / f"{zone[:3]}.png")
            save_figure(fx.plot_history(fx.load(store)), files[-1])
    assert files[0].read_bytes() == files[1].read_bytes()


def test_rates_since_different_bases_are_not_said_to_share_one():
    rows = [(NOON + timedelta(hours=hour), "KZT/USD", 1.0 * hour, 0.0, 2.0, False) for hour in (0, 1)]
    later = _path(rows).assign(pair="TJS/USD", base_at=pd.Timestamp(NOON) + pd.Timedelta(days=1))
    figure = plot_path(pd.concat([_path(rows), later], ignore_index=True))
    assert "each since its own base" in figure.get_suptitle().replace("\n", " ")


def test_last_rates_of_a_chart_have_a_decimal_point(store):
    store.append([tick("TMT/RUB", "21,5792", None, source="cbr", nominal=1)])
    figure = fx.plot_history(fx.load(store))
    assert "21.5792" in [text.get_text() for panel in figure.axes for text in panel.texts]
