"""Store alerts: a store that refuses writes, and one whose disk is nearly full."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from fxticker.errors import StoreError, one_line
from fxticker.model.clock import Clock
from fxticker.model.records import Poll
from fxticker.monitoring.alert_filter import DAEMON, DISK, PLACE, STORE, AlertFilter
from fxticker.monitoring.alerts import RECOVERED, Alert
from fxticker.monitoring.observer import Observer
from fxticker.sources.registry import ScheduledSource
from fxticker.store.backend import StorageBackend

FAILED = "failed"
LOW_SPACE = "low_space"
_CHECK_EVERY = timedelta(minutes=1)
"""Between two looks at the free space."""
_AMPLE_PCT = 110
"""Percent of the limit that must be free for the warning to end: else it would come and go with each file."""
_TICKS = "ticks"


def failure(error: Exception, now: datetime) -> Alert:
    """Return the alert for an error that ends the daemon."""
    source = STORE if isinstance(error, StoreError) else DAEMON
    place, number = getattr(error, "name", None), getattr(error, "errno", None)
    cause = " ".join(str(part) for part in (type(error).__name__, number or place) if part)
    if place and number:  # a write's file changes from slot to slot, and its table does not
        cause += PLACE + str(place).partition("/")[0]
    return Alert(FAILED, source, now, f"the daemon ends: {one_line(error)}", None, cause=cause)


class StoreAlerts(Observer):
    """Reports when the store can be written again, and when its disk is nearly full.

    Parameters
    ----------
    alert_filter
        Where alerts are sent; it has the failures of earlier processes.
    backend
        Whose free space is watched.
    clock
        Supplies the current UTC time.
    free_space_mb
        The warning comes below so many million free bytes.
    """

    def __init__(self, alert_filter: AlertFilter, *, backend: StorageBackend, clock: Clock, free_space_mb: int) -> None:
        self._alert_filter = alert_filter
        self._backend = backend
        self._clock = clock
        self._limit_bytes = free_space_mb * 1_000_000
        self._checked_at: datetime | None = None

    def started(self, sources: Sequence[ScheduledSource]) -> None:
        """The daemon got as far as polling."""
        del sources
        if self._alert_filter.causes((DAEMON, None)):
            self._recovered(DAEMON, "the daemon polls again")

    def polled(self, poll: Poll) -> None:
        """An outcome was written; what failed before may have been the ticks."""
        causes = self._alert_filter.causes((STORE, None))
        if causes and (poll.ticks or not any(_TICKS in cause for cause in causes)):
            self._recovered(STORE, "the store takes writes again")

    def beat(self, now: datetime) -> None:
        """Look at the free space from time to time."""
        if self._checked_at is not None and abs(now - self._checked_at) < _CHECK_EVERY:
            return
        self._checked_at = now
        free = self._backend.free_space()
        if free is None:
            return
        free_mb = free.bytes // 1_000_000
        if free.bytes < self._limit_bytes:
            limit_mb = self._limit_bytes // 1_000_000
            reason = f"{free_mb} MB are free on the disk of {self._backend}, less than {limit_mb} MB"
            self._alert_filter.send(Alert(LOW_SPACE, DISK, now, one_line(reason), None))
        elif 100 * free.bytes >= _AMPLE_PCT * self._limit_bytes and self._alert_filter.causes((DISK, None)):
            self._recovered(DISK, f"{free_mb} MB are free on the disk of {self._backend}")

    def _recovered(self, source: str, reason: str) -> None:
        self._alert_filter.send(Alert(RECOVERED, source, self._clock.now(), one_line(reason), None))
