"""One poll from end to end: fetch, parse, normalise, store, record. The whole write path."""

from __future__ import annotations

import hashlib
import logging
import time
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from fractions import Fraction
from typing import Protocol

import httpx

from fxticker.collect.backoff import SourceState
from fxticker.collect.page_cache import CachedPage, cached_page
from fxticker.errors import FetchError, ParseError, StoreError, one_line
from fxticker.fetch.client import Fetch, Response
from fxticker.model.bands import previous_rate
from fxticker.model.clock import Clock
from fxticker.model.normalise import normalise
from fxticker.model.printed import read_rate
from fxticker.model.records import Origin, Outcome, Poll, PrintedTick, Snapshot, Tick, TimeBasis
from fxticker.model.schedule import Schedule
from fxticker.sources.bank import difference_mismatches
from fxticker.sources.source import Source
from fxticker.store.store import Appended

JUMP_FACTOR = 2
"""The packaged history's largest step between two captures is a factor of 1.18; a slipped decimal point is 10."""

MAX_AHEAD = timedelta(days=31)
"""Banks print the day for which a rate is, some days ahead over holidays."""

_log = logging.getLogger("fxticker")


class Writing(Protocol):
    """What a poll needs of a `Store`."""

    def append(self, ticks: Iterable[Tick]) -> Appended:
        """Make ticks durable."""

    def record(self, polls: Iterable[Poll]) -> int:
        """Make outcomes durable; gives how many were new."""

    def keep_rejected(self, source: str, slot: datetime, body: bytes) -> None:
        """Keep a body that could not be parsed."""


def collect_once(
    source: Source,
    slot: datetime,
    *,
    fetch: Fetch,
    store: Writing,
    clock: Clock,
    state: SourceState | None = None,
    schedule: Schedule | None = None,
) -> Poll:
    """Take one snapshot of a source and record what became of the slot.

    Whatever the net, the page or the source's code does is an outcome and is returned; only a store that refuses
    raises, for then nothing can be recorded. A page that the source says has not changed since the last poll shows
    its ticks now: they are recorded as if it had been sent again.

    Parameters
    ----------
    source
        What to ask and how to read it.
    slot
        The planned instant.
    fetch, store, clock
        The net, the store and the present.
    state
        What earlier polls of the source taught, and what this one does; null for a poll that stands alone.
    schedule
        The source's grid, for slots to be left out after repeated failures; null to leave out none for that.

    Returns
    -------
    Poll
        As recorded. If the slot had an outcome already, that one stays in the store.

    Raises
    ------
    StoreError
        If ticks or outcome cannot be made durable.
    """
    state = SourceState() if state is None else state
    known = state.page_at(source.url)
    started_s = time.monotonic()
    poll = Poll(source.id, slot, Outcome.ERROR, started_at=clock.now())
    rejected: bytes | None = None
    retry_after: str | None = None
    try:
        response = fetch(source.url, media_types=source.media_types, conditions=known.conditions if known else {})
        observed_at = clock.now()
        poll = _with_body(poll, response)
        state.page = None  # unless this answer can be read
        page = _page(source, response, known)
        ticks = normalise(
            page.snapshot, source=source.id, observed_at=observed_at, time_basis=TimeBasis.CLOCK, origin=Origin.LIVE
        )
    except FetchError as error:
        retry_after = error.retry_after
        poll = replace(
            poll, outcome=error.outcome, http_status=error.http_status, attempts=error.attempts, detail=one_line(error)
        )
    except ParseError as error:
        poll = replace(poll, outcome=error.outcome, detail=one_line(error))
        rejected = response.body
    except Exception as error:  # noqa: BLE001  a fault in a source's code is an outcome, too
        _log.exception("%s: fault while polling slot %s", source.id, slot.isoformat())
        poll = replace(poll, outcome=Outcome.ERROR, detail=f"{type(error).__name__}: see the log")
    else:
        store.append(ticks)
        state.page = page
        poll = replace(
            poll,
            outcome=outcome_of(page.snapshot.source_date, observed_at, source),
            ticks=len(ticks),
            source_date=page.snapshot.source_date,
            body_sha256=page.sha256,
            detail=_anomalies(source, ticks, page.snapshot, known.snapshot if known else None),
        )
    poll = replace(poll, duration_ms=round(1000 * (time.monotonic() - started_s)))
    if not store.record([poll]):
        _log.warning("%s: slot %s had an outcome already, which stays", source.id, slot.isoformat())
    if rejected is not None:
        _keep(rejected, poll, store)
    state.update(poll.outcome, slot, retry_after=retry_after, now=clock.now(), schedule=schedule)
    return poll


