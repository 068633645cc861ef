"""Periods: numbers hours, days, weeks and months of UTC consecutively."""

from __future__ import annotations

from typing import Literal, get_args

import numpy as np

from fxticker.model.invalid import InvalidArgument

Freq = Literal["hour", "day", "week", "month"]
"""A week begins on Monday at 00:00 UTC."""
_UNITS = {"hour": "M8[h]", "day": "M8[D]", "week": "M8[D]", "month": "M8[M]"}
_WEEK_DAYS = 7
_EPOCH_WEEKDAY = 3
"""1970-01-01 was a Thursday."""


def period_of(instants: np.ndarray, freq: Freq) -> np.ndarray:
    """Return the number of the period that contains each instant.

    Parameters
    ----------
    instants
        ``datetime64``, in UTC.
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


def start_of(number: np.ndarray, freq: Freq) -> np.ndarray:
    """Return the first instant of each numbered period, as ``datetime64[us]`` in UTC."""
    units = number * _WEEK_DAYS - _EPOCH_WEEKDAY if freq == "week" else number
    return units.astype(_UNITS[freq]).astype("M8[us]")
