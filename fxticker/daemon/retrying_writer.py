"""The store as a daemon writes to it: patiently, and observers are told of what is on record."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import TypeVar

from fxticker.daemon.observers import Observers
from fxticker.errors import StoreLocked, WriteFailed
from fxticker.model.records import Poll, Tick
from fxticker.store.store import Appended, Store

RETRY_PAUSES_S = (1.0, 5.0)
"""Before a write is tried a second and a third time: a full disk may be made room on, another writer finish."""

_Result = TypeVar("_Result")
_log = logging.getLogger("fxticker")


class RetryingWriter:
    """What `collect_once` needs of a store.

    A write that the backend refuses is tried again, a bounded number of times; what was fetched is not asked for again.

    Parameters
    ----------
    store
        Where to write.
    observers
        Told of each outcome that is on record.
    pauses_s
        Before each further try.
    stop_asked
        Once set, nothing is waited for.
    """

    def __init__(
        self, store: Store, observers: Observers, *, pauses_s: Sequence[float], stop_asked: threading.Event
    ) -> None:
        self._store = store
        self._observers = observers
        self._pauses_s = tuple(pauses_s)
        self._stop_asked = stop_asked

    def append(self, ticks: Iterable[Tick]) -> Appended:
        """As the store does, or raise after the last try."""
        rows = list(ticks)
        return self._insist(lambda _is_first: self._store.append(rows))

    def record(self, polls: Iterable[Poll]) -> int:
        """As the store does, or raise after the last try."""
        rows = list(polls)

        def write(is_first: bool) -> int:  # noqa: FBT001
            added = self._store.record(rows)
            # A try that failed at its last step left the rows for the next one to find.
            return added if is_first else len(rows)

        added = self._insist(write)
        if added == len(rows):
            for poll in rows:
                self._observers.polled(poll)
        return added

    def keep_rejected(self, source: str, slot: datetime, body: bytes) -> None:
        """As the store does."""
        self._store.keep_rejected(source, slot, body)

    def _insist(self, write: Callable[[bool], _Result]) -> _Result:
        is_first = True
        for pause_s in self._pauses_s:
            try:
                return write(is_first)
            except (WriteFailed, StoreLocked) as error:
                _log.warning("%s; trying again in %g s", error, pause_s)
            self._stop_asked.wait(pause_s)
            is_first = False
        return write(is_first)
