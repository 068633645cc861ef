"""Chart of the cumulative change of rates since a base."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from fxticker.analysis.drift import drift_series
from fxticker.analysis.peg_hops import level_of
from fxticker.analysis.source_quotes import Ticks
from fxticker.charts.canvas import WIDTH_IN, Canvas, Look, Place, drawing
from fxticker.charts.caption_frame import has_seconds, left_out_pairs, span_text, with_verdicts, write_caption
from fxticker.charts.causes import instants
from fxticker.charts.data import frame_of
from fxticker.charts.findings import finding_since_base
from fxticker.charts.hops import (
    NEWER_LEVEL,
    PEG_HOP,
    SEVERAL_VALUES,
    Levels,
    WasShown,
    draw_levels,
    hops_text,
    levels_at,
    levels_of,
    unknown_past,
)
from fxticker.charts.labels import LINE_IN, label_ends
from fxticker.charts.last_values import dated
from fxticker.charts.line_looks import main_source
from fxticker.charts.moves import band_text, change_text, hopping_text, keys_of
from fxticker.charts.path_lines import PathLine, lines_of
from fxticker.charts.resolved import Reach, reach_of
from fxticker.charts.sides import Sides, sides_of
from fxticker.charts.source_names import sources_text
from fxticker.charts.steps import COLUMNS, EXACT_VALUES, LINES_BREAK, Steps, gap_starts, thinned
from fxticker.charts.style import Palette, Theme, date_axis, signed_ticks
from fxticker.errors import NoData
from fxticker.frames.one_per_instant import without_constants
from fxticker.model.formatting import counted
from fxticker.model.selection import Zone
from fxticker.model.timestamps import Moment
from fxticker.model.verdicts import MORE, NEWER, verdict
from fxticker.sources.age_limits import MaxAge

_AROUND_IN = 1.2
"""Height of the figure outside its axis, in inches."""
_MARK_IN = 0.065
"""Average width of a character of the vertical label, in inches."""


def plot_path(
    series: Ticks,
    *,
    base: Moment | None = None,
    pairs: Iterable[str] | None = None,
    sources: Iterable[str] | None = None,
    start: Moment | None = None,
    end: Moment | None = None,
    as_of: Moment | None = None,
    tz: Zone | None = None,
    max_age: MaxAge = None,
    per_usd: bool = False,
    order: Iterable[str] | None = None,
    ax: Place | None = None,
    figsize: tuple[float, float] | None = None,
    title: str | None = None,
    theme: Theme = "light",
) -> Figure:
    """Draw the cumulative change of all rates since a base, on one axis.

    Parameters
    ----------
    series
        A store or a frame of ticks, with the arguments of `fxticker.drift_series`, or what that returns, without them.
    base, pairs, sources, start, end, as_of, tz, max_age, per_usd, order
        Arguments of `fxticker.drift_series`.
    ax
        Where to draw in a figure of your own: one axis. The figure needs ``layout="constrained"`` for the
        texts beside and below it; ``None`` for a new figure.
    figsize
        Width and height of a new figure in inches; ``None`` for 8 inches by what the chart needs.
    title
        In place of the title that states the finding; ``""`` for none.
    theme
        Colours for a light or a dark background.

    Returns
    -------
    matplotlib.figure.Figure
        A line of steps per source and pair in its band, over time (of the frame's zone), labelled at the right edge
        with its last change, and with "within rounding" where rounding alone could explain it, or "several values a
        day" where it takes the order of several values of one date, which is not known. Lines break as in
        `plot_history`, a diamond is a hop of a peg as there, and of many values only those are drawn that pixels can
        show. The axis reaches 1 % to either side at least; a line whose band is wider than the axis of all others, and
        never proves a change, is named above the chart and not drawn. The title states the last changes that are
        proven.

    Raises
    ------
    NoData
        If no row has a drift.
    ValueError
        If there is no such theme, the pairs go in different directions, an argument of `fxticker.drift_series` is given
        for a frame that it returned, or `figsize` or `ax` do not fit.
    """
    spans = {"base": base, "start": start, "end": end, "as_of": as_of, "tz": tz, "max_age": max_age}
    drifts = frame_of(
        series,
        "drift_pct",
        drift_series,
        {**spans, "pairs": pairs, "sources": sources, "per_usd": per_usd, "order": order},
    )
    rows = with_verdicts(drifts).dropna(subset=["drift_pct"])
    if rows.empty:
        raise NoData("there is no change to draw: no rate has a value and a base")
    rows = without_constants(rows).sort_values("observed_at", kind="stable")
    unknown = unknown_past(series, rows["pair"].astype(str).unique())
    return _drawn(rows, Look(theme, title, figsize, ax), left_out_pairs(drifts), unknown)


def _drawn(rows: pd.DataFrame, look: Look, left_out: str, unknown: str) -> Figure:
    main = main_source(sorted(rows["source"].astype(str).unique()))
    groups = sorted(rows.groupby(["source", "pair"], observed=True), key=lambda group: (group[0][0] != main, *group[0]))
    height = max(4.4, _AROUND_IN + 1.2 * LINE_IN * len(groups))
    reach, sides = _reach([line_rows for _, line_rows in groups]), sides_of(rows["pair"])
    with drawing(look, height, least_in=max(2.2, height - 2.2)) as canvas:
        [axis], panel_in = canvas.axes, canvas.panel_in(height - _AROUND_IN)
        axis.axhline(0, color=canvas.palette.muted, linewidth=0.8)
        lines = lines_of(groups, canvas.palette)
        drawn = _draw_lines(axis, [line for line, is_drawn in zip(lines, reach.is_drawn, strict=True) if is_drawn])
        _set_axes(canvas, reach, rows["observed_at"], sides, panel_in)
        latest = rows["observed_at"].iloc[-1]
        not_drawn = [line for line, is_drawn in zip(lines, reach.is_drawn, strict=True) if not is_drawn]
        _write_notes(axis, not_drawn, latest, canvas.palette)
        ends = [
            (float(line.last["drift_pct"]), f"{line.name} {_last_text(line.last, latest)}", line.color)
            for line, *_ in drawn
        ]
        _write_caption(canvas, rows, lines, drawn, left_out, unknown)
        label_ends(axis, ends, panel_in - canvas.more_texts_in)
    return canvas.figure


class _Drawn(NamedTuple):
    """A line that is drawn, and its steps without and with its peg hops."""

    line: PathLine
    steps: Steps
    levels: Levels


def _reach(groups: list[pd.DataFrame]) -> Reach:
    """Return which lines are drawn: those that an axis can resolve, each by its widest band."""
    lo = np.array([rows["drift_lo_pct"].min() for rows in groups])
    hi = np.array([rows["drift_hi_pct"].max() for rows in groups])
    width = np.array([(rows["drift_hi_pct"] - rows["drift_lo_pct"]).max() for rows in groups])
    return reach_of(lo, hi, width, np.array([bool(rows["significant"].any()) for rows in groups]))


def _write_notes(axis: Axes, lines: list[PathLine], latest: pd.Timestamp, palette: Palette) -> None:
    """Name the lines that are not drawn, and what their digits allow at their end, as the labels of the others do."""
    if lines:
        notes = "; ".join(f"{line.name}, whose printed digits allow {_allowed(line, latest)}" for line in lines)
        axis.set_title(f"Not drawn: {notes}", fontsize=8, fontweight="normal", color=palette.muted)


def _set_axes(canvas: Canvas, reach: Reach, observed_at: pd.Series, sides: Sides, height_in: float) -> None:
    [axis] = canvas.axes
    room = 0.04 * (reach.high - reach.low)
    axis.set_ylim(reach.low - room, reach.high + room)
    axis.yaxis.set_major_locator(MaxNLocator(8, steps=[1, 2, 5, 10]))
    axis.yaxis.set_major_formatter(signed_ticks())
    label = f"\u2190 {sides.fall}   percent   {sides.rise} \u2192"
    # an axis that is too low for it leaves the sides to the caption
    axis.set_ylabel(label if len(label) * _MARK_IN < height_in else "percent", fontsize=8)
    first, last = instants(observed_at)[[0, -1]].view("M8[us]")
    date_axis(axis, first, last, observed_at.dt.tz, most=8 if canvas.width_in >= WIDTH_IN else 5)


def _write_caption(
    canvas: Canvas, rows: pd.DataFrame, lines: list[PathLine], drawn: list[_Drawn], left_out: str, unknown: str
) -> None:
    since, latest, last = rows["base_at"].min(), rows["base_at"].max(), rows["observed_at"].iloc[-1]
    sources = sources_text(sorted(rows["source"].astype(str).unique()))
    span = f"{span_text(rows['observed_at'].iloc[0], last)} {rows['observed_at'].dt.tz}"
    base = f"base {span_text(since, latest)}"
    if since == latest and has_seconds(rows["observed_at"].iloc[0], last):
        base = f"base {since.ceil('s'):%Y-%m-%d %H:%M:%S}"  # a minute is rounded up
    elif since != latest:
        base = f"each line from its own base, {span_text(since, latest)}"
    up = f" Up: {sides_of(rows['pair']).rise}." if canvas.axes[0].get_ylabel() == "percent" else ""
    band = "Band: what the printed digits allow." if any((each.lo < each.hi).any() for _, each, _ in drawn) else ""
    breaks = f" {LINES_BREAK}." if any(len(each.ends) for _, each, _ in drawn) else ""
    hops = hops_text([levels for *_, levels in drawn], is_past_known=True)
    newer = NEWER_LEVEL if any(verdict(line.last) == NEWER for line in lines) else ""
    several = SEVERAL_VALUES if any(line.is_several.any() for line, *_ in drawn) else ""
    if not hops and any(line.last["peg_hop"] for line, *_ in drawn):
        hops = PEG_HOP
    of_pegs = [hops, newer, hopping_text(keys_of(rows)), unknown]
    write_caption(
        canvas,
        finding_since_base(
            pd.DataFrame([line.last for line in lines]),
            begins_before=any(line.rows["observed_at"].iloc[0] < line.last["base_at"] for line in lines),
        ),
        f"{sources} {counted(sum(len(line.rows) for line, *_ in drawn), 'value')}, {span}, {base}.{left_out}",
        " ".join(filter(None, [f"{band}{up}{breaks}".strip(), several, *of_pegs])),
    )


def _draw_lines(axis: Axes, lines: list[PathLine]) -> list[_Drawn]:
    """Draw the widest band first, so that it covers neither the other bands nor their lines."""
    drawn = []
    for line in lines:
        steps, pair = _steps_of(line.rows), str(line.rows["pair"].iloc[0])
        levels = levels_at(steps, instants(line.rows["observed_at"])[line.is_several])
        drawn.append(_Drawn(line, steps, levels_of(steps, pair, _was_shown(line.rows), levels)))
    for place in np.argsort([float((each.steps.hi - each.steps.lo).max()) for each in drawn], kind="stable")[::-1]:
        line, steps, levels = drawn[place]
        draw_levels(axis, steps, levels, line.look)
    return drawn


def _was_shown(rows: pd.DataFrame) -> WasShown:
    """Return whether a level of a line was shown before: that of the base, and those that its peg hops came back to."""
    returned = {*instants(rows["observed_at"])[rows["peg_hop"].to_numpy(bool)].tolist()}
    return lambda level, at: level == level_of(0.0) or at in returned


def _steps_of(rows: pd.DataFrame) -> Steps:
    times = instants(rows["observed_at"])
    breaks = gap_starts(times, narrowest_us=(times[-1] - times[0]) / COLUMNS if len(times) > EXACT_VALUES else 0)
    value, lo, hi = (rows[name].to_numpy(np.float64) for name in ("drift_pct", "drift_lo_pct", "drift_hi_pct"))
    return thinned(Steps(times, value, lo, hi, times[breaks]))


def _allowed(line: PathLine, latest: pd.Timestamp) -> str:
    """Return the band of the last change of a line, and its date if the chart goes on for days after it.

    Of a line that ends at its base it is that of the change before, as the base differs from itself by nothing.
    """
    row = line.rows.iloc[-2 if line.is_base_last and len(line.rows) > 1 else -1]
    return dated(band_text(row["drift_lo_pct"], row["drift_hi_pct"]), " by ", row["observed_at"], latest)


def _last_text(row: pd.Series, latest: pd.Timestamp) -> str:
    """Return the last change of a line, and its date if the chart goes on for days after it."""
    text = change_text(row["drift_pct"], row["drift_lo_pct"], row["drift_hi_pct"])
    text = dated(text, " by ", row["observed_at"], latest)
    if row["observed_at"] == row["base_at"]:
        return f"{text}, the base"
    word = verdict(row)
    return text if word == MORE else f"{text}, {word}"
