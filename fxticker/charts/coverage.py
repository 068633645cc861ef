"""Chart of the outcomes of polls as a calendar, one strip per source and year."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.collections import PolyCollection
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from fxticker.analysis.source_quotes import Ticks
from fxticker.charts.canvas import Canvas, Look, Place, drawing, place_key
from fxticker.charts.caption_frame import percent_of, span_text, write_caption
from fxticker.charts.causes import CAUSES, SUCCESSFUL, cause_codes, key, local_instants
from fxticker.charts.data import polls_of
from fxticker.charts.source_names import sources_text
from fxticker.charts.style import Palette, Theme
from fxticker.errors import NoData
from fxticker.frames.now_and_zone import present
from fxticker.model.days import span_of
from fxticker.model.formatting import counted
from fxticker.model.selection import Zone
from fxticker.model.timestamps import MICROSECOND, Moment

_STRIP_IN, _SHORT_STRIP_IN = 1.1, 1.7
"""Height of a strip in inches, and of one with so few weeks that its cells are wide."""
_WEEKS = 54
"""Largest number of weeks in a year: it may begin and end within a week."""
_FEWEST_WEEKS = 12
_SHORT_WEEKS = 30
_MONTH_WEEKS = 2
"""Smallest distance between the names of months, in weeks."""
_BESIDE_IN = 0.4
"""Width of the names of weekdays, in inches."""
_DAY_US = 86_400_000_000
_CELL = 0.86
"""Side of a day's cell in columns; the rest is the space between cells."""


def plot_coverage(
    polls: Ticks,
    *,
    sources: Iterable[str] | None = None,
    start: Moment | None = None,
    end: Moment | None = None,
    as_of: Moment | None = None,
    tz: Zone | None = None,
    ax: Place | None = None,
    figsize: tuple[float, float] | None = None,
    title: str | None = None,
    theme: Theme = "light",
) -> Figure:
    """Draw the outcomes of polls as a calendar.

    Parameters
    ----------
    polls
        A store, with the arguments of `fxticker.load_polls`, or what that returns, without them.
    sources, as_of, tz
        Arguments of `fxticker.load_polls`.
    start, end
        The days to draw, as of `fxticker.load_polls`, also for a frame; by default from the first poll to the last one.
    ax
        Where to draw in a figure of your own: one axis, or one per strip. The figure needs ``layout="constrained"`` for
        the texts beside and below it; ``None`` for a new figure.
    figsize
        Width and height of a new figure in inches; ``None`` for 8 inches by what the chart needs.
    title
        In place of the title that states the finding; ``""`` for none.
    theme
        Colours for a light or a dark background.

    Returns
    -------
    matplotlib.figure.Figure
        A strip per source and, beyond a year, per year: a column per week, a row per weekday, a cell per day from
        `start` to `end`. A cell is filled from below by the share of its successful polls; the rest
        has the colour of the most frequent cause of the others. A pale cell is a day without any poll on record. The
        right edge states the share of successful polls of the strip and the number of days with such a poll.

    Raises
    ------
    NoData
        If there is no poll.
    ValueError
        If there is no such theme, an argument of `fxticker.load_polls` is given for a frame, or `figsize` or `ax` do
        not fit.
    """
    asked = {} if isinstance(polls, pd.DataFrame) else {"start": start, "end": end}
    polls = polls_of(polls, {"sources": sources, "as_of": as_of, "tz": tz, **asked})
    polls, first, last = _in_span(polls, start, end)
    if polls.empty:
        raise NoData("there is no poll to draw")
    polled = sorted(polls["source"].astype(str).unique())
    strips = [
        (source, strip)
        for source in polled
        for strip in _strips(polls[(polls["source"] == source).to_numpy()], _day(first), _day(last))
    ]
    weeks = max(_FEWEST_WEEKS, *(strip.weeks for _, strip in strips))
    height = _STRIP_IN if weeks > _SHORT_WEEKS else _SHORT_STRIP_IN
    look = Look(theme, title, figsize, ax)
    with drawing(look, 1.0 + height * len(strips), len(strips), grid=None, share_x=False) as canvas:
        palette = canvas.palette
        for axis, (source, strip) in zip(canvas.axes, strips, strict=True):
            _draw_strip(axis, strip, weeks, palette)
            axis.set_title(f"{source} {strip.name}" if len(polled) > 1 else strip.name)
        codes = cause_codes(polls)
        keyed = _key(canvas, [strip for _, strip in strips])
        _write_caption(keyed, polls, codes, first, last)
    return canvas.figure


