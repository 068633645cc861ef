"""Chart of the cumulative change of rates since a base."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from fxticker.analysis.drift import drift_series
from fxticker.analysis.source_quotes import Ticks
from fxticker.charts.canvas import Canvas, Look, Place, drawing
from fxticker.charts.captions import counted, left_out_pairs, names_text, span_text, with_hops, write_caption
from fxticker.charts.causes import instants
from fxticker.charts.data import frame_of
from fxticker.charts.labels import LINE_IN, label_ends
from fxticker.charts.sides import Sides, sides_of
from fxticker.charts.steps import COLUMNS, EXACT_VALUES, Steps, draw_steps, gap_starts, thinned
from fxticker.charts.style import Theme, date_axis, signed_ticks
from fxticker.errors import NoData
from fxticker.frames.one_per_instant import without_constants
from fxticker.model.formatting import format_with_band
from fxticker.model.selection import Zone
from fxticker.model.timestamps import Moment
from fxticker.model.verdicts import HOP, WITHIN
from fxticker.sources.age_limits import MaxAge

_AROUND_IN = 1.2
"""Height of the figure outside its axis, in inches."""
_ALPHA, _WIDE_ALPHA = 0.2, 0.06
"""Opacity of bands, and of those that would colour the whole chart: wider than `_WIDE` of its height."""
_WIDE = 0.25
"""Share of the height of the axis."""
_STYLES = ("solid", "dashed", "dotted")
"""Line styles in the order in which lines with a repeated colour use them."""


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
    base, pairs, sources, start, end, as_of, tz, max_age, per_usd
        Arguments of `fxticker.drift_series`.
    ax
        Where to draw in a figure of your own: one axis. The figure needs ``layout="constrained"`` for the
        texts beside and below it; ``None`` for a new figure.
    figsize
        Width and height of a new figure in inches; ```None``` for 8 inches by what the chart needs.
    title
        In place of the title that states the finding; ``""`` for none.
    theme
        Colours for a light or a dark background.

    Returns
    -------
    matplotlib.figure.Figure
        A line of steps per source and pair in its band, over time (of the frame's zone), labelled at the right edge
        with its last change, and with "within rounding" where rounding alone could explain it. Lines break as in
        `plot_history`, and of many values only those are drawn that pixels can show.

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
        series, "drift_pct", drift_series, {**spans, "pairs": pairs, "sources": sources, "per_usd": per_usd}
    )
    rows = with_hops(drifts).dropna(subset=["drift_pct"])
    if rows.empty:
        raise NoData("there is no drift to draw")
    rows = without_constants(rows).sort_values("observed_at", kind="stable")
    sources, sides = sorted(rows["source"].astype(str).unique()), sides_of(rows["pair"])
    groups = list(rows.groupby(["source", "pair"], observed=True))
    height = max(4.4, _AROUND_IN + 1.2 * LINE_IN * len(groups))
    with drawing(Look(theme, title, figsize, ax), height) as canvas:
        [axis], palette = canvas.axes, canvas.palette
        axis.axhline(0, color=palette.muted, linewidth=0.8)
        ends: list[tuple[float, str, str]] = []
        lines: list[tuple[Steps, str, str]] = []
        for number, ((source, pair), line_rows) in enumerate(groups):
            cycle, place = divmod(number, len(palette.series))
            color, style = palette.series[place], _STYLES[cycle % len(_STYLES)]
            lines.append((_steps_of(line_rows), color, style))
            name = (f"{pair} ({source})" if len(sources) > 1 else str(pair)) + (f" ({style})" if cycle else "")
            last = line_rows.iloc[-1]
            ends.append((float(last["drift_pct"]), f"{name} {_last_text(last)}", color))
        lo, hi = min(0.0, rows["drift_lo_pct"].min()), max(0.0, rows["drift_hi_pct"].max())
        _draw_lines(axis, lines, hi - lo)
        _set_axes(axis, lo, hi, rows["observed_at"], sides)
        label_ends(axis, ends, canvas.panel_in(height - _AROUND_IN))
        _write_caption(canvas, rows, len(groups), sources, left_out_pairs(drifts))
    return canvas.figure


def _set_axes(axis: Axes, lo: float, hi: float, observed_at: pd.Series, sides: Sides) -> None:
    room = 0.04 * (hi - lo) or 0.5  # the base alone has no extent
    axis.set_ylim(lo - room, hi + room)
    axis.yaxis.set_major_locator(MaxNLocator(8, steps=[1, 2, 5, 10]))
    axis.yaxis.set_major_formatter(signed_ticks())
    axis.set_ylabel(f"\u2190 {sides.fall}   percent   {sides.rise} \u2192", fontsize=8)
    first, last = instants(observed_at)[[0, -1]].view("M8[us]")
    date_axis(axis, first, last, observed_at.dt.tz)


def _write_caption(canvas: Canvas, rows: pd.DataFrame, lines: int, sources: list[str], left_out: str) -> None:
    since, latest = rows["base_at"].min(), rows["base_at"].max()
    begins = f"since {span_text(since, since)}" if since == latest else "each since its own base"
    span = f"{span_text(*rows['observed_at'].iloc[[0, -1]])} {rows['observed_at'].dt.tz}"
    write_caption(
        canvas,
        f"Change of {counted(lines, 'rate')} {begins}",
        f"{names_text(sources)}, {span}, {counted(len(rows), 'value')}, base {span_text(since, latest)}.{left_out}",
        "Band: what the printed digits allow. Lines break where there is no value.",
    )


def _draw_lines(axis: Axes, lines: list[tuple[Steps, str, str]], reach: float) -> None:
    """Draw the widest band first and palest, so that it covers neither the other bands nor their lines."""
    widths = [float((steps.hi - steps.lo).max()) for steps, _, _ in lines]
    for place in np.argsort(widths, kind="stable")[::-1]:
        steps, color, style = lines[place]
        alpha = _WIDE_ALPHA if widths[place] > _WIDE * reach else _ALPHA
        draw_steps(axis, steps, color=color, band=color, band_alpha=alpha, linestyle=style)


def _steps_of(rows: pd.DataFrame) -> Steps:
    times = instants(rows["observed_at"])
    breaks = gap_starts(times, narrowest_us=(times[-1] - times[0]) / COLUMNS if len(times) > EXACT_VALUES else 0)
    value, lo, hi = (rows[name].to_numpy(np.float64) for name in ("drift_pct", "drift_lo_pct", "drift_hi_pct"))
    return thinned(Steps(times, value, lo, hi, times[breaks]))


def _last_text(row: pd.Series) -> str:
    text = format_with_band(row["drift_pct"], row["drift_lo_pct"], row["drift_hi_pct"], signed=True).value
    if row["significant"] and not row["peg_hop"]:
        return f"{text} %"
    return f"{text} %, {HOP if row['significant'] else WITHIN}"
