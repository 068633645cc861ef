"""One poll: fetch, parse, normalise, append, record. `collect_once` is the whole write path."""

from __future__ import annotations

import hashlib
import logging
import time
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from typing import Protocol

import httpx

from fxticker.collect.backoff import SourceState
from fxticker.collect.checks import anomalies, outcome_of
from fxticker.collect.page_cache import CachedPage, cached_page
from fxticker.errors import FetchError, ParseError, StoreError, one_line
from fxticker.fetch.client import Fetch, Response
from fxticker.model.clock import Clock
from fxticker.model.normalise import normalise
from fxticker.model.records import Origin, Outcome, Poll, Tick, TimeBasis
from fxticker.model.schedule import Schedule
from fxticker.sources.source import Source
from fxticker.store.store import Appended

_log = logging.getLogger("fxticker")


class PollWriter(Protocol):
    """The store as a poll uses it."""

    def append(self, ticks: Iterable[Tick]) -> Appended:
        """Make ticks durable."""

    def record(self, polls: Iterable[Poll]) -> int:
        """Make outcomes durable; returns how many were new."""

    def keep_rejected(self, source: str, slot: datetime, body: bytes) -> None:
        """Keep a body that could not be parsed."""


def collect_once(
    source: Source,
    slot: datetime,
    *,
    fetch: Fetch,
    store: PollWriter,
    clock: Clock,
    state: SourceState | None = None,
    schedule: Schedule | None = None,
) -> Poll:
    """Take one snapshot of a source and record the outcome of the slot; without a request if the state skips the slot.

    Every failure of the network, of the page or of the source's code is an outcome, which is returned. Only a failing
    store raises, as then nothing can be recorded. A page that has not changed since the last poll ("not modified")
    shows its ticks now: they are recorded as if the page had been sent again.

    Parameters
    ----------
    source
        Its address, what it accepts and how it is parsed.
    slot
        The planned instant, aware UTC.
    fetch
        HTTP client.
    store
        Where ticks and the outcome are written.
    clock
        Supplies the current UTC time.
    state
        State of the source between polls: read and updated. `None` for a single poll.
    schedule
        The source's grid, for the slots that are skipped after repeated failures. `None` to skip none for that.

    Returns
    -------
    Poll
        The outcome. If the slot had one on record already, the store keeps that one.

    Raises
    ------
    StoreError
        If ticks or outcome cannot be made durable.
    """
    state = SourceState() if state is None else state
    if backoff := state.backoff_outcome(source.id, slot):
        _record(backoff, None, store)
        return backoff
    cached = state.page_at(source.url)
    rejected = retry_after = None
    started_s = time.monotonic()
    poll = Poll(source.id, slot, Outcome.ERROR, started_at=clock.now())
    try:
        response = fetch(source.url, media_types=source.media_types, conditions=cached.conditions if cached else {})
        observed_at = clock.now()
        poll = _with_response(poll, response)
        state.page = None  # until this response is parsed
        page = _parse(source, response, cached)
        ticks = normalise(
            page.snapshot, source=source.id, observed_at=observed_at, time_basis=TimeBasis.CLOCK, origin=Origin.LIVE
        )
    except FetchError as error:
        poll = _with_fetch_error(poll, error)
        retry_after = error.retry_after
    except ParseError as error:
        poll = replace(poll, outcome=error.outcome, detail=one_line(error))
        rejected = response.body
    except Exception as error:  # noqa: BLE001  an error in a source's code is an outcome, too
        _log.exception("%s: error while polling slot %s", source.id, slot.isoformat())
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
            detail=anomalies(source, ticks, page.snapshot, cached.snapshot if cached else None),
        )
    poll = replace(poll, duration_ms=round(1000 * (time.monotonic() - started_s)))
    _record(poll, rejected, store)
    state.update(poll.outcome, slot, retry_after=retry_after, now=clock.now(), schedule=schedule)
    return poll


def _with_response(poll: Poll, response: Response) -> Poll:
    poll = replace(poll, http_status=response.http_status, attempts=response.attempts)
    if response.http_status == httpx.codes.NOT_MODIFIED:
        return poll  # it has no body
    return replace(poll, body_sha256=_sha256(response), body_bytes=len(response.body))


def _with_fetch_error(poll: Poll, error: FetchError) -> Poll:
    return replace(
        poll, outcome=error.outcome, http_status=error.http_status, attempts=error.attempts, detail=one_line(error)
    )


def _parse(source: Source, response: Response, cached: CachedPage | None) -> CachedPage:
    """The page in the response, or the cached page if the response confirms that one."""
    if response.http_status == httpx.codes.NOT_MODIFIED and cached is not None:
        return cached
    snapshot = source.parse(response.body, response.headers)
    return cached_page(source.url, response.headers, sha256=_sha256(response), snapshot=snapshot)


def _sha256(response: Response) -> str:
    return hashlib.sha256(response.body).hexdigest()


def _record(poll: Poll, rejected: bytes | None, store: PollWriter) -> None:
    """Record the outcome, then keep the body if it was rejected; if that fails, the outcome stands all the same."""
    if not store.record([poll]):
        _log.warning("%s: slot %s has an outcome already, which is kept", poll.source, poll.slot.isoformat())
    if rejected is not None:
        try:
            store.keep_rejected(poll.source, poll.slot, rejected)
        except StoreError as error:
            _log.warning("%s: body of slot %s not kept: %s", poll.source, poll.slot.isoformat(), error)
