"""Retry-After: the instant before which no new request may be sent."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

MAX_RETRY_AFTER = timedelta(days=1)
"""Longest wait. A longer Retry-After is taken for a mistake of the server's, which must not cost a year of polls."""
_MAX_RETRY_AFTER_CHARS = 100
"""Longest text that is parsed; the longest of the date forms has 33 characters."""
_SECONDS = re.compile(r"[0-9]+")


def retry_instant(text: str | None, now: datetime) -> datetime | None:
    """Parse a Retry-After, in seconds or as a date (RFC 9110, 10.2.3), as an instant, aware UTC.

    It is at most `MAX_RETRY_AFTER` from `now`; `None` if the text is absent or invalid, or the instant is past.
    """
    if text is None or len(text) > _MAX_RETRY_AFTER_CHARS:
        return None
    text = text.strip()
    try:
        if _SECONDS.fullmatch(text):
            instant = now + min(timedelta(seconds=min(int(text), 10**9)), MAX_RETRY_AFTER)
        else:
            date = parsedate_to_datetime(text)
            # The asctime form has no zone; it is UTC, like the other two (RFC 9110, 5.6.7).
            instant = date.replace(tzinfo=UTC) if date.tzinfo is None else date.astimezone(UTC)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    return min(instant, now + MAX_RETRY_AFTER) if instant > now else None
