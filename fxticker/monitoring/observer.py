"""Observer: base class of what the daemon notifies, with a method per event that does nothing."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from fxticker.errors import StoreError
from fxticker.model.clock_trust import ClockComparison
from fxticker.model.records import Poll
from fxticker.sources.registry import ScheduledSource


class Observer:
    """Receives the daemon's events. Several threads call it: each call must be quick and thread-safe."""

    def started(self, sources: Sequence[ScheduledSource]) -> None:
        """Polling begins, or goes on with other sources and grids after a reload.

        When it begins, `polled` was already called for the slots that passed before.
        """

    def polled(self, poll: Poll) -> None:
        """A slot's outcome was recorded, whether or not anything was requested."""

    def caught_up(self, source: str, wait_until: datetime | None) -> None:
        """A source has nothing due: its past is settled, and it waits for its next slot.

        Slots before `wait_until` are skipped, as the source failed or asked for it; `None` if none are.
        """

    def not_recorded(self, poll: Poll) -> None:
        """A slot was polled and its outcome is not recorded, as the machine's clock is ahead."""

    def clock_compared(self, source: str | None, comparison: ClockComparison) -> None:
        """An answer of a source was compared with the machine's clock; without a source, at a beat, earlier answers."""

    def write_ended(self, duration_s: float, error: StoreError | None) -> None:
        """A write of the store took so many seconds, and failed if there is an error; each try is a write."""

    def refused(self, source: str, slot: datetime, error: StoreError) -> None:
        """A source could not be recorded at a slot, as a file of it cannot be read; it is tried again at the next."""

    def body_rejected(self, source: str) -> None:
        """A body of a source that could not be parsed was kept."""

    def reloaded(self, *, is_successful: bool) -> None:
        """The configuration was read again; without success the old one goes on."""

    def clock_jumped(self, by: timedelta) -> None:
        """The wall clock was set or the machine slept: it advanced by `by` more than the monotonic clock."""

    def beat(self, now: datetime) -> None:
        """The daemon is alive, every few seconds; `now` is its clock's current UTC time."""
