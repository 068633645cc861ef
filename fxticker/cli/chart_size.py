"""Size of a chart: the options `--size` and `--dpi`, and the inches that they mean."""

from __future__ import annotations

import re
from math import inf, nextafter
from typing import NamedTuple

import click

_DPI, _CSS_DPI = 150.0, 96.0
"""Pixels per inch of charts; and as CSS counts them: an SVG of a size in pixels has that size in a page."""
_SIZE = re.compile(r"(\d+(?:\.\d+)?)x(\d+(?:\.\d+)?)(in)?")
_MOST_PIXELS = 16_000
"""Longest side of a picture: one of 16,000 by 16,000 takes 1 GB of memory."""


class Size(NamedTuple):
    """A size as it was given."""

    width: float
    height: float
    is_pixels: bool

    def at(self, dpi: float | None) -> tuple[tuple[float, float], float]:
        """Return the size in inches, and its resolution; refuse, as wrong usage, a picture that is too large."""
        resolution = dpi or (_CSS_DPI if self.is_pixels else _DPI)
        width, height = (_inches(side, resolution) if self.is_pixels else side for side in (self.width, self.height))
        if max(width, height) * resolution > _MOST_PIXELS + 1:
            raise click.BadParameter(f"a side of the picture has at most {_MOST_PIXELS:,} pixels", param_hint="--size")
        return (width, height), resolution


def _inches(pixels: float, dpi: float) -> float:
    """Return the inches of which matplotlib, which cuts fractions of a pixel off, makes all these pixels again."""
    inches = pixels / dpi
    return inches if inches * dpi >= pixels else nextafter(inches, inf)


def _size(_context: object, _option: object, text: str | None) -> Size | None:
    if text is None:
        return None
    match = _SIZE.fullmatch(text)
    if match is None:
        raise click.BadParameter(f"{text!r} is no size such as 1200x675 (pixels) or 8x4.5in")
    return Size(float(match[1]), float(match[2]), match[3] is None)


size_option = click.option(
    "--size",
    callback=_size,
    help="Width and height: pixels (1200x675), or inches (8x4.5in); default: 8 inches by what the chart needs.",
)
dpi_option = click.option(
    "--dpi",
    type=click.FloatRange(min=20, max=1200),
    help="Pixels per inch; a lower one makes texts smaller beside --size in pixels; default: 150, with such a size 96.",
)
