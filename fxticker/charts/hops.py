"""Hops of a pegged pair: levels are drawn without walls between them, and each hop is a mark.

A vertical line between two levels reads as a move of the rate. The ticker's supplier shows the manat at one of a few
levels around its peg, in turn; a change back to a level that was shown before is none (`fxticker.analysis.peg_hops`).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TypeAlias

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from fxticker.analysis.peg_hops import EarlierLevels, level_of
from fxticker.analysis.quotes import quotes
from fxticker.analysis.source_quotes import Ticks
from fxticker.charts.causes import local_instants
from fxticker.charts.line_looks import LineLook
from fxticker.charts.steps import Steps, breaks_at, draw_band, draw_dots, draw_line
from fxticker.model.pegs import is_hop, pegs_of
from fxticker.model.timestamps import Moment

_MARK_PT = 4.5
PEG_HOP = "Peg hop: a pegged currency came back to a level that was shown before."
"""What it means where no mark stands for it."""
NEWER_LEVEL = (
    "Newer level: a pegged currency at a value that was first shown after the one that it is compared with, as far "
    "as a year's record tells: the supplier's, or a move."
)
"""What it means in a title or a label."""
SEVERAL_VALUES = "Of several values of one date: the band spans them, and the line is its middle, which is no level."
"""What it means where a value is the middle of several."""
MOST_MARKS = 60
"""Of more the marks would run together."""
WasShown: TypeAlias = Callable[[str, int], bool]
"""Whether a level, which the line does not show by then, was shown before an instant: one of the line's own."""


