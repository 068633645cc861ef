"""Steps in their bands: what is drawn of a rate, no more of it than pixels can show, and nothing across a gap.

A step holds until the next value. So of a run of equal values the first says everything, and of the values that share
a column of pixels the first, the last and the extremes: dropping the others changes no pixel.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from matplotlib.axes import Axes
from tsdownsample import M4Downsampler

from fxticker.analysis.coverage import GAP_CADENCES

COLUMNS = 1600
"""Columns of pixels that a chart is drawn for: its width of 8 inches at 200 dots per inch."""
EXACT_VALUES = 4 * COLUMNS
"""So many values of a line are drawn as they are."""
_MARKED_VALUES = 400
"""Up to so many values each gets a dot: farther apart than dots are wide."""
_NARROW_PIECES = 150
"""A piece of a line that is less than such a part of it hides its band behind its dots."""
_STROKE_PT = 2.4
"""Width of the band of a value that has none of its own: just wider than a dot, for no look is to be painted over days
without one."""


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
    breaks = distance > GAP_CADENCES * np.median(apart.astype(np.float64), overwrite_input=True)
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


def draw_steps(
    axis: Axes, steps: Steps, *, color: str, band: str, band_alpha: float = 1.0, linestyle: str = "solid"
) -> None:
    """Draw the line in its band."""
    draw_band(axis, steps, color=band, alpha=band_alpha)
    draw_line(axis, steps, color=color, linestyle=linestyle)


def draw_band(axis: Axes, steps: Steps, *, color: str, alpha: float = 1.0) -> None:
    """Shade what the digits allow; where nothing is as wide as to show it, a narrow or last value, as a stroke."""
    steps = bands_by_column(steps) if len(steps.when) > 2 * COLUMNS else steps
    x, lo, hi = _broken(steps, steps.lo, steps.hi)
    axis.fill_between(x, lo, hi, step="post", color=color, alpha=alpha, linewidth=0)
    begins, lasts = _pieces(steps)
    widths = steps.when[lasts] - steps.when[begins]
    is_narrow = np.repeat(widths <= (steps.when[-1] - steps.when[0]) / _NARROW_PIECES, lasts - begins + 1)
    # equal strokes beside each other would only add up to a darker one
    is_new = np.append(True, (np.diff(steps.lo) != 0) | (np.diff(steps.hi) != 0))
    is_new[begins] = True
    stroke = is_narrow & is_new
    stroke[lasts] = True
    if stroke.any():
        at = steps.when[stroke].view("M8[us]")
        axis.vlines(at, steps.lo[stroke], steps.hi[stroke], color=color, alpha=alpha, linewidth=_STROKE_PT)


def bands_by_column(steps: Steps) -> Steps:
    """Of many bands what a column of pixels shows: all of them together up to the last one, and that from there on."""
    column = (steps.when - steps.when[0]) * COLUMNS // max(int(steps.when[-1] - steps.when[0]), 1)
    begins, _ = _pieces(steps)
    first = np.union1d(begins, np.flatnonzero(np.diff(column)) + 1)
    last = np.append(first[1:], len(column)) - 1
    kept = np.column_stack([first != last, np.ones(len(first), bool)]).ravel()

    def both(one: np.ndarray, other: np.ndarray) -> np.ndarray:
        found: np.ndarray = np.column_stack([one, other]).ravel()[kept]
        return found

    return Steps(
        both(steps.when[first], steps.when[last]),
        both(steps.value[first], steps.value[last]),
        both(np.minimum.reduceat(steps.lo, first), steps.lo[last]),
        both(np.maximum.reduceat(steps.hi, first), steps.hi[last]),
        steps.ends,
    )


def draw_line(axis: Axes, steps: Steps, *, color: str, marked: bool = True, linestyle: str = "solid") -> None:
    """Draw the steps without their band; if marked, few values are dots too, and so is a value between two gaps."""
    x, value = _broken(steps, steps.value)
    axis.step(x, value, where="post", color=color, linestyle=linestyle, solid_capstyle="projecting")
    if not marked:
        return
    begins, lasts = _pieces(steps)
    dotted = np.ones(len(steps.when), bool)
    if len(dotted) > _MARKED_VALUES:
        dotted[:] = False
        dotted[begins[begins == lasts]] = True
    if dotted.any():
        marks = steps.when[dotted].view("M8[us]")
        axis.plot(marks, steps.value[dotted], linestyle="none", marker="o", color=color)


def _broken(steps: Steps, *columns: np.ndarray) -> list[np.ndarray]:
    """The instants and columns to draw: a value that is none ends the step before it where that was seen last."""
    marks = steps.when.view("M8[us]")
    breaks = breaks_at(steps.when, steps.ends)
    return [np.insert(marks, breaks + 1, marks[breaks]), *(np.insert(one, breaks + 1, np.nan) for one in columns)]


def _pieces(steps: Steps) -> tuple[np.ndarray, np.ndarray]:
    """The positions at which unbroken pieces begin, and their last ones."""
    breaks = breaks_at(steps.when, steps.ends)
    return np.append(0, breaks + 1), np.append(breaks, len(steps.when) - 1)
