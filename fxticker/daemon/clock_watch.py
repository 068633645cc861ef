"""Whether the wall clock was set or the machine slept."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import timedelta

from fxticker.model.clock import Clock

JUMP = timedelta(seconds=2)
"""From this on a wall clock was set or the machine slept: a loaded machine is late by less between two looks."""


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
