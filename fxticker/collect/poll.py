"""One poll: fetch, parse, normalise, append, record. `collect_once` is the whole write path."""

from __future__ import annotations

import hashlib
import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import httpx

from fxticker.collect.anomalies import anomalies
from fxticker.collect.backoff import SourceState
from fxticker.collect.clock_evidence import ClockEvidence
from fxticker.collect.page_cache import CachedPage, cached_page
from fxticker.collect.page_outcome import is_old_copy, outcome_of
from fxticker.collect.poll_evidence import keep_wrong_clock_note, with_evidence
from fxticker.collect.poll_writer import PollWriter
from fxticker.errors import FetchError, ParseError, StoreError, one_line
from fxticker.fetch.client import Fetch, Response
from fxticker.fetch.http_date import age_of
from fxticker.model.clock import Clock
from fxticker.model.clock_trust import ClockComparison, Trust
from fxticker.model.normalise import normalise
from fxticker.model.records import Origin, Outcome, Poll, Tick, TimeBasis
from fxticker.model.schedule import Schedule
from fxticker.sources.source import Source

_log = logging.getLogger("fxticker")


@dataclass(frozen=True, slots=True)
class _Attempt:
    """A poll before anything of it is written.

    Attributes
    ----------
    poll
        The outcome so far.
    clock
        The machine's clock beside the answer.
    response
        The answer; None if there was none that can be used.
    page, ticks
        What it shows; None if it cannot be read.
    cached
        The page of the poll before, which it may confirm; None if that is not known.
    retry_after
        Its header of that name.
    outcome, remark
        Of a page that is stored, and what a person should look at.
    """

    poll: Poll
    clock: ClockComparison
    response: Response | None = None
    page: CachedPage | None = None
    ticks: Sequence[Tick] = ()
    cached: CachedPage | None = None
    retry_after: str | None = None
    outcome: Outcome = Outcome.ERROR
    remark: str | None = None


def collect_once(
    source: Source,
    slot: datetime,
    *,
    fetch: Fetch,
    store: PollWriter,
    clock: Clock,
    state: SourceState | None = None,
    schedule: Schedule | None = None,
    clock_evidence: ClockEvidence | None = None,
    before_write: Callable[[], bool] = lambda: True,
) -> Poll:
    """Take one snapshot of a source and record the outcome of the slot; without a request if the state skips the slot.

    Every failure of the network, of the page or of the source's code is an outcome, which is returned. Only a failing
    store raises, as then nothing can be recorded. A page that has not changed since the last poll ("not modified")
    shows its ticks now: they are recorded as if the page had been sent again.

    The piece of the page that the ticks were read from is kept before they are stored, so that no tick names what was
    never there. If it cannot be kept, the ticks are stored without it, and `detail` has the reason.

    While the machine's clock is an hour or more behind the time that servers send, no tick is stored and the outcome is
    `clock`; while it is that much ahead, no outcome is recorded either. Then the piece of the page is kept with both
    times.

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
    clock_evidence
        What is known about the clock: read and updated. `None` to judge by this answer alone.
    before_write
        Called before the first write, if the outcome is to be recorded; if it returns false, nothing is written.

    Returns
    -------
    Poll
        The outcome. If the slot had one on record already, the store keeps that one. `SourceState.is_recorded` is
        whether it was recorded.

    Raises
    ------
    StoreError
        If ticks or outcome cannot be made durable.
    """
    state = SourceState() if state is None else state
    evidence = ClockEvidence() if clock_evidence is None else clock_evidence
    backoff = state.backoff_outcome(source.id, slot)
    started_s = time.monotonic()
    if backoff:
        attempt = _Attempt(backoff, evidence.compare(source.id, {}, clock.now(), timedelta(0)))
    else:
        attempt = _attempt(source, slot, fetch, clock, state, evidence)
    state.clock = attempt.clock
    state.is_recorded = attempt.clock.trust is not Trust.AHEAD and before_write()
    poll = attempt.poll
    if attempt.page is not None:
        poll = _stored(attempt, attempt.page, source, store, state)
    if backoff is None:
        state.update(poll.outcome, slot, retry_after=attempt.retry_after, now=clock.now(), schedule=schedule)
        poll = replace(poll, duration_ms=round(1000 * (time.monotonic() - started_s)))
    # the wait first, where `recorded_wait` reads it; a single poll is followed by none
    wait = state.wait_why if schedule is not None else None
    poll = replace(poll, detail=_joined(wait, attempt.clock.remark, None if backoff else poll.detail))
    if state.is_recorded:
        _record(poll, attempt.response if attempt.page is None else None, store)
    return poll


