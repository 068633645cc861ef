"""Health: ``/healthz`` and ``/metrics`` of the store that is served, as `fxticker status` judges it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from importlib.metadata import version

from prometheus_client import CollectorRegistry, Info
from prometheus_client.core import CounterMetricFamily, Metric
from prometheus_client.process_collector import ProcessCollector

from fxticker.errors import StoreError, one_line
from fxticker.monitoring.damage import damage_of
from fxticker.monitoring.exposition import exposition
from fxticker.monitoring.health import health_facts, health_text, problem_in
from fxticker.monitoring.store_families import SourceReading, families_of_sources, families_of_space
from fxticker.sources.registry import ScheduledSource
from fxticker.store.open_slots import next_open_slot
from fxticker.store.read_recent import read_recent, stored_bytes
from fxticker.store.recorders import Recorder, read_recorders
from fxticker.web.answers import Answer, Keep, json_answer
from fxticker.web.view import View

_TEXT = "text/plain; charset=utf-8"
_ACCEPT_CHARS = 2000
"""Characters of the header ``Accept`` that are read; Prometheus sends 200."""


def healthz(view: View, accept: str) -> Answer:
    """Answer ``/healthz``: 200 if all sources of the configuration are healthy, else 503 with the reasons."""
    reasons = [reading.reason for reading in _readings(view) if reading.reason is not None]
    status = 503 if reasons else 200
    if "application/json" in accept[:_ACCEPT_CHARS]:
        return json_answer(health_facts(reasons, _next_slots(view)), status=status, keep=Keep.NOT)
    return Answer(health_text(reasons), _TEXT, status, Keep.NOT)


def metrics(view: View, accept: str, served: Mapping[int, int]) -> Answer:
    """Answer ``/metrics``: the sources and the store as the daemon's own endpoint names them, and this server.

    Parameters
    ----------
    view
        The store.
    accept
        The header ``Accept``.
    served
        Number of answers so far, by status.
    """
    registry = CollectorRegistry()
    Info("build", "This program.", namespace="fxticker", registry=registry).info({"version": version("fxticker")})
    ProcessCollector(registry=registry)
    registry.register(_Families([*_families(view), _responses(served)]))
    media_type, body = exposition(registry, accept[:_ACCEPT_CHARS])
    return Answer(body, media_type, keep=Keep.NOT)


class _Families:
    """A collector of metrics that are known."""

    def __init__(self, families: Iterable[Metric]) -> None:
        self._families = list(families)

    def collect(self) -> Iterator[Metric]:
        """All of them."""
        return iter(self._families)

    def describe(self) -> Iterable[Metric]:
        """Nothing."""
        return []


def _families(view: View) -> Iterator[Metric]:
    yield from families_of_sources(_readings(view), _next_slots(view))
    try:
        size_bytes = stored_bytes(view.store)
    except StoreError:
        size_bytes = None
    yield from families_of_space(size_bytes, view.store.backend.free_space())


def _responses(served: Mapping[int, int]) -> Metric:
    family = CounterMetricFamily(
        "fxticker_http_responses", "Answers of this server since its start.", labels=["status"]
    )
    for status, count in sorted(served.items()):
        family.add_metric([str(status)], count)
    return family


def _readings(view: View) -> list[SourceReading]:
    recorders: Sequence[Recorder] = ()
    with suppress(StoreError):  # which each source names
        recorders = read_recorders(view.store.backend)
    return [_reading(view, planned, recorders) for planned in view.planned]


def _reading(view: View, planned: ScheduledSource, recorders: Sequence[Recorder]) -> SourceReading:
    source = planned.source.id
    try:
        recent = read_recent(view.store, source, view.now)
    except StoreError as error:
        return SourceReading(planned, None, f"{source}: {one_line(error)}")
    problem = problem_in(planned, recent, view.now, damage_of(view.store, source, search=True), recorders)
    return SourceReading(planned, recent, None if problem is None else f"{source}: {problem.reason}")


def _next_slots(view: View) -> dict[str, datetime]:
    slots = {}
    for planned in view.planned:
        try:
            slots[planned.source.id] = next_open_slot(view.store.polls, planned.source.id, planned.schedule, view.now)
        except StoreError:
            slots[planned.source.id] = planned.schedule.after(view.now)
    return slots
