"""Clock watch: detects jumps of the wall clock and sleeps; slots wait for a minute after a jump far ahead."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from fxticker.model.clock import Clock

JUMP = timedelta(seconds=2)
"""Smallest difference that counts as a jump: a loaded machine is late by less between two checks."""
FAR_AHEAD = timedelta(days=1)
"""A longer jump ahead is as likely a clock that was set wrong as a machine that slept."""
WAIT_AFTER_JUMP_S = 60.0
"""Seconds that a clock must stay there until slots are settled by it: recorded outcomes cannot be taken back."""

_log = logging.getLogger("fxticker")


@dataclass(frozen=True, slots=True)
class Jump:
    """Instants that the wall clock skipped, or repeated.

    Attributes
    ----------
    after, until
        Slots later than `after` and not later than `until` passed while no poll was possible. Aware UTC.
    why
        One line for the outcomes of those slots.
    """

    after: datetime
    until: datetime
    why: str

    def covers(self, slot: datetime) -> bool:
        """Whether no poll was possible at a slot."""
        return self.after < slot <= self.until


def jump_of(by: timedelta, now: datetime) -> Jump:
    """The jump of a wall clock that advanced by `by` more than the monotonic clock and now shows `now`."""
    seconds = abs(round(by.total_seconds()))
    if by > timedelta(0):
        return Jump(now - by, now, f"the machine slept or the clock was set forward by {seconds} s")
    return Jump(datetime.min.replace(tzinfo=UTC), now, f"the clock was set back by {seconds} s")


class ClockWatch:
    """Compares the wall clock with the monotonic clock: after a jump they have advanced by different amounts.

    On Linux the monotonic clock stands still while the machine sleeps, and runs on while a process is stopped. Slow
    corrections of the wall clock, as time servers make them, stay far below `JUMP` between two checks.

    Parameters
    ----------
    clock
        The wall clock.
    monotonic
        Returns seconds since any fixed instant.
    on_jump
        Called with each jump's length, negative if back, in the thread that detected it.

    Attributes
    ----------
    last_jump
        The last jump; ``None`` before the first.
    """

    def __init__(self, clock: Clock, monotonic: Callable[[], float], *, on_jump: Callable[[timedelta], None]) -> None:
        self.last_jump: Jump | None = None
        self._clock = clock
        self._monotonic = monotonic
        self._on_jump = on_jump
        self._wall, self._passed_s = clock.now(), monotonic()
        self._wait_until_s: float | None = None
        self._lock = threading.Lock()

    def check(self) -> None:
        """Look for a jump; if there was one, log it and call `on_jump`."""
        with self._lock:  # a thread that checks meanwhile must see the same jump
            wall, passed_s = self._clock.now(), self._monotonic()
            by = wall - self._wall - timedelta(seconds=passed_s - self._passed_s)
            self._wall, self._passed_s = wall, passed_s
            if abs(by) < JUMP:
                return
            jump = self.last_jump = jump_of(by, wall)
            if abs(by) > FAR_AHEAD:
                self._wait_until_s = passed_s + WAIT_AFTER_JUMP_S if by > timedelta(0) else None
        _log.warning("%s", jump.why)
        self._on_jump(by)

    def is_waiting_after_jump(self) -> bool:
        """Whether the clock jumped far ahead less than `WAIT_AFTER_JUMP_S` ago."""
        until_s = self._wait_until_s
        return until_s is not None and self._monotonic() < until_s

    def has_wait_ended(self) -> bool:
        """Whether a wait ended since the last call: true once for each wait that the clock outlasted."""
        with self._lock:
            has_ended = self._wait_until_s is not None and not self.is_waiting_after_jump()
            if has_ended:
                self._wait_until_s = None
        return has_ended
