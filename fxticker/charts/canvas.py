"""Canvas of a chart: a new figure of a stated size, or the axes of a caller's figure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from math import ceil, inf
from typing import Literal, TypeAlias

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from fxticker.charts.settings import ThemedFigure
from fxticker.charts.style import Palette, Theme, apply_theme, restyle, themed
from fxticker.model.formatting import counted
from fxticker.model.invalid import InvalidArgument

WIDTH_IN = 8.0
_LEAST_WIDTH_IN = 6.0
"""Width that the labels beside a chart leave room for it in."""
_LEAST_HEIGHT = 0.7
"""Height at which no texts overlap, as a share of the height that a chart has by default."""
_ENTRY_IN, _ENTRY_MARK_IN, _TITLE_MARK_IN = 0.42, 0.06, 0.08
"""Width of an entry of a key without its label, and of a character of that and of an axis' title, in inches."""
_KEY_LINE_PT = 13.0
"""Height of a line of a key."""
_TITLE_LINE_IN, _CAPTION_LINE_IN = 0.21, 0.14
"""Height of a line of the title and of the caption."""

Place: TypeAlias = Axes | Sequence[Axes] | np.ndarray
"""Where to draw: one axis, or one for each panel."""


@dataclass(frozen=True, slots=True)
class Look:
    """How a chart looks and where it is drawn.

    Attributes
    ----------
    theme
        Colours for a light or a dark background.
    title
        Title in place of the one that states the finding; an empty one means none.
    figsize
        Width and height of a new figure in inches; ``None`` for 8 inches by what its panels need.
    ax
        Axes of the caller to draw on; ``None`` for a new figure.
    """

    theme: Theme = "light"
    title: str | None = None
    figsize: tuple[float, float] | None = None
    ax: Place | None = None


@dataclass(frozen=True, slots=True)
class Canvas:
    """Where a chart is drawn.

    Attributes
    ----------
    figure, axes, palette
        The figure, an axis per panel from top to bottom, and the colours.
    title
        As in `Look`.
    is_own
        Whether the figure is the chart's own, and not the caller's.
    width_in
        Width that a caption may have, in inches.
    more_in
        Height that each panel has beyond that of the default size, in inches.
    key_pt
        Height of a key between the first axis and its title, in points.
    """

    figure: Figure
    axes: list[Axes]
    palette: Palette
    title: str | None
    is_own: bool
    width_in: float
    more_in: float = 0.0
    key_pt: float = 0.0

    @property
    def title_pad_pt(self) -> float:
        """Distance of a title of the first axis from it, in points."""
        return float(mpl.rcParams["axes.titlepad"]) + self.key_pt

    def panel_in(self, default_in: float) -> float:
        """Return the approximate height of a panel in inches, given that in a figure of the default size."""
        if self.is_own:
            return default_in + self.more_in
        return float(self.axes[0].get_window_extent().height / self.figure.dpi)

    @property
    def more_texts_in(self) -> float:
        """Height in inches that a title of over one line and a caption of over two take from the chart's own figure."""
        if not self.is_own:
            return 0.0
        title, caption = self.figure.get_suptitle(), self.figure.get_supxlabel()
        return _TITLE_LINE_IN * title.count("\n") + _CAPTION_LINE_IN * max(caption.count("\n") - 1, 0)


@contextmanager
def drawing(
    look: Look,
    height_in: float,
    panels: int = 1,
    *,
    grid: Literal["x", "y"] | None = "y",
    share_x: bool = True,
    width_in: float = WIDTH_IN,
    least_in: float | None = None,
) -> Iterator[Canvas]:
    """Create a figure with panels below each other, or take the axes of the caller, and draw in a theme.

    Parameters
    ----------
    look
        Theme, title, and size or axes.
    height_in
        Height of the figure in inches if the look states none.
    panels
        Number of axes.
    grid
        Axis with grid lines.
    share_x
        Whether the panels of a new figure have one horizontal axis.
    width_in
        Width of the figure in inches, likewise.
    least_in
        Smallest height in inches; ``None`` for 70 % of the default one.

    Raises
    ------
    ValueError
        If there is no such theme, both a size and axes are given, the texts do not fit the size, or the number of axes
        is not that of the panels.
    """
    with themed(look.theme) as palette:
        if look.ax is None:
            width, height = _size(look.figsize, (width_in, height_in), least_in or _LEAST_HEIGHT * height_in)
            own = ThemedFigure(palette.sheets, (width, height))
            axes = own.subplots(panels, 1, sharex=share_x, squeeze=False)[:, 0].tolist()
            canvas = Canvas(own, axes, palette, look.title, True, width, (height - height_in) / panels)
        else:
            if look.figsize is not None:
                raise InvalidArgument("give either ax or figsize: the axes have the size of their figure")
            axes = _given(look.ax, panels)
            for axis in axes:
                restyle(axis)
            figure = axes[0].get_figure(root=True)
            assert figure is not None
            # texts outside the axes stand on it
            figure.set_facecolor(mpl.rcParams["figure.facecolor"])
            width = axes[0].get_window_extent().width / figure.dpi
            canvas = Canvas(figure, axes, palette, look.title, False, width)
        for axis in axes:
            apply_theme(axis, grid=grid)
        yield canvas


def place_key(canvas: Canvas, entries: Sequence[Patch], beside_in: float) -> Canvas:
    """Place the key to colours above the first axis, between it and its title if there is no room beside that.

    Parameters
    ----------
    canvas
        The chart; the first axis has its title, and that of the chart is not written yet.
    entries
        Entries with their labels.
    beside_in
        Width in inches that a figure of the chart's own has beside its axes.

    Returns
    -------
    Canvas
        The canvas, with the height that a title of the first axis must leave.
    """
    axis = canvas.axes[0]
    title = axis.get_title(loc="left")
    room = canvas.width_in - (beside_in if canvas.is_own else 0)
    widths = [_ENTRY_IN + _ENTRY_MARK_IN * len(str(entry.get_label())) for entry in entries]
    columns = len(entries) if sum(widths) <= room else max(1, int(room / max(widths)))
    axis.legend(handles=entries, loc="lower right", bbox_to_anchor=(1, 1), ncols=columns, columnspacing=1.2)
    if canvas.is_own and columns == len(entries) and _TITLE_MARK_IN * len(title) + sum(widths) <= room:
        return canvas
    canvas = replace(canvas, key_pt=_KEY_LINE_PT * ceil(len(entries) / columns))
    axis.set_title(title, pad=canvas.title_pad_pt)
    return canvas


def _size(figsize: tuple[float, float] | None, default: tuple[float, float], least: float) -> tuple[float, float]:
    if figsize is None:
        return default
    width, height = map(float, figsize)
    if not (_LEAST_WIDTH_IN <= width < inf and least <= height < inf):
        raise InvalidArgument(
            f"the texts of this chart do not fit {width:.3g} x {height:.3g} inches: it needs at least "
            f"{_LEAST_WIDTH_IN:g} x {np.ceil(10 * least) / 10:g}, or fewer panels (the same pixels are more "
            "inches at a lower dpi)"
        )
    return width, height


def _given(place: Place, panels: int) -> list[Axes]:
    axes = np.ravel(np.asarray(place, dtype=object)).tolist()
    if not all(isinstance(axis, Axes) for axis in axes):
        raise InvalidArgument("ax must be an axis of matplotlib, or a sequence of them")
    if len(axes) != panels:
        raise InvalidArgument(f"this chart has {counted(panels, 'panel')}, ax has {len(axes)} axes")
    return axes
