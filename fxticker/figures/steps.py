"""Steps in their bands: what is drawn of a rate, no more of it than pixels can show, and nothing across a gap.

A step holds until the next value. So of a run of equal values the first says everything, and of the values that share
a column of pixels the first, the last and the extremes: dropping the others changes no pixel.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from matplotlib.axes import Axes
from tsdownsample import M4Downsampler

from fxticker.analysis.covering import GAP_CADENCES

COLUMNS = 1600
"""Columns of pixels that a chart is drawn for: its width of 8 inches at 200 dots per inch."""
EXACT_VALUES = 4 * COLUMNS
"""So many values of a line are drawn as they are."""
_MARKED_VALUES = 400
"""Up to so many values each gets a dot: farther apart than dots are wide."""


@dataclass(frozen=True, slots=True)
class Steps:
    """One line.

    Attributes
    ----------
    when
        Instants in order, int64 microseconds since 1970 UTC.
    value, lo, hi
        At each instant, with its band.
    ends
        Instants behind which the line is broken.
    """

    when: np.ndarray
    value: np.ndarray
    lo: np.ndarray
    hi: np.ndarray
    ends: np.ndarray = field(default_factory=lambda: np.zeros(0, np.int64))


def gap_starts(at: np.ndarray, unsound: np.ndarray | None = None, narrowest_us: float = 0) -> np.ndarray:
    """Where a line breaks: positions whose following value is too far away.

    Parameters
    ----------
    at
        Instants in order, in microseconds.
    unsound
        Slots of polls that gave no tick, in order: a line also breaks where one lies between two values.
    narrowest_us
        Gaps narrower than this are no breaks.
    """
    distance = np.diff(at)
    apart = distance[distance > 0]
    if not len(apart):
        return np.zeros(0, np.int64)
    # as doubles: of whole numbers that are nearly all equal, numpy's partition has taken a second for five million
    breaks = distance > GAP_CADENCES * np.median(apart.astype(np.float64))
    if unsound is not None and len(unsound):
        after = np.searchsorted(at, unsound, side="right")
        breaks[after[(after > 0) & (after < len(at))] - 1] = True
    return np.flatnonzero(breaks & (distance >= narrowest_us))


def changes_only(at: np.ndarray, values: tuple[np.ndarray, ...], breaks: np.ndarray) -> np.ndarray:
    """Positions of rows without which a line of steps would look different.

    Kept are the first of each run of equal values and what `_kept_always` names.
    """
    keep = _kept_always(at, breaks)
    for value in values:
        keep[1:] |= value[1:] != value[:-1]
    return np.flatnonzero(keep)


def extremes(at: np.ndarray, values: tuple[np.ndarray, ...], ends: np.ndarray) -> np.ndarray:
    """Positions of the first, last, smallest and largest of each value in each column of pixels.

    With them what `_kept_always` names; `ends` are the instants behind which the line is broken.
    """
    chosen = [
        M4Downsampler().downsample(at, value, n_out=4 * COLUMNS).astype(np.int64)  # type: ignore[no-untyped-call]
        for value in values
    ]
    always = np.flatnonzero(_kept_always(at, breaks_at(at, ends)))
    return np.unique(np.concatenate([*chosen, always]))


def thinned(steps: Steps) -> Steps:
    """A line of no more values than columns of pixels can show, with all extremes and breaks.

    Exact where it has at most `EXACT_VALUES`.
    """
    if len(steps.when) <= EXACT_VALUES:
        return steps
    values = (steps.value, steps.lo, steps.hi)
    kept = changes_only(steps.when, values, breaks_at(steps.when, steps.ends))
    if len(kept) > EXACT_VALUES:
        kept = kept[extremes(steps.when[kept], (steps.value[kept], steps.lo[kept], steps.hi[kept]), steps.ends)]
    return Steps(steps.when[kept], steps.value[kept], steps.lo[kept], steps.hi[kept], steps.ends)


def breaks_at(at: np.ndarray, ends: np.ndarray) -> np.ndarray:
    """Positions behind which a line is broken, given the instants."""
    return np.flatnonzero(np.isin(at[:-1], ends))


def _kept_always(at: np.ndarray, breaks: np.ndarray) -> np.ndarray:
    """Both ends of a line, both sides of each break, and rows that share an instant with the row behind them.

    Rows of one instant may together stand for another value than each.
    """
    keep = np.zeros(len(at), bool)
    keep[[0, -1]] = True
    keep[breaks] = True
    keep[breaks + 1] = True
    together = at[1:] == at[:-1]
    if together.any():
        keep[:-1] |= together
        keep[1:] |= together
        keep[2:] |= together[:-1]
    return keep


def draw_steps(axis: Axes, steps: Steps, *, color: str, band: str, band_alpha: float = 1.0) -> None:
    """Draw the line in its band; a value between two gaps is an upright stroke."""
    marks = steps.when.view("M8[us]")
    breaks = breaks_at(steps.when, steps.ends)
    # a value that is none ends the step before it where that was seen last
    x = np.insert(marks, breaks + 1, marks[breaks])
    value, lo, hi = (np.insert(column, breaks + 1, np.nan) for column in (steps.value, steps.lo, steps.hi))
    axis.fill_between(x, lo, hi, step="post", color=band, alpha=band_alpha, linewidth=0)
    edge = np.zeros(len(marks) + 1, bool)
    edge[[0, -1]] = True
    edge[breaks + 1] = True
    alone = edge[:-1] & edge[1:]
    if alone.any():
        axis.vlines(marks[alone], steps.lo[alone], steps.hi[alone], color=band, alpha=band_alpha, linewidth=1.5)
    axis.step(x, value, where="post", color=color)
    dotted = np.ones(len(marks), bool) if len(marks) <= _MARKED_VALUES else alone
    if dotted.any():
        axis.plot(marks[dotted], steps.value[dotted], linestyle="none", marker="o", color=color)
