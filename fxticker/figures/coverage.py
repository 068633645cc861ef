"""When the sources were looked at, and what that gave."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.collections import PolyCollection
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from fxticker.errors import NoData
from fxticker.figures.causes import CAUSES, SOUND, cause_codes, instants, key
from fxticker.figures.style import (
    WIDTH_IN,
    Palette,
    Theme,
    caption,
    counted,
    dress,
    names_text,
    span_text,
    themed,
    title,
)

_STRIP_IN = 1.1
_WEEKS = 54
"""Columns of a year: it may begin and end within a week."""
_DAY_US = 86_400_000_000
_CELL = 0.86
"""Side of a day's cell; the rest is the room between cells."""


def plot_coverage(polls: pd.DataFrame, *, theme: Theme = "light") -> Figure:
    """The outcomes of polls as a calendar.

    Parameters
    ----------
    polls
        What became of every slot, as `fxticker.load_polls` gives it.
    theme
        For a light or a dark ground.

    Returns
    -------
    matplotlib.figure.Figure
        A strip per source and year: a column per week, a row per weekday, a cell per day (UTC). A cell is filled from
        below by the share of its polls that were sound; the rest has the colour of the cause that most of the others
        had. A pale cell is a day without any poll on record. How many polls of the year were sound stands at the right.

    Raises
    ------
    NoData
        If there is no poll.
    ValueError
        If there is no such theme.
    """
    if polls.empty:
        raise NoData("there is no poll to draw")
    strips = [
        (str(source), *strip)
        for source, held in polls.groupby("source", observed=True, sort=True)
        for strip in _years(held)
    ]
    sources = sorted({source for source, *_ in strips})
    with themed(theme) as palette:
        figure = Figure(figsize=(WIDTH_IN, 1.0 + _STRIP_IN * len(strips)), layout="constrained")
        axes = figure.subplots(len(strips), 1, squeeze=False)[:, 0]
        for axis, (source, year, days, counts) in zip(axes, strips, strict=True):
            _draw_year(axis, year, days, counts, palette)
            axis.set_title(f"{source} {year}" if len(sources) > 1 else str(year))
        codes = cause_codes(polls)
        seen = set(codes.tolist())
        sound = [Patch(facecolor=palette.sound, linewidth=0, label="sound")] if SOUND in seen else []
        axes[0].legend(
            handles=sound + key(seen, palette, 1.0), loc="lower right", bbox_to_anchor=(1, 1.0), ncols=len(CAUSES) + 1
        )
        first, last = polls["slot"].min(), polls["slot"].max()
        share = _share(int((codes == SOUND).sum()), len(polls))
        title(figure, f"{share} of {counted(len(polls), 'poll')} gave a sound ticker, {span_text(first, last)}")
        caption(
            figure,
            f"{names_text(sources)}, {span_text(first, last)} UTC, {counted(len(polls), 'poll')} on record.",
            "A cell is a day, filled from below by the share of its polls that gave a sound ticker; the colour above "
            "is the main cause of the others. Pale: nothing is on record.",
            palette,
        )
    return figure


def _years(polls: pd.DataFrame) -> list[tuple[int, np.ndarray, np.ndarray]]:
    """Per year its days, and of each how many polls had which cause."""
    day = (instants(polls["slot"]) // _DAY_US).astype("M8[D]")
    kinds = len(CAUSES) + 1
    first, last = day.min().astype("M8[Y]"), day.max().astype("M8[Y]")
    days = np.arange(first.astype("M8[D]"), (last + 1).astype("M8[D]"))
    place = (day - days[0]).astype(np.int64) * kinds + cause_codes(polls)
    counts = np.bincount(place, minlength=len(days) * kinds).reshape(-1, kinds)
    year = days.astype("M8[Y]").astype(np.int64) + 1970
    looked_at = np.unique(year[counts.any(axis=1)])
    return [(int(one), days[year == one], counts[year == one]) for one in looked_at]


def _draw_year(axis: Axes, year: int, days: np.ndarray, counts: np.ndarray, palette: Palette) -> None:
    dress(axis, grid=None)
    start = np.datetime64(f"{year}-01-01")
    # 1970-01-01 was a Thursday; weeks begin on Monday
    weekday = (days.astype(np.int64) + 3) % 7
    column = ((days - start).astype(np.int64) + (start.astype(np.int64) + 3) % 7) // 7
    total = counts.sum(axis=1)
    sound = _CELL * counts[:, SOUND] / np.maximum(total, 1)
    main = counts[:, :SOUND].argmax(axis=1)
    # a part of a day is never too thin to be seen
    sound = np.where((sound > 0) & (counts[:, SOUND] < total), np.clip(sound, 0.12, _CELL - 0.12), sound)
    bottom = weekday + _CELL / 2
    _cells(axis, column, bottom, sound, total > 0, palette.sound)
    for cause, color in enumerate(palette.causes):
        _cells(axis, column, bottom - sound, _CELL - sound, (total > 0) & (main == cause) & (sound < _CELL), color)
    _cells(axis, column, bottom, np.full(len(days), _CELL), total == 0, palette.still)
    axis.set_xlim(-0.7, _WEEKS - 0.3)
    axis.set_ylim(6.7, -0.7)
    axis.set_yticks([0, 2, 4, 6], ["Mon", "Wed", "Fri", "Sun"], fontsize=7)
    months = np.arange(f"{year}-01", f"{year + 1}-01", dtype="M8[M]")
    firsts = (months.astype("M8[D]") - start).astype(np.int64) + (start.astype(np.int64) + 3) % 7
    names = [f"{pd.Timestamp(month):%b}" for month in months]
    axis.set_xticks(firsts // 7, names, fontsize=7, ha="left")
    axis.tick_params(length=0, pad=1)
    axis.spines[["left", "bottom"]].set_visible(False)
    every, looked_at = int(total.sum()), int((total > 0).sum())
    axis.annotate(
        f"{_share(int(counts[:, SOUND].sum()), every)} sound\nof {counted(every, 'poll')}\n{counted(looked_at, 'day')}",
        (1.01, 0.5),
        xycoords="axes fraction",
        va="center",
        fontsize=8,
        color=palette.text,
        annotation_clip=False,
    )


def _cells(
    axis: Axes,
    column: np.ndarray,
    bottom: np.ndarray,
    height: np.ndarray,
    held: np.ndarray,
    color: str,
) -> None:
    """Rectangles that stand on `bottom` (the axis' values grow downwards)."""
    left, right = column[held] - _CELL / 2, column[held] + _CELL / 2
    low, high = bottom[held], (bottom - height)[held]
    corners = np.stack([[left, low], [left, high], [right, high], [right, low]]).transpose(2, 0, 1)
    if len(corners):
        axis.add_collection(PolyCollection(list(corners), facecolor=color, linewidth=0), autolim=False)


def _share(part: int, whole: int) -> str:
    """A share in percent; all and none are said only where they are true."""
    percent = 100 * part / whole
    if 0 < part < whole:
        percent = min(max(percent, 0.1), 99.9)
    return f"{percent:.1f} %" if 0 < part < whole else f"{percent:.0f} %"
