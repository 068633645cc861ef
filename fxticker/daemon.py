"""The daemon: polls every source on its grid and leaves exactly one outcome for every slot."""

from __future__ import annotations

import logging
import signal
import threading
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from types import FrameType

from apscheduler.events import (
    EVENT_JOB_MAX_INSTANCES,
    EVENT_JOB_MISSED,
    EVENT_SCHEDULER_STARTED,
    JobExecutionEvent,
    JobSubmissionEvent,
    SchedulerEvent,
)
from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.schedulers.blocking import BlockingScheduler
from apscheduler.triggers.base import BaseTrigger

from fxticker.clock import Clock
from fxticker.collecting import collect_once, outcome_of
from fxticker.errors import StoreError
from fxticker.fetching import Fetcher
from fxticker.models import Outcome, Poll
from fxticker.schedule import MICROSECOND, Schedule, slots_between
from fxticker.sources import Planned
from fxticker.store import Store

STOP_GRACE_S = 4.0
"""How long a running poll may go on after a stop was asked for; supervisors wait longer than this."""
ABANDON_S = 5.0
"""How long an abandoned poll has to write its outcome."""
_MISSED_BATCH = 50_000
"""Missed slots written at once, so that years of absence need no memory to speak of."""

_log = logging.getLogger("fxticker")


