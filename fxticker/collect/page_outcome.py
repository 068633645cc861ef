"""Page outcome: decides whether a page that was parsed is `ok` or `stale`, by its date and its publishing calendar.

This is the outcome of one poll. When a source counts as stale is decided in `fxticker.monitoring.health`.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta

from fxticker.model.records import Outcome
from fxticker.model.timestamps import EPOCH
from fxticker.sources.source import Source


def outcome_of(
    source_date: date | None, observed_at: datetime, source: Source, age: timedelta | None = None
) -> Outcome:
    """`stale` if the source's own date, or a cache's copy, is too old for its publishing calendar, else `ok`.

    A page without a date is not stale. Nor is one with a date ahead: banks print the day that a rate is for. `age` is
    the age of a cache's copy, as the answer states it; `None` if it states none.
    """
    if is_old_copy(age, observed_at, source):
        return Outcome.STALE
    if source_date is None:
        return Outcome.OK
    age_days = source.publishing_days(source_date, observed_at.date())
    return Outcome.STALE if age_days >= source.stale_after_days else Outcome.OK


def is_old_copy(age: timedelta | None, observed_at: datetime, source: Source) -> bool:
    """Whether a cache's copy is older than what the source may print: by whole days, and by its publishing calendar."""
    if age is None or age < timedelta(days=source.stale_after_days):
        return False
    made_on = (observed_at - min(age, observed_at - EPOCH)).date()
    return source.publishing_days(made_on, observed_at.date()) >= source.stale_after_days
