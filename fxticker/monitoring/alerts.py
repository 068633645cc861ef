"""Alerts: reports when a source becomes stale, for each kind of problem, and when it recovers, once each.

The state of a source before the start is read from the store. A source that is stale then is reported only if it is
still stale after its first poll. One that recovers with its first poll is reported as recovered only if an earlier
process reported that it was stale. When an alert is repeated is decided in `alert_filter`.
"""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from importlib.metadata import version
from typing import Any, TypeAlias

from fxticker.errors import StoreError, one_line
from fxticker.model.clock import Clock
from fxticker.model.records import Outcome, Poll
from fxticker.model.schedule import Schedule
from fxticker.model.timestamps import iso_text
from fxticker.monitoring.damage import damage_of
from fxticker.monitoring.health import Problem, problem_of
from fxticker.monitoring.observer import Observer
from fxticker.sources.registry import ScheduledSource
from fxticker.store.read_recent import Recent, read_recent
from fxticker.store.store import Store

_READ_EVERY = timedelta(hours=1)
"""Between two reads of the store for whether a source's rates still change."""
STALE = "stale"
RECOVERED = "recovered"
Topic: TypeAlias = "tuple[str, str | None]"
"""What an alert is about: a source, or a pair of it. A newer alert on a topic takes the place of an older one."""
_log = logging.getLogger("fxticker")


@dataclass(frozen=True, slots=True)
class Alert:
    """An alert: a change of state that is reported to a person.

    Attributes
    ----------
    event
        ``"stale"`` or ``"recovered"`` of a source; the others are in docs/running.md.
    source
        Id of the source; ``"store"``, ``"disk"``, ``"clock"`` or ``"daemon"`` if it is about these.
    since
        Start of the new state, aware UTC.
    reason
        One line for a person.
    last_ok
        The slot of the last successful poll; ``None`` if none was found in the newest segments, or it is not about a
        source.
    pair
        The pair that moved, else ``None``.
    is_reminder
        Whether it was sent before, and its cause remains.
    cause
        Identifies the cause within one event: the same cause is not reported twice. Not part of the message.
    """

    event: str
    source: str
    since: datetime
    reason: str
    last_ok: datetime | None
    pair: str | None = None
    is_reminder: bool = False
    cause: str = ""

    @property
    def topic(self) -> Topic:
        """What the alert is about."""
        return self.source, self.pair

    def encoded(self) -> bytes:
        """The alert as a line of JSON with this program's version, timestamps as ISO 8601.

        ``pair`` is there only for a move, and ``reminder`` only where it is true.
        """
        content: dict[str, Any] = {
            "event": self.event,
            "source": self.source,
            "since": iso_text(self.since),
            "reason": self.reason,
            "last_ok": None if self.last_ok is None else iso_text(self.last_ok),
            "fxticker": version("fxticker"),
        }
        if self.pair is not None:
            content["pair"] = self.pair
        if self.is_reminder:
            content["reminder"] = True
        return json.dumps(content).encode() + b"\n"


@dataclass(slots=True)
class _Watch:
    """State of a source.

    Attributes
    ----------
    was_stale
        Whether it was reported as stale, by this process or an earlier one.
    reported
        The kind of problem that this process last reported; ``None`` if it is healthy, or nothing was reported.
    quiet_until
        Until when nothing is reported, so that a first poll can end; ``None`` if it has.
    damage
        The damaged file that it is recorded beside; ``None`` if there is none.
    unchanged_since, read_at
        Since when its rates have not changed, and when the store was last read for it.
    """

    scheduled: ScheduledSource
    quiet_until: datetime | None
    read_at: datetime
    last_ok: datetime | None = None
    last_stale: datetime | None = None
    unchanged_since: datetime | None = None
    damage: Problem | None = None
    was_stale: bool = False
    reported: str | None = None

    def problem(self, now: datetime) -> Problem | None:
        return self.damage or problem_of(self.scheduled, self.last_ok, self.last_stale, now, self.unchanged_since)


