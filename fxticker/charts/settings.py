"""Settings of matplotlib for drawing and saving charts: its defaults and our sheets, not those of the caller."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from io import BytesIO
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.backend_bases import RendererBase
from matplotlib.figure import Figure
from matplotlib.style import context as style_context
from matplotlib.text import Text

_EPOCH = "1970-01-01T00:00:00"
"""matplotlib's default of ``date.epoch``."""
_LOCK = threading.RLock()
"""matplotlib's settings are global: of two threads that replace them, one would restore those of the other."""


class ThemedFigure(Figure):
    """A figure that is drawn and saved under the settings under which it was made.

    matplotlib creates labels of ticks, lays out and encodes only when a figure is drawn or saved. By then the settings
    of the caller are active, whose ``text.usetex`` or ``savefig.bbox`` gives another picture, or none.

    Parameters
    ----------
    sheets
        Names of style sheets in this folder; a later one takes precedence.
    size_in
        Width and height in inches.
    """

    def __init__(self, sheets: tuple[str, ...], size_in: tuple[float, float]) -> None:
        self._sheets = sheets
        super().__init__(figsize=size_in, layout="constrained")

    def draw(self, renderer: RendererBase) -> None:
        """Draw the figure."""
        with settings(self._sheets):
            super().draw(renderer)

    def _repr_png_(self) -> bytes:
        """Return the figure as a PNG: so a notebook shows it, with and without matplotlib's inline backend."""
        buffer = BytesIO()
        self.savefig(buffer, format="png", metadata={"Software": None})
        return buffer.getvalue()

    def savefig(self, fname: Any, **options: Any) -> None:
        """Save the figure; the arguments are those of matplotlib."""
        with settings(self._sheets), _kept_spaces(self):
            super().savefig(fname, **options)


@contextmanager
def _kept_spaces(figure: Figure) -> Iterator[None]:
    """Replace repeated spaces by no-break ones, of the same width, and restore them afterwards: an SVG shows one."""
    texts = {text: text.get_text() for text in figure.findobj(Text) if isinstance(text, Text)}
    texts = {text: words for text, words in texts.items() if "  " in words}
    for text, words in texts.items():
        text.set_text(words.replace("  ", 2 * "\N{NO-BREAK SPACE}"))
    try:
        yield
    finally:
        for text, words in texts.items():
            text.set_text(words)


@contextmanager
def settings(sheets: tuple[str, ...]) -> Iterator[None]:
    """Replace matplotlib's settings by its defaults and these sheets of this folder, and restore them afterwards."""
    with _LOCK, style_context([_sheet(name) for name in sheets], after_reset=True):
        mpl.rcParams["timezone"] = "UTC"  # which neither a reset nor a sheet sets
        yield


def use_default_epoch() -> None:
    """Count dates from matplotlib's default epoch, whatever its configuration file has.

    The epoch is fixed for a process at its first date: only a program that draws nothing else may set it. Under another
    epoch the charts are the same but for the rounding of instants.
    """
    mpl.rcParams["date.epoch"] = _EPOCH


@cache
def _sheet(name: str) -> dict[str, Any]:
    """Read a sheet once: its settings by name."""
    given: Any = mpl.rc_params_from_file(Path(__file__).with_name(name), use_default_template=False)
    return dict(given)