def _write_caption(
    canvas: Canvas, polls: pd.DataFrame, codes: np.ndarray, first: pd.Timestamp, last: pd.Timestamp
) -> None:
    successful_days = len(np.unique(local_instants(polls["slot"])[codes == SUCCESSFUL] // _DAY_US))
    days = counted(int((_day(last) - _day(first)).astype(np.int64)) + 1, "day")
    share = percent_of(int((codes == SUCCESSFUL).sum()), len(polls))
    write_caption(
        canvas,
        f"{share} of {counted(len(polls), 'poll')} succeeded, on {successful_days:,} of {days}",
        f"{sources_text(sorted(set(polls['source'])))} {span_text(first, last)} {polls['slot'].dt.tz}.",
        "A cell is a day, filled from below by the share of its polls that succeeded; the colour above "
        "is the main cause of the others."
        if (codes != SUCCESSFUL).any()
        else "A cell is a day.",
    )


def _in_span(
    polls: pd.DataFrame, start: Moment | None, end: Moment | None
) -> tuple[pd.DataFrame, pd.Timestamp, pd.Timestamp]:
    """Return the polls from `start` to `end`, and the instants to draw from and to: of polls where one is open."""
    zone = polls["slot"].dt.tz
    begin, until = span_of(start, end, present(), zone)
    if begin is not None:
        polls = polls[polls["slot"] >= begin]
    if until is not None:
        polls = polls[polls["slot"] < until]
    first = polls["slot"].min() if begin is None else pd.Timestamp(begin).tz_convert(zone)
    last = polls["slot"].max() if until is None else pd.Timestamp(until - MICROSECOND).tz_convert(zone)
    return polls, first, last


@dataclass(frozen=True, slots=True)
class _Strip:
    """A row of weeks of one source.

    Attributes
    ----------
    origin
        A day in its first week.
    days
        Days of the span in it.
    counts
        Number of polls by day and cause, the last column for the successful ones.
    """

    name: str
    origin: np.datetime64
    days: np.ndarray
    counts: np.ndarray

    @property
    def weeks(self) -> int:
        """Number of columns."""
        return int(_week(self.days[-1]) - _week(self.origin)) + 1


def _strips(polls: pd.DataFrame, first: np.datetime64, last: np.datetime64) -> list[_Strip]:
    """Return one strip for the whole span if that is no longer than a year, else one for each year with a poll."""
    kinds = len(CAUSES) + 1
    days = np.arange(first, last + 1)
    place = (local_instants(polls["slot"]) // _DAY_US - first.astype(np.int64)) * kinds + cause_codes(polls)
    counts = np.bincount(place, minlength=len(days) * kinds).reshape(-1, kinds)
    year = days.astype("M8[Y]")
    if _week(last) - _week(first) < _WEEKS:
        name = str(year[0]) if year[0] == year[-1] else f"{year[0]} to {year[-1]}"
        return [_Strip(name, first, days, counts)]
    polled = np.unique(year[counts.any(axis=1)])
    return [_Strip(str(label), label.astype("M8[D]"), days[year == label], counts[year == label]) for label in polled]


def _day(timestamp: pd.Timestamp) -> np.datetime64:
    return np.datetime64(timestamp.tz_localize(None), "D")


def _week(days: Any) -> Any:
    """Return week numbers: weeks begin on Monday, and 1970-01-01 was a Thursday."""
    return (days.astype(np.int64) + 3) // 7


def _key(canvas: Canvas, strips: list[_Strip]) -> Canvas:
    """Explain the colours that are drawn: a cause that is the main one of no day has none."""
    palette, counts = canvas.palette, np.concatenate([strip.counts for strip in strips])
    failed = counts[:, :SUCCESSFUL].any(axis=1)
    seen = set(_main_causes(counts)[failed].tolist())
    successful = [Patch(facecolor=palette.successful, linewidth=0, label="successful")]
    pale = [Patch(facecolor=palette.still, linewidth=0, label="no poll on record")]
    handles = [
        *(successful if counts[:, SUCCESSFUL].any() else []),
        *key(seen, palette, 1.0),
        *(pale if (counts.sum(axis=1) == 0).any() else []),
    ]
    return place_key(canvas, handles, _BESIDE_IN)


def _main_causes(counts: np.ndarray) -> np.ndarray:
    """Return the most frequent cause of each day; of a day without a failed poll it has no meaning."""
    causes: np.ndarray = counts[:, :SUCCESSFUL].argmax(axis=1)
    return causes


def _draw_strip(axis: Axes, strip: _Strip, weeks: int, palette: Palette) -> None:
    days, counts = strip.days, strip.counts
    weekday = (days.astype(np.int64) + 3) % 7
    column = _week(days) - _week(strip.origin)
    total = counts.sum(axis=1)
    height = _CELL * counts[:, SUCCESSFUL] / np.maximum(total, 1)
    main = _main_causes(counts)
    # a part of a day is never too thin to be seen
    height = np.where((height > 0) & (counts[:, SUCCESSFUL] < total), np.clip(height, 0.12, _CELL - 0.12), height)
    bottom = weekday + _CELL / 2
    _cells(axis, column, bottom, height, total > 0, palette.successful)
    for cause, color in enumerate(palette.causes):
        _cells(axis, column, bottom - height, _CELL - height, (total > 0) & (main == cause) & (height < _CELL), color)
    _cells(axis, column, bottom, np.full(len(days), _CELL), total == 0, palette.still)
    _set_axes(axis, strip, weeks)
    successful, good_days = int(counts[:, SUCCESSFUL].sum()), int((counts[:, SUCCESSFUL] > 0).sum())
    axis.annotate(
        f"{percent_of(successful, int(total.sum()))} successful\nof {counted(int(total.sum()), 'poll')}\n"
        f"on {good_days:,} of {counted(len(days), 'day')}",
        (strip.weeks - 1 + _CELL / 2, 3),
        xytext=(8, 0),
        textcoords="offset points",
        va="center",
        fontsize=8,
        color=palette.text,
        annotation_clip=False,
    )


def _set_axes(axis: Axes, strip: _Strip, weeks: int) -> None:
    """Label weekdays and months."""
    axis.set_xlim(-0.7, weeks - 0.3)
    axis.set_ylim(6.7, -0.7)
    axis.set_yticks([0, 2, 4, 6], ["Mon", "Wed", "Fri", "Sun"], fontsize=7)
    months = np.arange(strip.days[0].astype("M8[M]"), strip.days[-1].astype("M8[M]") + 1)
    places = np.maximum(_week(months.astype("M8[D]")) - _week(strip.origin), 0)
    # a month of which only the last days are drawn has no room beside the next one
    shown = np.append(np.diff(places) >= _MONTH_WEEKS, True)
    # the title of a strip within a year names it
    several = strip.days[0].astype("M8[Y]") != strip.days[-1].astype("M8[Y]")
    dated = several & ((months == months[shown][0]) | (months == months.astype("M8[Y]")))
    formats = np.where(dated, "%b\n%Y", "%b")
    names = [f"{pd.Timestamp(month):{form}}" for month, form in zip(months[shown], formats[shown], strict=True)]
    axis.set_xticks(places[shown] - _CELL / 2, names, fontsize=7, ha="left")
    axis.tick_params(length=0, pad=1)
    axis.spines[["left", "bottom"]].set_visible(False)


def _cells(
    axis: Axes,
    column: np.ndarray,
    bottom: np.ndarray,
    height: np.ndarray,
    is_drawn: np.ndarray,
    color: str,
) -> None:
    """Draw rectangles whose lower edge is `bottom` (the values of the axis increase downwards)."""
    left, right = column[is_drawn] - _CELL / 2, column[is_drawn] + _CELL / 2
    low, high = bottom[is_drawn], (bottom - height)[is_drawn]
    corners = np.stack([[left, low], [left, high], [right, high], [right, low]]).transpose(2, 0, 1)
    if len(corners):
        axis.add_collection(PolyCollection(list(corners), facecolor=color, linewidth=0), autolim=False)
