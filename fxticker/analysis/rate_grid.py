"""Grid: the instants at which a rate is looked up, one or a series."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta, tzinfo

import numpy as np
import pandas as pd

from fxticker.analysis.periods import local_clock
from fxticker.model.days import Lookup, closing, lookup, span_of
from fxticker.model.durations import duration_of
from fxticker.model.invalid import InvalidArgument
from fxticker.model.timestamps import EPOCH, MICROSECOND, Moment

_DAY = timedelta(days=1)
DAY_US = _DAY // MICROSECOND
"""Microseconds of a day."""
MAX_INSTANTS = 10_000_000
"""Instants of a series: every five seconds of a year; bounds the memory."""


@dataclass(frozen=True, slots=True)
class Grid:
    """Instants of lookups, in microseconds since 1970, UTC, ascending.

    Attributes
    ----------
    upto
        The last instant of ticks that count, and the one from which their age is counted.
    dated_upto
        The same for ticks of which only the date is known: see `fxticker.model.days.Lookup`.
    """

    upto: np.ndarray
    dated_upto: np.ndarray

    def __len__(self) -> int:
        return len(self.upto)


def grid_at(at: Moment, now: datetime, zone: tzinfo) -> Grid:
    """Return the grid of one lookup.

    Raises
    ------
    ValueError
        If it is after now.
    """
    return grid_of([lookup(at, now, zone)])


def grid_every(every: str | timedelta, start: Moment, end: Moment | None, now: datetime, zone: tzinfo) -> Grid:
    """Return the grid of a series: instants from the first one on, or, for steps of whole days, the ends of days.

    Parameters
    ----------
    every
        The step, ``15min``, ``1h``, ``1D``.
    start, end
        The period; days are whole, both included. It ends now at the latest.
    now
        The present, aware.
    zone
        Whose days are meant.

    Raises
    ------
    ValueError
        If the step is no duration above zero, the period begins after now or ends before it begins, or there are too
        many instants.
    """
    step = duration_of(every)
    if not step:
        raise InvalidArgument(f"a step is above zero, not {every!r}")
    begin, until = span_of(start, now if end is None else end, now, zone)
    assert begin is not None
    assert until is not None
    if (until - begin) // step >= MAX_INSTANTS:
        raise InvalidArgument(f"a series has at most {MAX_INSTANTS} instants: a longer step than {every} is needed")
    if not step % _DAY:
        days = range(
            begin.astimezone(zone).toordinal(), (until - MICROSECOND).astimezone(zone).toordinal() + 1, step.days
        )
        last = until if until == now else until - MICROSECOND
        closes = (closing(date.fromordinal(day), now, zone) for day in days)
        return grid_of([replace(close, upto=min(close.upto, last)) for close in closes])
    instants = np.arange(_microseconds(begin), _microseconds(until), step // MICROSECOND, dtype=np.int64)
    if zone is UTC:
        return Grid(instants, instants)
    times = pd.Series(pd.DatetimeIndex(instants.view("M8[us]"), tz="UTC"))
    return Grid(instants, local_clock(times, zone).view(np.int64))


def grid_of(lookups: Sequence[Lookup]) -> Grid:
    """Return the grid of some lookups, in their order."""
    moments = ([each.upto for each in lookups], [each.dated_upto for each in lookups])
    return Grid(*(np.array([_microseconds(moment) for moment in part], np.int64) for part in moments))


def _microseconds(moment: datetime) -> int:
    return (moment - EPOCH) // MICROSECOND
