"""Metrics: counts what the daemon does, and reads the store on each request of Prometheus or a health check."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from importlib.metadata import version
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, Info
from prometheus_client.core import Metric
from prometheus_client.process_collector import ProcessCollector

from fxticker.errors import StoreError, one_line
from fxticker.model.clock import Clock
from fxticker.model.clock_trust import ClockComparison
from fxticker.model.records import Outcome, Poll
from fxticker.monitoring.damage import damage_of
from fxticker.monitoring.health import problem_in
from fxticker.monitoring.next_slots import NextSlots
from fxticker.monitoring.observer import Observer
from fxticker.monitoring.recorder_families import families_of_recorders
from fxticker.monitoring.store_families import SourceReading, families_of_sources, families_of_space
from fxticker.sources.registry import ScheduledSource
from fxticker.store.read_recent import Recent, read_recent, stored_bytes
from fxticker.store.store import Store

MEASURE_EVERY_S = 60.0
"""Seconds between two measurements of the store's size: a thousand files take some milliseconds."""
MAX_BEAT_AGE_S = 60.0
"""Seconds without a heartbeat after which the daemon counts as hung; it sends one every few seconds."""
STARTING = "starting: the slots from before the start have no outcome yet"
SOURCE_STARTING = "starting: what is due has not been polled yet"
_DURATIONS_S = (0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 30, 60, 120)
"""Bounds in seconds: a page takes half a second; the default deadline of a poll is 20 s."""
_WRITES_S = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
"""Bounds in seconds: a write takes some 10 ms with an SSD; a disk that needs seconds is failing or overloaded."""

_log = logging.getLogger("fxticker")


