"""Recorder note: the name of this daemon among those that share a store, and what it leaves there of itself.

It writes when it has nothing due, a minute apart at least, and says when it will write again at the latest: two of its
longest intervals later. A recorder that is silent for longer has stopped, or cannot reach the store.
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

from fxticker.daemon.state_file import StateFile, state_folder, state_name
from fxticker.errors import StoreError, one_line
from fxticker.model.clock import Clock
from fxticker.monitoring.observer import Observer
from fxticker.sources.registry import ScheduledSource
from fxticker.store.backend import StorageBackend
from fxticker.store.location import Location
from fxticker.store.recorders import Recorder, remove_recorder, write_recorder

WRITE_EVERY = timedelta(minutes=1)
_SPARE = timedelta(minutes=2)
"""What a write, and the wait for other recorders before it, may take."""
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
        self._longest = timedelta(0)
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
        """Know the longest interval."""
        now = self._clock.now()
        slots = [(each.schedule, each.schedule.after(now)) for each in sources]
        self._longest = max((schedule.after(slot) - slot for schedule, slot in slots), default=timedelta(0))

    def caught_up(self, source: str, wait_until: datetime | None) -> None:
        """Write, unless that was done less than a minute ago."""
        del source, wait_until
        now = self._clock.now()
        with self._lock:
            if self._written_at is not None and timedelta(0) <= now - self._written_at < WRITE_EVERY:
                return
            self._written_at = now
        note = Recorder(self._name, os.getpid(), self._since, now, now + WRITE_EVERY + 2 * self._longest + _SPARE)
        try:
            write_recorder(self._backend, note)
        except StoreError as error:
            _log.warning("%s", one_line(f"this recorder is not noted in the store: {error}"))
