"""Live reading: the feed of a store, from its newest polls and the ticks that these read."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from fxticker.model.bands import rate_band
from fxticker.model.pairs import currencies_of
from fxticker.model.timestamps import EPOCH, MICROSECOND, iso_text
from fxticker.store.poll_log import poll_log
from fxticker.store.store import Store
from fxticker.web.answers import dumps
from fxticker.web.live_feed import MAX_EVENTS, REACH, Event, Feed
from fxticker.web.rows import RateRow

_ROUNDED = timedelta(seconds=1)
"""What a poll may take after its recorded duration: that is rounded, and of another clock."""

Row = Mapping[str, Any]


def feed_of(store: Store, now: datetime, known: Feed | None = None, most: int = MAX_EVENTS) -> Feed:
    """Return the feed of a store.

    Parameters
    ----------
    store
        The store.
    now
        The present, aware UTC; later polls are left out.
    known
        An earlier feed, whose events are taken over: only what was recorded since is read whole.
    most
        Events at most, the newest ones.

    Raises
    ------
    SegmentUnreadable
        If a segment of those polls or their ticks is damaged.
    """
    end = now + MICROSECOND
    polls = poll_log(store, limit=most, start=now - REACH, end=end)
    before = {}
    for source in store.polls.sources():
        first = min((poll["slot"] for poll in polls if poll["source"] == source), default=end)
        for row in poll_log(store, limit=1, sources=[source], end=first):
            before[source] = row["slot"]
    events = {(event.source, event.slot): event for event in (known.events if known is not None else ())}
    unread = [poll for poll in polls if (poll["source"], poll["slot"]) not in events]
    for source in {poll["source"] for poll in unread}:
        for event in _events(store, [poll for poll in unread if poll["source"] == source], now):
            events[event.source, event.slot] = event
    return Feed.of((events[poll["source"], poll["slot"]] for poll in polls), before)


def _events(store: Store, polls: Sequence[Row], now: datetime) -> Iterator[Event]:
    """Yield the events of some polls of one source."""
    reading = [poll for poll in polls if poll["ticks"] and poll["started_at"] is not None]
    ticks: Sequence[Row] = []
    if reading:
        first = min(poll["started_at"] for poll in reading)
        ticks = store.live_ticks(reading[0]["source"], first, max(now, first) + MICROSECOND)
    by_instant: dict[datetime, list[Row]] = {}
    for tick in ticks:
        by_instant.setdefault(tick["observed_at"], []).append(tick)
    instants = sorted(by_instant)
    for poll in polls:
        shown = _instant_of(poll, instants)
        yield event_of(poll, () if shown is None else by_instant[shown])


def _instant_of(poll: Row, instants: Sequence[datetime]) -> datetime | None:
    """Return at which of some instants a poll observed its ticks; None if it read none, or they are retracted."""
    began = poll["started_at"]
    if began is None or not poll["ticks"]:
        return None
    place, end = bisect_left(instants, began), began + timedelta(milliseconds=poll["duration_ms"] or 0) + _ROUNDED
    return instants[place] if place < len(instants) and instants[place] <= end else None


def event_of(poll: Row, ticks: Sequence[Row]) -> Event:
    """Return the event of a poll and the ticks that it read.

    An outcome that version 0.1.0 recorded has no instant of that: it counts from its slot on.
    """
    content = {
        "source": poll["source"],
        "slot": iso_text(poll["slot"]),
        "outcome": str(poll["outcome"]),
        "detail": poll["detail"],
        "rates": [_rate(poll["source"], tick) for tick in sorted(ticks, key=lambda tick: str(tick["pair"]))],
    }
    return Event(poll["source"], poll["slot"], poll["recorded_at"] or poll["slot"], dumps(content))


def _rate(source: str, tick: Row) -> dict[str, Any]:
    """Return a tick as a row of ``/v2/rates``, in the direction in which it is printed."""
    base, quote = currencies_of(tick["pair"])
    band = rate_band(tick["rate_text"], tick["nominal"])
    row = RateRow(
        day=tick["observed_at"].date(),
        base=base,
        quote=quote,
        lo=float(band.lo),
        hi=float(band.hi),
        printed=(tick["rate_text"], tick["nominal"]),
        observed_at=(tick["observed_at"] - EPOCH) // MICROSECOND,
        source=source,
    )
    return {"pair": tick["pair"]} | row.fields()
