"""Recorder note: the name of this daemon among those that share a store, and what it leaves there of itself.

The note is written at the start, after a reload, and at the first slot of any source that comes a minute or more after
the last note. It has the instant by which it is written again at the latest. One slot may pass without it, as a request
may fail; a recorder that was silent for two has stopped, or cannot reach the store. At slots every 10 s that is at most
115 s after the last note, at slots every 15 min half an hour.
"""

from __future__ import annotations

import logging
import os
import re
import secrets
import socket
import threading
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Self

from fxticker.daemon.slot_grace import slot_grace
from fxticker.daemon.state_file import StateFile, state_folder, state_name
from fxticker.errors import StoreError, one_line
from fxticker.model.clock import Clock
from fxticker.model.schedule import Schedule
from fxticker.monitoring.observer import Observer
from fxticker.sources.registry import ScheduledSource
from fxticker.store.backend import StorageBackend
from fxticker.store.location import Location
from fxticker.store.recorders import Recorder, remove_recorder, write_recorder

WRITE_EVERY = timedelta(minutes=1)
_SPARE = timedelta(seconds=30)
"""What a poll and its note may take beside the slot's grace: a request of 20 s, and clocks that are seconds apart."""
_NAME = re.compile(r"[a-z0-9][a-z0-9.-]{0,80}")
_log = logging.getLogger("fxticker")


def recorder_name(location: Location, environ: Mapping[str, str]) -> str:
    """Return the name of the daemon on this machine that records at a location, the same after a restart.

    It is the machine's name and a random part, which a state file keeps; without a place for one, the process's id.
    """
    host = re.sub(r"[^a-z0-9-]", "-", socket.gethostname().lower()).strip("-")[:60] or "recorder"
    state = state_folder(environ)
    if state is None:
        return f"{host}-{os.getpid()}"
    file = StateFile(state, state_name("recorder", location))
    known = file.read().get("name")
    if isinstance(known, str) and _NAME.fullmatch(known) is not None:
        return known
    name = f"{host}-{secrets.token_hex(3)}"
    try:
        file.write({"name": name})
    except OSError as error:
        _log.warning(
            "%s", one_line(f"{file.path}: cannot be written ({error}); this recorder gets another name next time")
        )
    return name


class RecorderNote(Observer):
    """Leaves in the store that this daemon records, and when it was last seen.

    Parameters
    ----------
    backend
        Storage of the store.
    name
        Of the recorder.
    clock
        Supplies the current UTC time.
    """

    def __init__(self, backend: StorageBackend, name: str, clock: Clock) -> None:
        self._backend = backend
        self._name = name
        self._clock = clock
        self._since = clock.now()
        self._schedules: Sequence[Schedule] = ()
        self._written_at: datetime | None = None
        self._lock = threading.Lock()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        """Remove the note: a recorder that ends is not missed."""
        try:
            remove_recorder(self._backend, self._name)
        except StoreError as error:
            _log.warning("%s", one_line(f"the note of this recorder stays in the store: {error}"))

    def started(self, sources: Sequence[ScheduledSource]) -> None:
        """Write at once: other schedules give another instant of the next note."""
        with self._lock:
            self._schedules = [each.schedule for each in sources]
            self._written_at = None
        self._write_if_due()

    def caught_up(self, source: str, wait_until: datetime | None) -> None:
        """Write, unless that was done less than a minute ago."""
        del source, wait_until
        self._write_if_due()

    def refused(self, source: str, slot: datetime, error: StoreError) -> None:
        """As `caught_up`: a recorder that cannot read a file of one source still runs."""
        del source, slot, error
        self._write_if_due()

    def _write_if_due(self) -> None:
        now = self._clock.now()
        with self._lock:
            is_recent = self._written_at is not None and timedelta(0) <= now - self._written_at < WRITE_EVERY
            if is_recent or not self._schedules:
                return
            self._written_at = now
            expected_by = min(_expected_by(schedule, now) for schedule in self._schedules)
        try:
            write_recorder(self._backend, Recorder(self._name, os.getpid(), self._since, now, expected_by))
        except StoreError as error:
            self._written_at = None  # the next slot tries again
            _log.warning("%s", one_line(f"this recorder is not noted in the store: {error}"))


def _expected_by(schedule: Schedule, now: datetime) -> datetime:
    """The end of the second slot of a source at which a note is due, if one is written now."""
    slot = schedule.after(schedule.after(now + WRITE_EVERY))
    return slot + slot_grace(schedule, slot) + _SPARE
