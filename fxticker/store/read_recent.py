"""Reader of recent polls and recent changes of pairs, from the newest segments alone and without pandas."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from fractions import Fraction
from operator import attrgetter

import numpy as np
import pyarrow as pa

from fxticker.model.bands import rate_band
from fxticker.model.printed import InvalidNumber
from fxticker.model.records import Origin, Outcome, Poll
from fxticker.model.timestamps import MICROSECOND
from fxticker.store.arrow import (
    doubles,
    filter_rows,
    instant_of,
    is_in,
    microseconds,
    records_of,
    text_codes,
    to_int64,
)
from fxticker.store.check import QUARANTINE
from fxticker.store.evidence import EVIDENCE
from fxticker.store.read_retractions import Retracted
from fxticker.store.read_span import Span, latest_first, month_of
from fxticker.store.rejected import REJECTED
from fxticker.store.segment_summary import SegmentSummary
from fxticker.store.segments import SegmentName, SegmentTable
from fxticker.store.store import Store

DAY = timedelta(days=1)
LOOK_BACK = timedelta(days=31)
"""How far back a change of a pair is searched: a rate without a change for a month deserves a person's attention."""
MAX_SEGMENTS = 24
"""Segments searched at most, so that a search takes a tenth of a second whatever the store's size: 24 months at a poll
every 15 min, and nearly 2 weeks at a poll a second."""
_TICK_COLUMNS = ("pair", "observed_at", "rate", "rate_text", "change_text", "origin")


@dataclass(frozen=True, slots=True)
class PairSeen:
    """A pair as recent live polls observed it.

    Attributes
    ----------
    pair
        ``"KZT/USD"``.
    rate, rate_text
        The newest rate, per one unit of base, and as printed.
    seen_at
        When that was observed.
    changed_at
        The last instant at which the printed rate or percentage differed from the one before; None if there was no
        change in the searched time.
    first_at
        When the pair was first observed in the part of that time that had to be searched: all of it if nothing changed.
    """

    pair: str
    rate: float
    rate_text: str
    seen_at: datetime
    changed_at: datetime | None
    first_at: datetime

    @property
    def nominal(self) -> int:
        """Units of base that the text is for: they follow from the rate; 1 for a text that is no rate."""
        try:
            printed = rate_band(self.rate_text).middle
        except InvalidNumber:
            return 1
        return max(round(printed / Fraction(self.rate)), 1)


@dataclass(frozen=True, slots=True)
class Recent:
    """Recent polls and pairs of a source.

    Attributes
    ----------
    polls
        Sorted by slot: those of the last 24 h and the last one before, with slot, outcome, ticks and detail.
    last_ok, last_stale
        The last slots with these outcomes; None if none was found.
    pairs
        Those observed in the searched time, sorted by pair.
    changes_since
        Start of the time searched for changes.
    unchanged_since
        Since when every pair is what it is now, within the searched time; None if no pair was observed.
    """

    polls: Sequence[Poll]
    last_ok: datetime | None
    last_stale: datetime | None
    pairs: Sequence[PairSeen]
    changes_since: datetime
    unchanged_since: datetime | None = None


@dataclass(frozen=True, slots=True)
class _Trail:
    """A pair in a stretch of time, with rate and percentage as printed at its beginning and at its end."""

    seen: PairSeen
    first: tuple[str | None, str | None]
    last: tuple[str | None, str | None]


def read_recent(store: Store, source: str, now: datetime, *, max_segments: int = MAX_SEGMENTS) -> Recent:
    """Return recent polls and changes of a source, from its newest segments alone.

    Parameters
    ----------
    store
        An open store.
    source
        Id of the source.
    now
        The instant to look back from: 24 hours at polls, 31 days at ticks of live polls. The last successful and the
        last stale poll are searched in earlier segments too.
    max_segments
        Segments of polls, and of ticks, to search at most.

    Raises
    ------
    SegmentUnreadable
        If a segment that has to be read is damaged. Files that are no segments are left out.
    """
    polls, last_ok, last_stale = _recent_polls(store.polls, source, now, max_segments)
    segments, span = _segments_to_search(store.ticks, source, now, max_segments)
    retracted = store.retracted(sources=[source], span=span, beside_damage=True)
    pairs = _recent_pairs(store.ticks, segments, span, retracted)
    unchanged_since = max((pair.changed_at or pair.first_at for pair in pairs), default=None)
    assert span.start is not None
    return Recent(polls, last_ok, last_stale, pairs, span.start, unchanged_since)


def last_successful_slot(
    store: Store, source: str, now: datetime, *, max_segments: int = MAX_SEGMENTS
) -> datetime | None:
    """Return the slot of the last successful poll of a source; None if none is in its newest segments.

    Raises
    ------
    SegmentUnreadable
        As `read_recent`.
    """
    return _recent_polls(store.polls, source, now, max_segments)[1]


def stored_bytes(store: Store) -> int:
    """Return the size of all files of the store."""
    folders = (*(table.spec.name for table in store.tables), EVIDENCE, REJECTED, QUARANTINE)
    return sum(item.size_bytes for folder in folders for item in store.backend.list(folder))


