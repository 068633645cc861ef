"""Retry-After: the instant until which a server asks to be left alone."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

MAX_RETRY_AFTER = timedelta(days=1)
"""A wait longer than this is taken for a slip, and for no reason to lose a year."""
_MAX_RETRY_AFTER_CHARS = 100
_SECONDS = re.compile(r"[0-9]+")


def retry_instant(text: str | None, now: datetime) -> datetime | None:
    """The instant of a Retry-After, in seconds or as a date (RFC 9110, 10.2.3), at most `MAX_RETRY_AFTER` from now.

    Null if it is absent, past or senseless.
    """
    if text is None or len(text) > _MAX_RETRY_AFTER_CHARS:
        return None
    text = text.strip()
    try:
        if _SECONDS.fullmatch(text):
            instant = now + min(timedelta(seconds=min(int(text), 10**9)), MAX_RETRY_AFTER)
        else:
            date = parsedate_to_datetime(text)
            # The oldest of the three forms names no zone, and means UTC as well.
            instant = date.replace(tzinfo=UTC) if date.tzinfo is None else date.astimezone(UTC)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    return min(instant, now + MAX_RETRY_AFTER) if instant > now else None
