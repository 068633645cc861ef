"""Daemon: composes the timer, one worker per source and the heartbeat, and starts, reloads and stops them.

Threads: the main thread runs `SlotScheduler`, which wakes the workers; each `SourceWorker` polls its source; one thread
beats. None but the main thread keeps the process alive.
"""

from __future__ import annotations

import contextlib
import logging
import threading
import time
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from fxticker.collect.clock_evidence import ClockEvidence
from fxticker.daemon.clock_watch import ClockWatch
from fxticker.daemon.first_poll import FirstPoll
from fxticker.daemon.observers import Observers
from fxticker.daemon.other_recorders import OtherRecorders, PatientWriter
from fxticker.daemon.retrying_writer import RETRY_PAUSES_S, RetryingWriter
from fxticker.daemon.scheduler import SlotScheduler
from fxticker.daemon.slot_ledger import SlotLedger
from fxticker.daemon.source_worker import SourceWorker
from fxticker.fetch.client import StoppableFetch
from fxticker.model.clock import Clock, boottime_s
from fxticker.monitoring.observer import Observer
from fxticker.sources.registry import ScheduledSource
from fxticker.store.lease import Lease
from fxticker.store.store import Store

STOP_GRACE_S = 3.0
"""Seconds that a running poll may go on after a stop was asked for."""
ABANDON_S = 1.5
"""Seconds that an abandoned poll has to write its outcome: all in all a stop takes less than 5 s."""
BEAT_S = 5.0
"""Seconds between two checks of the clock and two beats of the observers."""
_BEAT_END_S = 0.5
"""Seconds that observers may keep a daemon that is to end."""

_log = logging.getLogger("fxticker")


