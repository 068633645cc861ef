"""Observers: passes each of the daemon's events to all observers, none of which can stop the daemon."""

from __future__ import annotations

import logging
import threading
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from fxticker.errors import StoreError
from fxticker.model.clock_trust import ClockComparison
from fxticker.model.records import Poll
from fxticker.monitoring.observer import Observer
from fxticker.sources.registry import ScheduledSource

_log = logging.getLogger("fxticker")


class Observers(Observer):
    """All observers as one.

    An observer's exception is logged once for each method and class of exception, so that it does not fill the log.
    """

    def __init__(self, observers: Sequence[Observer]) -> None:
        self._observers = tuple(observers)
        self._logged: set[tuple[int, str, type[Exception]]] = set()
        self._lock = threading.Lock()

    def started(self, sources: Sequence[ScheduledSource]) -> None:
        """Notify all of them."""
        self._notify("started", sources)

    def polled(self, poll: Poll) -> None:
        """Notify all of them."""
        self._notify("polled", poll)

    def caught_up(self, source: str, wait_until: datetime | None) -> None:
        """Notify all of them."""
        self._notify("caught_up", source, wait_until)

    def write_ended(self, duration_s: float, error: StoreError | None) -> None:
        """Notify all of them."""
        self._notify("write_ended", duration_s, error)

    def refused(self, source: str, slot: datetime, error: StoreError) -> None:
        """Notify all of them."""
        self._notify("refused", source, slot, error)

    def body_rejected(self, source: str) -> None:
        """Notify all of them."""
        self._notify("body_rejected", source)

    def reloaded(self, *, is_successful: bool) -> None:
        """Notify all of them."""
        self._notify("reloaded", is_successful=is_successful)

    def not_recorded(self, poll: Poll) -> None:
        """Notify all of them."""
        self._notify("not_recorded", poll)

    def clock_compared(self, source: str | None, comparison: ClockComparison) -> None:
        """Notify all of them."""
        self._notify("clock_compared", source, comparison)

    def clock_jumped(self, by: timedelta) -> None:
        """Notify all of them."""
        self._notify("clock_jumped", by)

    def beat(self, now: datetime) -> None:
        """Notify all of them."""
        self._notify("beat", now)

    def _notify(self, event: str, *facts: Any, **named: Any) -> None:
        for number, observer in enumerate(self._observers):
            try:
                getattr(observer, event)(*facts, **named)
            except Exception as error:  # noqa: BLE001  an observer's fault must never cost a poll
                fault = (number, event, type(error))
                with self._lock:
                    is_new = fault not in self._logged
                    self._logged.add(fault)
                if is_new:
                    _log.exception("%s.%s failed; polling goes on", type(observer).__name__, event)
