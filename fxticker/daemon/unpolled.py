"""Unpolled slots: when a slot is too late to be polled, and what is recorded for one that was never polled."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from fxticker.daemon.clock_watch import Jump
from fxticker.model.records import Outcome, Poll
from fxticker.model.schedule import Schedule

NOT_RUNNING = "the daemon was not running, or could not write"
NOT_CONFIGURED = "the source was not configured"
RESCHEDULED = "the grid was changed before it was polled"
TOO_LATE = "the daemon did not come to it in time"
UNREADABLE = "a file of the store could not be read"
OVERRUN = "the previous poll was still running"
CLOCK_AHEAD = "this machine's clock was ahead of the time that servers send"


def is_late(schedule: Schedule, slot: datetime, now: datetime) -> bool:
    """Whether it is too late to poll a slot: more than half the distance to the next one has passed."""
    return now - slot > (schedule.after(slot) - slot) / 2


@dataclass(frozen=True, slots=True)
class Absence:
    """Why no slot before an instant was polled."""

    until: datetime
    why: str


def unpolled(
    source_id: str,
    outcome: Outcome,
    detail: str,
    absence: Absence | None,
    jump: Jump | None,
    *,
    was_ahead: bool,
) -> Callable[[datetime], Poll]:
    """Return what to record for a slot without a poll: `outcome`, or why no poll was possible at all."""

    def poll(slot: datetime) -> Poll:
        why = None
        if absence is not None and slot < absence.until:
            why = absence.why
        elif jump is not None and jump.covers(slot):
            why = jump.why
        elif was_ahead:
            why = CLOCK_AHEAD
        if why is not None:
            return Poll(source_id, slot, Outcome.MISSED, detail=why)
        return Poll(source_id, slot, outcome, detail=detail)

    return poll
