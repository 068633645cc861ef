"""Style of all charts: two themes, time axis, and writing a figure to a file."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, tzinfo
from math import inf
from pathlib import Path
from typing import Any, Literal

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.dates import AutoDateLocator
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter

from fxticker.charts.settings import settings
from fxticker.charts.time_axis import FirstTickDated
from fxticker.files import replaced
from fxticker.model.formatting import real_minus
from fxticker.model.invalid import InvalidArgument
from fxticker.model.pairs import currencies_of

Theme = Literal["light", "dark"]
FORMATS = ("png", "svg", "pdf")


@dataclass(frozen=True, slots=True)
class Palette:
    """The colours of a theme that a style sheet cannot name.

    Attributes
    ----------
    sheets
        Names of the theme's style sheets.
    text, muted
        Main text, and secondary text.
    ink, band
        A single line, and its rounding band.
    up, down, still
        Ends and middle of a change; distinguishable without seeing red or green.
    successful
        Successful polls.
    causes
        Failed polls by cause, in the order of `fxticker.charts.causes.CAUSES`.
    series
        Lines that share an axis; their labels have the same colours.
    currencies
        The five currencies, in the order of `CURRENCIES`; see `color_of`.
    """

    sheets: tuple[str, ...]
    text: str
    muted: str
    ink: str
    band: str
    up: str
    down: str
    still: str
    successful: str
    causes: tuple[str, ...]
    series: tuple[str, ...]
    currencies: tuple[str, ...]


CURRENCIES = ("KGS", "KZT", "TJS", "TMT", "UZS")
_LIGHT_SHEET = "light.mplstyle"
_PALETTES = {
    "light": Palette(
        sheets=(_LIGHT_SHEET,),
        text="#111111",
        muted="#6b6b6b",
        ink="#1b3a57",
        band="#9db8d2",
        up="#0072b2",
        down="#d55e00",
        still="#ececec",
        successful="#7fa8c9",
        causes=("#8c8c8c", "#e69f00", "#a64d86", "#5b2a00"),
        series=("#0072b2", "#c84e00", "#00805a", "#a64d86", "#8f6b00", "#2a93bd", "#444444"),
        # a contrast of 4.5 to the ground, and as far apart as can be for readers without red, green or blue cones
        currencies=("#1238a0", "#b56000", "#18875d", "#9e619d", "#4d2800"),
    ),
    "dark": Palette(
        sheets=(_LIGHT_SHEET, "dark.mplstyle"),
        text="#f0f0f0",
        muted="#a0a8b0",
        ink="#a9d0f5",
        band="#3c5a78",
        up="#56b4e9",
        down="#f08030",
        still="#333a42",
        successful="#3f78a5",
        causes=("#80868c", "#e69f00", "#cc79a7", "#f7e3b0"),
        series=("#56b4e9", "#f08030", "#2fc49a", "#e08fc0", "#e6c229", "#a3a0f0", "#c8c8c8"),
        currencies=("#7c8ffe", "#e86a32", "#55e0b0", "#b57fae", "#e0ef90"),
    ),
}


def color_of(pair: str, palette: Palette) -> str:
    """Return the colour of a pair's currency, the same in all charts: of ``KZT/USD`` and ``USD/KZT`` that of the tenge.

    A cross of two of the five has the colour of its first one; a pair of none of them that of a single line.
    """
    known = [code for code in currencies_of(pair) if code in CURRENCIES]
    return palette.currencies[CURRENCIES.index(known[0])] if known else palette.ink


@contextmanager
def themed(theme: Theme) -> Iterator[Palette]:
    """Create artists in a theme.

    Raises
    ------
    ValueError
        If there is no such theme.
    """
    if theme not in _PALETTES:
        raise InvalidArgument(f"no theme {theme!r}; there are {', '.join(_PALETTES)}")
    palette = _PALETTES[theme]
    with settings(palette.sheets):
        yield palette


def apply_theme(axis: Axes, *, grid: Literal["x", "y", "both"] | None = "y") -> None:
    """Store the theme in an axis: matplotlib creates ticks when it draws, and then another style may be active."""
    axis.tick_params(
        color=mpl.rcParams["xtick.color"],
        labelcolor=mpl.rcParams["xtick.color"],
        labelsize=mpl.rcParams["xtick.labelsize"],
    )
    axis.grid(visible=False)
    if grid is not None:
        axis.grid(visible=True, axis=grid, color=mpl.rcParams["grid.color"], linewidth=mpl.rcParams["grid.linewidth"])


def restyle(axis: Axes) -> None:
    """Give an axis that was made in another style what `apply_theme` presumes: its ground, edges and labels."""
    axis.set_facecolor(mpl.rcParams["axes.facecolor"])
    axis.set_axisbelow(mpl.rcParams["axes.axisbelow"])
    parameters: Any = mpl.rcParams
    for side, spine in axis.spines.items():
        spine.set(
            visible=parameters[f"axes.spines.{side}"],
            color=mpl.rcParams["axes.edgecolor"],
            linewidth=mpl.rcParams["axes.linewidth"],
        )
    for line in (axis.xaxis, axis.yaxis):
        line.label.set(color=mpl.rcParams["axes.labelcolor"], fontsize=mpl.rcParams["axes.labelsize"])


def date_axis(axis: Axes, first: np.datetime64, last: np.datetime64, zone: tzinfo = UTC, most: int = 8) -> None:
    """Set a time axis from the first to the last instant (UTC) with a margin; half a day around a single one.

    Its ticks, at most so many, are those of the clocks of `zone`.
    """
    room = max((last - first) / 60, np.timedelta64(1, "s")) if first < last else np.timedelta64(12, "h")
    axis.set_xlim(first - room, last + room)  # type: ignore[arg-type]
    locator = AutoDateLocator(minticks=3, maxticks=most, tz=zone)  # type: ignore[no-untyped-call]
    axis.xaxis.set_major_locator(locator)
    axis.xaxis.set_major_formatter(FirstTickDated(locator, tz=zone))  # type: ignore[no-untyped-call]


def save_figure(figure: Figure, path: str | os.PathLike[str], *, dpi: float | None = None) -> None:
    """Write a figure as PNG, SVG or PDF, by the file's ending, and replace the file as a whole.

    The same data give the same bytes. Text in an SVG is text: it can be searched, copied and restyled.

    Parameters
    ----------
    figure
        A chart, or any other figure of matplotlib.
    path
        The file.
    dpi
        Pixels of a PNG per inch of the figure; ``None`` for 150. An SVG or a PDF has no pixels.

    Raises
    ------
    ValueError
        If the file has another ending, or `dpi` is not above 0.
    OSError
        If the file cannot be written; it is unchanged then.
    """
    target = Path(path)
    kind = target.suffix.lower().removeprefix(".")
    if kind not in FORMATS:
        raise InvalidArgument(f"{target}: the ending must be one of .{', .'.join(FORMATS)}")
    if dpi is not None and not 0 < dpi < inf:
        raise InvalidArgument(f"dpi must be above 0, not {dpi:g}")
    resolution: dict[str, Any] = {} if dpi is None else {"dpi": dpi}
    metadata = {"png": {"Software": None}, "svg": {"Date": None}, "pdf": {"CreationDate": None}}[kind]
    with settings((_LIGHT_SHEET,)), replaced(target) as file:  # the figure may be another program's
        figure.savefig(file, format=kind, metadata=metadata, **resolution)


def signed_ticks() -> FuncFormatter:
    """Return a formatter of ticks as signed numbers with real minus signs, zero without a sign."""
    return FuncFormatter(lambda value, _position: real_minus(f"{value:+g}") if value else "0")
