"""Periods: numbers hours, and days, weeks and months of a time zone, consecutively."""

from __future__ import annotations

from datetime import UTC, tzinfo
from typing import Literal, get_args

import numpy as np
import pandas as pd

from fxticker.frames.dates_in_zone import midnights_of
from fxticker.model.invalid import InvalidArgument
from fxticker.model.records import TimeBasis

Freq = Literal["hour", "day", "week", "month"]
"""A week begins on Monday at 00:00. Hours are those of UTC in every zone."""
_UNITS = {"hour": "M8[h]", "day": "M8[D]", "week": "M8[D]", "month": "M8[M]"}
_WEEK_DAYS = 7
_EPOCH_WEEKDAY = 3
"""1970-01-01 was a Thursday."""


def period_of(instants: np.ndarray, freq: Freq) -> np.ndarray:
    """Return the number of the period that contains each instant.

    Parameters
    ----------
    instants
        ``datetime64``; local times as `local_times` returns them, of hours in UTC.
    freq
        ``hour``, ``day``, ``week`` or ``month``.

    Raises
    ------
    ValueError
        If `freq` is none of these.
    """
    if freq not in _UNITS:
        raise InvalidArgument(f"a period is one of {', '.join(get_args(Freq))}, not {freq!r}")
    number = instants.astype(_UNITS[freq]).astype(np.int64)
    return (number + _EPOCH_WEEKDAY) // _WEEK_DAYS if freq == "week" else number


def every_period(
    number: np.ndarray, begins: np.ndarray, group: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return all periods of each series from its first to its last.

    Parameters
    ----------
    number
        Numbers of the periods that each series has, series after series.
    begins
        Positions in `number` at which a series begins.
    group
        Group of each series: all series of a group get the periods from the first to the last of the whole group.
        ``None`` if each series is a group of its own.

    Returns
    -------
    tuple of numpy.ndarray
        For each period the position of its series and its number; and the positions of the given periods among them.
    """
    counts = np.diff(np.append(begins, len(number)))
    lowest, highest = number[begins], number[begins + counts - 1]
    for label in () if group is None else np.unique(group):
        lowest[group == label] = lowest[group == label].min()
        highest[group == label] = highest[group == label].max()
    length = highest - lowest + 1
    offset = np.cumsum(length) - length - lowest
    series = np.repeat(np.arange(len(begins)), length)
    return series, np.arange(len(series)) - offset[series], number + np.repeat(offset, counts)


def start_of(number: np.ndarray, freq: Freq, zone: tzinfo = UTC) -> np.ndarray:
    """Return the first instant of each numbered period, as ``datetime64[us]`` in UTC."""
    units = number * _WEEK_DAYS - _EPOCH_WEEKDAY if freq == "week" else number
    local = units.astype(_UNITS[freq]).astype("M8[us]")
    if zone is UTC or freq == "hour":
        return local
    return midnights_of(local, zone)


def local_times(rows: pd.DataFrame, zone: tzinfo, freq: Freq = "day") -> np.ndarray:
    """Return the time of each row by the clocks of a zone, ``datetime64[us]``.

    Parameters
    ----------
    rows
        With ``observed_at`` and ``time_basis``. A date-only row is of its date, whatever the zone.
    zone
        The zone.
    freq
        Periods that the times are for: hours are those of UTC.
    """
    times = rows["observed_at"].to_numpy("M8[us]")
    if zone is UTC or freq == "hour":
        return times
    is_date = (rows["time_basis"] == TimeBasis.DATE).to_numpy()
    return np.where(is_date, times, local_clock(rows["observed_at"], zone))


def local_clock(instants: pd.Series, zone: tzinfo) -> np.ndarray:
    """Return instants as the clocks of a zone show them, ``datetime64[us]``."""
    local: np.ndarray = instants.dt.tz_convert(zone).dt.tz_localize(None).to_numpy("M8[us]")
    return local


def in_local_order(rows: pd.DataFrame, zone: tzinfo, freq: Freq) -> tuple[pd.DataFrame, np.ndarray]:
    """Return rows in the order of their `local_times`, and these."""
    times = local_times(rows, zone, freq)
    if (times[1:] >= times[:-1]).all():
        return rows, times
    order = np.argsort(times, kind="stable")
    return rows.iloc[order].reset_index(drop=True), times[order]
