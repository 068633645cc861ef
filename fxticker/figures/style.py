"""What all charts share: one restrained style, the caption, and the way to a file."""

from __future__ import annotations

import os
from pathlib import Path

import pandas as pd
from matplotlib.figure import Figure
from matplotlib.style import context as style_context

STYLE = Path(__file__).with_name("light.mplstyle")
FORMATS = ("png", "svg", "pdf")
INK, BAND, MUTED, UP, DOWN = "#1b3a57", "#9db8d2", "#8a8a8a", "#0072b2", "#d55e00"
WIDTH_IN = 8.0


def save_figure(figure: Figure, path: str | os.PathLike[str]) -> None:
    """Write a figure as PNG, SVG or PDF, by the file's ending; the same data give the same bytes.

    Raises
    ------
    ValueError
        If the ending is another.
    """
    target = Path(path)
    kind = target.suffix.lower().removeprefix(".")
    if kind not in FORMATS:
        raise ValueError(f"{target}: the ending must be one of .{', .'.join(FORMATS)}")
    metadata = {"png": {"Software": None}, "svg": {"Date": None}, "pdf": {"CreationDate": None}}[kind]
    with style_context(STYLE):
        figure.savefig(target, format=kind, metadata=metadata)


def span_text(first: pd.Timestamp, last: pd.Timestamp) -> str:
    """Two instants as a caption names them."""
    if first == last:
        return f"{first:%Y-%m-%d %H:%M}"
    if first.date() == last.date():
        return f"{first:%Y-%m-%d %H:%M} to {last:%H:%M}"
    return f"{first:%Y-%m-%d} to {last:%Y-%m-%d}"


def caption(figure: Figure, text: str) -> None:
    """Write what the chart rests on below it."""
    figure.supxlabel(text, x=0.01, ha="left", fontsize=7, color="#666666")