def _with_body(poll: Poll, response: Response) -> Poll:
    poll = replace(poll, http_status=response.http_status, attempts=response.attempts)
    if response.http_status == httpx.codes.NOT_MODIFIED:
        return poll
    return replace(poll, body_sha256=_sha256(response), body_bytes=len(response.body))


def _page(source: Source, response: Response, known: CachedPage | None) -> CachedPage:
    """The page that an answer holds, or the known one if it confirms that."""
    if response.http_status == httpx.codes.NOT_MODIFIED and known is not None:
        return known
    snapshot = source.parse(response.body, response.headers)
    return cached_page(source.url, response.headers, sha256=_sha256(response), snapshot=snapshot)


def _sha256(response: Response) -> str:
    return hashlib.sha256(response.body).hexdigest()


def outcome_of(source_date: date | None, observed_at: datetime, source: Source) -> Outcome:
    """What a poll whose ticks were read counts as: stale if the page's own date is too old.

    A date ahead is none: banks print that of the day for which a rate is set.
    """
    if source_date is None:
        return Outcome.OK
    age_days = source.publishing_days(source_date, observed_at.date())
    return Outcome.STALE if age_days >= source.stale_after_days else Outcome.OK


def _anomalies(source: Source, ticks: Sequence[Tick], now: Snapshot, before: Snapshot | None) -> str | None:
    """What a person should look at in a snapshot, as one line; null if there is nothing. It refuses nothing.

    Parameters
    ----------
    before
        What the last poll read; null if it is not known.
    """
    remarks = []
    if now.source_date is not None and now.source_date - ticks[0].observed_at.date() > MAX_AHEAD:
        remarks.append(("date far ahead", [str(now.source_date)]))
    if before is not None:
        old = {printed.pair: printed for printed in before.ticks}
        new = {printed.pair: printed for printed in now.ticks}
        jumps = [
            f"{pair} {_shown(old[pair])} -> {_shown(printed)}"
            for pair, printed in new.items()
            if pair in old and _is_jump(old[pair], printed)
        ]
        missing = [pair for pair in old if pair not in new]
        added = [pair for pair in new if pair not in old]
        remarks += [("rate jump", jumps), ("pair missing", missing), ("new pair", added)]
        remarks.append(("printed difference is not that of the rates", difference_mismatches(source, before, now)))
    inconsistent = [
        tick.pair
        for tick in ticks
        if tick.change_text is not None and previous_rate(tick.rate_text, tick.change_text) is None
    ]
    remarks.append(("percentage inconsistent with the rate", inconsistent))
    text = "; ".join(f"{what}: {', '.join(which)}" for what, which in remarks if which)
    return one_line(text) if text else None


def _shown(printed: PrintedTick) -> str:
    return printed.rate_text if printed.nominal == 1 else f"{printed.rate_text} for {printed.nominal}"


def _is_jump(old: PrintedTick, new: PrintedTick) -> bool:
    low, high = sorted(Fraction(read_rate(printed.rate_text).value) / printed.nominal for printed in (old, new))
    return high >= JUMP_FACTOR * low


def _keep(body: bytes, poll: Poll, store: Writing) -> None:
    """Keep a body for looking at; that this fails takes nothing from the outcome, which is on record."""
    try:
        store.keep_rejected(poll.source, poll.slot, body)
    except StoreError as error:
        _log.warning("%s: the body of slot %s was not kept: %s", poll.source, poll.slot.isoformat(), error)
