"""What a person or a program may write where a length of time is asked for."""

from __future__ import annotations

import re
from datetime import timedelta

import pandas as pd

_UNIT = re.compile("[a-zA-Z]$")
"""A number alone would be nanoseconds."""


def duration_of(given: timedelta | str) -> timedelta:
    """A length of time that is not below zero: a timedelta, or text such as ``12h`` or ``14D``.

    Raises
    ------
    ValueError
        If it is none, or longer than a timedelta can be.
    """
    if isinstance(given, str) and not _UNIT.search(given):
        raise ValueError(f"a duration is such as 12h or 1D, not {given!r}")
    try:
        duration = pd.Timedelta(given)
    except ValueError as error:
        raise ValueError(f"a duration is such as 12h or 1D, not {given!r}") from error
    if not duration >= pd.Timedelta(0):
        raise ValueError(f"a duration is such as 12h or 1D, not {given!r}")
    return duration.to_pytimedelta()
