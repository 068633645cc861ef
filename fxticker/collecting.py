"""One poll from end to end: fetch, parse, normalise, store, record. The whole write path."""

from __future__ import annotations

import hashlib
import logging
import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime

from fxticker.bands import previous_rate
from fxticker.clock import Clock
from fxticker.errors import FetchError, ParseError, StoreError, one_line
from fxticker.fetching import Fetch, Response
from fxticker.models import Origin, Outcome, Poll, Tick, TimeBasis
from fxticker.normalising import normalise
from fxticker.sources import Source
from fxticker.store import Store

_log = logging.getLogger("fxticker")


def collect_once(source: Source, slot: datetime, *, fetch: Fetch, store: Store, clock: Clock) -> Poll:
    """Take one snapshot of a source and record what became of the slot.

    Whatever the net, the page or the source's code does is an outcome and is returned; only a store that refuses
    raises, for then nothing can be recorded.

    Parameters
    ----------
    source
        What to ask and how to read it.
    slot
        The planned instant.
    fetch, store, clock
        The net, the store and the present.

    Returns
    -------
    Poll
        As recorded. If the slot had an outcome already, that one stays in the store.

    Raises
    ------
    StoreError
        If ticks or outcome cannot be made durable.
    """
    started_s = time.monotonic()
    poll = Poll(source.id, slot, Outcome.ERROR, started_at=clock.now())
    rejected: bytes | None = None
    try:
        response = fetch(source.url, media_types=source.media_types)
        observed_at = clock.now()
        poll = _with_body(poll, response)
        snapshot = source.parse(response.body, response.headers)
        ticks = normalise(
            snapshot, source=source.id, observed_at=observed_at, time_basis=TimeBasis.CLOCK, origin=Origin.LIVE
        )
    except FetchError as error:
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
        poll = replace(
            poll,
            outcome=outcome_of(snapshot.source_date, observed_at, source),
            ticks=len(ticks),
            source_date=snapshot.source_date,
            detail=_inconsistency(ticks),
        )
    poll = replace(poll, duration_ms=round(1000 * (time.monotonic() - started_s)))
    if not store.record([poll]):
        _log.warning("%s: slot %s had an outcome already, which stays", source.id, slot.isoformat())
    if rejected is not None:
        _keep(rejected, poll, store)
    return poll


def _with_body(poll: Poll, response: Response) -> Poll:
    return replace(
        poll,
        http_status=response.http_status,
        attempts=response.attempts,
        body_sha256=hashlib.sha256(response.body).hexdigest(),
        body_bytes=len(response.body),
    )


def outcome_of(source_date: date | None, observed_at: datetime, source: Source) -> Outcome:
    """What a poll whose ticks were read counts as: stale if the page's own date is too old."""
    if source_date is None:
        return Outcome.OK
    return Outcome.STALE if (observed_at.date() - source_date).days >= source.stale_after_days else Outcome.OK


def _inconsistency(ticks: Sequence[Tick]) -> str | None:
    """The pairs whose percentage no earlier rate of the site can have given, as one line; null if there are none."""
    odd = [
        tick.pair
        for tick in ticks
        if tick.change_text is not None and previous_rate(tick.rate_text, tick.change_text) is None
    ]
    return f"percentage inconsistent with the rate: {', '.join(odd)}" if odd else None


def _keep(body: bytes, poll: Poll, store: Store) -> None:
    """Keep a body for looking at; that this fails takes nothing from the outcome, which is on record."""
    try:
        store.keep_rejected(poll.source, poll.slot, body)
    except StoreError as error:
        _log.warning("%s: the body of slot %s was not kept: %s", poll.source, poll.slot.isoformat(), error)
