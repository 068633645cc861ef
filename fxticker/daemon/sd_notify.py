"""Systemd notifier: reports to a supervisor that the daemon is ready, what it did last, and that its polls progress.

The protocol is systemd's sd_notify(3) and sd_watchdog_enabled(3): datagrams to the socket that ``NOTIFY_SOCKET`` names.
Without that variable nothing is sent, and no failure here stops the daemon.
"""

from __future__ import annotations

import logging
import os
import socket
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta
from itertools import islice

from fxticker.errors import StoreError
from fxticker.model.records import Poll
from fxticker.model.schedule import Schedule
from fxticker.model.timestamps import END_OF_TIME, MICROSECOND
from fxticker.monitoring.next_slots import NextSlots
from fxticker.monitoring.observer import Observer
from fxticker.sources.registry import ScheduledSource
from fxticker.store.open_slots import next_open_slot
from fxticker.store.read_recording import damaged_segments
from fxticker.store.store import Store

LONGEST_DELAY = timedelta(minutes=10)
"""Longest delay of a poll: a daily source would else have half a day; a restart after 10 min finds the slot open."""
SEND_S = 1.0
"""Seconds that a datagram may wait for a supervisor that does not read."""

_log = logging.getLogger("fxticker")


def is_progressing(schedule: Schedule, since: datetime, now: datetime, *, timeout: timedelta) -> bool:
    """Whether the first slot after `since` may still be without an outcome at `now`.

    A poll begins within half an interval of its slot, as later ones are `missed`, and ends within `timeout`.
    """
    slot = schedule.after(since)
    delay = min((schedule.after(slot) - slot) / 2, LONGEST_DELAY)
    return now <= slot + delay + timeout


