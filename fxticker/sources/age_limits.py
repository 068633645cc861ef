"""Age limits: how old the last rate of a source may be for an answer, and from when on it is marked as stale.

In the recorded captures a drift from 2025-10-15 would measure from a tick of 143 days before: a change of half a year
that reads as one of two months. A rate that is looked up as of an instant therefore has a limit of age: by default that
of its source, which is 7 days for the ticker and for a bank the length of its longest holidays.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

from fxticker.model.durations import duration_of, excess_text, limit_text
from fxticker.sources.fixed import CONSTANTS

TICKER = "timesca"
"""Id of the ticker: its printed date is that of its page, whereas a bank prints the value date of its rate."""
TICKER_HOLDS_DAYS = 7
"""Days that a rate of the ticker answers for: it moves several times a day, so a week is already a gap in recording."""
TICKER_STALE_AFTER_DAYS = 2
"""Days: the page prints the day's date. One day's difference is the date line; two is an old copy."""
ANY = "any"
"""No limit."""
MaxAge = str | timedelta | None
"""A duration or text such as ``12h`` and ``14D``, ``any`` for no limit, ``None`` for each source's own limit."""
LIMIT = "old, limit"
"""What the text of each age beyond a limit contains."""
_HOLIDAYS_DAYS = 14
"""Default of `holds_days` in days, for sources that do not declare it: the longest public holidays."""
_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class AgeLimit:
    """The greatest age at which a rate answers.

    Attributes
    ----------
    given
        The same limit for all sources; ``None`` for each source's own one.
    is_any
        No limit for any source.
    """

    given: timedelta | None = None
    is_any: bool = False

    @classmethod
    def of(cls, max_age: MaxAge) -> AgeLimit:
        """Return the limit that a caller gave.

        Raises
        ------
        ValueError
            If it is no duration.
        """
        if max_age is None or max_age == ANY:
            return cls(is_any=max_age == ANY)
        return cls(duration_of(max_age))

    def of_source(self, source: str) -> timedelta | None:
        """Return the limit for a source; ``None`` if there is none: its rate is in force until the next one."""
        if self.is_any:
            return None
        own = holds_days(source)
        return None if own is None else own * _DAY if self.given is None else self.given

    def excess(self, source: str, age: timedelta) -> str | None:
        """Return in words how a rate is too old; ``None`` if it is not."""
        limit = self.of_source(source)
        if limit is None or age <= limit:
            return None
        return f"{excess_text(age, limit)} {LIMIT} {limit_text(limit)}"


def holds_days(source: str) -> int | None:
    """Return for how many days a source's rate stays in force without a newer one; ``None`` for no limit."""
    if source == TICKER:  # without the import of all sources, which takes longer than `latest` as a whole
        return TICKER_HOLDS_DAYS
    if source in CONSTANTS:
        return None
    from fxticker.sources.registry import source_of

    known_source = source_of(source)
    return _HOLIDAYS_DAYS if known_source is None else known_source.holds_days


def is_stale(source: str, day: date, today: date) -> bool:
    """Return whether rates of a day are older than their source allows for a poll of today.

    The limit is `Source.stale_after_days`, in days on which the source publishes. Fixed rates are never stale.
    """
    if source == TICKER:
        return (today - day).days >= TICKER_STALE_AFTER_DAYS
    if source in CONSTANTS:
        return False
    from fxticker.sources.registry import source_of

    known_source = source_of(source)
    if known_source is None:
        return (today - day).days > _HOLIDAYS_DAYS
    return known_source.publishing_days(day, today) >= known_source.stale_after_days
