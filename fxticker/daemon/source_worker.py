"""Source worker: one thread that polls one source at its slots and leaves exactly one outcome for each of them.

Whether a slot is polled is decided in `SourceWorker._do_what_is_due`; which are too late or have their outcome already,
by `fxticker.daemon.slot_ledger`; which get no request after failures, by `fxticker.collect.backoff`.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from datetime import datetime, timedelta

from fxticker.collect.backoff import SourceState
from fxticker.collect.clock_evidence import ClockEvidence
from fxticker.collect.poll import collect_once
from fxticker.daemon.clock_watch import ClockWatch
from fxticker.daemon.first_poll import FirstPoll
from fxticker.daemon.other_recorders import OtherRecorders, PatientWriter, Turn
from fxticker.daemon.retrying_writer import RetryingWriter
from fxticker.daemon.slot_ledger import SlotLedger
from fxticker.daemon.unpolled import (
    NOT_CONFIGURED,
    NOT_RUNNING,
    OVERRUN,
    RESCHEDULED,
    TOO_LATE,
    UNREADABLE,
    Absence,
    is_late,
    unpolled,
)
from fxticker.errors import SegmentUnreadable, StoreError
from fxticker.fetch.client import Fetch
from fxticker.model.clock import Clock
from fxticker.model.clock_trust import ClockComparison, Trust
from fxticker.model.records import Outcome, Poll
from fxticker.model.schedule import Schedule
from fxticker.model.timestamps import MICROSECOND
from fxticker.sources.registry import ScheduledSource
from fxticker.store.ahead import CORRECTED

_NOT_AHEAD = (Trust.CONFIRMED, Trust.BEHIND)
"""By such a clock, slots that have passed are settled: it is not ahead of the true time."""
_SKIPPED = ": earlier ones have outcomes, or a damaged file may hold them; `fxticker status` names what is ahead of now"

_log = logging.getLogger("fxticker")


class SourceWorker:
    """Waits until it is woken, does what is due then, and waits again.

    It is woken at slots, after a reload, after a clock change and for the stop, and finds out by itself which of them
    it was. A wake-up while it is busy makes it check again afterwards.

    Parameters
    ----------
    source_id
        Id of the source.
    ledger
        The source's slots.
    first_poll
        Whether it is polled at the start.
    fetch
        HTTP client.
    store
        Where ticks and outcomes are written.
    clock
        Supplies the current UTC time.
    clock_watch
        Whether that time jumped.
    clock_evidence
        Whether that time is confirmed.
    stop_asked
        Once set, the worker ends.
    on_caught_up
        Called each time that nothing is due any more, with the source's id and the instant before which slots are
        skipped, `None` if none are.
    on_compared
        Called after each poll with the source's id and the clock beside the answer.
    on_unrecorded
        Called with a poll whose outcome is not recorded, as the clock is ahead.
    on_error
        Called with an error that ends the worker, such as a disk that refuses to be written.
    others
        Other recorders of the store; None on a disk. With them no refusal of the store ends the worker.

    Attributes
    ----------
    wanted
        Source and grid that the worker is to poll; ``None`` for no polls. The owner sets it and then wakes the worker.
    """

    def __init__(
        self,
        source_id: str,
        *,
        ledger: SlotLedger,
        first_poll: FirstPoll,
        fetch: Fetch,
        store: RetryingWriter | PatientWriter,
        clock: Clock,
        clock_watch: ClockWatch,
        clock_evidence: ClockEvidence,
        on_compared: Callable[[str, ClockComparison], None],
        on_unrecorded: Callable[[Poll], None],
        stop_asked: threading.Event,
        on_caught_up: Callable[[str, datetime | None], None],
        on_error: Callable[[BaseException], None],
        others: OtherRecorders | None = None,
    ) -> None:
        self.source_id = source_id
        self.wanted: ScheduledSource | None = None
        self._current: ScheduledSource | None = None
        self._state = SourceState()
        self._why_unpolled = NOT_CONFIGURED
        self._ledger = ledger
        self._first_poll = first_poll
        self._fetch = fetch
        self._store = store
        self._clock = clock
        self._clock_watch = clock_watch
        self._evidence = clock_evidence
        self._on_compared = on_compared
        self._on_unrecorded = on_unrecorded
        self._absence: Absence | None = None
        self._was_ahead = False
        self._stop_asked = stop_asked
        self._on_caught_up = on_caught_up
        self._on_error = on_error
        self._others = others
        self._survived = SegmentUnreadable if others is None else StoreError
        self._woken = threading.Event()
        self._thread = threading.Thread(target=self._run, name=source_id, daemon=True)

    def recover(self, scheduled: ScheduledSource) -> None:
        """Record outcomes for the slots that passed before the daemon ran; to be called before `start`.

        By an unconfirmed clock that is left to the first poll, whose answer may confirm it.
        """
        self.wanted = scheduled
        try:
            now = self._clock.now()
            self._apply_wanted(now, why=NOT_RUNNING)
            if self._absence is not None and self._evidence.trust(now) in _NOT_AHEAD:
                self._settle(scheduled.schedule, self._absence.until)
        except self._survived as error:
            self._wait_for_store(error)
        else:
            self._first_poll.open()

    def start(self) -> None:
        """Start the thread, if it has not been started."""
        if self._thread.ident is None:
            self._thread.start()

    def wake(self) -> None:
        """Have the worker do what is due."""
        self._woken.set()

    def join(self, timeout_s: float) -> bool:
        """Wait for the thread's end; whether it has ended, or never began."""
        if self._thread.is_alive():
            self._thread.join(timeout_s)
        return not self._thread.is_alive()

    def _run(self) -> None:
        try:
            while not self._stop_asked.is_set():
                self._woken.wait()
                self._woken.clear()
                if not self._stop_asked.is_set():
                    try:
                        self._do_what_is_due()
                    except self._survived as error:
                        self._wait_for_store(error)
        except BaseException as error:  # noqa: BLE001  a thread's end would be printed at most, and the daemon go on
            self._on_error(error)

    def _do_what_is_due(self) -> None:
        """Apply a reload, record the slots that passed, and poll the current slot if it has no outcome yet."""
        self._clock_watch.check()
        if self._clock_watch.is_waiting_after_jump():
            return  # woken again when the wait ends
        now = self._clock.now()
        self._apply_wanted(now, why=self._why_unpolled)
        self._why_unpolled = NOT_CONFIGURED
        if self._current is None:
            return
        schedule = self._current.schedule
        if self._ledger.resync(schedule, now):
            self._state.wait_until = None  # an instant of the clock before it was set back
            following = self._ledger.next_open(schedule, now)
            _log.warning("%s: the clock is behind recorded slots; next slot to poll %s", self.source_id, following)
        slot = schedule.at_or_before(now)
        is_due = not is_late(schedule, slot, now)
        unpolled_until = slot if is_due else schedule.after(now)
        # By any other clock the poll comes first, whose answer may confirm the clock; it settles them before it writes.
        is_complete = self._evidence.trust(now) not in _NOT_AHEAD or self._settle(schedule, unpolled_until)
        if is_complete and is_due and not self._ledger.is_settled(slot):
            self._first_poll.close()
            turn = Turn.OURS if self._others is None else self._others.turn(slot)
            if turn is Turn.OURS:
                self._poll(self._current, slot)
            elif turn is Turn.RECORDED:
                self._ledger.mark_settled(slot)
        elif is_complete and (first := self._first_poll.slot(schedule, now)) is not None:
            self._collect(self._current, first)
            self.wake()  # a slot may have come meanwhile
        if is_complete:
            self._on_caught_up(self.source_id, self._state.wait_until)

    def _wait_for_store(self, error: StoreError) -> None:
        """Leave the slots without an outcome until the file can be read: what it holds of them is not known.

        The next wake-up begins with what the store holds then, as after a start.
        """
        if self.wanted is not None:
            self._store.refused(self.source_id, self.wanted.schedule.at_or_before(self._clock.now()), error)
        self._current = None
        self._why_unpolled = UNREADABLE

    def _apply_wanted(self, now: datetime, *, why: str) -> None:
        """Change to the source and grid of the last reload; slots that passed on the old grid get their outcome."""
        old, new = self._current, self.wanted
        if old is None or new is None or old.source != new.source:
            self._state = SourceState()
        self._current = new
        if self._others is not None and new is not None:
            self._others.schedule = new.schedule
        if new is None or (old is not None and old.schedule == new.schedule):
            return
        if old is None:
            following = self._ledger.recover(new.source, new.schedule, now)
            self._absence = Absence(following, why)
        else:
            trust = self._evidence.trust(now)
            if trust is not Trust.AHEAD:
                self._settle(old.schedule, old.schedule.after(now), RESCHEDULED)
                self._ledger.begin_grid(now)
            following = max(new.schedule.after(now), self._state.wait_until or now)
        is_open = self._ledger.next_open(new.schedule, following - MICROSECOND)
        level, why = (logging.WARNING, _SKIPPED) if is_open - following > CORRECTED else (logging.INFO, "")
        _log.log(level, "%s: next slot %s%s", self.source_id, is_open.isoformat(timespec="seconds"), why)

    def _collect(self, scheduled: ScheduledSource, slot: datetime) -> Poll | None:
        """Poll a slot; `None` if its outcome is not recorded, as the clock is ahead or the daemon stops."""
        poll = collect_once(
            scheduled.source,
            slot,
            fetch=self._fetch,
            store=self._store,
            clock=self._clock,
            state=self._state,
            schedule=scheduled.schedule,
            clock_evidence=self._evidence,
            before_write=lambda: self._settle(scheduled.schedule, slot),
        )
        if self._state.clock is not None:
            self._on_compared(self.source_id, self._state.clock)
        if not self._state.is_recorded:
            self._was_ahead = True
            self._on_unrecorded(poll)
            return None
        return poll

    def _poll(self, scheduled: ScheduledSource, slot: datetime) -> None:
        poll = self._collect(scheduled, slot)
        if poll is None:
            return
        self._ledger.mark_settled(slot)
        if poll.started_at is not None and poll.duration_ms is not None:
            ended_at = poll.started_at + timedelta(milliseconds=poll.duration_ms)
            self._record_overruns(scheduled.schedule, ended_at)

    def _record_overruns(self, schedule: Schedule, ended_at: datetime) -> None:
        """Record the slots that came while the poll still ran; those of a clock that was set meanwhile did not."""
        until = schedule.after(min(ended_at, self._clock.now()))
        self._settle(schedule, until, OVERRUN, Outcome.OVERRUN)

    def _settle(
        self, schedule: Schedule, until: datetime, detail: str = TOO_LATE, outcome: Outcome = Outcome.MISSED
    ) -> bool:
        """Record an outcome for slots before `until` that have none; whether all have one, or are deferred.

        None is recorded by a clock that is ahead.
        """
        trust = self._evidence.trust(self._clock.now())
        if trust is Trust.AHEAD:
            return False
        is_confirmed = trust is not Trust.UNCONFIRMED
        jump = self._clock_watch.last_jump
        record = unpolled(self.source_id, outcome, detail, self._absence, jump, was_ahead=self._was_ahead)
        if not self._ledger.settle(schedule, until, record, is_confirmed=is_confirmed):
            return False
        self._was_ahead = False
        return True
