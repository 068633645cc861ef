"""Slot scheduler: wakes each source's worker at the slots of its grid, by APScheduler, and decides nothing.

What APScheduler does by itself about late and overlapping runs would leave slots without an outcome, so it only wakes;
the worker finds out what is due.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable
from datetime import UTC, datetime

from apscheduler.events import EVENT_SCHEDULER_STARTED, SchedulerEvent
from apscheduler.executors.debug import DebugExecutor
from apscheduler.jobstores.base import JobLookupError
from apscheduler.schedulers.blocking import BlockingScheduler
from apscheduler.triggers.base import BaseTrigger

from fxticker.model.clock import Clock
from fxticker.model.schedule import Schedule


class SlotScheduler:
    """Timer of any number of grids, in the thread that calls `run`.

    Parameters
    ----------
    clock
        Clock of the slots. APScheduler uses the machine's clock, so it gets each slot as a distance from now.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._stop_asked = threading.Event()
        # DebugExecutor calls in the scheduler's own thread: a wake-up takes microseconds
        self._scheduler = BlockingScheduler(timezone=UTC, executors={"default": DebugExecutor()})
        self._scheduler.add_listener(self._on_started, EVENT_SCHEDULER_STARTED)

    def run(self) -> None:
        """Wake workers until `stop` is called; in the caller's thread, so that its end cannot go unseen."""
        if not self._stop_asked.is_set():
            self._scheduler.start()

    def stop(self) -> None:
        """End `run`; a signal handler may call it."""
        self._stop_asked.set()
        # In a thread of its own: a signal handler may have interrupted the scheduler while it holds its locks.
        threading.Thread(target=self._shut_down, daemon=True).start()

    def add(self, name: str, schedule: Schedule, wake: Callable[[], None]) -> None:
        """Call `wake` at once and at every later slot of a grid; replaces what was added under this name."""
        self._scheduler.add_job(
            wake,
            _GridTrigger(self._clock, schedule),
            id=name,
            next_run_time=datetime.now(UTC),
            replace_existing=True,
            coalesce=True,
            misfire_grace_time=None,
        )

    def remove(self, name: str) -> None:
        """Stop calling what was added under this name."""
        with contextlib.suppress(JobLookupError):
            self._scheduler.remove_job(name)

    def wake_all(self) -> None:
        """Call everyone at once, and then at the slots after the present instant."""
        for job in self._scheduler.get_jobs():
            with contextlib.suppress(JobLookupError):  # removed meanwhile
                self._scheduler.modify_job(job.id, next_run_time=datetime.now(UTC))

    def _on_started(self, _event: SchedulerEvent) -> None:
        """Stop at once if that was asked for while the scheduler started, when there was nothing to shut down."""
        if self._stop_asked.is_set():
            self.stop()

    def _shut_down(self) -> None:
        if self._scheduler.running:
            self._scheduler.shutdown(wait=False)


class _GridTrigger(BaseTrigger):  # type: ignore[misc]  # APScheduler 3 has no types
    """Fires at the first slot after the present call, however many have passed.

    A slot that came since that call fires at once: the worker may have read the clock before it.
    """

    def __init__(self, clock: Clock, schedule: Schedule) -> None:
        self._clock = clock
        self._schedule = schedule

    def get_next_fire_time(self, _previous: datetime | None, called_at: datetime) -> datetime:
        since_call = datetime.now(UTC) - called_at
        now = self._clock.now()
        ahead = self._schedule.after(now - since_call) - now
        return datetime.now(UTC) + ahead
