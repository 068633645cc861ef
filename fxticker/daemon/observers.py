"""What the daemon tells of itself while it runs: to metrics, alerts and a supervisor's watchdog."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Protocol

from fxticker.model.records import Poll
from fxticker.sources.registry import ScheduledSource

_log = logging.getLogger("fxticker")


class Observer(Protocol):
    """Someone the daemon tells what happens. Several threads do so: each call must be quick, and safe there."""

    def started(self, planned: Sequence[ScheduledSource]) -> None:
        """Polling begins, or goes on with other sources and grids after a reload.

        When it begins, slots that passed before have been told of already.
        """

    def polled(self, poll: Poll) -> None:
        """A slot's outcome is on record, whether or not anything was asked."""

    def clock_jumped(self, by: timedelta) -> None:
        """The wall clock was set, or the machine slept: the wall clock went on by so much more than time did."""

    def beat(self, now: datetime) -> None:
        """The daemon looks after itself, every few seconds; `now` is what its clock says."""


class Observers:
    """All observers as one, none of which can stop the daemon.

    What an observer raises is logged once for each kind of fault, so that a broken one does not fill the log.
    """

    def __init__(self, observers: Sequence[Observer]) -> None:
        self._observers = tuple(observers)
        self._logged: set[tuple[int, str, type[Exception]]] = set()
        self._lock = threading.Lock()

    def started(self, planned: Sequence[ScheduledSource]) -> None:
        """Tell all of them."""
        self._tell("started", lambda observer: observer.started(planned))

    def polled(self, poll: Poll) -> None:
        """Tell all of them."""
        self._tell("polled", lambda observer: observer.polled(poll))

    def clock_jumped(self, by: timedelta) -> None:
        """Tell all of them."""
        self._tell("clock_jumped", lambda observer: observer.clock_jumped(by))

    def beat(self, now: datetime) -> None:
        """Tell all of them."""
        self._tell("beat", lambda observer: observer.beat(now))

    def _tell(self, what: str, call: Callable[[Observer], None]) -> None:
        for place, observer in enumerate(self._observers):
            try:
                call(observer)
            except Exception as error:  # noqa: BLE001  an observer's fault must never cost a poll
                with self._lock:
                    kind = (place, what, type(error))
                    is_new = kind not in self._logged
                    self._logged.add(kind)
                if is_new:
                    _log.exception("%s.%s failed; polling goes on", type(observer).__name__, what)