class SystemdNotifier(Observer):
    """Reports to the supervisor.

    The watchdog is fed at a beat only if the polls of every source progress. If a poll hangs, or the scheduler no
    longer runs, the supervisor restarts the daemon.

    Parameters
    ----------
    environ
        The process's environment, with the supervisor's variables.
    store
        Where outcomes of earlier processes are read: slots that were recorded ahead of the clock are not polled.
    timeout_s
        Seconds that one request may take.
    send_s
        Seconds that a datagram may wait for a supervisor that does not read.
    """

    def __init__(self, environ: Mapping[str, str], *, store: Store, timeout_s: float, send_s: float = SEND_S) -> None:
        self._timeout_s = timeout_s
        self._store = store
        self._send_s = send_s
        self._socket = environ.get("NOTIFY_SOCKET", "")
        self._feeds = _is_watched(environ)
        self._lock = threading.Lock()
        self._sources: Sequence[ScheduledSource] = ()
        self._last_slot: dict[str, datetime] = {}
        self._recorded_upto: dict[str, datetime] = {}  # by earlier processes, and before the clock was set
        self._last: Poll | None = None
        self._counted_from: datetime | None = None
        self._was_late = False
        self._is_ready = False
        self._next_slots = NextSlots(store)

    def started(self, sources: Sequence[ScheduledSource]) -> None:
        """Watch these sources from now on; the first call reports that the daemon is ready."""
        with self._lock:
            self._sources = tuple(sources)
            self._counted_from = None
        if not self._is_ready:
            self._is_ready = True
            self._send("READY=1")
        for scheduled in sources:
            with suppress(StoreError):  # a file of this source cannot be read, which its worker reports
                for newest in islice(self._store.planned_slots(scheduled.source.id, END_OF_TIME), 1):
                    with self._lock:
                        self._recorded_upto[scheduled.source.id] = newest

    def polled(self, poll: Poll) -> None:
        """Note the outcome. The next beat reports it: a long absence brings thousands at once."""
        self._last = poll
        self._note(poll.source, poll.slot)

    def caught_up(self, source: str, wait_until: datetime | None) -> None:
        """Note which slots are skipped."""
        self._next_slots.wait(source, wait_until)

    def not_recorded(self, poll: Poll) -> None:
        """Note that the slot was polled: without an outcome, as the clock is ahead, which no restart corrects."""
        self._last = poll
        self._note(poll.source, poll.slot)

    def refused(self, source: str, slot: datetime, error: StoreError) -> None:
        """Count a slot without an outcome as progress: a restart would repair no file, and stop the other sources."""
        del error
        self._note(source, slot)

    def clock_jumped(self, by: timedelta) -> None:
        """Wait for outcomes from the next beat on: slots that the wall clock skipped cannot be polled."""
        del by
        with self._lock:
            self._counted_from = None
            for source, slot in self._last_slot.items():
                self._recorded_upto[source] = max(slot, self._recorded_upto.get(source, slot))
            self._last_slot = {}
        self._next_slots.clear()

    def beat(self, now: datetime) -> None:
        """Report the status, and feed the watchdog if polls progress."""
        with self._lock:
            self._counted_from = self._counted_from or now
            late = self._late(self._counted_from, now)
            status = self._status(late, now)
        if late and not self._was_late:
            ends = "; the supervisor's watchdog is no longer fed" if self._feeds else ""
            _log.error("%s: no outcome in time%s", ", ".join(late), ends)
        self._was_late = bool(late)
        self._send(f"STATUS={status}", *(["WATCHDOG=1"] if self._feeds and not late else []))

    @contextmanager
    def reloading(self) -> Iterator[None]:
        """Report that the configuration is read again, and afterwards, even if it was refused, that the daemon runs."""
        if not self._is_ready:  # it is reported once the daemon is
            yield
            return
        self._send("RELOADING=1", f"MONOTONIC_USEC={time.monotonic_ns() // 1000}")
        try:
            yield
        finally:
            self._send("READY=1")

    def stopping(self) -> None:
        """Report that the daemon ends."""
        self._send("STOPPING=1", "STATUS=stopping")

    def _note(self, source: str, slot: datetime) -> None:
        with self._lock:
            self._last_slot[source] = max(slot, self._last_slot.get(source, slot))

    def _late(self, counted_from: datetime, now: datetime) -> list[str]:
        """The sources whose polls do not progress."""
        timeout = timedelta(seconds=self._timeout_s)
        return [
            scheduled.source.id
            for scheduled in self._sources
            if not is_progressing(
                scheduled.schedule, self._outcomes_since(scheduled, counted_from), now, timeout=timeout
            )
        ]

    def _outcomes_since(self, scheduled: ScheduledSource, counted_from: datetime) -> datetime:
        """The instant after which the next slot of a source is due.

        Slots that a clock recorded while it was ahead have their outcomes, and those between them are polled, unless a
        damaged file may hold them. The store is asked only while such slots lie ahead.
        """
        source = scheduled.source.id
        since = max(counted_from, self._last_slot.get(source, counted_from))
        upto = self._recorded_upto.get(source, since)
        if upto <= since:
            return since
        with suppress(StoreError):  # which its worker reports
            if not damaged_segments([self._store.polls], source):
                return next_open_slot(self._store.polls, source, scheduled.schedule, since) - MICROSECOND
        return upto

    def _status(self, late: Sequence[str], now: datetime) -> str:
        parts = [f"no outcome in time from {', '.join(late)}"] if late else []
        if self._last is not None:
            parts.append(f"last: {self._last.source} {_shown(self._last.slot)} {self._last.outcome}")
        if self._sources:
            parts.append(
                f"next slot: {_shown(min(self._next_slots.of(scheduled, now) for scheduled in self._sources))}"
            )
        return "; ".join(parts)

    def _send(self, *facts: str) -> None:
        """Send one datagram; failures are ignored, as the daemon must not depend on its supervisor."""
        if not self._socket:
            return
        # @ stands for the zero byte at the start of an abstract name
        address = f"\0{self._socket[1:]}" if self._socket.startswith("@") else self._socket
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as channel:
                channel.settimeout(self._send_s)
                channel.sendto("\n".join(facts).encode(), address)
        except OSError as error:
            _log.debug("the supervisor was not notified: %s", error)


def _is_watched(environ: Mapping[str, str]) -> bool:
    """Whether the supervisor's watchdog waits for this process, and not for its parent."""
    interval_us = environ.get("WATCHDOG_USEC", "")
    pid = environ.get("WATCHDOG_PID", "")
    return interval_us.isdecimal() and interval_us.strip("0") != "" and pid in {"", str(os.getpid())}


def _shown(slot: datetime) -> str:
    return f"{slot:%Y-%m-%dT%H:%M:%SZ}"
