"""Recorder families: metrics of the recorders of a shared store."""

from __future__ import annotations

from collections.abc import Iterator

from prometheus_client.core import GaugeMetricFamily, Metric

from fxticker.store.backend import StorageBackend
from fxticker.store.lease import lease_holders
from fxticker.store.recorders import read_recorders


def families_of_recorders(backend: StorageBackend) -> Iterator[Metric]:
    """Metrics of who records into the store; none for a store on a disk, which has one recorder.

    Raises
    ------
    SegmentUnreadable
        If the storage cannot be read.
    """
    if not backend.is_shared:
        return
    seen = _gauge("seen_timestamp_seconds", "When a recorder was last seen, by its own clock.", "recorder")
    expected = _gauge("expected_timestamp_seconds", "When a recorder is seen again at the latest.", "recorder")
    for recorder in read_recorders(backend):
        seen.add_metric([recorder.name], recorder.seen_at.timestamp())
        expected.add_metric([recorder.name], recorder.expected_by.timestamp())
    first = _gauge("polls_first", "The recorder that polls a source at its slots (1).", "source", "recorder")
    for source, holder in lease_holders(backend).items():
        first.add_metric([source, holder], 1)
    yield from (seen, expected, first)


def _gauge(name: str, text: str, *labels: str) -> GaugeMetricFamily:
    return GaugeMetricFamily(f"fxticker_recorder_{name}", text, labels=labels)