class Metrics(Observer):
    """The daemon's metrics and its health.

    Parameters
    ----------
    store
        Where polls and ticks are read.
    clock
        Supplies the current UTC time.
    measure_every_s
        Seconds between two measurements of the store's size.
    max_beat_age_s
        Seconds without a heartbeat after which the daemon is not healthy.

    Attributes
    ----------
    registry
        The metrics, of this object alone.
    """

    def __init__(
        self,
        *,
        store: Store,
        clock: Clock,
        measure_every_s: float = MEASURE_EVERY_S,
        max_beat_age_s: float = MAX_BEAT_AGE_S,
    ) -> None:
        self.registry = _Registry()
        self._store = store
        self._next_slots = NextSlots(store)
        self._clock = clock
        self._measure_every_s = measure_every_s
        self._max_beat_age_s = max_beat_age_s
        self._sources: tuple[ScheduledSource, ...] = ()
        self._has_started = False
        self._caught_up: set[str] = set()
        self._last_polls: dict[str, Poll] = {}
        self._reading = threading.Lock()  # for the next two; polls do not wait for it
        self._recent: dict[str, tuple[Poll | None, Recent]] = {}
        self._size: tuple[float, int] | None = None
        self._logged: dict[str, str] = {}
        self._beat_s: float | None = None
        self._write_error: StoreError | None = None
        self._add_metrics()

    def _add_metrics(self) -> None:
        own: dict[str, Any] = {"registry": self.registry, "namespace": "fxticker"}
        now_s = self._clock.now().timestamp()
        self._polls = Counter("polls", "Slots by outcome.", ["source", "outcome"], **own)
        self._rows = Counter("rows_written", "Ticks that polls stored.", ["source"], **own)
        self._durations = Histogram(
            "poll_duration_seconds", "From the start of a poll to stored.", ["source"], buckets=_DURATIONS_S, **own
        )
        self._rejected = Counter("rejected_bodies", "Bodies kept because they could not be parsed.", ["source"], **own)
        self._writes = Histogram(
            "write_duration_seconds", "Of one write of the store, failed ones included.", buckets=_WRITES_S, **own
        )
        self._write_failures = Counter("write_failures", "Writes that the store refused; each try is one.", **own)
        self._alert_failures = Counter("alert_command_failures", "Runs of the alert command that failed.", **own)
        self._reload_ok = Gauge("config_last_reload_successful", "Whether the last reading succeeded (1).", **own)
        self._reload_ok.set(1)  # or this process would not run
        self._reload_at = Gauge(
            "config_last_reload_success_timestamp_seconds", "The last successful reading of the configuration.", **own
        )
        self._reload_at.set(now_s)
        Gauge("start_time_seconds", "When this process began to serve metrics.", **own).set(now_s)
        self._jumps = Counter("clock_jumps", "Times that the wall clock was set, or the machine slept.", **own)
        self._jump = Gauge("clock_jump_seconds", "By how much the wall clock last jumped ahead (back if < 0).", **own)
        self._offset = Gauge(
            "clock_offset_seconds",
            "This machine's clock minus the Date of a source's last answer (ahead if > 0).",
            ["source"],
            **own,
        )
        self._clock_problem: str | None = None
        Info("build", "This program.", **own).info({"version": version("fxticker")})
        ProcessCollector(registry=self.registry)
        self.registry.register(_OnRequest(self._families))

    def started(self, sources: Sequence[ScheduledSource]) -> None:
        """Export these sources from now on."""
        wanted = {scheduled.source.id for scheduled in sources}
        for dropped in (known for known in self._sources if known.source.id not in wanted):
            self._offset.remove(dropped.source.id)  # no answer of it will correct it
        self._sources = tuple(sources)
        self._has_started = True
        for scheduled in sources:
            self._rows.labels(scheduled.source.id)
            self._rejected.labels(scheduled.source.id)
            self._durations.labels(scheduled.source.id)
            for outcome in Outcome:  # from zero on, so that the first one is seen as a change
                self._polls.labels(scheduled.source.id, outcome)

    def polled(self, poll: Poll) -> None:
        """Count a slot's outcome."""
        self._polls.labels(poll.source, poll.outcome).inc()
        self._rows.labels(poll.source).inc(poll.ticks)
        if poll.duration_ms is not None:
            self._durations.labels(poll.source).observe(poll.duration_ms / 1000)
        self._last_polls[poll.source] = poll

    def caught_up(self, source: str, wait_until: datetime | None) -> None:
        """Note that a source has started; until then a poll may be under way whose write fails as the last one did."""
        self._caught_up.add(source)
        self._next_slots.wait(source, wait_until)

    def write_ended(self, duration_s: float, error: StoreError | None) -> None:
        """Count a write; the daemon is not healthy until one succeeds after one that failed."""
        self._writes.observe(duration_s)
        if error is not None:
            self._write_failures.inc()
        self._write_error = error

    def body_rejected(self, source: str) -> None:
        """Count a rejected body."""
        self._rejected.labels(source).inc()

    def alert_command_failed(self) -> None:
        """Count a run of the alert command that failed."""
        self._alert_failures.inc()

    def reloaded(self, *, is_successful: bool) -> None:
        """Note whether the configuration could be read again, and when."""
        self._reload_ok.set(is_successful)
        if is_successful:
            self._reload_at.set(self._clock.now().timestamp())

    def clock_compared(self, source: str | None, comparison: ClockComparison) -> None:
        """Note how far the clock is off."""
        if source is not None and comparison.offset is not None:
            self._offset.labels(source).set(comparison.offset.total_seconds())
        self._clock_problem = comparison.remark if comparison.is_wrong else None

    def clock_jumped(self, by: timedelta) -> None:
        """Count a jump."""
        self._jumps.inc()
        self._jump.set(by.total_seconds())
        self._offset.clear()  # that of the clock before
        self._next_slots.clear()

    def beat(self, now: datetime) -> None:
        """Note that the daemon is alive."""
        del now
        self._beat_s = time.monotonic()

    def reasons(self) -> list[str]:
        """Why the daemon or a source is not healthy, one line each; with any, ``/healthz`` answers 503."""
        reasons = [] if self._has_started else [STARTING]
        if self._beat_s is not None and (age_s := time.monotonic() - self._beat_s) > self._max_beat_age_s:
            reasons.append(f"the daemon hangs: no heartbeat for {age_s:.0f} s")
        if (error := self._write_error) is not None:
            reasons.append(f"the last write failed: {one_line(error)}")
        if (problem := self._clock_problem) is not None:
            reasons.append(problem)
        for reading in self._read_sources():
            if reading.reason is not None:
                reasons.append(reading.reason)
            elif (source := reading.scheduled.source.id) not in self._caught_up:
                reasons.append(f"{source}: {SOURCE_STARTING}")
        return reasons

    def next_slots(self) -> dict[str, datetime]:
        """The next slot of each source that will be polled."""
        now = self._clock.now()
        return {scheduled.source.id: self._next_slots.of(scheduled, now) for scheduled in self._sources}

    def _read_sources(self) -> list[SourceReading]:
        """Each source with what the store holds of it, read again if there was a poll since the last read."""
        now = self._clock.now()
        with self._reading:
            return [self._read_source(scheduled, now) for scheduled in self._sources]

    def _read_source(self, scheduled: ScheduledSource, now: datetime) -> SourceReading:
        try:
            recent = self._recent_of(scheduled.source.id)
        except StoreError as error:
            self._log_once(scheduled.source.id, error)
            return SourceReading(scheduled, None, one_line(error))
        self._logged.pop(scheduled.source.id, None)
        problem = problem_in(scheduled, recent, now, damage_of(self._store, scheduled.source.id))
        reason = None if problem is None else f"{scheduled.source.id}: {problem.reason}"
        return SourceReading(scheduled, recent, reason)

    def _recent_of(self, source_id: str) -> Recent:
        last_poll = self._last_polls.get(source_id)  # before the read: a poll meanwhile makes the next one read again
        cached = self._recent.get(source_id)
        if cached is not None and cached[0] is last_poll:
            return cached[1]
        recent = read_recent(self._store, source_id, self._clock.now())
        self._recent[source_id] = last_poll, recent
        return recent

    def _families(self) -> Iterator[Metric]:
        """Metrics that are read on request; without those of the store where it cannot be read."""
        yield from families_of_sources(self._read_sources(), self.next_slots())
        try:
            size_bytes = self._size_bytes()
        except StoreError as error:
            self._log_once("", error)
            size_bytes = None
        yield from families_of_space(size_bytes, self._store.backend.free_space())
        try:
            yield from list(families_of_recorders(self._store.backend))
        except StoreError as error:
            self._log_once("recorders", error)

    def _log_once(self, what: str, error: StoreError) -> None:
        """Log an error once while it lasts: a scrape comes every few seconds."""
        if self._logged.get(what) != str(error):
            self._logged[what] = str(error)
            _log.warning("metrics: %s", one_line(error))

    def _size_bytes(self) -> int:
        with self._reading:
            if self._size is None or time.monotonic() - self._size[0] > self._measure_every_s:
                self._size = time.monotonic(), stored_bytes(self._store)
            return self._size[1]


class _Registry(CollectorRegistry):
    """A registry without the series ``_created``, which double the number of counters' series and which nobody reads.

    The library can leave them out for the whole process only.
    """

    def collect(self) -> Iterator[Metric]:
        """All metrics."""
        for metric in super().collect():
            metric.samples = [sample for sample in metric.samples if not sample.name.endswith("_created")]
            yield metric


class _OnRequest:
    """A collector whose metrics a function computes on each request."""

    def __init__(self, families: Callable[[], Iterable[Metric]]) -> None:
        self.collect = families

    def describe(self) -> Iterable[Metric]:
        """Nothing: the metrics depend on the sources, and computing them would read the store."""
        return []
