"""Steps in their bands: draws rates as steps that break at gaps, reduced to what pixels can show.

A step holds until the next value. So the first of a run of equal values is sufficient, and of the values in one column
of pixels the first, the last and the extremes: dropping the others changes no pixel.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from matplotlib.axes import Axes
from tsdownsample import M4Downsampler

from fxticker.analysis.record_holes import GAP_CADENCES

COLUMNS = 1600
"""Columns of pixels that a chart is drawn for: its width of 8 inches at 200 dots per inch."""
EXACT_VALUES = 4 * COLUMNS
"""Values of a line up to which all are drawn."""
_MARKED_VALUES = {"o": 400, "s": 100, "^": 100, "v": 100, "*": 100}
"""Values of a line up to which each gets its mark: of more the marks would hide the style of the line."""
_FEWEST_DISTANCES, _DAY_US = 3, 86_400e6
"""Of fewer distances none is typical: a line then spans a day at most."""
_NARROW_PIECES = 150
"""Fraction (1 / n) of a line's width below which the dots of a piece would hide its band."""
_MARK_SIZES_PT = {"o": 1.8, "s": 2.6, "^": 3.4, "v": 3.4, "*": 5.0}
"""Sizes of the marks of values: a square and a triangle must be told from a dot."""
_STROKE_PT = 2.4
"""Width of the stroke for the band of a value without duration: just wider than a dot, so that it does not extend over
days without a poll."""


@dataclass(frozen=True, slots=True)
class Steps:
    """Steps of one line.

    Attributes
    ----------
    when
        Instants in order, int64 microseconds since 1970 UTC.
    value, lo, hi
        Value at each instant, and its band.
    ends
        Instants after which the line breaks.
    """

    when: np.ndarray
    value: np.ndarray
    lo: np.ndarray
    hi: np.ndarray
    ends: np.ndarray = field(default_factory=lambda: np.zeros(0, np.int64))


LINES_BREAK = "Lines break over three usual distances of values"
"""What `gap_starts` does, as the beginning of a sentence of a caption."""


def gap_starts(times: np.ndarray, failed: np.ndarray | None = None, narrowest_us: float = 0) -> np.ndarray:
    """Return where a line breaks: positions whose following value is more than three median distances away.

    Parameters
    ----------
    times
        Instants in order, in microseconds.
    failed
        Slots of polls that gave no tick, in order: a line also breaks where one lies between two values.
    narrowest_us
        Narrower gaps do not break the line, in microseconds.
    """
    distance = np.diff(times)
    apart = distance[distance > 0]
    if not len(apart):
        return np.zeros(0, np.int64)
    breaks = distance > longest_span(apart)
    if failed is not None and len(failed):
        after = np.searchsorted(times, failed, side="right")
        breaks[after[(after > 0) & (after < len(times))] - 1] = True
    return np.flatnonzero(breaks & (distance >= narrowest_us))


def longest_span(apart: np.ndarray) -> float:
    """Return the longest distance of two values that a line may span, given the distances of all, in microseconds."""
    middle = (len(apart) - 1) // 2  # of two the shorter: the longer one may be the gap
    # as doubles: numpy's partition took a second for five million integers that were nearly all equal
    typical = np.partition(apart.astype(np.float64), middle)[middle]
    longest = float(GAP_CADENCES * typical)
    return longest if len(apart) >= _FEWEST_DISTANCES else min(longest, _DAY_US)


def changes_only(times: np.ndarray, values: tuple[np.ndarray, ...], breaks: np.ndarray) -> np.ndarray:
    """Return the positions of rows without which a line of steps would look different.

    These are the first of each run of equal values and those of `_kept_always`.
    """
    keep = _kept_always(times, breaks)
    for value in values:
        keep[1:] |= value[1:] != value[:-1]
    return np.flatnonzero(keep)


def extremes(times: np.ndarray, values: tuple[np.ndarray, ...], ends: np.ndarray) -> np.ndarray:
    """Return the positions of the first, last, smallest and largest of each value in each column of pixels.

    Those of `_kept_always` are included; `ends` are the instants after which the line breaks.
    """
    chosen = [
        M4Downsampler().downsample(times, value, n_out=4 * COLUMNS).astype(np.int64)  # type: ignore[no-untyped-call]
        for value in values
    ]
    always = np.flatnonzero(_kept_always(times, breaks_at(times, ends)))
    return np.unique(np.concatenate([*chosen, always]))


def thinned(steps: Steps) -> Steps:
    """Reduce a line to the values that columns of pixels can show, with all extremes and breaks.

    A line of at most `EXACT_VALUES` values is returned unchanged.
    """
    if len(steps.when) <= EXACT_VALUES:
        return steps
    values = (steps.value, steps.lo, steps.hi)
    kept = changes_only(steps.when, values, breaks_at(steps.when, steps.ends))
    if len(kept) > EXACT_VALUES:
        kept = kept[extremes(steps.when[kept], (steps.value[kept], steps.lo[kept], steps.hi[kept]), steps.ends)]
    return Steps(steps.when[kept], steps.value[kept], steps.lo[kept], steps.hi[kept], steps.ends)


