"""Chart of the change of rates between two dates."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator

from fxticker.analysis.drift import drift
from fxticker.analysis.source_quotes import Ticks
from fxticker.charts.canvas import Canvas, Look, Place, drawing
from fxticker.charts.captions import counted, left_out_pairs, names_text, with_hops, write_caption
from fxticker.charts.data import frame_of
from fxticker.charts.sides import sides_of
from fxticker.charts.style import Palette, Theme, signed_ticks
from fxticker.errors import NoData
from fxticker.model.formatting import format_with_band
from fxticker.model.invalid import InvalidArgument
from fxticker.model.selection import Zone
from fxticker.model.timestamps import Moment
from fxticker.model.verdicts import verdict
from fxticker.sources.age_limits import MaxAge

_MOST_POWERS = 4
"""Largest number of powers of ten on each side of 0 whose labels fit."""


def plot_drift(
    frame: Ticks,
    *,
    start: Moment | None = None,
    end: Moment | None = None,
    base: Moment | None = None,
    pairs: Iterable[str] | None = None,
    sources: Iterable[str] | None = None,
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
    """Draw the change of each rate between two dates, with its band.

    Parameters
    ----------
    frame
        A store or a frame of ticks, with the arguments of `fxticker.drift` (`start` is required), or what that returns,
        without them.
    start, end, base, pairs, sources, as_of, tz, max_age, per_usd, order
        Arguments of `fxticker.drift`.
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
        One row per source and pair, the largest rise on top, on a common symmetric log axis: bands differ by a factor
        of a thousand. Its sides are named: ``tenge weaker`` and ``tenge stronger``. A filled dot is a change that the
        printed digits prove; a hollow one could be rounding alone. A change of a pegged currency back to a level that
        its source showed before is named a peg hop and not counted.

    Raises
    ------
    NoData
        If no row has a drift.
    ValueError
        If there is no such theme, the pairs go in different directions, `start` is missing, an argument of
        `fxticker.drift` is given for a frame that it returned, or `figsize` or `ax` do not fit.
    """
    spans = {"start": start, "end": end, "base": base, "as_of": as_of, "tz": tz, "max_age": max_age}
    filters = {**spans, "pairs": pairs, "sources": sources, "per_usd": per_usd, "order": order}
    if start is None and "drift_pct" not in getattr(frame, "columns", ()):
        raise InvalidArgument("a drift has a start: give start=, as for fxticker.drift")
    drifts = frame_of(frame, "drift_pct", drift, filters)
    rows = with_hops(drifts).dropna(subset=["drift_pct"]).sort_values("drift_pct", ignore_index=True)
    if rows.empty:
        raise NoData("there is no drift to draw")
    sources = sorted(rows["source"].astype(str).unique())
    look = Look(theme, title, figsize, ax)
    with drawing(look, 1.7 + 0.42 * len(rows), grid="x") as canvas:
        [axis], palette = canvas.axes, canvas.palette
        axis.axvline(0, color=palette.muted, linewidth=0.8)
        _percent_axis(axis, rows)
        for place, row in rows.iterrows():
            _draw_drift(axis, float(str(place)), row, palette)
        names = [f"{row.pair} ({row.source})" if len(sources) > 1 else str(row.pair) for row in rows.itertuples()]
        axis.set_yticks(range(len(rows)), names, fontsize=9, color=palette.text)
        axis.set_ylim(-0.6, len(rows) - 0.4)
        sides = sides_of(rows["pair"])
        axis.set_xlabel(f"\u2190 {sides.fall}     change in percent, symmetric log scale     {sides.rise} \u2192")
        _write_caption(canvas, rows, sources, left_out_pairs(drifts))
    return canvas.figure


def _write_caption(canvas: Canvas, rows: pd.DataFrame, sources: list[str], left_out: str) -> None:
    proven = int((rows["significant"] & ~rows["peg_hop"]).sum())
    first, last = rows["start_at"].min(), rows["end_at"].max()
    moved = f"{proven} of {counted(len(rows), 'rate')} moved by more than rounding"
    ends = f"{_ends_text(rows['start_at'])} to {_ends_text(rows['end_at'])} {rows['end_at'].dt.tz}"
    own_base = (rows["base_at"] != rows["start_at"]).any()
    base = f" Percent of the values as of {_ends_text(rows['base_at'])} {rows['base_at'].dt.tz}." if own_base else ""
    write_caption(
        canvas,
        f"{moved}, {first:%Y-%m-%d} to {last:%Y-%m-%d}",
        f"{names_text(sources)}, last values as of each end: {ends}, {counted(len(rows), 'rate')}.{base}{left_out}",
        "Line: what the printed digits allow. Filled: the change is more than rounding. "
        "Hollow: rounding alone could explain it."
        + (" Peg hop: a pegged currency came back to a level that was shown before." if rows["peg_hop"].any() else ""),
    )


def _ends_text(instants: pd.Series) -> str:
    """Return the instant of one end as text; the first and the last if there are several."""
    first, last = instants.min(), instants.max()
    return f"{first:%Y-%m-%d %H:%M}" if first == last else f"({first:%Y-%m-%d %H:%M} … {last:%Y-%m-%d %H:%M})"


def _draw_drift(axis: Axes, place: float, row: pd.Series, palette: Palette) -> None:
    moved = row["significant"] and not row["peg_hop"]
    color = (palette.up if row["drift_pct"] > 0 else palette.down) if moved else palette.muted
    axis.hlines(place, row["drift_lo_pct"], row["drift_hi_pct"], color=color, linewidth=3.2, alpha=0.55)
    axis.plot(
        row["drift_pct"],
        place,
        marker="o",
        markersize=6,
        color=color,
        markerfacecolor=color if row["significant"] else axis.get_facecolor(),
    )
    texts = format_with_band(row["drift_pct"], row["drift_lo_pct"], row["drift_hi_pct"], signed=True)
    axis.annotate(
        f"{texts.value} %  [{texts.lo}, {texts.hi}]   {_verdict(row)}",
        (1.02, place),
        xycoords=("axes fraction", "data"),
        va="center",
        fontsize=8,
        color=palette.text if moved else palette.muted,
        annotation_clip=False,
    )


def _percent_axis(axis: Axes, rows: pd.DataFrame) -> None:
    reach = float(rows[["drift_lo_pct", "drift_hi_pct"]].abs().to_numpy().max())
    top = 10.0 ** np.ceil(np.log10(max(reach, 1e-9)))
    smallest = float((rows["drift_hi_pct"] - rows["drift_lo_pct"]).min())
    linear = min(max(10.0 ** np.floor(np.log10(max(smallest, 1e-9))), top / 1e4), top)
    axis.set_xscale("symlog", linthresh=linear, linscale=1)
    axis.set_xlim(-1.15 * reach, 1.15 * reach)
    powers = [linear * 10**step for step in range(round(np.log10(top / linear)) + 1)]
    shown = [power for power in powers if power <= 1.15 * reach]
    if len(shown) > _MOST_POWERS:  # every second one from the largest down: more labels would overlap
        shown = shown[::-2][::-1]
    axis.xaxis.set_major_locator(FixedLocator([*(-power for power in reversed(shown)), 0.0, *shown]))
    axis.xaxis.set_major_formatter(signed_ticks())
    axis.xaxis.set_minor_locator(FixedLocator([]))


def _verdict(row: pd.Series) -> str:
    return verdict(row["drift_pct"], significant=bool(row["significant"]), peg_hop=bool(row["peg_hop"]))
