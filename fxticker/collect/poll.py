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
from fxticker.model.records import Evidence, Origin, Outcome, Poll, Tick, TimeBasis
from fxticker.model.schedule import Schedule
from fxticker.sources.evidence import evidence_of
from fxticker.sources.source import Source
from fxticker.store.store import Appended

_log = logging.getLogger("fxticker")


class PollWriter(Protocol):
    """The store as a poll uses it."""

    def keep_evidence(self, source: str, observed_at: datetime, evidence: Evidence) -> str:
        """Make the piece of an answer that ticks were read from durable; returns its hash."""

    def append(self, ticks: Iterable[Tick]) -> Appended:
        """Make ticks durable."""

    def record(self, polls: Iterable[Poll]) -> int:
        """Make outcomes durable; returns how many were new."""

    def keep_rejected(self, source: str, slot: datetime, body: bytes, content_type: str | None = None) -> None:
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

    The piece of the page that the ticks were read from is kept before they are stored, so that no tick names what was
    never there. If it cannot be kept, the ticks are stored without it, and `detail` has the reason.

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
        poll = _with_response(poll, response, source)
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
        rejected = response
    except Exception as error:  # noqa: BLE001  an error in a source's code is an outcome, too
        _log.exception("%s: error while polling slot %s", source.id, slot.isoformat())
        poll = replace(poll, outcome=Outcome.ERROR, detail=f"{type(error).__name__}: see the log")
    else:
        page, not_kept = _with_evidence(page, cached, response, source, observed_at=observed_at, store=store)
        store.append([replace(tick, evidence=page.evidence) for tick in ticks])
        state.page = page
        remarks = (anomalies(source, ticks, page.snapshot, cached.snapshot if cached else None), not_kept)
        poll = replace(
            poll,
            outcome=outcome_of(page.snapshot.source_date, observed_at, source),
            ticks=len(ticks),
            source_date=page.snapshot.source_date,
            body_sha256=page.sha256,
            detail=one_line("; ".join(filter(None, remarks))) or None,
        )
    poll = replace(poll, duration_ms=round(1000 * (time.monotonic() - started_s)))
    _record(poll, rejected, store)
    state.update(poll.outcome, slot, retry_after=retry_after, now=clock.now(), schedule=schedule)
    return poll


def _with_response(poll: Poll, response: Response, source: Source) -> Poll:
    poll = replace(
        poll,
        http_status=response.http_status,
        attempts=response.attempts,
        parser_version=source.parser_version,
    )
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


def _with_evidence(
    page: CachedPage,
    cached: CachedPage | None,
    response: Response,
    source: Source,
    *,
    observed_at: datetime,
    store: PollWriter,
) -> tuple[CachedPage, str | None]:
    """Keep the evidence of a page, that of the cached one if it is the same page; with the reason if it is not kept.

    If the store refuses, the page loses its validators: the next poll requests it whole, and tries again.
    """
    if page is cached:
        is_without = page.evidence is None and source.evidence is not None
        return page, "no evidence is kept: as of the page before, which has not changed" if is_without else None
    if cached is not None and cached.evidence and (cached.sha256, cached.snapshot) == (page.sha256, page.snapshot):
        return replace(page, evidence=cached.evidence), None
    evidence, reason = evidence_of(source, response.body, response.headers, page.snapshot)
    if evidence is not None:
        try:
            return replace(page, evidence=store.keep_evidence(source.id, observed_at, evidence)), None
        except StoreError as error:
            page, reason = replace(page, etag=None, last_modified=None), str(error)
    if reason is not None:
        reason = f"no evidence is kept: {one_line(reason)}"
        _log.warning("%s: %s", source.id, reason)
    return page, reason


def _sha256(response: Response) -> str:
    return hashlib.sha256(response.body).hexdigest()


def _record(poll: Poll, rejected: Response | None, store: PollWriter) -> None:
    """Record the outcome, then keep a rejected answer's body; if that fails, the outcome stands all the same."""
    if not store.record([poll]):
        _log.warning("%s: slot %s has an outcome already, which is kept", poll.source, poll.slot.isoformat())
    if rejected is not None:
        try:
            store.keep_rejected(poll.source, poll.slot, rejected.body, rejected.headers.get("content-type"))
        except StoreError as error:
            _log.warning("%s: body of slot %s not kept: %s", poll.source, poll.slot.isoformat(), error)
