"""Timestamps: reads what a person or a program may give for an instant, as text, date or datetime."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time, timedelta

from fxticker.model.invalid import InvalidArgument

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
END_OF_TIME = datetime.max.replace(tzinfo=UTC)
"""Later than any slot."""
MICROSECOND = timedelta(microseconds=1)
"""The resolution of timestamps, here and in the store."""
_MINUTE, _LAST_SECOND = timedelta(minutes=1), 59
_END_OF_DAY = "23:59:59"
Moment = str | date | datetime
"""ISO 8601 text, a date or a datetime. Without a zone it is UTC."""
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
_INSTANT = re.compile(r"\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}.*")


def instant(moment: Moment) -> datetime:
    """Return the aware UTC instant; a date stands for its 00:00.

    Raises
    ------
    ValueError
        If the text is no ISO 8601 date or instant, or lies outside the years 1 to 9999.
    """
    if isinstance(moment, str):
        moment = read(moment)
    if not isinstance(moment, datetime):
        return datetime.combine(moment, time(), UTC)
    aware = moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
    try:
        utc = aware.astimezone(UTC)
    except OverflowError as error:
        raise InvalidArgument(f"{moment} lies outside the years 1 to 9999 in UTC") from error
    # a subclass such as pandas' Timestamp becomes a plain datetime
    return datetime.fromisoformat(utc.isoformat(timespec="microseconds")).replace(tzinfo=UTC)


def last_instant(moment: Moment) -> datetime:
    """Return the last aware UTC instant of a moment: for a date its last microsecond, else the instant itself."""
    begin = instant(moment)
    return begin.replace(hour=23, minute=59, second=59, microsecond=999_999) if is_date(moment) else begin


def read(text: str) -> date | datetime:
    """Return the date or instant of a text; without a zone a datetime has none.

    Raises
    ------
    ValueError
        If the text is no ISO 8601 date or instant.
    """
    try:
        if _DATE.fullmatch(text):
            return date.fromisoformat(text)
        if _INSTANT.fullmatch(text):
            return datetime.fromisoformat(text)
    except ValueError:
        pass
    raise InvalidArgument(f'{text!r} is no date or instant such as "2025-11-14" or "2025-11-14T12:00Z"')


def is_date(moment: Moment) -> bool:
    """Return whether only a date was given."""
    if isinstance(moment, str):
        return _DATE.fullmatch(moment) is not None
    return not isinstance(moment, datetime)


def iso_text(moment: datetime) -> str:
    """Return an instant as ISO 8601, with a ``Z`` if it is in UTC."""
    return moment.isoformat().replace("+00:00", "Z")


def exact_text(moment: datetime) -> str:
    """Return an instant as text in its zone, with its seconds and their fraction where it has them."""
    text = f"{moment:%Y-%m-%d %H:%M:%S.%f}".rstrip("0").rstrip(".")
    return text if "." in text else text.removesuffix(":00")


def lookup_text(moment: datetime) -> str:
    """Return the instant of a look-up in its zone, cut to its second: at a later one another tick may be the last.

    The last second of a day stands for its end.
    """
    text = f"{moment:%Y-%m-%d %H:%M:%S}"
    return text.removesuffix(":59" if text.endswith(_END_OF_DAY) else ":00")


def rounded_up(moment: datetime, step: timedelta) -> datetime:
    """Return an instant that is cut to the next whole step; the instant itself if that step is of another day."""
    later = moment + step - MICROSECOND
    return later if later.date() == moment.date() else moment


def minute_text(moment: datetime) -> str:
    """Return an instant in its zone to the minute, rounded up: a tick was not there yet at an earlier minute.

    Where the next minute is of another day, the text has seconds; the last second of a day stands for its end.
    """
    later = rounded_up(moment, _MINUTE)
    if later != moment:
        return f"{later:%Y-%m-%d %H:%M}"
    return f"{moment:%Y-%m-%d %H:%M}" if moment.second == _LAST_SECOND else exact_text(moment)
