"""Back-off: which slots of a source are skipped after a Retry-After or after repeated failures.

A server that fails is often overloaded or blocks its clients, and further requests make both worse. On a grid of 15
minutes, with polls failing from 12:00 on: 12:00, 12:15 and 12:30 are polled as usual, as most faults pass within half
an hour. After the third failure one slot is skipped (12:45; the next poll is at 13:00), then two (next poll at 13:45),
then four (next poll at 15:00), and it stays at four, as slots more than an hour away are not skipped (next polls at
16:15, 17:30 …). So a day of failures costs the server 22 requests instead of 96, and at most four slots are lost after
it has recovered. On a grid wider than an hour one slot is skipped all the same.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from fxticker.collect.page_cache import CachedPage
from fxticker.fetch.retry_after import retry_instant
from fxticker.model.clock_trust import ClockComparison
from fxticker.model.records import Outcome, Poll
from fxticker.model.schedule import Schedule

FAILURES_BEFORE_BACKOFF = 3
"""Failures in a row before slots are skipped: at the default grid of 15 minutes, half an hour."""
MAX_BACKOFF = timedelta(hours=1)
"""Slots farther from the last failure are not skipped, apart from the first: a longer gap in the data costs more than
the requests save."""
_WAIT = re.compile(
    r"(?:the source sent Retry-After|[0-9]+ failures in a row, the last [a-z_]+): "
    r"no request until ([0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2})Z(?:; .*)?"
)
"""A wait as it begins the `detail` of the poll that it follows, and of each slot that is skipped."""

COUNTS_AS_FAILURE: Mapping[Outcome, bool | None] = {
    Outcome.OK: False,
    Outcome.STALE: False,  # the server works; only the page is old
    Outcome.CLOCK: False,  # likewise; only this machine's clock is wrong
    Outcome.HTTP_ERROR: True,
    Outcome.BLOCKED: True,
    Outcome.TIMEOUT: True,  # as of an overloaded server
    Outcome.TOO_LARGE: True,  # each such response costs both sides the limit in bytes
    Outcome.UNREACHABLE: None,  # also if this machine's network is down: its first slot after that must not be skipped
    Outcome.NO_TICKER: None,  # the page is served; the next one may have the ticker, and a skipped slot would lose it
    Outcome.DAMAGED: None,  # likewise
    Outcome.DISALLOWED: None,  # the page gets no request, and every slot must record why
    Outcome.STOPPED: None,  # no fault of the server, as the following
    Outcome.ERROR: None,
    Outcome.MISSED: None,
    Outcome.OVERRUN: None,
    Outcome.BACKOFF: None,
}
"""Whether an outcome adds to the failures in a row (`True`), ends the row (`False`) or leaves it as it is (`None`)."""


@dataclass(slots=True)
class SourceState:
    """State of a source between polls, in memory only: losing it costs nothing but requests.

    Attributes
    ----------
    page
        The last page that was parsed or confirmed; `None` if the last response could not be parsed.
    failures
        Failures in a row, as counted by `COUNTS_AS_FAILURE`.
    wait_until
        Slots before this instant are skipped, with outcome ``backoff``; `None` if none are.
    wait_why
        `detail` of those outcomes, and the beginning of that of the poll before; empty if none are.
    is_recorded
        Whether the outcome of the last poll was recorded: not while the machine's clock is ahead.
    clock
        The machine's clock beside the last answer; `None` before the first.
    """

    page: CachedPage | None = None
    failures: int = 0
    wait_until: datetime | None = None
    wait_why: str = ""
    is_recorded: bool = True
    clock: ClockComparison | None = None

    def page_at(self, url: str) -> CachedPage | None:
        """The cached page, if its address is `url`; else `None`."""
        return self.page if self.page is not None and self.page.url == url else None

    def backoff_outcome(self, source: str, slot: datetime) -> Poll | None:
        """The outcome of a slot that must be skipped; `None` if the source may be polled."""
        if self.wait_until is None or slot >= self.wait_until:
            return None
        return Poll(source, slot, Outcome.BACKOFF, detail=self.wait_why)

    def update(
        self, outcome: Outcome, slot: datetime, *, retry_after: str | None, now: datetime, schedule: Schedule | None
    ) -> None:
        """Update failures and wait after a poll. The later of Retry-After and back-off for repeated failures counts.

        Parameters
        ----------
        outcome, slot
            Outcome and slot of the poll.
        retry_after
            Header of the response, as it came; `None` if there was none.
        now
            End of the poll, aware UTC.
        schedule
            The source's grid; `None` to skip no slots for failures.
        """
        is_failure = COUNTS_AS_FAILURE[outcome]
        if is_failure is not None:
            self.failures = self.failures + 1 if is_failure else 0
        waits = []
        until = retry_instant(retry_after, now)
        if until is not None:
            # slots are whole seconds, and so is the instant that a person reads
            until += timedelta(microseconds=-until.microsecond % 1_000_000)
            waits.append((until, "the source sent Retry-After"))
        if is_failure and schedule is not None and self.failures >= FAILURES_BEFORE_BACKOFF:
            resumed = backoff_end(self.failures, slot, schedule)
            waits.append((resumed, f"{self.failures} failures in a row, the last {outcome}"))
        self.wait_until, self.wait_why = None, ""
        if waits:
            self.wait_until, why = max(waits)
            self.wait_why = f"{why}: no request until {self.wait_until:%Y-%m-%dT%H:%M:%SZ}"


def recorded_wait(polls: Sequence[Poll]) -> datetime | None:
    """Return the instant before which slots are skipped, aware UTC, as the newest of the polls states it; else None.

    For those who have the record and not the daemon's memory. A daemon that was started since has forgotten the wait:
    its first outcome corrects this.
    """
    match = _WAIT.fullmatch(polls[-1].detail or "") if polls else None
    try:
        return None if match is None else datetime.fromisoformat(match[1]).replace(tzinfo=UTC)
    except ValueError:  # no such day or time
        return None


def backoff_end(failures: int, slot: datetime, schedule: Schedule) -> datetime:
    """Return the next slot to poll after `failures` in a row, the last at `slot`; `FAILURES_BEFORE_BACKOFF` or more."""
    skipped = 2 ** min(failures - FAILURES_BEFORE_BACKOFF, 12)  # 4,096 slots are more than an hour of any grid
    end = schedule.after(schedule.after(slot))
    for _ in range(skipped - 1):
        if end - slot > MAX_BACKOFF:
            break
        end = schedule.after(end)
    return end
