"""Cells of a heatmap: colours of proven changes, pale hatched cells of others, boxes over several periods, numbers.

A change that a period's close shows since a close of several periods before belongs to none of them: its box spans all.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.collections import PolyCollection, QuadMesh
from matplotlib.colors import LinearSegmentedColormap, Normalize

from fxticker.charts.moves import is_move
from fxticker.charts.period_axis import Periods
from fxticker.charts.style import Palette
from fxticker.model.formatting import real_minus

_LEAST_PCT = 1.0
"""Change that has the full colour at least: else a step of rounding would look like a crash."""
_LEAST_WRITTEN_PCT, _LEAST_UNPROVEN_PCT = 1e-4, 0.005
"""Changes, proven and others, below which a cell has a zero."""
_WRITTEN_PT = 7
DIGIT_IN = 0.062
"""Width of a character of that size, in inches."""
LINE_IN = 0.12
"""Height of one, likewise."""
_MOST_WRITTEN = 2_000
"""Numbers that are drawn in some three seconds."""
_TOLERANCE_IN = 0.001
_DARK = 0.55
"""Luma of a cell by Rec. 601, from 0 to 1, below which its number is white."""
_INSET = 0.06
"""Distance of a box from the edge of its row, as a share of its height."""


@dataclass(frozen=True, slots=True)
class Cells:
    """Changes by their places.

    Attributes
    ----------
    row, first, last
        Row of each change, and the first and the last of the periods that it is over.
    percent
        The changes.
    texts
        What is written into the cells.
    is_move, is_hop
        Whether a change is more than rounding and no peg hop, and whether it is a peg hop.
    """

    row: np.ndarray
    first: np.ndarray
    last: np.ndarray
    percent: np.ndarray
    texts: list[str]
    is_move: np.ndarray
    is_hop: np.ndarray

    @property
    def is_long(self) -> np.ndarray:
        """Whether a change is over several periods."""
        spans: np.ndarray = self.first < self.last
        return spans

    @property
    def longest_text(self) -> int:
        """Number of characters of the longest text that must fit one column."""
        return max(
            (len(text) for text, is_long in zip(self.texts, self.is_long, strict=True) if not is_long), default=1
        )


def cells_of(rows: pd.DataFrame, row: np.ndarray, periods: Periods) -> Cells:
    """Return the cells of changes, given their rows."""
    last = periods.starts.searchsorted(pd.DatetimeIndex(rows["start_at"]))
    # the period after that of the close before; its own where that close is of the period before
    first = periods.starts.searchsorted(pd.DatetimeIndex(rows["from_at"]), side="right")
    return Cells(
        row,
        np.minimum(first, last),
        last,
        rows["drift_pct"].to_numpy(np.float64),
        [cell_text(*change) for change in zip(rows["drift_pct"], is_move(rows), strict=True)],
        is_move(rows).to_numpy(bool),
        rows["peg_hop"].to_numpy(bool),
    )


def cell_text(percent: float, is_proven: bool) -> str:  # noqa: FBT001 - a column
    """Return a change with two digits, with one below 0.1 %; a proven one has a sign even where it rounds to 0."""
    size = abs(percent)
    if size < (_LEAST_WRITTEN_PCT if is_proven else _LEAST_UNPROVEN_PCT):
        return real_minus(f"{percent:+.0f}") if is_proven else "0"
    decimals = 0 if size >= 9.95 else 1 if size >= 0.995 else 2  # noqa: PLR2004 - those that round to 10 and to 1
    return real_minus(f"{percent:+.1g}" if size < 0.095 else f"{percent:+.{decimals}f}")  # noqa: PLR2004 - to 0.10


def reach_pct(cells: Cells) -> float:
    """Return the change that has the full colour, in percent."""
    colored = cells.is_move & ~cells.is_long
    return max(float(np.abs(cells.percent[colored]).max(initial=0.0)), _LEAST_PCT)


def draw_cells(axis: Axes, cells: Cells, shape: tuple[int, int], periods: Periods, palette: Palette) -> QuadMesh:
    """Draw the cells; return the coloured ones, of which there may be none."""
    grid = np.full(shape, np.nan)
    colored = cells.is_move & ~cells.is_long
    grid[cells.row[colored], cells.last[colored]] = cells.percent[colored]
    reach = reach_pct(cells)
    mesh = axis.pcolormesh(
        periods.days,
        np.arange(shape[0] + 1) - 0.5,
        np.ma.masked_invalid(grid),
        cmap=LinearSegmentedColormap.from_list("change", [palette.down, palette.still, palette.up]),
        norm=Normalize(-reach, reach),
        linewidth=0,
    )
    single = ~cells.is_move & ~cells.is_long
    _draw_pale(axis, cells, single & ~cells.is_hop, periods, palette, "////")
    _draw_pale(axis, cells, single & cells.is_hop, periods, palette, "....")
    _draw_boxes(axis, cells, periods, palette)
    return mesh


def write_cells(
    axis: Axes, cells: Cells, mesh: QuadMesh, periods: Periods, palette: Palette, cell_in: tuple[float, float]
) -> bool:
    """Write the change into each cell, upright where it is too narrow.

    Returns
    -------
    bool
        Whether the numbers fit cells of this width and height in inches; else only wide boxes have theirs.
    """
    are_written = fits(cells, *cell_in)
    days = periods.days
    middles = (days[cells.first] + days[cells.last + 1]) / 2
    widths = cell_in[0] * (cells.last - cells.first + 1)
    is_flat = (cells.longest_text + 1) * DIGIT_IN <= cell_in[0] + _TOLERANCE_IN
    for place, text in enumerate(cells.texts):
        fits_flat = (len(text) + 1) * DIGIT_IN <= widths[place] if cells.is_long[place] else is_flat
        if not are_written and not (fits_flat and cells.is_long[place]):
            continue
        color = palette.text if cells.is_move[place] else palette.muted
        if cells.is_move[place] and not cells.is_long[place]:
            red, green, blue, _ = mesh.cmap(mesh.norm(cells.percent[place]))
            color = "w" if 0.299 * red + 0.587 * green + 0.114 * blue < _DARK else "k"
        ground = {"facecolor": palette.still, "linewidth": 0, "pad": 0.4}
        is_hatched = not (cells.is_move[place] or cells.is_long[place])
        axis.text(
            middles[place],
            cells.row[place],
            text,
            ha="center",
            va="center",
            fontsize=_WRITTEN_PT,
            color=color,
            bbox=ground if is_hatched else None,
            rotation=0 if fits_flat else 90,
        )
    return are_written


def fits(cells: Cells, width_in: float, height_in: float) -> bool:
    """Return whether all numbers fit cells of this size, flat or upright, and are not too many."""
    if len(cells.texts) > _MOST_WRITTEN:
        return False
    longest = max(map(len, cells.texts))
    is_flat = (cells.longest_text + 1) * DIGIT_IN <= width_in + _TOLERANCE_IN
    return is_flat or (width_in >= LINE_IN - _TOLERANCE_IN and longest * DIGIT_IN <= height_in)


def _draw_pale(axis: Axes, cells: Cells, chosen: np.ndarray, periods: Periods, palette: Palette, hatch: str) -> None:
    """Draw pale, hatched cells."""
    if chosen.any():
        corners = _corners(cells, chosen, periods, 0.0)
        axis.add_collection(
            PolyCollection(list(corners), facecolor=palette.still, hatch=hatch, linewidth=0), autolim=False
        )


def _draw_boxes(axis: Axes, cells: Cells, periods: Periods, palette: Palette) -> None:
    """Draw a frame without a colour around the periods that a change is over."""
    if cells.is_long.any():
        corners = _corners(cells, cells.is_long, periods, _INSET)
        axis.add_collection(
            PolyCollection(list(corners), facecolor="none", edgecolor=palette.muted, linewidth=0.8, clip_on=False),
            autolim=False,
        )


def _corners(cells: Cells, chosen: np.ndarray, periods: Periods, inset: float) -> np.ndarray:
    days = periods.days
    left, right = days[cells.first[chosen]], days[cells.last[chosen] + 1]
    top, foot = cells.row[chosen] - 0.5 + inset, cells.row[chosen] + 0.5 - inset
    corners: np.ndarray = np.stack([[left, top], [left, foot], [right, foot], [right, top]]).transpose(2, 0, 1)
    return corners
