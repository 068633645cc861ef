"""Store families: metrics of sources and pairs as the store has them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from prometheus_client.core import GaugeMetricFamily, Metric

from fxticker.model.bands import Band, rate_band
from fxticker.sources.registry import ScheduledSource
from fxticker.store.backend import FreeSpace
from fxticker.store.read_recent import PairSeen, Recent


@dataclass(frozen=True, slots=True)
class SourceReading:
    """A source and what the store holds of it.

    Attributes
    ----------
    recent
        `None` if the store cannot be read.
    reason
        Why the source is not healthy, in one line; `None` if it is.
    """

    scheduled: ScheduledSource
    recent: Recent | None
    reason: str | None


def families_of_sources(readings: Sequence[SourceReading], next_slots: Mapping[str, datetime]) -> Iterator[Metric]:
    """Metrics of sources; those of the store are left out for a source whose files cannot be read."""
    healthy = _gauge("source_healthy", "Whether a source is healthy (1), as `fxticker status` judges it.", "source")
    next_slot = _gauge("next_slot_timestamp_seconds", "The next slot that will be polled.", "source")
    last_ok = _gauge("last_ok_timestamp_seconds", "The slot of the last successful poll; 0 if none is known.", "source")
    for reading in readings:
        source = reading.scheduled.source.id
        healthy.add_metric([source], float(reading.reason is None))
        following = next_slots.get(source)
        if following is not None:
            next_slot.add_metric([source], following.timestamp())
        if reading.recent is not None:
            last_ok.add_metric([source], 0 if reading.recent.last_ok is None else reading.recent.last_ok.timestamp())
    yield from (healthy, next_slot, last_ok)
    yield from _families_of_pairs(
        [
            (reading.scheduled.source.id, pair)
            for reading in readings
            if reading.recent is not None
            for pair in reading.recent.pairs
        ]
    )


def families_of_space(size_bytes: int | None, free: FreeSpace | None) -> Iterator[Metric]:
    """Metrics of the store's size and of what is free for it; those that are not known are left out."""
    if size_bytes is not None:
        yield GaugeMetricFamily("fxticker_store_bytes", "Size of the store's files.", size_bytes)
    if free is not None:
        yield GaugeMetricFamily("fxticker_store_free_bytes", "Free bytes where the store is.", free.bytes)
    if free is not None and free.inodes is not None:
        yield GaugeMetricFamily("fxticker_store_free_inodes", "Free file entries where the store is.", free.inodes)


def _families_of_pairs(pairs: Sequence[tuple[str, PairSeen]]) -> Sequence[Metric]:
    rate = _gauge("rate", "Units of quote for one unit of base, as last seen.", "source", "pair")
    low = _gauge("rate_lo", "Lower end of what the printed digits of the rate allow.", "source", "pair")
    high = _gauge("rate_hi", "Upper end of what the printed digits of the rate allow.", "source", "pair")
    seen = _gauge("last_seen_timestamp_seconds", "When the pair was last seen.", "source", "pair")
    changed = _gauge(
        "last_change_timestamp_seconds",
        "When its rate or percentage last changed; if not within a month, when it was first seen in that time.",
        "source",
        "pair",
    )
    for source, pair in pairs:
        band = _band(pair)
        rate.add_metric([source, pair.pair], pair.rate)
        low.add_metric([source, pair.pair], float(band.lo))
        high.add_metric([source, pair.pair], float(band.hi))
        seen.add_metric([source, pair.pair], pair.seen_at.timestamp())
        changed.add_metric([source, pair.pair], (pair.changed_at or pair.first_at).timestamp())
    return rate, low, high, seen, changed


def _band(pair: PairSeen) -> Band:
    """The band of a rate per one unit of base."""
    return rate_band(pair.rate_text, pair.nominal)


def _gauge(name: str, description: str, *labels: str) -> GaugeMetricFamily:
    return GaugeMetricFamily(f"fxticker_{name}", description, labels=labels)
