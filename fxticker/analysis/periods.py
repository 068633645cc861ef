"""Hours, days, weeks and months of UTC as numbers, so that consecutive periods have consecutive ones."""

from __future__ import annotations

from typing import Literal, get_args

import numpy as np

Freq = Literal["hour", "day", "week", "month"]
"""A week begins on Monday at 00:00 UTC."""
_UNITS = {"hour": "M8[h]", "day": "M8[D]", "week": "M8[D]", "month": "M8[M]"}
_WEEK_DAYS = 7
_EPOCH_WEEKDAY = 3
"""1970-01-01 was a Thursday."""


def period_of(at: np.ndarray, freq: Freq) -> np.ndarray:
    """The number of the period in which each instant lies.

    Parameters
    ----------
    at
        ``datetime64``, in UTC.
    freq
        ``hour``, ``day``, ``week`` or ``month``.

    Raises
    ------
    ValueError
        If `freq` is none of these.
    """
    if freq not in _UNITS:
        raise ValueError(f"a period is one of {', '.join(get_args(Freq))}, not {freq!r}")
    number = at.astype(_UNITS[freq]).astype(np.int64)
    return (number + _EPOCH_WEEKDAY) // _WEEK_DAYS if freq == "week" else number


def every_period(
    number: np.ndarray, begins: np.ndarray, group: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """All periods of each series from its first to its last.

    Parameters
    ----------
    number
        Of the periods that each series has, series after series.
    begins
        Where a series begins in these.
    group
        Of each series; those of one group have the periods from the first to the last of them all. Null for each alone.

    Returns
    -------
    tuple of numpy.ndarray
        Of each period the series that it is of, by place, and its number; and where among them the given ones are.
    """
    counts = np.diff(np.append(begins, len(number)))
    lowest, highest = number[begins], number[begins + counts - 1]
    for one in () if group is None else np.unique(group):
        lowest[group == one] = lowest[group == one].min()
        highest[group == one] = highest[group == one].max()
    length = highest - lowest + 1
    offset = np.cumsum(length) - length - lowest
    series = np.repeat(np.arange(len(begins)), length)
    return series, np.arange(len(series)) - offset[series], number + np.repeat(offset, counts)


def start_of(number: np.ndarray, freq: Freq) -> np.ndarray:
    """The first instant of each numbered period, as ``datetime64[us]`` in UTC."""
    units = number * _WEEK_DAYS - _EPOCH_WEEKDAY if freq == "week" else number
    return units.astype(_UNITS[freq]).astype("M8[us]")
