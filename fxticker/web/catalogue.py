"""Catalogue: which sources and pairs a store has, from the ends of its files, and a version that names its content."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from fxticker.model.pairs import currencies_of
from fxticker.sources.age_limits import TICKER, TICKER_HOLDS_DAYS
from fxticker.store.arrow import instant_of
from fxticker.store.backend import StoredObject
from fxticker.store.read_span import Span
from fxticker.store.segment_name import SegmentName
from fxticker.store.segment_summary import SegmentSummary
from fxticker.store.store import Store

_DAY = timedelta(days=1)
_REACH = timedelta(days=TICKER_HOLDS_DAYS + 2)
_FIRST_DAY = date(1900, 1, 1)
"""Days before it have no rate; arithmetic with them would leave the calendar."""


@dataclass(frozen=True, slots=True)
class Listed:
    """A segment with what its listing and its end state.

    Attributes
    ----------
    item
        Name, size and version of its file.
    segment
        Its source, month and number.
    summary
        Its rows, first and last instant, and pairs.
    """

    item: StoredObject
    segment: SegmentName
    summary: SegmentSummary


@dataclass(frozen=True, slots=True)
class Stored:
    """What a store has of one source.

    Attributes
    ----------
    pairs
        As stored, sorted.
    first, last
        Earliest and latest instant of its ticks, aware UTC.
    """

    pairs: tuple[str, ...]
    first: datetime
    last: datetime

    @property
    def currencies(self) -> tuple[str, ...]:
        """The currencies of its pairs, sorted."""
        return tuple(sorted({currency for pair in self.pairs for currency in currencies_of(pair)}))


@dataclass(frozen=True, slots=True)
class Catalogue:
    """What a store has.

    Attributes
    ----------
    ticks
        Segments of ticks that have rows, in the order of their names.
    retractions
        The files of retractions.
    sources
        What the store has of each source, by id.
    version
        Differs whenever a file of ticks, polls or retractions is added, replaced or removed.
    """

    ticks: tuple[Listed, ...]
    retractions: tuple[StoredObject, ...]
    sources: Mapping[str, Stored]
    version: str

    @property
    def currencies(self) -> frozenset[str]:
        """All currencies of the stored pairs."""
        return frozenset(currency for stored in self.sources.values() for currency in stored.currencies)

    def version_of(self, first: date, last: date) -> str:
        """Return what differs whenever a file is replaced or added from which rates of some days may follow.

        Of the ticker these are the files of those days and of some days before them. Any file of a bank may hold a
        rate of any day: a poll can print an earlier value date.
        """
        begin = datetime.combine(max(first, _FIRST_DAY), time(), UTC) - _REACH
        span = Span(begin, datetime.combine(last, time(), UTC) + _DAY)
        chosen = [item.item for item in self.ticks if item.segment.source != TICKER or span.may_hold(item.segment)]
        return version_of([*chosen, *self.retractions])


def catalogue_of(store: Store, objects: Sequence[StoredObject], known: Catalogue | None = None) -> Catalogue:
    """Return the catalogue of a store.

    Parameters
    ----------
    store
        The store.
    objects
        Its present files: see `objects_of`.
    known
        An earlier catalogue; the ends of files that are the same are not read again.

    Raises
    ------
    SegmentUnreadable
        If a file of ticks is damaged or is no segment.
    """
    before = {listed.item: listed for listed in known.ticks} if known is not None else {}
    ticks = []
    for item in objects:
        if item.name.startswith(f"{store.ticks.spec.name}/"):
            listed = before.get(item)
            if listed is None:
                segment = store.ticks.segment_of(item.name)
                listed = Listed(item, segment, store.ticks.summary(segment))
            if listed.summary.rows:
                ticks.append(listed)
    retractions = tuple(item for item in objects if item.name.startswith(f"{store.retractions.spec.name}/"))
    return Catalogue(tuple(ticks), retractions, _by_source(ticks), version_of(objects))


def objects_of(store: Store) -> list[StoredObject]:
    """Return the files of the store's tables, by name; no file is opened."""
    return [item for table in store.tables for item in store.backend.list(table.spec.name)]


def version_of(objects: Sequence[StoredObject]) -> str:
    """Return a hash of names, sizes and versions of files."""
    text = "\n".join(f"{item.name} {item.version}" for item in objects)
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def _by_source(ticks: Sequence[Listed]) -> dict[str, Stored]:
    found: dict[str, list[SegmentSummary]] = {}
    for listed in ticks:
        found.setdefault(listed.segment.source, []).append(listed.summary)
    return {
        source: Stored(
            tuple(sorted({pair for summary in summaries for pair in summary.series})),
            instant_of(min(summary.first for summary in summaries)),
            instant_of(max(summary.last for summary in summaries)),
        )
        for source, summaries in sorted(found.items())
    }
