"""Live feed: the polls of the last day as events, and which of them a listener that was away has not had.

Pure: everything follows from the events and the position of the listener. A position is the last slot that was sent of
each source; its text is the id of an event, which a browser sends back as ``Last-Event-ID``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from fxticker.model.timestamps import iso_text
from fxticker.web.answers import dumps

REACH = timedelta(days=1)
"""How far back events are sent again."""
MAX_EVENTS = 2000
"""Events that are kept at most, of all sources: a poll a minute makes 1,440 in a day."""
HEARTBEAT = b": still here\n\n"
"""A comment, which clients ignore: it shows proxies and listeners that the connection is alive."""
_MOST_BYTES = 8000
_ENTRY = re.compile(r"([a-z][a-z0-9_-]{0,63})=(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,6})?Z)")

Position = Mapping[str, datetime]
"""The last slot that was sent of each source, aware UTC; a source without one has nothing before the first event."""


@dataclass(frozen=True, slots=True)
class Event:
    """One poll.

    Attributes
    ----------
    source, slot
        Which one; the slot is aware UTC.
    recorded_at
        When its outcome was recorded, aware UTC.
    data
        JSON in one line: source, slot, outcome, detail, and the rates that it read.
    """

    source: str
    slot: datetime
    recorded_at: datetime
    data: bytes


@dataclass(frozen=True, slots=True)
class Feed:
    """The events of the last day.

    Attributes
    ----------
    events
        By slot and source, each once.
    before
        Of each source the newest slot that is older than its events.
    """

    events: Sequence[Event] = ()
    before: Position = field(default_factory=dict)

    @classmethod
    def of(cls, events: Iterable[Event], before: Position) -> Feed:
        """Return the feed of events in any order."""
        return cls(sorted(events, key=lambda event: (event.slot, event.source)), before)

    @property
    def position(self) -> Position:
        """The position of who has had everything."""
        return {**self.before, **{event.source: event.slot for event in self.events}}

    def cut(self, now: datetime) -> Feed:
        """Return the feed without what is more than `REACH` ago."""
        old = {event.source: event.slot for event in self.events if event.slot < now - REACH}
        kept = [event for event in self.events if event.slot >= now - REACH]
        return replace(self, events=kept, before={**self.before, **old})

    def after(self, position: Position) -> list[Event]:
        """Return the events after a position."""
        return [event for event in self.events if _is_after(event, position)]

    def start(self) -> Position:
        """Return the position before the last event of each source, where a new listener begins."""
        found = dict(self.before)
        last = self.position
        found.update((event.source, event.slot) for event in self.events if event.slot < last[event.source])
        return found

    def why_not_from(self, position: Position) -> str | None:
        """Return why the events after a position are not all that was missed; None if they are."""
        last = self.position
        for source, slot in position.items():
            if source not in last or slot > last[source]:
                return f"{source}: no poll at {iso_text(slot)} is on record"
        for source, slot in self.before.items():
            if source not in position or position[source] < slot:
                return f"{source}: more than a day, or {MAX_EVENTS} polls, were missed"
        for event, passed in self.late():
            if event.source in position and event.slot <= position[event.source] <= passed:
                return _late_text(event)
        return None

    def late(self) -> Iterator[tuple[Event, datetime]]:
        """Yield the events that were recorded after one of a later slot of their source, and the last such slot."""
        known: dict[str, list[Event]] = {}
        for event in reversed(self.events):
            later = known.setdefault(event.source, [])
            if later and later[-1].recorded_at < event.recorded_at:
                yield event, next(other.slot for other in later if other.recorded_at < event.recorded_at)
            else:
                later.append(event)  # so their stamps fall; an event that is left out here is passed by the last one

    def why_again(self, newer: Feed) -> str | None:
        """Return what a newer feed has before the position of this one; None if nothing."""
        known, last = {(event.source, event.slot) for event in self.events}, self.position
        for event in newer.events:
            is_passed = event.source in last and event.slot <= last[event.source] and _is_after(event, self.before)
            if is_passed and (event.source, event.slot) not in known:
                return _late_text(event)
        return None


def pieces(events: Iterable[Event], position: Position) -> Iterator[bytes]:
    """Yield the text of each event; its id is the position after it."""
    reached = dict(position)
    for event in events:
        reached[event.source] = event.slot
        yield b"event: poll\nid: %s\ndata: %s\n\n" % (id_of(reached).encode(), event.data)


def reset_piece(position: Position, reason: str) -> bytes:
    """Return the text of the event that tells a listener to ask for everything again."""
    return b"event: reset\nid: %s\ndata: %s\n\n" % (id_of(position).encode(), dumps({"reason": reason}))


def first_pieces(feed: Feed, last_event_id: str | None) -> Iterator[bytes]:
    """Return what a listener is sent first, up to the position of the feed.

    Without an id that is the last event of each source; with one, the events after it; where these are not all that it
    missed, or the id is none, a reset and then the last event of each source.
    """
    position = None if last_event_id is None else position_of(last_event_id)
    reason = "the id is none of this server" if position is None else feed.why_not_from(position)
    if position is not None and reason is None:
        yield from pieces(feed.after(position), position)
        return
    start = feed.start()
    if last_event_id is not None:
        yield reset_piece(start, reason or "")
    yield from pieces(feed.after(start), start)


def id_of(position: Position) -> str:
    """Return the text of a position: ``cbu=2026-02-25T12:00:00Z,timesca=2026-02-25T12:15:00Z``."""
    return ",".join(f"{source}={iso_text(slot)}" for source, slot in sorted(position.items()))


def position_of(text: str) -> Position | None:
    """Return the position that a text names; None if it is none. The empty one is that of an empty store."""
    found = {}
    for entry in text.split(",") if text and len(text) <= _MOST_BYTES else ():
        match = _ENTRY.fullmatch(entry)
        if match is None:
            return None
        try:
            found[match[1]] = datetime.fromisoformat(match[2]).astimezone(UTC)
        except ValueError:
            return None
    return found if len(text) <= _MOST_BYTES else None


def _is_after(event: Event, position: Position) -> bool:
    return event.source not in position or event.slot > position[event.source]


def _late_text(event: Event) -> str:
    return f"{event.source}: the poll of {iso_text(event.slot)} was recorded after a later one"
