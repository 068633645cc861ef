"""Chart of the changes of rates per period as a heatmap."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import partial

import numpy as np
import pandas as pd
from matplotlib.collections import QuadMesh
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from fxticker.analysis.drift_by_period import drift_by_period
from fxticker.analysis.periods import Freq
from fxticker.analysis.source_quotes import Ticks
from fxticker.charts.canvas import WIDTH_IN, Canvas, Look, Place, drawing
from fxticker.charts.caption_frame import ends_text, left_out_rows, span_text, with_verdicts, write_caption
from fxticker.charts.data import frame_of
from fxticker.charts.heatmap_cells import LINE_IN, Cells, cells_of, draw_cells, reach_pct, write_cells
from fxticker.charts.hops import NEWER_LEVEL, unknown_past
from fxticker.charts.moves import hopping_text, is_move, keys_of, move_text, peg_notes, unproven_text
from fxticker.charts.period_axis import Periods, label_periods, periods_of
from fxticker.charts.sides import Sides, sides_of
from fxticker.charts.source_names import sources_text
from fxticker.charts.style import Theme, apply_theme, signed_ticks
from fxticker.errors import NoData
from fxticker.frames.one_per_instant import without_constants
from fxticker.model.formatting import counted, short_text
from fxticker.model.selection import Zone
from fxticker.model.timestamps import Moment
from fxticker.model.verdicts import NEWER, verdict
from fxticker.sources.age_limits import MaxAge

_ROW_IN = 0.42
_BESIDE_IN = 1.1
"""Width that the names of rows take."""
_UNRESOLVED = 0.6
"""Width of a band, as a share of the scale of colours, above which a change cannot be told, as in a chart of drifts."""
_WIDEST_IN = 16.0
"""Width up to which a chart grows so that numbers fit its cells."""


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
    order: Iterable[str] | None = None,
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
    freq, pairs, sources, start, end, as_of, tz, max_age, per_usd, order
        Arguments of `fxticker.drift_by_period`; the period is a month by default.
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
        A row per source and pair, a column per period, its label in the middle. Colours are linear and diverge from no
        change: blue is a rise of the rate, orange a fall, and the scale says of what; they are distinguishable without
        seeing red or green, and full at 1 % at least. Rounding alone could explain a pale hatched cell, and a pale
        dotted one is a peg hop: a pegged currency came back to a level that its source showed before. A change since a
        close before the previous period is that of several periods: it has a frame around all of them and no colour.
        Without a value in the period, or any before it, or with one that is too old, the cell is empty, and the caption
        counts the latter. Each cell contains its percentage; for that a chart by default grows up to 16 inches, which
        120 periods fit. The title states the largest proven change.

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
    filters = {**spans, "pairs": pairs, "sources": sources, "per_usd": per_usd, "order": order}
    drifts = frame_of(changes, "drift_pct", partial(drift_by_period, freq="month"), filters)
    if drifts["drift_pct"].isna().all():
        raise NoData("there is no change to draw: it needs values in two periods")
    periods = None if drifts is changes else freq or "month"
    unknown = unknown_past(changes, drifts["pair"].astype(str).unique())
    return _drawn(with_verdicts(without_constants(drifts)), periods, Look(theme, title, figsize, ax), unknown)


def _drawn(drifts: pd.DataFrame, freq: str | None, look: Look, unknown: str) -> Figure:
    periods = periods_of(drifts["start_at"], freq)
    names = _names(drifts)
    labels = sorted(set(names))
    has_change = drifts["drift_pct"].notna().to_numpy()
    rows = drifts[has_change]
    cells = cells_of(rows, np.searchsorted(labels, names[has_change]), periods)
    upright_in = _BESIDE_IN + len(periods.starts) * LINE_IN
    width = max(WIDTH_IN, upright_in) if upright_in <= _WIDEST_IN else WIDTH_IN
    with drawing(look, 2.0 + _ROW_IN * len(labels), width_in=width, grid=None) as canvas:
        [axis], palette = canvas.axes, canvas.palette
        mesh = draw_cells(axis, cells, (len(labels), len(periods.starts)), periods, palette)
        row_in = canvas.panel_in(_ROW_IN * len(labels)) / len(labels)
        cell_in = (canvas.width_in - _BESIDE_IN) / len(periods.starts), row_in
        is_written = write_cells(axis, cells, mesh, periods, palette, cell_in)
        axis.set_yticks(range(len(labels)), labels, color=palette.text)
        axis.set_ylim(len(labels) - 0.5, -0.5)
        label_periods(axis, periods, canvas.width_in - _BESIDE_IN)
        axis.tick_params(length=0)
        axis.spines[["left", "bottom"]].set_visible(False)
        if (cells.is_move & ~cells.is_long).any():
            _color_bar(canvas, mesh, sides_of(drifts["pair"]))
        notes = [unknown, "" if is_written else "Numbers only where they have room."]
        _write_caption(canvas, drifts, cells, periods, notes)
    return canvas.figure


def _names(changes: pd.DataFrame) -> pd.Series:
    pairs, sources = changes["pair"].astype(str), changes["source"].astype(str)
    return pairs if len(sources.unique()) == 1 else pairs + " (" + sources + ")"


def _write_caption(canvas: Canvas, drifts: pd.DataFrame, cells: Cells, periods: Periods, notes: Sequence[str]) -> None:
    rows = drifts.dropna(subset=["drift_pct"])
    span = span_text(rows["from_at"].min(), rows["to_at"].max())
    sources, title = sources_text(sorted(drifts["source"].astype(str).unique())), _finding(rows, periods, span)
    newer = sum(verdict(row) == NEWER for _, row in rows.iterrows())
    pale, hops = ~cells.is_move & ~cells.is_hop & ~cells.is_long, cells.is_hop
    or_hop = " or a peg hop" if (hops & cells.is_long).any() else ""
    grey = "no move is proven" if rows["several_values"].any() else f"rounding{or_hop} could explain it"
    reading = [
        f"Pale and hatched: {unproven_text(rows[pale], 'the change')}." if pale.any() else "",
        "Pale and dotted: peg hop, back to a level that was shown before." if (hops & ~cells.is_long).any() else "",
        f"Frame: one change over all its periods, its number grey where {grey}." if cells.is_long.any() else "",
        "Empty: no value in the period, or none before it in the span." if len(rows) < len(drifts) else "",
        hopping_text(keys_of(rows)),
        NEWER_LEVEL if newer else "",
        *notes,
        _not_told(rows, cells),
    ]
    to_newer = f", {newer:,} of them to a newer level" if newer else ""
    proven = f"{int(cells.is_move.sum()):,} more than rounding{to_newer}{', peg hops aside' if hops.any() else ''}"
    write_caption(
        canvas,
        title,
        f"{sources} {counted(len(rows), 'comparison')} of closes of {periods.name}s, {span} "
        f"{drifts['start_at'].dt.tz}, {proven}.{left_out_rows(drifts, 'change')}",
        " ".join(filter(None, reading)),
    )


def _not_told(rows: pd.DataFrame, cells: Cells) -> str:
    """Return which rows have digits too few for the scale of colours: their printed zeros say nothing."""
    widths = rows["drift_hi_pct"] - rows["drift_lo_pct"]
    by_row = pd.DataFrame({"name": _names(rows), "width": widths, "is_move": cells.is_move}).groupby("name")
    widest = by_row["width"].max()[~by_row["is_move"].any()]
    widest = widest[widest > _UNRESOLVED * 2 * reach_pct(cells)]
    if widest.empty:
        return ""
    return f"Cannot be told: {', '.join(widest.index)}, whose bands are up to {short_text(widest.max())} % wide."


def _finding(rows: pd.DataFrame, periods: Periods, span: str) -> str:
    """Return the title: the largest proven change from one period's close to the next one."""
    begun = periods.starts[np.maximum(periods.starts.searchsorted(pd.DatetimeIndex(rows["start_at"])) - 1, 0)]
    proven = rows[is_move(rows).to_numpy() & (pd.DatetimeIndex(rows["from_at"]) >= begun)]
    if proven.empty:
        over_several = rows[is_move(rows).to_numpy()]
        if len(over_several):
            return f"Largest proven change, over several {periods.name}s: {_told(over_several, rows)}"
        hops = rows["peg_hop"].any()
        what = f"more than rounding{' or a peg hop' if hops else ''}"
        if rows["several_values"].any():
            what = f"proven{', peg hops aside' if hops else ''}"
        return f"No change from one {periods.name} to the next is {what}, {span}"
    return f"Largest proven change from one {periods.name} to the next: {_told(proven, rows)}"


def _told(proven: pd.DataFrame, rows: pd.DataFrame) -> str:
    """Return the largest of some changes, whose source is named if there are several, and its ends."""
    row = proven.iloc[int(proven["drift_pct"].abs().argmax())]
    move = move_text(str(row["pair"]), row["drift_lo_pct"], row["drift_hi_pct"]) + peg_notes(row.to_frame().T)
    source = f" by {row['source']}" if len(rows["source"].unique()) > 1 else ""
    # closes need not lie at the ends of a period
    return f"{move}{source}, {ends_text(row['from_at'], row['to_at'])}"


def _color_bar(canvas: Canvas, mesh: QuadMesh, sides: Sides) -> None:
    bar = canvas.figure.colorbar(
        mesh, ax=canvas.axes[0], location="bottom", aspect=50, shrink=0.6, pad=0.04, fraction=0.06
    )
    bar.locator = MaxNLocator(6, steps=[1, 2, 5, 10])
    bar.formatter = signed_ticks()
    bar.update_ticks()
    bar.outline.set_visible(False)
    bar.set_label(f"\u2190 {sides.fall}     change in percent     {sides.rise} \u2192", fontsize=8)
    apply_theme(bar.ax, grid=None)
