"""Period of a report: the month in a time zone, and the instant at which it is cut."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime, timedelta, tzinfo

from fxticker.model.days import extent_of, lookup
from fxticker.model.invalid import InvalidArgument
from fxticker.model.timestamps import MICROSECOND, Moment

_MONTH = re.compile(r"\d{4}-\d{2}")
_DAY = timedelta(days=1)
_NAMES = (
    *("January", "February", "March", "April", "May", "June", "July"),
    *("August", "September", "October", "November", "December"),
)
"""Names of the months, whatever the locale."""


@dataclass(frozen=True, slots=True)
class Period:
    """A month of a report.

    Attributes
    ----------
    month
        ``"2025-12"``.
    begin, end
        Its first instant and the first one after it, aware UTC.
    cut
        The end of what the report knows: `end`, or the present or the instant of `as_of` where that is earlier.
    as_of
        The instant as of which the store is read, aware UTC; ``None`` for the present state.
    zone
        Time zone of its days.
    """

    month: str
    begin: datetime
    end: datetime
    cut: datetime
    as_of: datetime | None
    zone: tzinfo

    @property
    def is_running(self) -> bool:
        """Whether the month had not ended."""
        return self.cut < self.end

    @property
    def first_day(self) -> date:
        """Its first day."""
        return self.begin.astimezone(self.zone).date()

    @property
    def last_day(self) -> date:
        """Its last day, or the day of the cut."""
        return (self.cut - MICROSECOND).astimezone(self.zone).date()

    @property
    def day_before(self) -> date:
        """The last day of the month before."""
        return self.first_day - _DAY

    @property
    def days(self) -> int:
        """Number of days, the one of the cut included."""
        return (self.last_day - self.first_day).days + 1

    @property
    def name(self) -> str:
        """The month in words, ``"December 2025"``."""
        return f"{_NAMES[self.first_day.month - 1]} {self.first_day.year}"


def period_of(month: str, now: datetime, zone: tzinfo, as_of: Moment | None = None) -> Period:
    """Return the period of a month.

    Parameters
    ----------
    month
        ``"2025-12"``.
    now
        The present, aware UTC.
    zone
        Time zone of its days.
    as_of
        What was known then; of a date its end. ``None`` for the present.

    Raises
    ------
    ValueError
        If the text is no month, or the month begins later than now or than `as_of`.
    """
    if not _MONTH.fullmatch(month):
        raise InvalidArgument(f"a month is such as 2025-12, not {month!r}")
    extent = extent_of(month, now, zone)
    known = None if as_of is None else lookup(as_of, now, zone).upto
    cut = min(extent.end, now if known is None else known)
    if cut <= extent.begin:
        when = f"now, {now:%Y-%m-%d %H:%M} UTC" if known is None else f"{as_of}, as of which it is asked for"
        raise InvalidArgument(f"the month {month} begins later than {when}")
    return Period(month, extent.begin, extent.end, cut, known, zone)
