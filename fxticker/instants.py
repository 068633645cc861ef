"""What a person or a program may write where an instant is asked for."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time, timedelta

Moment = str | date | datetime
"""ISO 8601 text, a date or a datetime. Without a zone it is UTC."""
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")


def instant(moment: Moment) -> datetime:
    """The aware UTC instant; a date stands for its 00:00.

    Raises
    ------
    ValueError
        If the text is no ISO 8601 date or instant.
    """
    if isinstance(moment, str):
        try:
            moment = date.fromisoformat(moment) if is_date(moment) else datetime.fromisoformat(moment)
        except ValueError as error:
            raise ValueError(f'{moment!r} is no date or instant such as "2025-11-14" or "2025-11-14T12:00Z"') from error
    if not isinstance(moment, datetime):
        return datetime.combine(moment, time(), UTC)
    aware = moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
    # a subclass such as pandas' Timestamp becomes the plain thing
    return datetime.fromisoformat(aware.astimezone(UTC).isoformat(timespec="microseconds")).replace(tzinfo=UTC)


def last_instant(moment: Moment) -> datetime:
    """The aware UTC instant up to which (included) a moment reaches: a date reaches to its last microsecond."""
    begin = instant(moment)
    return begin + timedelta(days=1) - timedelta(microseconds=1) if is_date(moment) else begin


def is_date(moment: Moment) -> bool:
    """Whether only a date was given."""
    if isinstance(moment, str):
        return _DATE.fullmatch(moment) is not None
    return not isinstance(moment, datetime)
