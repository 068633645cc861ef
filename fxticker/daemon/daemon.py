"""The daemon: polls every source on its grid and leaves exactly one outcome for every slot."""

from __future__ import annotations

import logging
import os
import signal
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from types import FrameType

from fxticker.collect.backoff import SourceState
from fxticker.collect.poll import collect_once
from fxticker.daemon.clock_watch import JumpWatch
from fxticker.daemon.observers import Observer, Observers
from fxticker.daemon.retrying_writer import RETRY_PAUSES_S, RetryingWriter
from fxticker.daemon.scheduler import SlotScheduler
from fxticker.daemon.slot_ledger import (
    NOT_CONFIGURED,
    NOT_RUNNING,
    OVERRUN,
    REGRIDDED,
    TOO_LATE,
    Jump,
    SlotLedger,
    is_late,
    jump_of,
)
from fxticker.fetch.client import StoppableFetch
from fxticker.model.clock import Clock
from fxticker.model.records import Outcome, Poll
from fxticker.sources.registry import ScheduledSource
from fxticker.store.store import Store

STOP_GRACE_S = 3.0
"""How long a running poll may go on after a stop was asked for."""
ABANDON_S = 1.5
"""How long an abandoned poll has to write its outcome: all in all a stop takes less than 5 s."""
BEAT_S = 5.0
"""Between two looks of the daemon at its clock."""
DOUBTED = timedelta(days=1)
"""A jump ahead by more is that of a clock set wrong as likely as that of a machine that slept."""
DOUBTED_S = 60.0
"""How long such a clock must stay there until slots are settled by it: their outcomes cannot be taken back."""
_FLUSH_S = 0.5
"""How long observers and the log may keep a process that is to end."""

_log = logging.getLogger("fxticker")


@dataclass(slots=True, eq=False)
class _Watched:
    """A source as the daemon looks after it. One thread at a time is busy with it, and changes what it needs.

    Attributes
    ----------
    wanted
        What it is to be polled by; null if no more.
    plan
        What it is polled by.
    busy, asked
        Whether a thread is at it; whether it is to look again before it goes.
    polling, overrun
        The slot of the poll that runs; the last slot that came meanwhile.
    """

    ledger: SlotLedger
    wanted: ScheduledSource | None = None
    plan: ScheduledSource | None = None
    state: SourceState = field(default_factory=SourceState)
    busy: bool = False
    asked: bool = False
    polling: datetime | None = None
    overrun: datetime | None = None


