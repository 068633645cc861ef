"""The scheduler as the daemon uses it: it calls at a source's slots, and whenever it is asked to call now.

What APScheduler does by itself when calls are late, overlap or the clock is set would leave slots without a word, so
all of that is switched off here: it calls, and the daemon finds out what is due.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from apscheduler.events import EVENT_SCHEDULER_STARTED, SchedulerEvent
from apscheduler.executors.base import BaseExecutor, run_job
from apscheduler.jobstores.base import JobLookupError
from apscheduler.schedulers.blocking import BlockingScheduler
from apscheduler.triggers.base import BaseTrigger

from fxticker.model.clock import Clock
from fxticker.model.schedule import Schedule


class SlotScheduler:
    """Calls at the slots of grids, each call in a thread of its own.

    Parameters
    ----------
    clock
        What slots are told by. The scheduler itself goes by the machine's clock; what counts is how far a slot is away.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._stop_asked = threading.Event()
        self._scheduler = BlockingScheduler(timezone=UTC, executors={"default": _ThreadEach()})
        self._scheduler.add_listener(self._on_started, EVENT_SCHEDULER_STARTED)

    def run(self) -> None:
        """Call until `stop` is called; in the thread that calls this, so that its end cannot go unseen."""
        if not self._stop_asked.is_set():
            self._scheduler.start()

    def stop(self) -> None:
        """End `run`. Calls under way go on."""
        self._stop_asked.set()
        # In a thread of its own: a signal handler may have interrupted the scheduler while it holds its locks.
        threading.Thread(target=self._shut_down, daemon=True).start()

    def plan(self, name: str, schedule: Callable[[], Schedule | None], call: Callable[[], None]) -> None:
        """Call at every slot of what `schedule` returns at the time; once that is null, no more.

        A call goes out whether or not an earlier one is over. A name planned before gets these instead.
        """
        self._scheduler.add_job(
            call,
            _GridTrigger(self._clock, schedule),
            id=name,
            replace_existing=True,
            coalesce=True,
            max_instances=100,  # of which all but one are about to return
            misfire_grace_time=None,
        )

    def now(self, name: str) -> None:
        """Call at once, and then at the slots after the present instant."""
        with contextlib.suppress(JobLookupError):  # no longer planned
            self._scheduler.modify_job(name, next_run_time=datetime.now(UTC))

    def _on_started(self, _event: SchedulerEvent) -> None:
        """Stop at once if that was asked for while the scheduler started, when there was nothing to shut down."""
        if self._stop_asked.is_set():
            self.stop()

    def _shut_down(self) -> None:
        if self._scheduler.running:
            self._scheduler.shutdown(wait=False)


class _GridTrigger(BaseTrigger):  # type: ignore[misc]  # APScheduler 3 has no types
    """Fires at the first slot after the present call, however many have passed.

    A slot that came since that call went out fires at once: what the call does may have looked at the clock before.
    """

    def __init__(self, clock: Clock, schedule: Callable[[], Schedule | None]) -> None:
        self._clock = clock
        self._schedule = schedule

    def get_next_fire_time(self, _previous: datetime | None, called_at: datetime) -> datetime | None:
        schedule = self._schedule()
        if schedule is None:
            return None
        since_call = datetime.now(UTC) - called_at
        now = self._clock.now()
        ahead = schedule.after(now - since_call) - now
        return datetime.now(UTC) + ahead


class _ThreadEach(BaseExecutor):  # type: ignore[misc]
    """Runs each job in a thread of its own, which does not keep the process from ending."""

    def _do_submit_job(self, job: Any, run_times: list[datetime]) -> None:
        threading.Thread(target=self._run, args=[job, run_times], daemon=True).start()

    def _run(self, job: Any, run_times: list[datetime]) -> None:
        events = run_job(job, job._jobstore_alias, run_times, self._logger.name)  # noqa: SLF001  as executors do
        self._run_job_success(job.id, events)
