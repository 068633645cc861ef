"""One poll from end to end: fetch, parse, normalise, store, record. The whole write path."""

from __future__ import annotations

import hashlib
import time
from dataclasses import replace
from datetime import date, datetime

from fxticker.clock import Clock
from fxticker.errors import FetchError, ParseError
from fxticker.fetching import Fetch, Response
from fxticker.models import Origin, Outcome, Poll, TimeBasis
from fxticker.normalising import normalise
from fxticker.sources import Source
from fxticker.store import Store


def collect_once(source: Source, slot: datetime, *, fetch: Fetch, store: Store, clock: Clock) -> Poll:
    """Take one snapshot of a source and record what became of the slot.

    Whatever the net or the page does is an outcome and is returned; only a store that refuses raises, for then
    nothing can be recorded.

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
            poll, outcome=error.outcome, http_status=error.http_status, attempts=error.attempts, detail=_line(error)
        )
    except ParseError as error:
        poll = replace(poll, outcome=error.outcome, detail=_line(error))
        store.keep_rejected(source.id, slot, response.body)
    else:
        store.append(ticks)
        poll = replace(
            poll,
            outcome=outcome_of(snapshot.source_date, observed_at, source),
            ticks=len(ticks),
            source_date=snapshot.source_date,
        )
    poll = replace(poll, duration_ms=round(1000 * (time.monotonic() - started_s)))
    store.record([poll])
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


def _line(error: Exception) -> str:
    """An error as one line of printable text, bounded: a page's words must not forge lines of a log."""
    text = " ".join(str(error).split())
    return "".join(mark if mark.isprintable() else "\N{REPLACEMENT CHARACTER}" for mark in text)[:300]