def breaks_at(times: np.ndarray, ends: np.ndarray) -> np.ndarray:
    """Return the positions after which a line breaks, given the instants."""
    return np.flatnonzero(np.isin(times[:-1], ends))


def _kept_always(times: np.ndarray, breaks: np.ndarray) -> np.ndarray:
    """Mark both ends of a line, both sides of each break, and rows that share an instant with a neighbour.

    Several rows of one instant can be settled to a value that none of them has.
    """
    keep = np.zeros(len(times), bool)
    keep[[0, -1]] = True
    keep[breaks] = True
    keep[breaks + 1] = True
    together = times[1:] == times[:-1]
    if together.any():
        keep[:-1] |= together
        keep[1:] |= together
        keep[2:] |= together[:-1]
    return keep


def draw_band(axis: Axes, steps: Steps, *, color: str, alpha: float = 1.0) -> None:
    """Shade the bands; that of a narrow piece or a last value, which has no visible width, is drawn as a stroke.

    Opaque ones stand below transparent ones, and all of them below all lines.
    """
    below = 1.0 if alpha < 1 else 0.9
    steps = bands_by_column(steps) if len(steps.when) > 2 * COLUMNS else steps
    x, lo, hi = _broken(steps, steps.lo, steps.hi)
    axis.fill_between(x, lo, hi, step="post", color=color, alpha=alpha, linewidth=0, zorder=below)
    begins, lasts = pieces(steps)
    widths = steps.when[lasts] - steps.when[begins]
    is_narrow = np.repeat(widths <= (steps.when[-1] - steps.when[0]) / _NARROW_PIECES, lasts - begins + 1)
    # adjacent equal strokes would add up to a darker one
    is_new = np.append(True, (np.diff(steps.lo) != 0) | (np.diff(steps.hi) != 0))
    is_new[begins] = True
    stroke = is_narrow & is_new
    # on its own transparent area a stroke would read as a mark
    stroke[lasts] = is_new[lasts] if alpha < 1 else True
    if stroke.any():
        times = steps.when[stroke].view("M8[us]")
        axis.vlines(
            times, steps.lo[stroke], steps.hi[stroke], color=color, alpha=alpha, linewidth=_STROKE_PT, zorder=below
        )


def bands_by_column(steps: Steps) -> Steps:
    """Merge the bands of each column of pixels: the hull of all up to the last one, then the last one."""
    column = (steps.when - steps.when[0]) * COLUMNS // max(int(steps.when[-1] - steps.when[0]), 1)
    begins, _ = pieces(steps)
    first = np.union1d(begins, np.flatnonzero(np.diff(column)) + 1)
    last = np.append(first[1:], len(column)) - 1
    kept = np.column_stack([first != last, np.ones(len(first), bool)]).ravel()

    def both(first_values: np.ndarray, last_values: np.ndarray) -> np.ndarray:
        interleaved: np.ndarray = np.column_stack([first_values, last_values]).ravel()[kept]
        return interleaved

    return Steps(
        both(steps.when[first], steps.when[last]),
        both(steps.value[first], steps.value[last]),
        both(np.minimum.reduceat(steps.lo, first), steps.lo[last]),
        both(np.maximum.reduceat(steps.hi, first), steps.hi[last]),
        steps.ends,
    )


def draw_line(axis: Axes, steps: Steps, *, color: str, linestyle: str = "solid") -> None:
    """Draw the steps without their band."""
    x, value = _broken(steps, steps.value)
    axis.step(x, value, where="post", color=color, linestyle=linestyle, solid_capstyle="projecting")


def draw_dots(axis: Axes, steps: Steps, *, color: str, mark: str = "o") -> None:
    """Draw a dot, or another mark, at each of few values, and at a value between two gaps."""
    begins, lasts = pieces(steps)
    dotted = np.ones(len(steps.when), bool)
    if len(dotted) > _MARKED_VALUES[mark]:
        dotted[:] = False
        dotted[begins[begins == lasts]] = True
    if dotted.any():
        marks = steps.when[dotted].view("M8[us]")
        axis.plot(
            marks, steps.value[dotted], linestyle="none", marker=mark, color=color, markersize=_MARK_SIZES_PT[mark]
        )


def _broken(steps: Steps, *columns: np.ndarray) -> list[np.ndarray]:
    """Return the instants and columns to draw: a NaN after each break ends the step at its last instant."""
    marks = steps.when.view("M8[us]")
    breaks = breaks_at(steps.when, steps.ends)
    return [np.insert(marks, breaks + 1, marks[breaks]), *(np.insert(column, breaks + 1, np.nan) for column in columns)]


def pieces(steps: Steps) -> tuple[np.ndarray, np.ndarray]:
    """Return the first and the last positions of unbroken pieces."""
    breaks = breaks_at(steps.when, steps.ends)
    return np.append(0, breaks + 1), np.append(breaks, len(steps.when) - 1)
