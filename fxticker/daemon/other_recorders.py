"""Other recorders: what the recorder of a source does beside others on one store, without a leader.

Only the slot's identity and conditional writes keep the record right; see `fxticker.store.lease`. Here it is decided
who fetches a page: the holder of the lease at once, another one after half the slot's grace if there is no outcome yet.
So it takes over within one slot, and while all are well a page is fetched once.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from enum import Enum

from fxticker.daemon.retrying_writer import RetryingWriter
from fxticker.daemon.slot_grace import LONGEST_GRACE, slot_grace
from fxticker.errors import StoreError, one_line
from fxticker.model.clock import Clock
from fxticker.model.records import Evidence, Outcome, Poll, Tick
from fxticker.model.schedule import Schedule
from fxticker.store.lease import Lease
from fxticker.store.open_slots import outcome_at
from fxticker.store.store import Appended, Store
from fxticker.store.wrong_clock_notes import WrongClockNote

BY_ANOTHER = "recorded by another recorder"
"""What observers of this recorder are told beside the outcome."""
_log = logging.getLogger("fxticker")


class Turn(Enum):
    """Whose a slot is."""

    OURS = "this recorder polls it"
    RECORDED = "it has its outcome"
    LEFT = "it is left to others, or to a later wake-up"


class OtherRecorders:
    """Decides whose turn a slot is, and whether an outcome has waited long enough.

    Parameters
    ----------
    source_id, store, lease
        The source, the shared store, and the lease of the source.
    clock
        Supplies the current UTC time.
    stop_asked
        Once set, no wait goes on.
    on_recorded
        Called with the outcome that another recorder wrote.

    Attributes
    ----------
    schedule
        The source's grid; the worker sets it.
    """

    def __init__(
        self,
        source_id: str,
        store: Store,
        lease: Lease,
        *,
        clock: Clock,
        stop_asked: threading.Event,
        on_recorded: Callable[[Poll], None],
    ) -> None:
        self.schedule: Schedule | None = None
        self._source_id = source_id
        self._store = store
        self._lease = lease
        self._clock = clock
        self._stop_asked = stop_asked
        self._on_recorded = on_recorded

    def turn(self, slot: datetime) -> Turn:
        """Return whose turn a slot is, after waiting for the recorder that holds the lease.

        Raises
        ------
        SegmentUnreadable
            If it cannot be read whether the slot has its outcome.
        """
        if self._holds(slot):
            return Turn.OURS
        grace = self._grace(slot)
        for end in (slot + grace / 2, slot + grace):
            if not self._has_waited_until(end, grace):
                return Turn.LEFT
            poll = outcome_at(self._store.polls, self._source_id, slot)
            if poll is not None:
                self._on_recorded(replace(poll, detail="; ".join(filter(None, [poll.detail, BY_ANOTHER]))))
                return Turn.RECORDED
            if self._takes(slot):
                return Turn.OURS
        return Turn.LEFT

    def has_waited(self, polls: Sequence[Poll]) -> bool:
        """Wait until these outcomes may be written; false if the daemon stops before."""
        waiting = [poll.slot for poll in polls if poll.outcome is not Outcome.OK]
        return not waiting or self._has_waited_until(max(slot + self._grace(slot) for slot in waiting), LONGEST_GRACE)

    def _grace(self, slot: datetime) -> timedelta:
        return LONGEST_GRACE if self.schedule is None else slot_grace(self.schedule, slot)

    def _has_waited_until(self, instant: datetime, longest: timedelta) -> bool:
        left = min(instant - self._clock.now(), longest)  # a clock that is set back delays no recorder for hours
        if left > timedelta(0):
            self._stop_asked.wait(left.total_seconds())
        return not self._stop_asked.is_set()

    def _holds(self, slot: datetime) -> bool:
        try:
            return self._lease.renew(slot)
        except StoreError as error:
            _log.warning("%s", one_line(f"{self._source_id}: who polls is not known: {error}"))
            return self._lease.is_held

    def _takes(self, slot: datetime) -> bool:
        try:
            is_first = self._lease.take(slot)
        except StoreError as error:
            _log.warning("%s", one_line(f"{self._source_id}: who polls is not known: {error}"))
            return True
        if is_first:
            _log.warning("%s: slot %s was left by another recorder; this one polls now", self._source_id, slot)
        return is_first


class PatientWriter:
    """A `RetryingWriter` that writes outcomes other than `ok` only after the slot's grace."""

    def __init__(self, writer: RetryingWriter, others: OtherRecorders) -> None:
        self._writer = writer
        self._others = others

    def keep_evidence(self, source: str, observed_at: datetime, evidence: Evidence) -> str:
        """As the writer."""
        return self._writer.keep_evidence(source, observed_at, evidence)

    def keep_wrong_clock_note(self, note: WrongClockNote) -> None:
        """As the writer."""
        self._writer.keep_wrong_clock_note(note)

    def append(self, ticks: Iterable[Tick]) -> Appended:
        """As the writer: ticks of every recorder stay, as observations."""
        return self._writer.append(ticks)

    def record(self, polls: Iterable[Poll]) -> int:
        """As the writer, after the grace; if the daemon stops before, nothing is written and all are left to others."""
        rows = list(polls)
        if not self._others.has_waited(rows):
            _log.info("%d outcomes are left to other recorders, or to the next start", len(rows))
            return len(rows)
        return self._writer.record(rows)

    def keep_rejected(self, source: str, slot: datetime, body: bytes, content_type: str | None = None) -> None:
        """As the writer."""
        self._writer.keep_rejected(source, slot, body, content_type)

    def refused(self, source: str, slot: datetime, error: StoreError) -> None:
        """As the writer."""
        self._writer.refused(source, slot, error)