class Alerts(Observer):
    """Detects when sources become stale or recover.

    Parameters
    ----------
    send
        Called with each alert; must not block.
    store
        Where polls before the start are read.
    clock
        Supplies the current UTC time.
    was_reported
        Whether an earlier process reported that a source is stale, and not yet that it recovered.
    """

    def __init__(
        self,
        send: Callable[[Alert], None],
        *,
        store: Store,
        clock: Clock,
        was_reported: Callable[[str], bool] = lambda _source: False,
    ) -> None:
        self._send = send
        self._was_reported = was_reported
        self._store = store
        self._clock = clock
        self._watches: dict[str, _Watch] = {}
        self._lock = threading.Lock()

    def started(self, sources: Sequence[ScheduledSource]) -> None:
        """Watch these sources; the state of those watched before is kept."""
        now = self._clock.now()
        with self._lock:
            known, self._watches = self._watches, {}
            for scheduled in sources:
                watch = known.get(scheduled.source.id) or self._new_watch(scheduled, now)
                if watch.scheduled.schedule != scheduled.schedule:
                    watch.quiet_until = _first_poll_over(scheduled.schedule, now)
                watch.scheduled = scheduled
                self._watches[scheduled.source.id] = watch

    def polled(self, poll: Poll) -> None:
        """Note a slot's outcome; the next beat reports what follows from it."""
        with self._lock:
            watch = self._watches.get(poll.source)
            if watch is None:
                return
            if poll.outcome is Outcome.OK:
                watch.last_ok = max(poll.slot, watch.last_ok or poll.slot)
            elif poll.outcome is Outcome.STALE:
                watch.last_stale = max(poll.slot, watch.last_stale or poll.slot)
            if poll.started_at is not None:
                watch.quiet_until = None

    def clock_jumped(self, by: timedelta) -> None:
        """Report nothing until each source had its first poll after a suspend."""
        del by
        now = self._clock.now()
        with self._lock:
            for watch in self._watches.values():
                watch.quiet_until = _first_poll_over(watch.scheduled.schedule, now)

    def are_all_healthy(self, now: datetime) -> bool:
        """Whether there are sources, and each of them is healthy."""
        with self._lock:
            watches = list(self._watches.values())
        return bool(watches) and all(watch.problem(now) is None for watch in watches)

    def beat(self, now: datetime) -> None:
        """Report each source that changed."""
        with self._lock:
            for source_id, watch in self._watches.items():
                watch.damage = damage_of(self._store, source_id)
                if abs(now - watch.read_at) > _READ_EVERY:
                    watch.read_at = now
                    if (recent := self._read(source_id, now)) is not None:
                        watch.unchanged_since = recent.unchanged_since
            alerts = [_change(watch, now) for watch in self._watches.values()]
        for alert in alerts:
            if alert is not None:
                self._send(alert)

    def _new_watch(self, scheduled: ScheduledSource, now: datetime) -> _Watch:
        watch = _Watch(scheduled, quiet_until=_first_poll_over(scheduled.schedule, now), read_at=now)
        if (recent := self._read(scheduled.source.id, now)) is not None:
            watch.last_ok, watch.last_stale = recent.last_ok, recent.last_stale
            watch.unchanged_since = recent.unchanged_since
        watch.was_stale = self._was_reported(scheduled.source.id)
        return watch

    def _read(self, source_id: str, now: datetime) -> Recent | None:
        try:
            return read_recent(self._store, source_id, now)
        except StoreError as error:
            _log.warning("alerts: the store cannot be read: %s", one_line(error))
            return None


def _change(watch: _Watch, now: datetime) -> Alert | None:
    """Update a source's state; returns what is to be reported of it."""
    source_id = watch.scheduled.source.id
    problem = watch.problem(now)
    if problem is None:
        was_stale, watch.was_stale, watch.reported = watch.was_stale, False, None
        if was_stale and watch.last_ok is not None:
            reason = f"a successful poll at {watch.last_ok:%Y-%m-%dT%H:%M:%SZ}"
            return Alert(RECOVERED, source_id, watch.last_ok, reason, watch.last_ok)
    elif watch.reported != problem.kind and (watch.quiet_until is None or now >= watch.quiet_until):
        watch.was_stale, watch.reported = True, problem.kind
        return Alert(STALE, source_id, problem.since or now, problem.reason, watch.last_ok, cause=problem.kind)
    return None


def _first_poll_over(schedule: Schedule, now: datetime) -> datetime:
    """When the first poll after an instant has certainly ended: at the slot after it."""
    return schedule.after(schedule.after(now))