class Daemon:
    """Polls sources on their grids until it is stopped.

    Parameters
    ----------
    sources
        Sources with their grids, each source once.
    fetcher
        HTTP client.
    store
        Where ticks and outcomes are written.
    clock
        Supplies the current UTC time.
    observers
        Notified of outcomes, clock jumps and beats.
    retry_pauses_s
        Seconds before a failed write is tried again; after the last try the daemon ends.
    beat_s
        Seconds between two checks of the clock.
    stop_grace_s, abandon_s
        Seconds that a stop waits for running polls, and again once they are abandoned.
    monotonic
        Returns the seconds that the clock is checked against.
    boottime, is_synchronised
        As for `ClockEvidence`.
    recorder
        Name of this daemon among those that record into a shared store.
    """

    def __init__(
        self,
        sources: Sequence[ScheduledSource],
        *,
        fetcher: StoppableFetch,
        store: Store,
        clock: Clock,
        observers: Sequence[Observer] = (),
        retry_pauses_s: Sequence[float] = RETRY_PAUSES_S,
        beat_s: float = BEAT_S,
        stop_grace_s: float = STOP_GRACE_S,
        abandon_s: float = ABANDON_S,
        monotonic: Callable[[], float] = time.monotonic,
        boottime: Callable[[], float] = boottime_s,
        is_synchronised: Callable[[datetime], bool | None] = lambda _now: None,
        recorder: str = "",
    ) -> None:
        self._sources = tuple(sources)
        self._fetcher = fetcher
        self._store = store
        self._recorder = recorder
        self._clock = clock
        self._observers = Observers(observers)
        self._beat_s = beat_s
        self._stop_grace_s = stop_grace_s
        self._abandon_s = abandon_s
        self._stop_asked = threading.Event()
        self._has_ended = threading.Event()
        self._failure: Exception | None = None
        self._writer = RetryingWriter(store, self._observers, pauses_s=retry_pauses_s, stop_asked=self._stop_asked)
        self._scheduler = SlotScheduler(clock)
        self._clock_watch = ClockWatch(clock, monotonic, on_jump=self._on_jump)
        self._clock_evidence = ClockEvidence(boottime=boottime, is_synchronised=is_synchronised)
        self._workers: dict[str, SourceWorker] = {}
        self._is_polling = False
        self._reloading = threading.Lock()

    def run(self) -> None:
        """Poll until `stop` is called.

        Raises
        ------
        StoreLocked
            If another daemon runs on the store.
        StoreError
            If the store refused a write: without a record the daemon must not go on as if nothing had happened.
        """
        with contextlib.nullcontext() if self._store.backend.is_shared else self._store.daemon_lock():
            self._begin()
            heart = threading.Thread(target=self._beat_until_ended, daemon=True)
            heart.start()
            try:
                self._scheduler.run()
                self._end_workers()
            finally:
                self._has_ended.set()
                heart.join(_BEAT_END_S)
        if self._failure is not None:
            raise self._failure

    def stop(self) -> None:
        """End `run`: a running poll is finished if it is quick, and abandoned with its outcome if not."""
        self._stop_asked.set()
        self._scheduler.stop()

    def reload(self, sources: Sequence[ScheduledSource]) -> None:
        """Poll these sources from now on, on these grids; any thread may call it.

        Sources that stay the same are not touched. The slots that passed on a grid that changes get their outcomes. A
        running poll is not interrupted: its source changes when it is over.
        """
        with self._reloading:
            self._sources = tuple(sources)
            if not self._is_polling:
                return  # `run` begins with these
            self._observers.started(self._sources)
            wanted = {scheduled.source.id: scheduled for scheduled in sources}
            for source_id in {**self._workers, **wanted}:
                if self._worker(source_id).wanted != wanted.get(source_id):
                    self._schedule(source_id, wanted.get(source_id))

    def beat(self) -> None:
        """Check the clock; the daemon's own thread does so every few seconds."""
        self._clock_watch.check()
        if self._clock_watch.has_wait_ended():
            self._scheduler.wake_all()
        now = self._clock.now()
        # A clock that is synchronised now is remembered if it no longer is, and one that was set right is reported now,
        # and not at the next poll, which may be tomorrow's.
        self._observers.clock_compared(None, self._clock_evidence.compare("", {}, now, timedelta(0)))
        self._observers.beat(now)

    def _begin(self) -> None:
        """Record the slots that passed before, source by source, and start the workers."""
        with self._reloading:
            for scheduled in self._sources:
                self._worker(scheduled.source.id).recover(scheduled)
            if self._stop_asked.is_set():
                return
            self._observers.started(self._sources)
            self._is_polling = True
            for scheduled in self._sources:
                self._schedule(scheduled.source.id, scheduled)

    def _schedule(self, source_id: str, wanted: ScheduledSource | None) -> None:
        worker = self._worker(source_id)
        worker.wanted = wanted
        worker.start()
        if wanted is None:
            self._scheduler.remove(source_id)
            worker.wake()
        else:
            self._scheduler.add(source_id, wanted.schedule, worker.wake)

    def _worker(self, source_id: str) -> SourceWorker:
        """The worker of a source, which is kept after a reload without the source, as that may come back."""
        if source_id not in self._workers:
            others = self._others(source_id) if self._store.backend.is_shared else None
            writer = self._writer if others is None else PatientWriter(self._writer, others)
            self._workers[source_id] = SourceWorker(
                source_id,
                ledger=SlotLedger(source_id, self._store, writer.record, self._is_to_pause),
                first_poll=FirstPoll(source_id, self._store),
                fetch=self._fetcher,
                store=writer,
                clock=self._clock,
                clock_watch=self._clock_watch,
                clock_evidence=self._clock_evidence,
                on_compared=self._observers.clock_compared,
                on_unrecorded=self._observers.not_recorded,
                stop_asked=self._stop_asked,
                on_caught_up=self._observers.caught_up,
                on_error=self._fail,
                others=others,
            )
        return self._workers[source_id]

    def _others(self, source_id: str) -> OtherRecorders:
        return OtherRecorders(
            source_id,
            self._store,
            Lease(self._store.backend, source_id, self._recorder),
            clock=self._clock,
            stop_asked=self._stop_asked,
            on_recorded=self._observers.polled,
        )

    def _end_workers(self) -> None:
        workers = list(self._workers.values())
        for worker in workers:
            worker.wake()
        if not _join(workers, self._stop_grace_s):
            self._fetcher.stop()
            if not _join(workers, self._abandon_s):
                _log.error("a poll could not be ended in time; its slot is settled at the next start")

    def _fail(self, error: BaseException) -> None:
        """End the daemon; `run` raises the error."""
        if isinstance(error, Exception):
            self._failure = error
        else:  # in the main thread, a SystemExit or KeyboardInterrupt would pass for an ordinary end
            self._failure = RuntimeError(f"a thread was ended by {type(error).__name__}")
            self._failure.__cause__ = error
        self.stop()

    def _beat_until_ended(self) -> None:
        while not self._has_ended.wait(self._beat_s):
            try:
                self.beat()
            except BaseException as error:  # noqa: BLE001  a daemon that cannot check its clock must not go on
                self._fail(error)
                return

    def _on_jump(self, by: timedelta) -> None:
        self._observers.clock_jumped(by)
        self._scheduler.wake_all()

    def _is_to_pause(self) -> bool:
        """Whether no more slots are to be settled now: the daemon stops, or the clock jumped far ahead."""
        self._clock_watch.check()
        return self._stop_asked.is_set() or self._clock_watch.is_waiting_after_jump()


def _join(workers: Sequence[SourceWorker], timeout_s: float) -> bool:
    """Wait for the workers' end, `timeout_s` for all of them together; whether all have ended."""
    deadline_s = time.monotonic() + timeout_s
    return all(worker.join(max(0.0, deadline_s - time.monotonic())) for worker in workers)
