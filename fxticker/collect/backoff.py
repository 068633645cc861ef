"""How long to leave a source alone: what it asked for, and what repeated failures suggest.

A server that fails is often one that is overloaded or has had enough of us, and asking on makes both worse. On a grid
of 15 minutes, with polls failing from 12:00 on: 12:00, 12:15 and 12:30 are asked as ever, since most faults pass within
half an hour. After the third failure one slot is left out (12:45; asked again at 13:00), then two (asked at 13:45),
then four (asked at 15:00), and it stays at four, as slots more than an hour away are not left out (asked at 16:15,
17:30 …). So a day of failures costs the server 22 requests instead of 96, and at most four slots are lost after it is
well again. On a grid wider than an hour one slot is left out all the same.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from fxticker.collect.page_cache import CachedPage
from fxticker.fetch.retry_after import retry_instant
from fxticker.model.records import Outcome, Poll
from fxticker.model.schedule import Schedule

PATIENCE = 3
"""Failures in a row before slots are left out."""
MAX_BACKOFF = timedelta(hours=1)
"""No slot farther away is left out, apart from the first: a longer hole costs more than the requests."""

WEIGHED: Mapping[Outcome, bool | None] = {
    Outcome.OK: False,
    Outcome.STALE: False,  # the server is well; the page is what is old
    Outcome.HTTP_ERROR: True,
    Outcome.BLOCKED: True,
    Outcome.TIMEOUT: True,  # it kept us waiting: an overloaded server looks so
    Outcome.TOO_LARGE: True,  # each such answer costs both sides the limit in bytes
    Outcome.UNREACHABLE: None,  # our own net being down looks the same, and its return must not be slept through
    Outcome.NO_TICKER: None,  # the page is served; the next may have the ticker, and is lost if it is not asked for
    Outcome.DAMAGED: None,  # likewise
    Outcome.DISALLOWED: None,  # nothing is asked of the page, and every slot is to say so
    Outcome.STOPPED: None,  # our doing, as are the following
    Outcome.ERROR: None,
    Outcome.MISSED: None,
    Outcome.OVERRUN: None,
    Outcome.BACKOFF: None,
}
"""Whether an outcome adds to the failures in a row (true), ends the row (false), or says nothing of it (null)."""


@dataclass(slots=True)
class SourceState:
    """What a running collector remembers of a source between polls. All of it may be lost without harm.

    Attributes
    ----------
    page
        The page that the last answer held or confirmed.
    failures
        Polls in a row that the source answered badly or not in time.
    wait_until
        Slots before this are left out, with outcome ``backoff``; null if none are.
    wait_why
        One line for the outcomes of those slots.
    """

    page: CachedPage | None = None
    failures: int = 0
    wait_until: datetime | None = None
    wait_why: str = ""

    def page_at(self, url: str) -> CachedPage | None:
        """The known page, if it is that of `url`."""
        return self.page if self.page is not None and self.page.url == url else None

    def backoff_outcome(self, source: str, slot: datetime) -> Poll | None:
        """The outcome of a slot at which the source is to be left alone; null if it may be asked."""
        if self.wait_until is None or slot >= self.wait_until:
            return None
        return Poll(source, slot, Outcome.BACKOFF, detail=self.wait_why)

    def update(
        self, outcome: Outcome, slot: datetime, *, retry_after: str | None, now: datetime, schedule: Schedule | None
    ) -> None:
        """Draw from a poll that is over how long to wait: as long as the source asked for, or as its failures suggest.

        Parameters
        ----------
        outcome, slot
            Of the poll.
        retry_after
            As `FetchError`'s.
        now
            When the poll was over, aware UTC.
        schedule
            The source's grid; without one there are no slots to leave out for failures.
        """
        weight = WEIGHED[outcome]
        if weight is not None:
            self.failures = self.failures + 1 if weight else 0
        waits = []
        asked_for = retry_instant(retry_after, now)
        if asked_for is not None:
            waits.append((asked_for, f"the source asked to be left alone until {asked_for:%Y-%m-%dT%H:%M:%SZ}"))
        if weight and schedule is not None and self.failures >= PATIENCE:
            suggested = backoff_end(self.failures, slot, schedule)
            waits.append((suggested, f"{self.failures} failures in a row, the last {outcome}"))
        self.wait_until, self.wait_why = max(waits, default=(None, ""))


def backoff_end(failures: int, slot: datetime, schedule: Schedule) -> datetime:
    """The slot that is asked again after the last of `failures` in a row, at least `PATIENCE` of them, at `slot`."""
    skipped = 2 ** min(failures - PATIENCE, 12)  # 4,096 slots are more than an hour of any grid
    end = schedule.after(schedule.after(slot))
    for _ in range(skipped - 1):
        if end - slot > MAX_BACKOFF:
            break
        end = schedule.after(end)
    return end