def _attempt(
    source: Source, slot: datetime, fetch: Fetch, clock: Clock, state: SourceState, evidence: ClockEvidence
) -> _Attempt:
    """Fetch and parse. Every failure is an outcome."""
    cached = state.page_at(source.url)
    started_s = time.monotonic()
    poll = Poll(source.id, slot, Outcome.ERROR, started_at=clock.now())

    def compared(headers: Mapping[str, str]) -> ClockComparison:
        return evidence.compare(source.id, headers, clock.now(), timedelta(seconds=time.monotonic() - started_s))

    try:
        response = fetch(source.url, media_types=source.media_types, conditions=cached.conditions if cached else {})
    except FetchError as error:
        return _Attempt(_with_fetch_error(poll, error), compared(error.headers), retry_after=error.retry_after)
    except Exception as error:  # noqa: BLE001  as below
        return _Attempt(_with_fault(poll, error), compared({}))
    comparison = compared(response.headers)
    poll = _with_response(poll, response, source)
    state.page = None  # until this response is parsed
    try:
        page = _parse(source, response, cached)
        ticks = normalise(
            page.snapshot,
            source=source.id,
            observed_at=comparison.now,
            time_basis=TimeBasis.CLOCK,
            origin=Origin.LIVE,
        )
        # Before anything is stored: a fault here is the source's, and must not leave ticks without an outcome.
        outcome, remark = _judged(source, response, page, ticks, cached)
    except ParseError as error:
        return _Attempt(replace(poll, outcome=error.outcome, detail=one_line(error)), comparison, response)
    except (Exception, SystemExit) as error:  # noqa: BLE001  an error in a source's code is an outcome, too
        return _Attempt(_with_fault(poll, error), comparison)
    return _Attempt(poll, comparison, response, page, ticks, cached, outcome=outcome, remark=remark)


def _judged(
    source: Source, response: Response, page: CachedPage, ticks: Sequence[Tick], cached: CachedPage | None
) -> tuple[Outcome, str | None]:
    """The outcome of a page that was read, and what a person should look at."""
    observed_at = ticks[0].observed_at
    age = age_of(response.headers.get("age"))
    old = f"a cache's copy, {age} old" if is_old_copy(age, observed_at, source) else None
    outcome = outcome_of(page.snapshot.source_date, observed_at, source, age)
    return outcome, _joined(old, anomalies(source, ticks, page.snapshot, cached.snapshot if cached else None))


def _stored(attempt: _Attempt, page: CachedPage, source: Source, store: PollWriter, state: SourceState) -> Poll:
    """Store the ticks of a page, unless the clock is wrong or nothing is to be written; returns the completed poll."""
    assert attempt.response is not None
    poll, response, observed_at, cached = attempt.poll, attempt.response, attempt.clock.now, attempt.cached
    if attempt.clock.is_wrong:
        page, not_kept = with_evidence(
            page, cached, response, source, observed_at=attempt.clock.confirmed or observed_at, store=store
        )
        keep_wrong_clock_note(poll, page, attempt.clock, store)
        shown = page.snapshot.source_date
        return replace(poll, outcome=Outcome.CLOCK, source_date=shown, body_sha256=page.sha256, detail=not_kept)
    if not state.is_recorded:
        return poll
    page, not_kept = with_evidence(page, cached, response, source, observed_at=observed_at, store=store)
    ticks = attempt.ticks
    store.append([replace(tick, evidence=page.evidence) for tick in ticks])
    state.page = page
    return replace(
        poll,
        outcome=attempt.outcome,
        ticks=len(ticks),
        source_date=page.snapshot.source_date,
        body_sha256=page.sha256,
        detail=_joined(attempt.remark, not_kept),
    )


def _joined(*remarks: str | None) -> str | None:
    return one_line("; ".join(filter(None, remarks))) or None


def _with_fault(poll: Poll, error: BaseException) -> Poll:
    _log.exception("%s: error while polling slot %s", poll.source, poll.slot.isoformat())
    return replace(poll, outcome=Outcome.ERROR, detail=f"{type(error).__name__}: see the log")


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
