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


def start_of(number: np.ndarray, freq: Freq) -> np.ndarray:
    """The first instant of each numbered period, as ``datetime64[us]`` in UTC."""
    units = number * _WEEK_DAYS - _EPOCH_WEEKDAY if freq == "week" else number
    return units.astype(_UNITS[freq]).astype("M8[us]")
