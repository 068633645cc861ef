"""Metrics: counts what the daemon does, and reads the store on each request of Prometheus or a health check."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta
from importlib.metadata import version
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, Info
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.process_collector import ProcessCollector

from fxticker.errors import StoreError, one_line
from fxticker.model.clock import Clock
from fxticker.model.records import Outcome, Poll
from fxticker.monitoring.health import problem_of
from fxticker.monitoring.observer import Observer
from fxticker.sources.registry import ScheduledSource
from fxticker.store.read_recent import PairSeen, Recent, read_recent, stored_bytes
from fxticker.store.store import Store

MEASURE_EVERY_S = 60.0
"""Seconds between two measurements of the store's size: a thousand files take some milliseconds."""
MAX_BEAT_AGE_S = 60.0
"""Seconds without a beat after which the daemon hangs; it beats every few seconds."""
_DURATIONS_S = (0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 30, 60, 120)
"""Bounds in seconds: a page takes half a second; the default deadline of a poll is 20 s."""

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
        Seconds without a beat after which the daemon is not healthy.

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
        self.registry = CollectorRegistry()
        self._store = store
        self._clock = clock
        self._measure_every_s = measure_every_s
        self._max_beat_age_s = max_beat_age_s
        self._sources: tuple[ScheduledSource, ...] = ()
        self._last_polls: dict[str, Poll] = {}
        self._reading = threading.Lock()  # for the next two; polls do not wait for it
        self._recent: dict[str, tuple[Poll | None, Recent]] = {}
        self._size: tuple[float, int] | None = None
        self._beat_s: float | None = None
        own: dict[str, Any] = {"registry": self.registry, "namespace": "fxticker"}
        self._polls = Counter("polls", "Slots by outcome.", ["source", "outcome"], **own)
        self._rows = Counter("rows_written", "Ticks that polls stored.", ["source"], **own)
        self._durations = Histogram(
            "poll_duration_seconds", "From the start of a poll to stored.", ["source"], buckets=_DURATIONS_S, **own
        )
        self._jumps = Counter("clock_jumps", "Times that the wall clock was set, or the machine slept.", **own)
        self._jump = Gauge("clock_jump_seconds", "By how much the wall clock last jumped ahead (back if < 0).", **own)
        Info("build", "This program.", **own).info({"version": version("fxticker")})
        ProcessCollector(registry=self.registry)
        self.registry.register(_OnRequest(self._families))

    def started(self, sources: Sequence[ScheduledSource]) -> None:
        """Export these sources from now on."""
        self._sources = tuple(sources)
        for scheduled in sources:
            self._rows.labels(scheduled.source.id)
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

    def clock_jumped(self, by: timedelta) -> None:
        """Count a jump."""
        self._jumps.inc()
        self._jump.set(by.total_seconds())

    def beat(self, now: datetime) -> None:
        """Note that the daemon is alive."""
        del now
        self._beat_s = time.monotonic()

    def reasons(self) -> list[str]:
        """Why the daemon or a source is not healthy, one line each; empty if all are."""
        reasons = []
        if self._beat_s is not None and (age_s := time.monotonic() - self._beat_s) > self._max_beat_age_s:
            reasons.append(f"the daemon hangs: no heartbeat for {age_s:.0f} s")
        now = self._clock.now()
        try:
            rows = self._read_sources()
        except StoreError as error:
            return [*reasons, one_line(error)]
        for scheduled, recent in rows:
            problem = problem_of(scheduled, recent.last_ok, recent.last_stale, now, recent.unchanged_since)
            if problem is not None:
                reasons.append(f"{scheduled.source.id}: {problem.reason}")
        return reasons

    def _read_sources(self) -> list[tuple[ScheduledSource, Recent]]:
        """Each source with what the store holds of it, read again if there was a poll since the last read."""
        with self._reading:
            return [(scheduled, self._read_source(scheduled.source.id)) for scheduled in self._sources]

    def _read_source(self, source_id: str) -> Recent:
        last_poll = self._last_polls.get(source_id)  # before the read: a poll meanwhile makes the next one read again
        cached = self._recent.get(source_id)
        if cached is not None and cached[0] is last_poll:
            return cached[1]
        recent = read_recent(self._store, source_id, self._clock.now())
        self._recent[source_id] = last_poll, recent
        return recent

    def _families(self) -> Iterable[Metric]:
        """Metrics that are read on request; without those of the store where it cannot be read."""
        now = self._clock.now()
        next_slot = _gauge("next_slot_timestamp_seconds", "The next slot.", "source")
        for scheduled in self._sources:
            next_slot.add_metric([scheduled.source.id], scheduled.schedule.after(now).timestamp())
        yield next_slot
        try:
            rows, size_bytes = self._read_sources(), self._size_bytes()
        except StoreError as error:
            _log.warning("metrics: %s", one_line(error))
            return
        yield GaugeMetricFamily("fxticker_store_bytes", "Size of the store's files.", size_bytes)
        last_ok = _gauge("last_ok_timestamp_seconds", "The slot of the last successful poll.", "source")
        for scheduled, recent in rows:
            if recent.last_ok is not None:
                last_ok.add_metric([scheduled.source.id], recent.last_ok.timestamp())
        yield last_ok
        yield from _families_of_pairs(
            [(scheduled.source.id, pair) for scheduled, recent in rows for pair in recent.pairs]
        )

    def _size_bytes(self) -> int:
        with self._reading:
            if self._size is None or time.monotonic() - self._size[0] > self._measure_every_s:
                self._size = time.monotonic(), stored_bytes(self._store)
            return self._size[1]


def _families_of_pairs(pairs: Sequence[tuple[str, PairSeen]]) -> Iterable[Metric]:
    rate = _gauge("rate", "Units of quote for one unit of base, as last seen.", "source", "pair")
    seen = _gauge("last_seen_timestamp_seconds", "When the pair was last seen.", "source", "pair")
    changed = _gauge(
        "last_change_timestamp_seconds", "When its rate or percentage last changed, if recently.", "source", "pair"
    )
    for source, pair in pairs:
        rate.add_metric([source, pair.pair], pair.rate)
        seen.add_metric([source, pair.pair], pair.seen_at.timestamp())
        if pair.changed_at is not None:
            changed.add_metric([source, pair.pair], pair.changed_at.timestamp())
    return rate, seen, changed


def _gauge(name: str, description: str, *labels: str) -> GaugeMetricFamily:
    return GaugeMetricFamily(f"fxticker_{name}", description, labels=labels)


class _OnRequest:
    """A collector whose metrics a function computes on each request."""

    def __init__(self, families: Callable[[], Iterable[Metric]]) -> None:
        self.collect = families

    def describe(self) -> Iterable[Metric]:
        """Nothing: the metrics depend on the sources, and computing them would read the store."""
        return []