class Daemon:
    """Polls sources on their grids until told to stop.

    Parameters
    ----------
    planned
        The sources, each once.
    fetcher, store, clock
        The net, the store and the present.
    on_poll
        Told of each poll after it was recorded.
    """

    def __init__(
        self,
        planned: Sequence[Planned],
        *,
        fetcher: Fetcher,
        store: Store,
        clock: Clock,
        on_poll: Callable[[Poll], None] = lambda poll: None,
    ) -> None:
        self._planned = {plan.source.id: plan for plan in planned}
        self._fetcher = fetcher
        self._store = store
        self._clock = clock
        self._on_poll = on_poll
        self._last_slot: dict[str, datetime] = {}
        self._running: set[str] = set()
        self._change = threading.Condition()
        self._failure: Exception | None = None
        self._stop_asked = threading.Event()
        self._scheduler = BlockingScheduler(
            timezone=UTC, executors={"default": ThreadPoolExecutor(max(1, len(self._planned)))}
        )
        self._scheduler.add_listener(self._on_skipped, EVENT_JOB_MISSED | EVENT_JOB_MAX_INSTANCES)
        self._scheduler.add_listener(self._on_started, EVENT_SCHEDULER_STARTED)

    def run(self) -> None:
        """Poll until `stop` is called.

        Raises
        ------
        StoreError
            If the store refused a write: without a record the daemon must not go on as if all were well.
        """
        for plan in self._planned.values():
            first = self._first_slot(plan)
            self._catch_up(plan, first)
            self._scheduler.add_job(
                self._poll,
                _GridTrigger(plan.schedule, first),
                args=[plan],
                id=plan.source.id,
                coalesce=True,
                max_instances=1,
                misfire_grace_time=max(1, round(_grace(plan, first).total_seconds())),
            )
            _log.info("%s: next slot %s", plan.source.id, first.isoformat(timespec="seconds"))
        if not self._stop_asked.is_set():
            self._scheduler.start()
        self._finish()
        if self._failure is not None:
            raise self._failure

    def stop(self) -> None:
        """End `run`: a poll under way is finished if it is quick and abandoned, with its outcome, if not."""
        self._stop_asked.set()
        # In a thread of its own: a signal handler may have interrupted the scheduler while it holds its locks.
        threading.Thread(target=self._shut_down, daemon=True).start()

    def stop_on_signals(self) -> None:
        """Stop on SIGTERM and SIGINT."""

        def handle(number: int, _frame: FrameType | None) -> None:
            _log.info("stopping: %s", signal.Signals(number).name)
            self.stop()

        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, handle)

    def _on_started(self, _event: SchedulerEvent) -> None:
        """Stop at once if that was asked for while the scheduler started, when there was nothing to shut down."""
        if self._stop_asked.is_set():
            self.stop()

    def _shut_down(self) -> None:
        if self._scheduler.running:
            self._scheduler.shutdown(wait=False)

    def _finish(self) -> None:
        with self._change:
            if not self._change.wait_for(lambda: not self._running, STOP_GRACE_S):
                self._fetcher.stop()
                self._change.wait_for(lambda: not self._running, ABANDON_S)

    def _poll(self, plan: Planned) -> None:
        with self._change:
            if self._stop_asked.is_set():
                return
            self._running.add(plan.source.id)
        try:
            slot = plan.schedule.at_or_before(self._clock.now())
            self._catch_up(plan, slot)
            last = self._last_slot[plan.source.id]
            # After a clock was set back, slots that have their outcome come again.
            if slot > last or not self._store.has_polls(plan.source.id, slot, slot + MICROSECOND):
                poll = collect_once(plan.source, slot, fetch=self._fetcher, store=self._store, clock=self._clock)
                self._on_poll(poll)
                self._last_slot[plan.source.id] = max(slot, last)
        except Exception as error:  # noqa: BLE001  the scheduler would only log it and go on without storing
            self._fail(error)
        finally:
            with self._change:
                self._running.discard(plan.source.id)
                self._change.notify_all()

    def _first_slot(self, plan: Planned) -> datetime:
        """The slot that is running now, if it was not polled yet and is not too late for it, or else the next."""
        now = self._clock.now()
        slot = plan.schedule.at_or_before(now)
        was_polled = self._recovered(plan, slot) is not None
        is_due = now - slot <= _grace(plan, slot) and not was_polled
        last = next(self._store.planned_slots(plan.source.id, now), None)
        if last is None:
            # The very first start: what lies before it was never planned.
            last = plan.schedule.at_or_before(slot - MICROSECOND) if is_due or was_polled else slot
        self._last_slot[plan.source.id] = last
        return slot if is_due and slot > last else plan.schedule.after(now)

    def _catch_up(self, plan: Planned, until: datetime) -> None:
        """Write an outcome for every slot between the last recorded one and `until`."""
        last = self._last_slot[plan.source.id]
        batch: list[Poll] = []
        missed = 0
        for slot in slots_between(plan.schedule, last, until):
            batch.append(self._outcome_of_absence(plan, slot, is_first=missed == 0))
            missed += 1
            if len(batch) == _MISSED_BATCH:
                self._store.record(batch)
                batch.clear()
            self._last_slot[plan.source.id] = slot
        if batch:
            self._store.record(batch)
            _log.warning("%s: %d slots after %s had no outcome", plan.source.id, missed, last.isoformat())

    def _outcome_of_absence(self, plan: Planned, slot: datetime, *, is_first: bool) -> Poll:
        # Only the poll that ran when the process died can have stored ticks without an outcome.
        recovered = self._recovered(plan, slot) if is_first else None
        return recovered or Poll(plan.source.id, slot, Outcome.MISSED, detail="nothing ran at this slot")

    def _recovered(self, plan: Planned, slot: datetime) -> Poll | None:
        """The outcome of a poll whose process ended between storing its ticks and recording it; null if none did."""
        end = plan.schedule.after(slot)
        ticks = self._store.live_ticks(plan.source.id, slot, end)
        if not ticks or self._store.has_polls(plan.source.id, slot, end):
            return None
        source_date = ticks[0]["source_date"]
        return Poll(
            plan.source.id,
            slot,
            outcome_of(source_date, ticks[0]["observed_at"], plan.source),
            ticks=len(ticks),
            source_date=source_date,
            detail="its ticks were stored; the process ended before this outcome was",
        )

    def _on_skipped(self, event: JobExecutionEvent | JobSubmissionEvent) -> None:
        """Record the slots that the scheduler itself skipped, which it would only log."""
        plan = self._planned[event.job_id]
        if event.code == EVENT_JOB_MISSED:
            outcome, instants, detail = Outcome.MISSED, [event.scheduled_run_time], "the machine woke too late for it"
        else:
            outcome, instants = Outcome.OVERRUN, event.scheduled_run_times
            detail = "the previous poll was still running"
        try:
            self._store.record([Poll(plan.source.id, at.astimezone(UTC), outcome, detail=detail) for at in instants])
        except StoreError as error:
            self._fail(error)

    def _fail(self, error: Exception) -> None:
        """End the daemon with `error`: the scheduler would swallow it."""
        self._failure = error
        self.stop()


def _grace(plan: Planned, slot: datetime) -> timedelta:
    """How late a slot may still be polled: half the distance to the next one."""
    return (plan.schedule.after(slot) - slot) / 2


class _GridTrigger(BaseTrigger):  # type: ignore[misc]  # APScheduler 3 has no types
    """Fires at a schedule's slots; however many have passed, it goes on with the first one after now."""

    def __init__(self, schedule: Schedule, first: datetime) -> None:
        self._schedule = schedule
        self._first = first

    def get_next_fire_time(self, previous: datetime | None, now: datetime) -> datetime:
        if previous is None:
            return self._first
        return self._schedule.after(max(previous, now).astimezone(UTC))