def _recent_polls(
    table: SegmentTable, source: str, now: datetime, max_segments: int
) -> tuple[list[Poll], datetime | None, datetime | None]:
    """The polls of the last 24 h and the last one before, and the last slots with outcome `ok` and `stale`."""
    parts: list[pa.Table] = []
    last_ok = last_stale = before = None
    day_before = microseconds(now - DAY)
    for segment, summary in latest_first(table, [segment for _, segment in table.recorded(source)])[:max_segments]:
        if last_ok is not None and before is not None and summary.last <= min(last_ok, before):
            break
        rows = table.open(segment).read(["slot", "outcome", "ticks", "detail"])
        slots = to_int64(rows.column("slot"))
        last_ok = _latest(last_ok, slots[is_in(rows.column("outcome"), [Outcome.OK])])
        last_stale = _latest(last_stale, slots[is_in(rows.column("outcome"), [Outcome.STALE])])
        before = _latest(before, slots[slots <= day_before])
        parts.append(filter_rows(rows, (slots > day_before) | (slots == before)))
    polls = [
        Poll(source, row["slot"], Outcome(row["outcome"]), ticks=row["ticks"], detail=row["detail"])
        for part in parts
        for row in records_of(part)
    ]
    return sorted(polls, key=attrgetter("slot")), _instant(last_ok), _instant(last_stale)


def _segments_to_search(
    table: SegmentTable, source: str, now: datetime, max_segments: int
) -> tuple[list[tuple[SegmentName, SegmentSummary]], Span]:
    """The newest segments with ticks of the last `LOOK_BACK`, the latest first, and the span that they cover whole."""
    span = Span(now - LOOK_BACK, now + MICROSECOND)
    months = [month for month in table.months(source) if month_of(now - LOOK_BACK) <= month <= month_of(now)]
    segments = [segment for month in months for _, segment in table.recorded(source, month)]
    overlapping = [item for item in latest_first(table, segments) if span.overlaps(item[1])]
    if len(overlapping) > max_segments:
        span = Span(_instant(overlapping[max_segments][1].last), span.end)
    return overlapping[:max_segments], span


def _recent_pairs(
    table: SegmentTable, segments: Sequence[tuple[SegmentName, SegmentSummary]], span: Span, retracted: Retracted
) -> list[PairSeen]:
    """The pairs of live polls of a span; the search ends once the last change of each pair is known."""
    trails: dict[str, _Trail] = {}
    for position, (segment, _) in enumerate(segments):
        pairs_left = {pair for _, summary in segments[position:] for pair in summary.series}
        if all(pair in trails and trails[pair].seen.changed_at is not None for pair in pairs_left):
            break
        # One segment at a time: the rows of a month would double the memory of a daemon.
        rows = retracted.without(segment.source, table.open(segment).read(_TICK_COLUMNS))
        for trail in _trails(rows, span):
            later = trails.get(trail.seen.pair)
            trails[trail.seen.pair] = trail if later is None else _joined(trail, later)
    return [trails[pair].seen for pair in sorted(trails)]


def _trails(rows: pa.Table, span: Span) -> Iterator[_Trail]:
    """The trail of each pair that live polls observed in a span, among the rows of one segment."""
    instants = to_int64(rows.column("observed_at"))
    kept = span.within(instants) & is_in(rows.column("origin"), [Origin.LIVE])
    pairs: dict[str | None, int] = {}
    rates: dict[str | None, int] = {}
    changes: dict[str | None, int] = {}
    pair_codes = text_codes(rows.column("pair"), pairs)
    rate_codes = text_codes(rows.column("rate_text"), rates)
    change_codes = text_codes(rows.column("change_text"), changes)
    rate_texts, change_texts, values = list(rates), list(changes), doubles(rows.column("rate"))
    for pair, code in pairs.items():
        positions = np.flatnonzero(kept & (pair_codes == code))
        if pair is None or not len(positions):
            continue
        positions = positions[np.argsort(instants[positions], kind="stable")]
        differs = (np.diff(rate_codes[positions]) != 0) | (np.diff(change_codes[positions]) != 0)
        changed_at = instants[positions[1:][differs]]
        first, last = positions[0], positions[-1]
        seen = PairSeen(
            pair,
            float(values[last]),
            str(rate_texts[rate_codes[last]]),
            instant_of(int(instants[last])),
            _instant(int(changed_at[-1])) if len(changed_at) else None,
            instant_of(int(instants[first])),
        )
        printed = [(rate_texts[rate_codes[end]], change_texts[change_codes[end]]) for end in (first, last)]
        yield _Trail(seen, printed[0], printed[1])


def _joined(trail: _Trail, later: _Trail) -> _Trail:
    """Two trails of a pair, one after the other, as one."""
    between = later.seen.first_at if trail.last != later.first else trail.seen.changed_at
    seen = replace(later.seen, changed_at=later.seen.changed_at or between, first_at=trail.seen.first_at)
    return _Trail(seen, trail.first, later.last)


def _instant(value_us: int | None) -> datetime | None:
    return None if value_us is None else instant_of(value_us)


def _latest(known: int | None, instants: np.ndarray) -> int | None:
    """The latest of some instants and a known one."""
    if not len(instants):
        return known
    latest = int(instants.max())
    return latest if known is None else max(known, latest)