class Daemon:
    """Polls sources on their grids until told to stop.

    Parameters
    ----------
    planned
        The sources, each once.
    fetcher, store, clock
        The net, the store and the present.
    observers
        Told what happens.
    retry_pauses_s
        Before a write that failed is tried again; after the last the daemon ends.
    beat_s, monotonic
        How often, and against which seconds, the daemon looks whether its clock was set.
    """

    def __init__(
        self,
        planned: Sequence[ScheduledSource],
        *,
        fetcher: StoppableFetch,
        store: Store,
        clock: Clock,
        observers: Sequence[Observer] = (),
        retry_pauses_s: Sequence[float] = RETRY_PAUSES_S,
        beat_s: float = BEAT_S,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._planned = tuple(planned)
        self._fetcher = fetcher
        self._store = store
        self._clock = clock
        self._observers = Observers(observers)
        self._stop_asked = threading.Event()
        self._ended = threading.Event()
        self._recorder = RetryingWriter(store, self._observers, pauses_s=retry_pauses_s, stop_asked=self._stop_asked)
        self._watched: dict[str, _Watched] = {}
        self._reloading = threading.Lock()
        self._change = threading.Condition()
        self._failure: Exception | None = None
        self._beat_s = beat_s
        self._looking = threading.Lock()
        self._watch = JumpWatch(clock, monotonic)
        self._monotonic = monotonic
        self._doubted_until_s: float | None = None
        self._jump: Jump | None = None
        self._firing = SlotScheduler(clock)

    def run(self) -> None:
        """Poll until `stop` is called.

        Raises
        ------
        StoreLocked
            If another daemon runs on the store.
        StoreError
            If the store refused a write: without a record the daemon must not go on as if all were well.
        """
        with self._store.daemon_lock():
            self._begin()
            heart = threading.Thread(target=self._beat_on, daemon=True)
            heart.start()
            try:
                self._firing.run()
                self._finish()
            finally:
                self._ended.set()
                heart.join(_FLUSH_S)
        if self._failure is not None:
            raise self._failure

    def _begin(self) -> None:
        """Settle what passed before, source by source, and plan what comes."""
        with self._reloading:
            for plan in self._planned:
                self._want(plan.source.id, plan)
                self._switch(self._watched[plan.source.id], self._clock.now(), why=NOT_RUNNING)
            if self._stop_asked.is_set():
                return
            self._observers.started(self._planned)
            self._look_at_all()

    def stop(self) -> None:
        """End `run`: a poll under way is finished if it is quick and abandoned, with its outcome, if not."""
        self._stop_asked.set()
        self._firing.stop()

    def reload(self, planned: Sequence[ScheduledSource]) -> None:
        """Poll these sources from now on, on these grids; any thread may ask for it.

        What stays as it was is not touched. A source whose grid changes has its outcomes up to now on the old one. A
        poll under way is not interrupted: its source changes when it is over.
        """
        with self._reloading:
            wanted = {plan.source.id: plan for plan in planned}
            changed = [
                source
                for source in {**self._watched, **wanted}
                if source not in self._watched or self._watched[source].wanted != wanted.get(source)
            ]
            for source in changed:
                self._want(source, wanted.get(source))
            self._observers.started(tuple(planned))
            for source in changed:
                self._firing.now(source)

    def beat(self) -> None:
        """Look whether the clock was set; the daemon's own thread does so every few seconds."""
        self._check_clock()
        with self._looking:
            is_believed_now = self._doubted_until_s is not None and not self._is_doubted()
            if is_believed_now:
                self._doubted_until_s = None
        if is_believed_now:
            self._look_at_all()
        self._observers.beat(self._clock.now())

    def stop_on_signals(self, *, on_hangup: Callable[[], None] | None = None) -> None:
        """Stop on SIGTERM and SIGINT, the second time at once, with exit code 128 and the signal's number.

        Parameters
        ----------
        on_hangup
            Called on SIGHUP, in a thread of its own, and never twice at a time.
        """
        told = threading.Event()
        in_turn = threading.Lock()

        def handle(number: int, _frame: FrameType | None) -> None:
            if told.is_set():
                _end_at_once(128 + number)
            told.set()
            self.stop()
            # The main thread may have been interrupted while it holds the log's lock.
            name = signal.Signals(number).name
            threading.Thread(target=_log.info, args=["stopping: %s", name], daemon=True).start()

        def hang_up() -> None:
            assert on_hangup is not None
            with in_turn:
                on_hangup()

        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, handle)
        if on_hangup is not None:
            signal.signal(signal.SIGHUP, lambda _number, _frame: threading.Thread(target=hang_up, daemon=True).start())
            signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGHUP])  # it may have been held back until now

    def _finish(self) -> None:
        def idle() -> bool:
            return not any(watched.busy for watched in self._watched.values())

        with self._change:
            if not self._change.wait_for(idle, STOP_GRACE_S):
                self._fetcher.stop()
                if not self._change.wait_for(idle, ABANDON_S):
                    _log.error("a poll could not be ended in time; its slot is settled at the next start")

    def _fail(self, error: Exception) -> None:
        """End the daemon with `error`: the scheduler would swallow it."""
        self._failure = error
        self.stop()

    def _beat_on(self) -> None:
        while not self._ended.wait(self._beat_s):
            try:
                self.beat()
            except Exception as error:  # noqa: BLE001  a daemon that does not see its clock must not go on
                self._fail(error)
                return

    def _check_clock(self) -> None:
        """If the clock was set or the machine slept, say so, and have every source looked at from the new instant."""
        with self._looking:  # whoever looks next is to know the jump that was seen
            by = self._watch.jump()
            if by is None:
                return
            self._jump = jump_of(by, self._clock.now())
            if abs(by) > DOUBTED:
                self._doubted_until_s = self._monotonic() + DOUBTED_S if by > timedelta(0) else None
        _log.warning("%s", self._jump.why)
        self._observers.clock_jumped(by)
        self._look_at_all()

    def _look_at_all(self) -> None:
        for source in list(self._watched):
            self._firing.now(source)

    def _want(self, source: str, plan: ScheduledSource | None) -> None:
        """Make `plan` what the source is to be polled by, and have its slots come up."""
        watched = self._watched.get(source)
        if watched is None:
            watched = _Watched(SlotLedger(source, self._store, self._recorder.record, self._is_to_pause))
            self._watched = {**self._watched, source: watched}  # other threads may be going through it
        watched.wanted = plan
        if plan is not None:
            self._firing.plan(
                source,
                lambda: None if watched.wanted is None else watched.wanted.schedule,
                lambda: self._attend(watched),
            )

    def _attend(self, watched: _Watched) -> None:
        """Do what is due for a source; if a thread is at it already, that one looks again when it is done."""
        with self._change:
            watched.asked = True
            if watched.busy:
                self._note_overrun(watched)
                return
            watched.busy = True
        try:
            while self._goes_on(watched):
                self._run_due_slot(watched)
        except Exception as error:  # noqa: BLE001  the scheduler would only log it and go on without storing
            self._fail(error)
            with self._change:
                watched.busy = False
                self._change.notify_all()

    def _goes_on(self, watched: _Watched) -> bool:
        with self._change:
            watched.busy = watched.asked and not self._stop_asked.is_set()
            watched.asked = False
            self._change.notify_all()
            return watched.busy

    def _note_overrun(self, watched: _Watched) -> None:
        if watched.polling is not None and watched.plan is not None:
            slot = watched.plan.schedule.at_or_before(self._clock.now())
            if slot > watched.polling:
                watched.overrun = slot

    def _run_due_slot(self, watched: _Watched) -> None:
        """Settle what passed, and poll the slot that is running unless it has its outcome or must not be."""
        self._check_clock()
        if self._is_doubted():
            return
        now = self._clock.now()
        if watched.plan != watched.wanted:
            self._switch(watched, now, why=NOT_CONFIGURED)
        plan, ledger = watched.plan, watched.ledger
        if plan is None:
            return
        if ledger.resync(plan.schedule, now):
            watched.state.wait_until = None  # it was an instant of the other clock
            following = ledger.next_open(plan.schedule, now)
            _log.warning("%s: the clock is behind slots on record; the next to poll is %s", plan.source.id, following)
        slot = plan.schedule.at_or_before(now)
        if is_late(plan.schedule, slot, now):
            slot = plan.schedule.after(now)
        is_whole = ledger.settle(plan.schedule, slot, self._passed(plan, Outcome.MISSED, TOO_LATE))
        if not is_whole or slot > now or ledger.is_settled(slot):
            return
        if (left_out := watched.state.backoff_outcome(plan.source.id, slot)) is not None:
            self._recorder.record([left_out])
            ledger.mark_settled(slot)
        else:
            self._poll(watched, plan, slot)

    def _is_doubted(self) -> bool:
        return self._doubted_until_s is not None and self._monotonic() < self._doubted_until_s

    def _is_to_pause(self) -> bool:
        """Whether no more slots are to be settled now: the daemon stops, or the clock has just been set again."""
        self._check_clock()
        return self._stop_asked.is_set() or self._is_doubted()

    def _poll(self, watched: _Watched, plan: ScheduledSource, slot: datetime) -> None:
        with self._change:
            watched.polling = slot
        collect_once(
            plan.source,
            slot,
            fetch=self._fetcher,
            store=self._recorder,
            clock=self._clock,
            state=watched.state,
            schedule=plan.schedule,
        )
        with self._change:
            overrun, watched.polling, watched.overrun = watched.overrun, None, None
        watched.ledger.mark_settled(slot)
        if overrun is not None:
            passed = self._passed(plan, Outcome.OVERRUN, OVERRUN)
            watched.ledger.settle(plan.schedule, plan.schedule.after(overrun), passed)

    def _switch(self, watched: _Watched, now: datetime, *, why: str) -> None:
        """Put a source's wanted plan into force."""
        old, new = watched.plan, watched.wanted
        if old is None or new is None or old.source != new.source:
            watched.state = SourceState()
        watched.plan = new
        if new is None or (old is not None and old.schedule == new.schedule):
            return
        if old is None:
            following = watched.ledger.recover(new.source, new.schedule, now, why=why)
        else:
            watched.ledger.settle(old.schedule, old.schedule.after(now), self._passed(old, Outcome.MISSED, REGRIDDED))
            watched.ledger.begin_grid(now)
            following = new.schedule.after(now)
        _log.info("%s: next slot %s", new.source.id, following.isoformat(timespec="seconds"))

    def _passed(self, plan: ScheduledSource, outcome: Outcome, detail: str) -> Callable[[datetime], Poll]:
        """What is written for slots that nobody polled: this, or that the clock left them out."""
        jump = self._jump

        def poll(slot: datetime) -> Poll:
            if jump is not None and jump.after < slot <= jump.until:
                return Poll(plan.source.id, slot, Outcome.MISSED, detail=jump.why)
            return Poll(plan.source.id, slot, outcome, detail=detail)

        return poll


def _end_at_once(code: int) -> None:
    """End the process; what the log holds back is written if that can be done quickly."""
    flushing = threading.Thread(target=logging.shutdown, daemon=True)
    flushing.start()
    flushing.join(_FLUSH_S)
    os._exit(code)
