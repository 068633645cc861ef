"""Days: resolves dates, months, quarters, years, relative days and instants to UTC, by the present and a time zone.

Text names a day (``2025-11-14``, ``today``, ``yesterday``, ``-30d``, ``-2w``), several days (``2025-11``, ``2025-Q4``,
``2025``), or an instant (``2025-11-14T12:00Z``, ``now``, ``-12h``, ``-90min``). A date is that whole day in the zone.
An instant is exact, and without an offset of its own it is of the zone.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo

from fxticker.model.invalid import InvalidArgument
from fxticker.model.timestamps import END_OF_TIME, MICROSECOND, Moment, instant, read

_MONTHS = re.compile(r"(\d{4})(?:-(?:(\d{2})|Q([1-4])))?")
_AGO = re.compile(r"-(\d{1,6})(min|h|d|w)")
_AGO_UNITS = {"min": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_ONE_DAY = timedelta(days=1)
_YEAR_MONTHS, _QUARTER_MONTHS = 12, 3


@dataclass(frozen=True, slots=True)
class Extent:
    """The time that a moment covers, aware UTC.

    Attributes
    ----------
    begin
        Its first instant.
    end
        The first instant after it; of an instant the instant itself.
    """

    begin: datetime
    end: datetime


@dataclass(frozen=True, slots=True)
class Lookup:
    """The instants that a lookup as of a moment goes by, aware UTC.

    Attributes
    ----------
    upto
        The last instant of ticks that count, and the one from which their age is counted: of days their last
        microsecond, and at most the present.
    dated_upto
        The same for ticks of which only the date is known, which stand at 00:00 UTC of it in every zone: of an instant
        the time that the zone's clock shows then, as if it were of UTC, of days the end of the last one, today
        included.
    """

    upto: datetime
    dated_upto: datetime


def extent_of(moment: Moment, now: datetime, zone: tzinfo = UTC) -> Extent:
    """Return the time that a moment covers.

    Parameters
    ----------
    moment
        Text as described for this module, a date, or a datetime; a datetime without a zone is of `zone`.
    now
        The present, aware.
    zone
        Where the days begin.

    Raises
    ------
    ValueError
        If the text is none of these, or lies outside the years 1 to 9999.
    """
    if isinstance(moment, str):
        if months := _MONTHS.fullmatch(moment):
            return _days(*_ends_of_months(moment, *months.groups()), zone)
        if ago := _AGO.fullmatch(moment):
            return _ago(timedelta(**{_AGO_UNITS[ago[2]]: int(ago[1])}), now, zone, is_day=ago[2] in "dw")
        if moment in ("today", "yesterday"):
            return _ago(timedelta(days=moment == "yesterday"), now, zone, is_day=True)
        moment = now if moment == "now" else read(moment)
    if not isinstance(moment, datetime):
        return _days(moment, moment, zone)
    exact = instant(moment if moment.tzinfo is not None else moment.replace(tzinfo=zone))
    return Extent(exact, exact)


def start_of(moment: Moment, now: datetime, zone: tzinfo = UTC) -> datetime:
    """Return the first instant of a period that starts with a moment.

    Raises
    ------
    ValueError
        As `extent_of`, and if it is later than the present.
    """
    begin = extent_of(moment, now, zone).begin
    if begin > now:
        raise InvalidArgument(f"{moment} is later than now, {now:%Y-%m-%d %H:%M} UTC")
    return begin


def end_of(moment: Moment, now: datetime, zone: tzinfo = UTC) -> datetime:
    """Return the end, excluded, of a period that ends with a moment: days are whole, and the present cuts it."""
    return min(extent_of(moment, now, zone).end, now)


def span_of(
    start: Moment | None, end: Moment | None, now: datetime, zone: tzinfo = UTC
) -> tuple[datetime | None, datetime | None]:
    """Return the first instant and the end, excluded, of the period between two moments; ``None`` is unbounded.

    Raises
    ------
    ValueError
        As `start_of`, and if the period ends before it begins.
    """
    begin = None if start is None else start_of(start, now, zone)
    if end is None:
        return begin, None
    extent = extent_of(end, now, zone)
    if begin is not None and (begin > extent.end or begin == extent.end != extent.begin):
        raise InvalidArgument(f"the span ends, {end}, before it begins, {start}")
    return begin, min(extent.end, now)


def is_cut(end: Moment, now: datetime, zone: tzinfo = UTC) -> bool:
    """Return whether the present cuts days after today, or an instant that is to come, from a period with this end."""
    extent = extent_of(end, now, zone)
    return extent.end > (now if extent.begin == extent.end else extent_of("today", now, zone).end)


def lookup(moment: Moment, now: datetime, zone: tzinfo = UTC) -> Lookup:
    """Return the instants that a lookup as of a moment goes by.

    Raises
    ------
    ValueError
        As `start_of`.
    """
    start_of(moment, now, zone)
    return closing(moment, now, zone)


def closing(moment: Moment, now: datetime, zone: tzinfo = UTC) -> Lookup:
    """Return the instants that a lookup as of the end of a period goes by; the present cuts the period."""
    extent = extent_of(moment, now, zone)
    upto = min(extent.end if extent.begin == extent.end else _last(extent.end), now)
    if extent.begin == extent.end:
        return Lookup(upto, _on_clock(upto, zone))
    last_day = upto.astimezone(zone).date()
    return Lookup(upto, _last(_days(last_day, last_day, UTC).end))


def _on_clock(instant: datetime, zone: tzinfo) -> datetime:
    """Return the time that a zone's clock shows at an instant, as if it were of UTC."""
    try:
        return instant.astimezone(zone).replace(tzinfo=UTC)
    except OverflowError:  # at an end of time no tick is a date apart
        return instant


def _last(end: datetime) -> datetime:
    return END_OF_TIME if end == END_OF_TIME else end - MICROSECOND


def _ago(distance: timedelta, now: datetime, zone: tzinfo, *, is_day: bool) -> Extent:
    try:
        then = now.astimezone(zone) - distance if is_day else now - distance
    except OverflowError as error:
        raise InvalidArgument(f"{distance.days} days ago lies outside the years 1 to 9999") from error
    return _days(then.date(), then.date(), zone) if is_day else Extent(then, then)


def _ends_of_months(text: str, year: str, month: str | None, quarter: str | None) -> tuple[date, date]:
    """Return the first and the last day of a year, a quarter or a month."""
    if month is not None:
        first, length = int(month), 1
    elif quarter is not None:
        first, length = _QUARTER_MONTHS * (int(quarter) - 1) + 1, _QUARTER_MONTHS
    else:
        first, length = 1, _YEAR_MONTHS
    try:
        begin = date(int(year), first, 1)
        months = begin.year * _YEAR_MONTHS + first - 1 + length
        if months // _YEAR_MONTHS > date.max.year:
            return begin, date.max
        return begin, date(months // _YEAR_MONTHS, months % _YEAR_MONTHS + 1, 1) - _ONE_DAY
    except ValueError as error:
        raise InvalidArgument(f"{text!r} is no month such as 2025-11, quarter such as 2025-Q4, or year") from error


def _days(first: date, last: date, zone: tzinfo) -> Extent:
    end = END_OF_TIME if last == date.max else _midnight(last + _ONE_DAY, zone)
    return Extent(_midnight(first, zone), end)


def _midnight(day: date, zone: tzinfo) -> datetime:
    return instant(datetime.combine(day, time(), zone))
