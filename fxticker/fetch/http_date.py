"""Date and Age: when a server made an answer, and how long a cache has had it (RFC 9110, 5.6.7; RFC 9111, 5.1)."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

_EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)
"""Earlier dates come from devices that do not know the time: they start at 1970 or 1980."""
_LATEST = datetime(2200, 1, 1, tzinfo=UTC)
"""Later dates are of no use: arithmetic with them would overflow soon."""
_MAX_CHARS = 100
"""Longest text that is parsed; the longest of the date forms has 33 characters."""
_MAX_AGE_DIGITS = 10
"""Digits of an age that is taken as it is: 300 years. A longer number is cut to that."""
_TIME = r"[0-9]{2}:[0-9]{2}:[0-9]{2}"
_FORMS = re.compile(
    rf"[A-Za-z]{{3}}, [0-9]{{2}} [A-Za-z]{{3}} [0-9]{{4}} {_TIME} GMT"
    rf"|[A-Za-z]{{6,9}}, [0-9]{{2}}-[A-Za-z]{{3}}-[0-9]{{2}} {_TIME} GMT"
    rf"|[A-Za-z]{{3}} [A-Za-z]{{3}} [ 0-9][0-9] {_TIME} [0-9]{{4}}"
)
_AGE = re.compile(r"[0-9]+")


def http_date(text: str | None) -> datetime | None:
    """Parse a date header in one of its three forms, aware UTC; `None` if it is absent, invalid or no possible time."""
    if text is None or len(text) > _MAX_CHARS or not _FORMS.fullmatch(text.strip()):
        return None
    try:
        instant = parsedate_to_datetime(text.strip()).replace(tzinfo=UTC)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    return instant if _EARLIEST <= instant < _LATEST else None


def age_of(text: str | None) -> timedelta | None:
    """Parse an Age header; the largest of several, as several caches may have had the answer; `None` if none is valid.

    A number that no age can have is a very old copy, not an invalid one.
    """
    parts = [part.strip() for part in (text or "").split(",")]
    seconds = [int(part[:_MAX_AGE_DIGITS]) for part in parts if _AGE.fullmatch(part)]
    return timedelta(seconds=max(seconds)) if seconds else None
