"""Chart of the changes of rates per period as a heatmap."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.collections import PolyCollection, QuadMesh
from matplotlib.colors import LinearSegmentedColormap, SymLogNorm
from matplotlib.dates import date2num
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator

from fxticker.analysis.drift_by_period import drift_by_period
from fxticker.analysis.periods import Freq
from fxticker.analysis.source_quotes import Ticks
from fxticker.charts.canvas import Canvas, Look, Place, drawing
from fxticker.charts.captions import counted, left_out_rows, names_text, span_text, with_hops, write_caption
from fxticker.charts.data import frame_of
from fxticker.charts.sides import sides_of
from fxticker.charts.style import Palette, Theme, apply_theme, date_axis, signed_ticks
from fxticker.errors import NoData
from fxticker.frames.one_per_instant import without_constants
from fxticker.model.formatting import format_with_band
from fxticker.model.invalid import InvalidArgument
from fxticker.model.selection import Zone
from fxticker.model.timestamps import Moment
from fxticker.sources.age_limits import MaxAge

_ROW_IN = 0.42
_LINEAR_PCT = 0.1
"""Change in percent up to which colours are linear, logarithmic beyond: changes differ by a factor of a thousand."""
_WRITTEN_PT, _DIGIT_PT = 7, 4.4
"""Size of the numbers in cells, and the width of a digit: they are written if the longest fits its column."""
_MAX_PERIODS = 960
"""Pixels that a picture 8 inches wide has for its columns; narrower columns would not all be visible."""
_BAR_PT, _CELLS_IN = 2.5, 6.5
"""Width of the bar beside a change over empty periods, and approximate width of all cells."""
_MOST_WRITTEN = 500
"""Largest number of cells whose numbers fit."""
_DARK = 0.55
"""Luma of a cell by Rec. 601, from 0 to 1, below which its number is white."""
_PERIODS = ((1.5, "hour"), (25, "day"), (24 * 8, "week"), (24 * 32, "month"))
"""Largest length in hours, and the name, of each kind of period."""


def plot_heatmap(
    changes: Ticks,
    *,
    freq: Freq | None = None,
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
    """Draw the change of each rate per period.

    Parameters
    ----------
    changes
        A store or a frame of ticks, with the arguments of `fxticker.drift_by_period`, or what that returns, without
        them.
    freq, pairs, sources, start, end, as_of, tz, max_age, per_usd
        Arguments of `fxticker.drift_by_period`; the period is a month by default.
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
        A row per source and pair, a column per period. Colours diverge from no change: blue is a rise of the
        rate, orange a fall, and the caption says of what. They are distinguishable without seeing red or green, linear
        up to 0.1 % and logarithmic beyond. Rounding alone could explain a hatched cell, and a dotted one is a peg hop:
        a pegged currency came back to a level that its source showed before; without a value in the period, or any
        before it, or with one that is too old, the cell is empty, and the caption counts the latter. A bar before a
        cell marks a change that includes that of the empty periods before it. Where there is room, each cell contains
        its percentage.

    Raises
    ------
    NoData
        If no period has a drift.
    ValueError
        If there are more periods than a picture has columns, there is no such theme, the pairs go in different
        directions, an argument of `fxticker.drift_by_period` is given for a frame that it returned, or `figsize` or
        `ax` do not fit.
    """
    spans = {"freq": freq, "start": start, "end": end, "as_of": as_of, "tz": tz, "max_age": max_age}
    filters = {**spans, "pairs": pairs, "sources": sources, "per_usd": per_usd}
    changes = frame_of(changes, "drift_pct", partial(drift_by_period, freq="month"), filters)
    if changes["drift_pct"].isna().all():
        raise NoData("there is no drift to draw")
    changes = with_hops(without_constants(changes))
    names, starts = _names(changes), _starts(changes)
    edges, labels = _edges(starts), sorted(set(names))
    percent, proven, lo, hi = (
        _grid(changes, names, starts, column) for column in ("drift_pct", "significant", "drift_lo_pct", "drift_hi_pct")
    )
    reach = max(float(np.nanmax(np.abs(percent))), _LINEAR_PCT)
    with drawing(Look(theme, title, figsize, ax), 1.7 + _ROW_IN * len(labels), grid=None) as canvas:
        [axis], palette = canvas.axes, canvas.palette
        mesh = _draw_cells(axis, edges, percent, reach, palette)
        hops = _grid(changes, names, starts, "peg_hop") == 1
        _hatch(axis, edges, np.isfinite(percent) & (proven != 1))
        if hops.any():
            _hatch(axis, edges, hops, "....")
        rows = changes.dropna(subset=["drift_pct"])
        carrying = rows[_carry(rows, edges)]
        if len(carrying):
            _bar(axis, edges, np.searchsorted(labels, names[carrying.index]), carrying["start_at"], palette)
        _write(axis, edges, (percent, lo, hi), mesh)
        _set_axes(axis, labels, edges, palette)
        _color_bar(canvas.figure, axis, mesh, reach)
        _write_caption(canvas, changes, (len(labels), len(starts)), _period(starts), has_bars=len(carrying) > 0)
    return canvas.figure


def _starts(changes: pd.DataFrame) -> pd.DatetimeIndex:
    """Return the starts of all periods; refuse more than a picture has columns."""
    starts = _every_start(pd.DatetimeIndex(np.sort(changes["start_at"].unique())))
    if len(starts) > _MAX_PERIODS:
        raise InvalidArgument(
            f"{counted(len(starts), _period(starts))} are more columns than a picture can show, {_MAX_PERIODS}: "
            "choose longer periods or a shorter span"
        )
    return starts


def _set_axes(axis: Axes, labels: list[str], edges: pd.DatetimeIndex, palette: Palette) -> None:
    axis.set_yticks(range(len(labels)), labels, color=palette.text)
    axis.set_ylim(len(labels) - 0.5, -0.5)
    axis.tick_params(axis="y", length=0)
    date_axis(axis, *edges[[0, -1]].tz_localize(None).to_numpy())
    axis.set_xlim(*_days(edges[[0, -1]]))
    axis.spines[["left", "bottom"]].set_visible(False)


def _write_caption(
    canvas: Canvas, changes: pd.DataFrame, shape: tuple[int, int], period: str, *, has_bars: bool
) -> None:
    sides = sides_of(changes["pair"])
    rows = changes.dropna(subset=["drift_pct"])
    span = span_text(rows["from_at"].min(), rows["to_at"].max())
    sources = names_text(sorted(changes["source"].astype(str).unique()))
    write_caption(
        canvas,
        f"Change of {counted(shape[0], 'rate')} per {period}, {span}",
        f"{sources}, {span} {changes['start_at'].dt.tz}, {counted(shape[1], period)}, "
        f"{counted(len(rows), 'change')} in {counted(shape[0] * shape[1], 'cell')}.{left_out_rows(changes)}",
        f"Blue: {sides.rise}. Orange: {sides.fall}. "
        "Hatched: rounding alone could explain the change. Empty: no value in the period, or none before it."
        + (" Dotted: peg hop, back to a level that was shown before." if rows["peg_hop"].any() else "")
        + (" Bar before a cell: its change is also that of the empty periods before it." if has_bars else ""),
    )


def _names(changes: pd.DataFrame) -> pd.Series:
    pairs, sources = changes["pair"].astype(str), changes["source"].astype(str)
    return pairs if len(sources.unique()) == 1 else pairs + " (" + sources + ")"


def _grid(changes: pd.DataFrame, names: pd.Series, starts: pd.DatetimeIndex, column: str) -> np.ndarray:
    """Return a column of the frame as rows of names and columns of periods; NaN where there is no value."""
    grid = changes.set_index([names, "start_at"])[column].astype("float64").unstack("start_at")
    return grid.sort_index().reindex(columns=starts).to_numpy()


def _every_start(starts: pd.DatetimeIndex) -> pd.DatetimeIndex:
    """Return all periods from the first to the last, including those without a row of any series."""
    steps = {"hour": "h", "day": "D", "week": "7D", "month": "MS"}
    name = _period(starts)
    return starts.union(pd.date_range(starts[0], starts[-1], freq=steps[name])) if name in steps else starts


def _edges(starts: pd.DatetimeIndex) -> pd.DatetimeIndex:
    """Return the starts of periods and the end of the last one: as long as the previous one, a month, or a day."""
    if _period(starts) == "month":
        end = starts[-1] + pd.DateOffset(months=1)
    else:
        end = starts[-1] + (starts[-1] - starts[-2] if len(starts) > 1 else pd.Timedelta(days=1))
    return pd.DatetimeIndex([*starts, end])


def _days(instants: pd.DatetimeIndex) -> np.ndarray:
    """Return instants in the unit of matplotlib: days since its epoch, which a caller may have set."""
    days: np.ndarray = date2num(instants.tz_localize(None).as_unit("us").to_numpy())  # type: ignore[no-untyped-call]
    return days


def _period(starts: pd.DatetimeIndex) -> str:
    if len(starts) < 2:  # noqa: PLR2004 - one start has no length
        return "period"
    hours = float((starts[1:] - starts[:-1]).min() / pd.Timedelta(hours=1))
    return next((name for most, name in _PERIODS if hours <= most), "period")


def _draw_cells(axis: Axes, edges: pd.DatetimeIndex, percent: np.ndarray, reach: float, palette: Palette) -> QuadMesh:
    colors = LinearSegmentedColormap.from_list("change", [palette.down, palette.still, palette.up])
    return axis.pcolormesh(
        _days(edges),
        np.arange(len(percent) + 1) - 0.5,
        np.ma.masked_invalid(percent),
        cmap=colors,
        norm=SymLogNorm(_LINEAR_PCT, vmin=-reach, vmax=reach),
        linewidth=0,
    )


def _hatch(axis: Axes, edges: pd.DatetimeIndex, unproven: np.ndarray, hatch: str = "////") -> None:
    """Hatch cells, adjacent ones in one piece."""
    days = _days(edges)
    pieces = []
    for row, cells in enumerate(unproven):
        turns = np.flatnonzero(np.diff(np.concatenate([[0], cells.astype(np.int8), [0]])))
        for begin, end in zip(days[turns[::2]], days[turns[1::2]], strict=True):
            pieces.append([(begin, row - 0.5), (begin, row + 0.5), (end, row + 0.5), (end, row - 0.5)])
    axis.add_collection(PolyCollection(pieces, facecolor="none", hatch=hatch, linewidth=0), autolim=False)


def _carry(rows: pd.DataFrame, edges: pd.DatetimeIndex) -> pd.Series:
    """Return which changes began before the period ahead of their own: they include those of empty periods."""
    ahead = edges[:-1].insert(0, edges[0] - (edges[1] - edges[0]))
    return rows["from_at"] < ahead[edges.searchsorted(rows["start_at"])]


def _bar(axis: Axes, edges: pd.DatetimeIndex, row: np.ndarray, start_at: pd.Series, palette: Palette) -> None:
    """Draw bars that end where the cells begin, in the empty ones before them."""
    all_edges, right = _days(edges), _days(pd.DatetimeIndex(start_at))
    width = min(_BAR_PT / 72 / _CELLS_IN * (all_edges[-1] - all_edges[0]), np.diff(all_edges).min() / 3)
    left, top, foot = right - width, row - 0.5, row + 0.5
    corners = np.stack([[left, top], [left, foot], [right, foot], [right, top]]).transpose(2, 0, 1)
    axis.add_collection(PolyCollection(list(corners), facecolor=palette.muted, linewidth=0), autolim=False)


def _write(axis: Axes, edges: pd.DatetimeIndex, drifts: tuple[np.ndarray, ...], mesh: QuadMesh) -> None:
    """Write the change into each cell, with the digits that its band supports, if there is room for all."""
    days = _days(edges)
    middles = (days[1:] + days[:-1]) / 2
    cells = [tuple(place) for place in np.argwhere(np.isfinite(drifts[0]))]
    if len(cells) > _MOST_WRITTEN:
        return
    texts = [format_with_band(*(column[place] for column in drifts), signed=True).value for place in cells]
    if max(map(len, texts)) * _DIGIT_PT > 72 * _CELLS_IN / len(middles):
        return
    for (row, column), text in zip(cells, texts, strict=True):
        red, green, blue, _ = mesh.cmap(mesh.norm(drifts[0][row, column]))
        is_dark = 0.299 * red + 0.587 * green + 0.114 * blue < _DARK
        axis.text(
            middles[column], row, text, ha="center", va="center", fontsize=_WRITTEN_PT, color="w" if is_dark else "k"
        )


def _color_bar(figure: Figure, axis: Axes, mesh: QuadMesh, reach: float) -> None:
    bar = figure.colorbar(mesh, ax=axis, aspect=30, pad=0.02, fraction=0.05)
    powers = [power for power in (0.1, 1.0, 10.0, 100.0, 1000.0) if power <= reach]
    bar.locator = FixedLocator([*(-power for power in reversed(powers)), 0.0, *powers])
    bar.formatter = signed_ticks()
    bar.minorticks_off()
    bar.update_ticks()
    bar.outline.set_visible(False)
    bar.set_label("change in percent", fontsize=8)
    apply_theme(bar.ax, grid=None)
