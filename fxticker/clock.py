"""Where instants come from: the system's clock, or one that a simulation moves; and whether a clock was set."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Protocol

JUMP = timedelta(seconds=2)
"""From this on a wall clock was set or the machine slept: a loaded machine is late by less between two looks."""


class Clock(Protocol):
    """A source of the present instant."""

    def now(self) -> datetime:
        """The present instant, aware UTC, to the microsecond."""


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        """The present instant, aware UTC."""
        return datetime.now(UTC)


class SimulatedClock:
    """A clock set by hand that also runs on at the pace of real time, so that durations stay true."""

    def __init__(self, start: datetime) -> None:
        self.set(start)

    def set(self, instant: datetime) -> None:
        """Put the clock at `instant`."""
        self._instant = instant
        self._since_s = time.monotonic()

    def now(self) -> datetime:
        """The simulated instant, aware UTC."""
        return self._instant + timedelta(seconds=time.monotonic() - self._since_s)


class JumpWatch:
    """Sees when the wall clock is set or the machine sleeps: then it goes on by another amount than time does.

    On Linux the monotonic clock stands while the machine sleeps, and goes on while a process is stopped. Slow
    corrections of the wall clock, as time servers make them, stay far below what counts between two looks. It is not
    for several threads at once.

    Parameters
    ----------
    clock
        The wall clock.
    monotonic
        Seconds that pass, from any zero.
    """

    def __init__(self, clock: Clock, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._monotonic = monotonic
        self._wall, self._passed_s = clock.now(), monotonic()

    def jump(self) -> timedelta | None:
        """By how much more than time the wall clock went on since the last look; null if that is no jump."""
        wall, passed_s = self._clock.now(), self._monotonic()
        by = wall - self._wall - timedelta(seconds=passed_s - self._passed_s)
        self._wall, self._passed_s = wall, passed_s
        return by if abs(by) >= JUMP else None
