"""Retrying writer: writes to the store, tries again what failed, and notifies observers of recorded outcomes."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import TypeVar

from fxticker.daemon.observers import Observers
from fxticker.errors import StoreError, StoreLocked, WriteFailed, one_line
from fxticker.model.records import Evidence, Poll, Tick
from fxticker.store.store import Appended, Store
from fxticker.store.wrong_clock_notes import WrongClockNote

RETRY_PAUSES_S = (1.0, 5.0)
"""Seconds before the second and third try of a write: the disk may have space again, another writer may be done."""

_Result = TypeVar("_Result")
_log = logging.getLogger("fxticker")


class RetryingWriter:
    """Writes to a store as `collect_once` needs it, with a bounded number of tries, and notifies observers.

    A failed write is tried again with the same rows: the source is not requested again.

    Parameters
    ----------
    store
        Where to write.
    observers
        Notified of each recorded outcome.
    pauses_s
        Seconds before each further try.
    stop_asked
        Once set, the pauses are skipped.
    """

    def __init__(
        self, store: Store, observers: Observers, *, pauses_s: Sequence[float], stop_asked: threading.Event
    ) -> None:
        self._store = store
        self._observers = observers
        self._pauses_s = tuple(pauses_s)
        self._stop_asked = stop_asked

    def keep_evidence(self, source: str, observed_at: datetime, evidence: Evidence) -> str:
        """As `Store.keep_evidence`; raises after the last try."""
        sha256, _ = self._with_retries(lambda: self._store.keep_evidence(source, observed_at, evidence))
        return sha256

    def keep_wrong_clock_note(self, note: WrongClockNote) -> None:
        """As `Store.keep_wrong_clock_note`, with one try."""
        self._store.keep_wrong_clock_note(note)

    def append(self, ticks: Iterable[Tick]) -> Appended:
        """As `Store.append`; raises after the last try."""
        rows = list(ticks)
        appended, _ = self._with_retries(lambda: self._store.append(rows))
        return appended

    def record(self, polls: Iterable[Poll]) -> int:
        """As `Store.record`; raises after the last try."""
        rows = list(polls)
        added, tries = self._with_retries(lambda: self._store.record(rows))
        if tries > 1 and not self._store.backend.is_shared:
            added = len(rows)  # a try that failed at its last step left the rows for the next one to find
        if added == len(rows):
            for poll in rows:
                self._observers.polled(poll)
        return added

    def keep_rejected(self, source: str, slot: datetime, body: bytes, content_type: str | None = None) -> None:
        """As `Store.keep_rejected`, with one try."""
        self._write(lambda: self._store.keep_rejected(source, slot, body, content_type))
        self._observers.body_rejected(source)

    def refused(self, source: str, slot: datetime, error: StoreError) -> None:
        """Report that a source cannot be recorded at present; the others go on."""
        _log.error("%s", one_line(f"{source}: nothing can be recorded, other sources go on: {error}"))
        self._observers.refused(source, slot, error)

    def _with_retries(self, write: Callable[[], _Result]) -> tuple[_Result, int]:
        """The result of a write, and the number of tries it took."""
        for number, pause_s in enumerate(self._pauses_s, 1):
            try:
                return self._write(write), number
            except (WriteFailed, StoreLocked) as error:
                _log.warning("%s; trying again in %g s", error, pause_s)
            self._stop_asked.wait(pause_s)
        return self._write(write), len(self._pauses_s) + 1

    def _write(self, write: Callable[[], _Result]) -> _Result:
        """The result of one try, which is notified with its duration."""
        started_s = time.monotonic()
        try:
            result = write()
        except StoreError as error:
            self._observers.write_ended(time.monotonic() - started_s, error)
            raise
        self._observers.write_ended(time.monotonic() - started_s, None)
        return result
