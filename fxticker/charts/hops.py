"""Hops of a pegged pair: levels are drawn without walls between them, and each hop is a mark.

A vertical line between two levels reads as a move of the rate. The ticker's supplier shows the manat at one of a few
levels around its peg, in turn; a change back to a level that was shown before is none (`fxticker.analysis.plateaus`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from fxticker.analysis.plateaus import EarlierLevels, level_of
from fxticker.analysis.source_quotes import Ticks
from fxticker.charts.line_looks import LineLook
from fxticker.charts.steps import Steps, breaks_at, draw_band, draw_dots, draw_line
from fxticker.model.pegs import is_hop, pegs_of
from fxticker.model.timestamps import Moment

_MARK_PT = 4.5
MOST_MARKS = 60
"""Of more the marks would run together."""


@dataclass(frozen=True, slots=True)
class Past:
    """Where levels are looked up that a source showed before the first value of a line.

    Attributes
    ----------
    ticks
        A store; a frame of ticks has none of before it.
    as_of
        Use only rows that were recorded by then.
    """

    ticks: Ticks
    as_of: Moment | None = None

    @property
    def is_known(self) -> bool:
        """Whether there is one: levels that a chart does not show can be known."""
        return not isinstance(self.ticks, pd.DataFrame)

    def before(self, begin: datetime, source: str, pair: str) -> EarlierLevels | None:
        """Return the levels before an aware instant; ``None`` if they are not known."""
        return EarlierLevels(self.ticks, source, pair, begin, self.as_of) if self.is_known else None


@dataclass(frozen=True, slots=True)
class Levels:
    """A line of a pegged pair.

    Attributes
    ----------
    steps
        As given, but at each hop the line ends at the old level and begins at the new one.
    hops
        Positions of the hops in the given steps: of the first value at the new level.
    came_back
        Whether the last level was shown before.
    """

    steps: Steps
    hops: np.ndarray
    came_back: bool


def levels_of(steps: Steps, pair: str, earlier: EarlierLevels | None = None) -> Levels:
    """Return a line whose levels are not connected where the rate came back to one that was shown before.

    Parameters
    ----------
    steps
        The line.
    pair
        Pair of the line; one without a peg has no hops.
    earlier
        Levels that its source showed before the line; ``None`` if these are not known.
    """
    if not pegs_of(pair):
        return Levels(steps, np.zeros(0, np.int64), came_back=False)
    hops, came_back = _hops(steps, pair, earlier)
    # after a gap there is no wall to leave out
    walls = hops[~np.isin(hops, breaks_at(steps.when, steps.ends) + 1)]
    held = steps.when[walls] - 1  # a microsecond, which no picture shows
    value, lo, hi = (np.insert(column, walls, column[walls - 1]) for column in (steps.value, steps.lo, steps.hi))
    split = Steps(np.insert(steps.when, walls, held), value, lo, hi, np.union1d(steps.ends, held))
    return Levels(split, hops, came_back)


def draw_levels(axis: Axes, steps: Steps, levels: Levels, look: LineLook) -> None:
    """Draw a line in its band, and a hollow diamond at each of few hops."""
    draw_band(axis, levels.steps, color=look.band, alpha=look.band_alpha)
    draw_line(axis, levels.steps, color=look.color, linestyle=look.linestyle, marked=False)
    draw_dots(axis, steps, color=look.color)
    if 0 < len(levels.hops) <= MOST_MARKS:
        axis.plot(
            steps.when[levels.hops].view("M8[us]"),
            steps.value[levels.hops],
            linestyle="none",
            marker="D",
            markersize=_MARK_PT,
            markeredgewidth=0.8,
            markerfacecolor="none",
            color=look.color,
        )


def hops_text(lines: Sequence[Levels], past: Past) -> str:
    """Return a sentence on the diamonds of lines, or nothing."""
    most = max(len(levels.hops) for levels in lines)
    if most > MOST_MARKS:
        return "Changes back to levels shown before are not connected. "
    where = "a level shown before" if past.is_known else "a level that this chart shows before"
    return f"Diamond: the ticker came back to {where}. " if most else ""


def _hops(steps: Steps, pair: str, earlier: EarlierLevels | None) -> tuple[np.ndarray, bool]:
    """Return the positions of values that came back to a level, and whether the last level was shown before."""
    shown = {level_of(steps.value[0])}
    hops, came_back = [], False
    for place in np.flatnonzero(np.diff(steps.value)) + 1:
        level, day = level_of(steps.value[place]), steps.when[place].view("M8[us]").astype("M8[D]").item()
        if level not in shown and earlier is not None and earlier.has(level, beyond_current=False):
            shown.add(level)
        came_back = is_hop(pair, day, level, shown)
        if came_back:
            hops.append(place)
        shown.add(level)
    return np.array(hops, np.int64), came_back
