"""Where instants come from: the system's clock, or one that a simulation moves."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import Protocol


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
