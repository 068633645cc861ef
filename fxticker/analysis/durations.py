"""Durations: parses lengths of time given as text or timedelta."""

from __future__ import annotations

import re
from datetime import timedelta

import pandas as pd

_UNIT = re.compile("[a-zA-Z]$")
"""A unit is required: pandas reads a number without one as nanoseconds."""


def duration_of(given: timedelta | str) -> timedelta:
    """Return a non-negative duration given as a timedelta or as text such as ``12h`` or ``14D``.

    Raises
    ------
    ValueError
        If it is not a duration, negative, or too long for a timedelta.
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
