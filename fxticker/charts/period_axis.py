"""Axis of periods: the columns of a heatmap from the first to the last period, and their labels."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.dates import date2num

from fxticker.model.formatting import counted
from fxticker.model.invalid import InvalidArgument

MAX_PERIODS = 960
"""Pixels that a picture 8 inches wide has for its columns; narrower columns would not all be visible."""
_PERIODS = ((1.5, "hour"), (25, "day"), (24 * 8, "week"), (24 * 32, "month"))
"""Largest length in hours, and the name, of each kind of period."""
_LENGTHS = {
    "hour": pd.DateOffset(hours=1),
    "day": pd.DateOffset(days=1),
    "week": pd.DateOffset(days=7),
    "month": pd.DateOffset(months=1),
}
_LABELS = {"hour": ("%H:%M", "%d %b %Y"), "day": ("%d", "%b %Y"), "week": ("%d", "%b %Y"), "month": ("%b", "%Y")}
"""First line of a label, and the second one, which stands where it changes."""
_LABEL_IN, _LONG_LABEL_IN = 0.48, 0.72
"""Width of a label of a month, and of others, in inches."""
_EVERY = (1, 2, 3, 6, 12, 24, 48, 96, 192, 384, 768)
"""Of so many periods one is labelled."""


@dataclass(frozen=True, slots=True)
class Periods:
    """Columns of a heatmap.

    Attributes
    ----------
    starts
        First instants of all periods, in the zone of the frame.
    name
        ``hour``, ``day``, ``week`` or ``month``; ``period`` if that is not known.
    """

    starts: pd.DatetimeIndex
    name: str

    @property
    def edges(self) -> pd.DatetimeIndex:
        """Starts of periods and the end of the last one, which is as long as the one before where that is not known."""
        last = self.starts[-1]
        if self.name in _LENGTHS:
            end = last + _LENGTHS[self.name]
        else:
            end = last + (last - self.starts[-2] if len(self.starts) > 1 else pd.Timedelta(days=1))
        return pd.DatetimeIndex([*self.starts, end])

    @property
    def days(self) -> np.ndarray:
        """Edges in the unit of matplotlib."""
        return in_days(self.edges)


def periods_of(start_at: pd.Series, freq: str | None) -> Periods:
    """Return all periods from the first to the last, including those without a row of any series.

    Parameters
    ----------
    start_at
        Starts of periods.
    freq
        Their name, if it is known; else it follows from the distances.

    Raises
    ------
    ValueError
        If there are more than a picture has columns.
    """
    starts = pd.DatetimeIndex(np.sort(start_at.unique()))
    name = freq or _name_of(starts)
    if name in _LENGTHS:
        starts = starts.union(pd.date_range(starts[0], starts[-1], freq=_LENGTHS[name]))
    if len(starts) > MAX_PERIODS:
        raise InvalidArgument(
            f"{counted(len(starts), name)} are more columns than a picture can show, {MAX_PERIODS}: "
            "choose longer periods or a shorter span"
        )
    return Periods(starts, name)


def label_periods(axis: Axes, periods: Periods, width_in: float) -> None:
    """Label periods in the middle of their columns, as many as have room; years, months or days where they change."""
    days = periods.days
    label_in = _LABEL_IN if periods.name == "month" else _LONG_LABEL_IN
    every = next(each for each in _EVERY if len(periods.starts) / each * label_in <= width_in or each == _EVERY[-1])
    # of months those that January is among
    places = [
        place
        for place, start in enumerate(periods.starts)
        if (start.month - 1 if periods.name == "month" and every <= 12 else place) % every == 0  # noqa: PLR2004 - months
    ] or [0]
    first, second = _LABELS.get(periods.name, ("%Y-%m-%d", ""))
    below = [f"{periods.starts[place]:{second}}" for place in places]
    labels = [
        f"{periods.starts[place]:{first}}" + ("" if number and below[number - 1] == text else f"\n{text}")
        for number, (place, text) in enumerate(zip(places, below, strict=True))
    ]
    axis.set_xticks([(days[place] + days[place + 1]) / 2 for place in places], labels)
    axis.set_xlim(days[0], days[-1])


def in_days(instants: pd.DatetimeIndex) -> np.ndarray:
    """Return instants in the unit of matplotlib: days since its epoch, which a caller may have set."""
    days: np.ndarray = date2num(instants.tz_localize(None).as_unit("us").to_numpy())  # type: ignore[no-untyped-call]
    return days


def _name_of(starts: pd.DatetimeIndex) -> str:
    if len(starts) < 2:  # noqa: PLR2004 - one start has no length
        return "period"
    hours = float((starts[1:] - starts[:-1]).min() / pd.Timedelta(hours=1))
    return next((name for most, name in _PERIODS if hours <= most), "period")
