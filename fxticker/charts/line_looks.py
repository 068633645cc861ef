"""Looks of lines: the colour stands for the currency, style and mark for the source where several share a panel."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import matplotlib as mpl
from matplotlib.colors import to_hex, to_rgb

from fxticker.charts.style import Palette, color_of
from fxticker.sources.age_limits import TICKER

_TINT = 0.4
"""Share of a line's colour in that of its band; the rest is the ground."""
_SHARED_ALPHA = 0.25
"""Opacity of bands that may lie on each other."""
_STYLES = ("solid", "dotted", "dashdot")
"""Styles of the lines that share an ink; a peg is dashed."""
_STYLE_NAMES = ("solid", "dotted", "dash-dotted")
MARKS = ("o", "s", "^", "v", "*")
MARK_NAMES = (
    "\N{BLACK CIRCLE}",
    "\N{BLACK SQUARE}",
    "\N{BLACK UP-POINTING TRIANGLE}",
    "\N{BLACK DOWN-POINTING TRIANGLE}",
    "\N{BLACK STAR}",
)
"""Marks of the values of lines that share a colour: of a lone value nothing else is drawn."""


class LineLook(NamedTuple):
    """Colours and style of a line and of its band."""

    color: str
    linestyle: str
    band: str
    band_alpha: float
    mark: str = MARKS[0]


def line_look(pair: str, source: str, sources: Sequence[str], palette: Palette) -> LineLook:
    """Return the look of a source's line.

    Parameters
    ----------
    pair, source
        Whose line it is.
    sources
        All sources of the chart. The ticker, or else the first of them, has the colour of the currency, and the others
        inks.
    palette
        Colours of the theme in force.
    """
    others = [name for name in sources if name != main_source(sources)]
    if source not in others:
        color = color_of(pair, palette)
        return LineLook(color, "solid", tint(color), 1.0)
    cycle, place = divmod(others.index(source), len(_STYLES))
    ink = (palette.text, palette.muted)[cycle % 2]
    return LineLook(ink, _STYLES[place], ink, _SHARED_ALPHA, MARKS[place])


def main_source(sources: Sequence[str]) -> str:
    """Return the source whose lines have the colours of the currencies."""
    return TICKER if TICKER in sources else sources[0]


def styles_text(keys: Iterable[tuple[str, str]]) -> str:
    """Return a sentence that names the styles of lines which share an ink in a panel, or nothing.

    Parameters
    ----------
    keys
        Pair and source of each line.
    """
    panels: dict[str, set[str]] = {}
    for pair, source in keys:
        panels.setdefault(pair, set()).add(source)
    sources = sorted(set().union(*panels.values()))
    others = [name for name in sources if name != main_source(sources)]
    if all(len(panel.intersection(others)) <= 1 for panel in panels.values()):
        return ""
    places = (divmod(place, len(_STYLES)) for place in range(len(others)))
    names = [f"{_STYLE_NAMES[style]} {MARK_NAMES[style]}{' grey' * (cycle % 2)}" for cycle, style in places]
    return f"Lines: {', '.join(f'{name} {style}' for name, style in zip(others, names, strict=True))}. "


def tint(color: str) -> str:
    """Return a colour paled towards the ground of the theme in force; opaque, so that two of them are no darker."""
    ground = to_rgb(mpl.rcParams["axes.facecolor"])
    paled = (_TINT * own + (1 - _TINT) * below for own, below in zip(to_rgb(color), ground, strict=True))
    return to_hex(tuple(paled))  # type: ignore[arg-type]
