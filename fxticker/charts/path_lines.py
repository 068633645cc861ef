"""Path lines: the changes of each source and pair in a chart of changes since a base, and how they are drawn."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import cycle
from typing import Any

import numpy as np
import pandas as pd

from fxticker.charts.line_looks import MARK_NAMES, MARKS, LineLook, tint
from fxticker.charts.style import Palette, color_of

_STYLES = ("solid", "dashed", "dotted", "dashdot")
"""Styles of the lines of one colour, in this order; with one mark more they make twenty looks."""


@dataclass(frozen=True, slots=True, eq=False)
class PathLine:
    """Changes of one source and pair, in order, and how they are drawn."""

    name: str
    rows: pd.DataFrame
    color: str
    style: int
    """How many lines of this colour come before it."""

    @property
    def look(self) -> LineLook:
        """Its line and marks, and its band, which covers wider ones and no line."""
        linestyle, mark = _STYLES[self.style % len(_STYLES)], MARKS[self.style % len(MARKS)]
        return LineLook(self.color, linestyle, tint(self.color), 1.0, mark)

    @property
    def is_several(self) -> np.ndarray:
        """Which values are the middle of several of one date."""
        return np.asarray(self.rows.get("values", pd.Series(1, self.rows.index)) > 1)

    @property
    def is_base_last(self) -> bool:
        """Whether it ends at its base, so that its last change says nothing."""
        return bool(self.last["observed_at"] == self.last["base_at"])

    @property
    def last(self) -> pd.Series:
        """The last change."""
        return self.rows.iloc[-1]


def lines_of(groups: list[tuple[Any, pd.DataFrame]], palette: Palette) -> list[PathLine]:
    """Return the lines of each source and pair."""
    are_several = len({source for (source, _), _ in groups}) > 1
    strokes = _strokes([str(pair) for (_, pair), _ in groups], palette)
    lines = []
    for ((source, pair), rows), (color, style) in zip(groups, strokes, strict=True):
        drawn_as = f"{_STYLES[style % len(_STYLES)]} {MARK_NAMES[style % len(MARKS)]}"
        notes = ", ".join([str(source)] * are_several + [drawn_as] * (style > 0))
        lines.append(PathLine(f"{pair} ({notes})" if notes else str(pair), rows, color, style))
    return lines


def _strokes(pairs: list[str], palette: Palette) -> list[tuple[str, int]]:
    """Return the colour of each line, that of its currency, and how many lines of this colour come before it."""
    others = cycle(palette.series)
    colors = [color_of(pair, palette) for pair in pairs]
    colors = [next(others) if color == palette.ink else color for color in colors]
    return [(color, colors[:number].count(color)) for number, color in enumerate(colors)]
