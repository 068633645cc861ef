"""Durations: parses lengths of time given as text or timedelta, and writes ages as text."""

from __future__ import annotations

import re
from datetime import timedelta

from fxticker.model.invalid import InvalidArgument

OTHER_LIMIT = "max_age (--max-age) sets another limit, or none: any"
"""What an error adds that is due to a limit of age alone."""
_PART = re.compile(r"\s*(\d{1,9}(?:\.\d{1,9})?)\s*([a-z]+)\s*")
_UNITS = {
    "s": timedelta(seconds=1),
    "min": timedelta(minutes=1),
    "h": timedelta(hours=1),
    "d": timedelta(days=1),
    "w": timedelta(weeks=1),
}
_LONG_UNITS = {"sec": "s", "second": "s", "m": "min", "minute": "min", "hr": "h", "hour": "h", "day": "d", "week": "w"}


def duration_of(given: timedelta | str) -> timedelta:
    """Return a non-negative duration given as a timedelta or as text such as ``12h``, ``14D`` or ``1d 6h``.

    Raises
    ------
    ValueError
        If it is not a duration, negative, or too long for a timedelta.
    """
    try:
        duration = _read(given) if isinstance(given, str) else given + timedelta(0)
        if isinstance(duration, timedelta) and duration >= timedelta(0):
            return duration
    except (OverflowError, TypeError):
        pass
    raise InvalidArgument(f"a duration is such as 12h or 1D, not {given!r}")


def _read(text: str) -> timedelta | None:
    total, place = timedelta(0), 0
    text = text.lower()
    while match := _PART.match(text, place):
        unit = match[2] if match[2] in _UNITS else _LONG_UNITS.get(match[2].removesuffix("s"))
        if unit is None:
            return None
        total += float(match[1]) * _UNITS[unit]
        place = match.end()
    return total if place == len(text) > 0 else None


def age_text(age: timedelta) -> str:
    """Return an age in its two largest units."""
    minutes = age // timedelta(minutes=1)
    days, hours = divmod(minutes // 60, 24)
    if days:
        return f"{days} d {hours} h"
    return f"{hours} h {minutes % 60} min" if hours else f"{minutes} min"


def limit_text(limit: timedelta) -> str:
    """Return a limit of age as text: whole days as days."""
    return age_text(limit).removesuffix(" 0 h").removesuffix(" 0 min")


def excess_text(age: timedelta, limit: timedelta) -> str:
    """Return an age above a limit as text, rounded up where it would read as the limit itself."""
    if age_text(age) == age_text(limit):
        age += timedelta(hours=1) if age >= timedelta(days=1) else timedelta(minutes=1)
    return age_text(age)
