"""Tell a supervisor such as systemd that the daemon is ready, what it did last, and that its polls go on.

The protocol is systemd's sd_notify(3) and sd_watchdog_enabled(3): datagrams to the socket that ``NOTIFY_SOCKET`` names.
Without that variable nothing is told, and nothing that goes wrong here stops the daemon.
"""

from __future__ import annotations

import logging
import os
import socket
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta

from fxticker.model.records import Poll
from fxticker.model.schedule import END_OF_TIME, Schedule
from fxticker.sources.registry import ScheduledSource
from fxticker.store.store import Store

LONGEST_GRACE = timedelta(minutes=10)
"""No sound poll of a daily source needs the half day that half its interval would be; and a restart that soon still
finds the slot open."""
_SEND_S = 1.0
"""How long a datagram may wait for a supervisor that does not read."""

_log = logging.getLogger("fxticker")


def is_progressing(schedule: Schedule, since: datetime, now: datetime, *, timeout: timedelta) -> bool:
    """Whether the first slot after `since` may, at `now`, still be without its outcome.

    A sound poll begins within half an interval of its slot, which is how late the daemon still lets it run, and ends
    within `timeout`.
    """
    slot = schedule.after(since)
    grace = min((schedule.after(slot) - slot) / 2, LONGEST_GRACE)
    return now <= slot + grace + timeout


class SystemdNotifier:
    """The observer that tells the supervisor.

    The watchdog is fed at a beat only if every source's polls progress, so that a poll that hangs, or a scheduler that
    no longer runs, has the supervisor restart the daemon.

    Parameters
    ----------
    environ
        The process's environment, where the supervisor says how it is to be told.
    store
        Where outcomes of an earlier process are: those of a clock that was ahead are slots that no poll will fill.
    timeout_s
        How long one request may take.
    """

    def __init__(self, environ: Mapping[str, str], *, store: Store, timeout_s: float) -> None:
        self._timeout_s = timeout_s
        self._store = store
        self._socket = environ.get("NOTIFY_SOCKET", "")
        self._feeds = _is_watched(environ)
        self._lock = threading.Lock()
        self._planned: Sequence[ScheduledSource] = ()
        self._last_slot: dict[str, datetime] = {}
        self._last: Poll | None = None
        self._counted_from: datetime | None = None
        self._was_late = False
        self._is_ready = False

    def started(self, planned: Sequence[ScheduledSource]) -> None:
        """Say the first time that the daemon is ready; from now on these are the sources to watch."""
        with self._lock:
            self._planned = tuple(planned)
            self._counted_from = None
        if not self._is_ready:
            self._is_ready = True
            self._tell("READY=1")
        for plan in planned:
            newest = next(self._store.planned_slots(plan.source.id, END_OF_TIME), None) if self._feeds else None
            if newest is not None:
                self._note(plan.source.id, newest)

    def polled(self, poll: Poll) -> None:
        """Take note of the outcome. The next beat tells of it: a long absence brings thousands at once."""
        self._last = poll
        self._note(poll.source, poll.slot)

    def clock_jumped(self, by: timedelta) -> None:
        """Count from the next beat on: what the wall clock skipped, no poll could fill."""
        del by
        with self._lock:
            self._counted_from = None

    def beat(self, now: datetime) -> None:
        """Tell the status, and feed the watchdog if polls progress."""
        with self._lock:
            self._counted_from = self._counted_from or now
            late = self._late(self._counted_from, now)
            status = self._status(late, now)
        if late and not self._was_late:
            ends = "; the supervisor's watchdog is no longer fed" if self._feeds else ""
            _log.error("%s: no outcome in time%s", ", ".join(late), ends)
        self._was_late = bool(late)
        self._tell(f"STATUS={status}", *(["WATCHDOG=1"] if self._feeds and not late else []))

    @contextmanager
    def reloading(self) -> Iterator[None]:
        """Say that the configuration is read anew, and afterwards, also if it was refused, that the daemon goes on."""
        if not self._is_ready:  # still on the way to that, and it will be told then
            yield
            return
        self._tell("RELOADING=1", f"MONOTONIC_USEC={time.monotonic_ns() // 1000}")
        try:
            yield
        finally:
            self._tell("READY=1")

    def stopping(self) -> None:
        """Say that the daemon ends."""
        self._tell("STOPPING=1", "STATUS=stopping")

    def _note(self, source: str, slot: datetime) -> None:
        with self._lock:
            self._last_slot[source] = max(slot, self._last_slot.get(source, slot))

    def _late(self, counted_from: datetime, now: datetime) -> list[str]:
        """The sources whose polls do not progress.

        After a clock was set back the last slot lies ahead, and its source has nothing to tell until that has passed.
        """
        timeout = timedelta(seconds=self._timeout_s)
        return [
            plan.source.id
            for plan in self._planned
            if not is_progressing(
                plan.schedule,
                max(counted_from, self._last_slot.get(plan.source.id, counted_from)),
                now,
                timeout=timeout,
            )
        ]

    def _status(self, late: Sequence[str], now: datetime) -> str:
        said = [f"no outcome in time from {', '.join(late)}"] if late else []
        if self._last is not None:
            said.append(f"last: {self._last.source} {_shown(self._last.slot)} {self._last.outcome}")
        if self._planned:
            said.append(f"next slot: {_shown(min(plan.schedule.after(now) for plan in self._planned))}")
        return "; ".join(said)

    def _tell(self, *facts: str) -> None:
        """Send one datagram; a supervisor that is not there or does not read is its own problem."""
        if not self._socket:
            return
        # an @ stands for the zero byte that a name without a file begins with
        address = f"\0{self._socket[1:]}" if self._socket.startswith("@") else self._socket
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as channel:
                channel.settimeout(_SEND_S)
                channel.sendto("\n".join(facts).encode(), address)
        except OSError as error:
            _log.debug("the supervisor was not told: %s", error)


def _is_watched(environ: Mapping[str, str]) -> bool:
    """Whether the supervisor waits for this process's sign of life, and not for that of a process above it."""
    interval_us = environ.get("WATCHDOG_USEC", "")
    pid = environ.get("WATCHDOG_PID", "")
    return interval_us.isdecimal() and interval_us.strip("0") != "" and pid in {"", str(os.getpid())}


def _shown(slot: datetime) -> str:
    return f"{slot:%Y-%m-%dT%H:%M:%SZ}"
