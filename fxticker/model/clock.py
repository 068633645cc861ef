"""Clock: supplies the current UTC time, from the machine or from a simulation."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import Protocol


class Clock(Protocol):
    """Supplies the current UTC time."""

    def now(self) -> datetime:
        """Return the current time, aware UTC, to the microsecond."""


def boottime_s() -> float:
    """Return seconds since boot that nobody sets, sleep included; where there is no such clock, without sleep."""
    clock = getattr(time, "CLOCK_BOOTTIME", None)
    return time.monotonic() if clock is None else time.clock_gettime(clock)


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        """Return the current time, aware UTC."""
        return datetime.now(UTC)


class SimulatedClock:
    """A clock that a simulation sets, and that advances with real time in between, so that durations are real."""

    def __init__(self, start: datetime) -> None:
        self.set(start)

    def set(self, instant: datetime) -> None:
        """Set the clock to an instant, aware UTC."""
        self._instant = instant
        self._since_s = time.monotonic()

    def now(self) -> datetime:
        """Return the simulated time, aware UTC."""
        return self._instant + timedelta(seconds=time.monotonic() - self._since_s)
