"""How long to leave a source alone: what it asked for, and what repeated failures suggest.

A server that fails is often one that is overloaded or has had enough of us, and asking on makes both worse. On a grid
of 15 minutes, with polls failing from 12:00 on: 12:00, 12:15 and 12:30 are asked as ever, since most faults pass within
half an hour. After the third failure one slot is left out (12:45; asked again at 13:00), then two (asked at 13:45),
then four (asked at 15:00), and it stays at four, as slots more than an hour away are not left out (asked at 16:15,
17:30 …). So a day of failures costs the server 22 requests instead of 96, and at most four slots are lost after it is
well again. On a grid wider than an hour one slot is left out all the same.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

from fxticker.models import Outcome, Poll, Snapshot
from fxticker.schedule import Schedule

PATIENCE = 3
"""Failures in a row before slots are left out."""
MAX_BACKOFF = timedelta(hours=1)
"""No slot farther away is left out, apart from the first: a longer hole costs more than the requests."""
MAX_RETRY_AFTER = timedelta(days=1)
"""A wait longer than this is taken for a slip, and for no reason to lose a year."""
_MAX_VALIDATOR_CHARS = 1000
"""What servers send has a hundred at most; what is kept of their text must be bounded."""
_MAX_RETRY_AFTER_CHARS = 100
_ENTITY_TAG = re.compile(r'(?:W/)?"[\x21\x23-\x7e]*"')
"""RFC 9110, 8.8.3, in ASCII. A bare ``*`` would match whatever the page has become."""
_PRINTABLE = re.compile(r"[\x20-\x7e]+")
_SECONDS = re.compile(r"[0-9]+")

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


@dataclass(frozen=True, slots=True)
class KnownPage:
    """A page that was read, so that a source's "not modified" can be answered with it.

    Attributes
    ----------
    url
        Where it was: its validators mean nothing elsewhere, and are nobody else's business.
    etag, last_modified
        The validators that came with it; null if none did.
    sha256
        Of its body.
    snapshot
        What it prints.
    """

    url: str
    etag: str | None
    last_modified: str | None
    sha256: str
    snapshot: Snapshot

    @property
    def conditions(self) -> dict[str, str]:
        """The header fields that ask for the page only if it is another by now."""
        named = {"if-none-match": self.etag, "if-modified-since": self.last_modified}
        return {name: validator for name, validator in named.items() if validator is not None}


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

    page: KnownPage | None = None
    failures: int = 0
    wait_until: datetime | None = None
    wait_why: str = ""

    def page_at(self, url: str) -> KnownPage | None:
        """The known page, if it is that of `url`."""
        return self.page if self.page is not None and self.page.url == url else None

    def left_out(self, source: str, slot: datetime) -> Poll | None:
        """The outcome of a slot at which the source is to be left alone; null if it may be asked."""
        if self.wait_until is None or slot >= self.wait_until:
            return None
        return Poll(source, slot, Outcome.BACKOFF, detail=self.wait_why)

    def heed(
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
    left_out = 2 ** min(failures - PATIENCE, 12)  # 4,096 slots are more than an hour of any grid
    end = schedule.after(schedule.after(slot))
    for _ in range(left_out - 1):
        if end - slot > MAX_BACKOFF:
            break
        end = schedule.after(end)
    return end


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


def known_page(url: str, headers: Mapping[str, str], *, sha256: str, snapshot: Snapshot) -> KnownPage:
    """A page with those of its validators that may be sent back: hostile text becomes none.

    Parameters
    ----------
    headers
        Of the answer, by lower-case name.
    """
    return KnownPage(
        url,
        etag=_validator(headers.get("etag"), _ENTITY_TAG),
        last_modified=_validator(headers.get("last-modified"), _PRINTABLE),
        sha256=sha256,
        snapshot=snapshot,
    )


def _validator(text: str | None, form: re.Pattern[str]) -> str | None:
    if text is None or len(text) > _MAX_VALIDATOR_CHARS or form.fullmatch(text) is None:
        return None
    return text
