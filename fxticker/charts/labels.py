"""Direct labels: places labels at the right edge beside their lines and apart from each other."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.transforms import ScaledTranslation

LINE_IN = 0.155
"""Height of a line of a label, in inches."""


def spread(places: Sequence[float], apart: float, top: float = 1.0) -> list[float]:
    """Move places as little as possible so that each is at least `apart` from the next, from 0 to `top`.

    Where there is no room for all, they extend equally beyond both ends.
    """
    order = np.argsort(places, kind="stable")
    room = np.arange(len(places)) * apart
    moved = _rising(np.asarray(places, np.float64)[order] - room)
    highest = top - (room[-1] if len(room) else 0)
    moved = np.clip(moved, min(0.0, highest / 2), max(highest, highest / 2)) + room
    placed = np.empty(len(places))
    placed[order] = moved
    return [float(place) for place in placed]


def _rising(values: np.ndarray) -> np.ndarray:
    """Return the non-decreasing values with the least squared distance (isotonic regression by pooling neighbours)."""
    pools: list[tuple[float, int]] = []
    for value in values:
        mean, size = float(value), 1
        while pools and pools[-1][0] > mean:
            before, count = pools.pop()
            mean, size = (before * count + mean * size) / (count + size), count + size
        pools.append((mean, size))
    return np.repeat([mean for mean, _ in pools], [size for _, size in pools])


def label_ends(axis: Axes, ends: Sequence[tuple[float, str, str]], height_in: float, *, beyond_in: float = 0.0) -> None:
    """Label lines at the right edge of an axis.

    Parameters
    ----------
    axis
        Axis with its final limits.
    ends
        Last value, label and colour of each line.
    height_in
        Approximate height of the axis, in inches.
    beyond_in
        Width of what stands between the axis and the labels, in inches: a scale at the right.
    """
    low, high = axis.get_ylim()
    edge = axis.transAxes + ScaledTranslation(beyond_in, 0, axis.figure.dpi_scale_trans)
    lines = max(label.count("\n") + 1 for _, label, _ in ends)
    places = spread([(value - low) / (high - low) for value, _, _ in ends], lines * LINE_IN / height_in)
    for (value, label, color), place in zip(ends, places, strict=True):
        own = (value - low) / (high - low)
        axis.annotate(
            label,
            (1.0, own),
            xycoords=edge,
            xytext=(1.02, place),
            textcoords=edge,
            va="center",
            color=color,
            fontsize=8,
            fontweight="bold",
            annotation_clip=False,
            arrowprops={
                "arrowstyle": "-",
                "color": color,
                "linewidth": 0.7,
                "shrinkA": 0,
                "shrinkB": 0,
                "relpos": (0, 0.5),
            }
            if abs(place - own) > LINE_IN / height_in / 2
            else None,
        )