@dataclass(frozen=True, slots=True)
class Past:
    """Where levels are looked up that a source showed before a value of a line, and the line does not show.

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

    def unknown(self, pairs: Iterable[str]) -> str:
        """Return a sentence if levels before the chart are not known, and one of the pairs has levels."""
        return unknown_past(self.ticks, pairs)

    def levels(self, source: str, pair: str, begin: datetime, end: datetime | None = None) -> WasShown | None:
        """Return whether a level was shown before the first value of a line; ``None`` if that is not known.

        Parameters
        ----------
        source, pair
            Whose line it is.
        begin
            The aware instant of its first value.
        end
            That of the last one of a line without some ticks of its source: then these count too.
        """
        if not self.is_known:
            return None
        earlier = EarlierLevels(self.ticks, source, pair, begin, self.as_of)

        def was_shown(level: str, at: int) -> bool:
            if earlier.has(level):
                return True
            return end is not None and at > self._first_shown(source, pair, begin, end).get(level, at)

        return was_shown

    def _first_shown(self, source: str, pair: str, begin: datetime, end: datetime) -> dict[str, int]:
        rows = quotes(
            self.ticks, pairs=[pair], sources=[source], start=begin, end=end, as_of=self.as_of, tz=begin.tzinfo or UTC
        )
        rows = rows.drop_duplicates("rate")
        times = local_instants(rows["observed_at"])
        return {level_of(rate): int(at) for rate, at in zip(rows["rate"], times, strict=True)}


@dataclass(frozen=True, slots=True)
class Levels:
    """A line of a pegged pair.

    Attributes
    ----------
    steps
        As given, but at each hop the line ends at the old level and begins at the new one.
    marked
        Positions of the hops with a mark in the given steps: of the first value at the new level, and not at the middle
        of several values of one date, which is no level.
    came_back
        Whether the last level was shown before the first one was shown last.
    """

    steps: Steps
    marked: np.ndarray
    came_back: bool


def levels_of(
    steps: Steps, pair: str, was_shown: WasShown | None = None, shown_at: Sequence[Collection[str]] | None = None
) -> Levels:
    """Return a line whose levels are not connected where the rate came back to one that was shown before.

    Parameters
    ----------
    steps
        The line, of rates or of their changes since one base.
    pair
        Pair of the line; one without a peg has no hops.
    was_shown
        What its source showed that the line does not; ``None`` if that is not known.
    shown_at
        Levels of each value: several where several values share a date, empty where they are unknown, and then no hop
        is found. ``None`` if each value is a level of its own.
    """
    if not pegs_of(pair):
        return Levels(steps, np.zeros(0, np.int64), came_back=False)
    shown_at = [{level_of(rate)} for rate in steps.value] if shown_at is None else shown_at
    hops, begin = _hops(steps, shown_at, pair, was_shown), int(steps.when[0])
    came_back = all(
        (was_shown is not None and was_shown(level, begin)) or _is_in_turn(shown_at, level) for level in shown_at[-1]
    )
    marked = np.array([place for place in hops if len(shown_at[place]) == 1], np.int64)
    # after a gap there is no wall to leave out
    walls = hops[~np.isin(hops, breaks_at(steps.when, steps.ends) + 1)]
    held = steps.when[walls] - 1  # a microsecond, which no picture shows
    value, lo, hi = (np.insert(column, walls, column[walls - 1]) for column in (steps.value, steps.lo, steps.hi))
    split = Steps(np.insert(steps.when, walls, held), value, lo, hi, np.union1d(steps.ends, held))
    return Levels(split, marked, came_back)


def levels_at(steps: Steps, middles: np.ndarray) -> list[set[str]]:
    """Return the level of each value of a line; none at the instants where it is the middle of several values."""
    is_middle = np.isin(steps.when, middles)
    return [set() if several else {level_of(value)} for value, several in zip(steps.value, is_middle, strict=True)]


def draw_levels(axis: Axes, steps: Steps, levels: Levels, look: LineLook) -> None:
    """Draw a line in its band, and a hollow diamond at each of few hops."""
    draw_band(axis, levels.steps, color=look.band, alpha=look.band_alpha)
    draw_line(axis, levels.steps, color=look.color, linestyle=look.linestyle)
    draw_dots(axis, steps, color=look.color, mark=look.mark)
    if 0 < len(levels.marked) <= MOST_MARKS:
        axis.plot(
            steps.when[levels.marked].view("M8[us]"),
            steps.value[levels.marked],
            linestyle="none",
            marker="D",
            markersize=_MARK_PT,
            markeredgewidth=0.8,
            markerfacecolor="none",
            color=look.color,
        )


def hops_text(lines: Sequence[Levels], *, is_past_known: bool) -> str:
    """Return a sentence on the diamonds of lines, or nothing."""
    most = max(len(levels.marked) for levels in lines)
    where = "a level that was shown before" if is_past_known else "a level that this chart shows before"
    if most > MOST_MARKS:
        return f"Peg hops, back to {where}, are not connected."
    return f"Diamond: peg hop, back to {where}." if most else ""


def unknown_past(ticks: Ticks, pairs: Iterable[str]) -> str:
    """Return that levels of pegged pairs before a frame of ticks are not known; nothing of other pairs, or a store."""
    is_frame = isinstance(ticks, pd.DataFrame) and "drift_pct" not in ticks.columns
    is_pegged = any(pegs_of(pair) for pair in pairs)
    return "Levels of a peg before this frame are not known: a change may be a hop." if is_frame and is_pegged else ""


def _is_in_turn(shown_at: Sequence[Collection[str]], level: str) -> bool:
    """Return whether a line shows a level before it shows its first one for the last time."""
    of_first = [place for place, levels in enumerate(shown_at) if set(levels) & set(shown_at[0])]
    return bool(of_first) and any(level in levels for levels in shown_at[: of_first[-1]])


def _hops(steps: Steps, shown_at: Sequence[Collection[str]], pair: str, was_shown: WasShown | None) -> np.ndarray:
    """Return the positions of values that came back to their levels."""
    shown = {*shown_at[0]}
    hops = []
    for place in (np.flatnonzero(np.diff(steps.value)) + 1).tolist():
        levels, day = {*shown_at[place]}, steps.when[place].view("M8[us]").astype("M8[D]").item()
        if was_shown is not None:
            shown.update(level for level in levels - shown if was_shown(level, int(steps.when[place])))
        if levels and all(is_hop(pair, day, level, shown) for level in levels):
            hops.append(place)
        shown |= levels
    return np.array(hops, np.int64)
