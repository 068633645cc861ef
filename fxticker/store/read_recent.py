"""What polls and ticks of late say, looked up in the newest segments alone and without pandas."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from operator import attrgetter
from typing import Any

import numpy as np
import pyarrow as pa

from fxticker.model.records import Origin, Outcome, Poll
from fxticker.model.schedule import MICROSECOND
from fxticker.store.arrow import (
    doubles,
    filter_rows,
    instant_of,
    is_in,
    microseconds,
    records_of,
    take,
    text_codes,
    to_int64,
)
from fxticker.store.check import QUARANTINE
from fxticker.store.read_span import Span, month_of
from fxticker.store.segment_file import SegmentSummary
from fxticker.store.segments import SegmentName, SegmentTable
from fxticker.store.store import Store

DAY = timedelta(days=1)
LOOK_BACK = timedelta(days=31)
"""How far back a change of a pair is looked for: a month that a rate stood still is worth a look by a person."""
SEGMENTS_LOOKED_AT = 24
"""At most, so that looking takes a tenth of a second whatever the store's size: 24 months at a poll every 15 min, and
nearly 2 weeks at one a second."""


_PRINTED = ("pair", "observed_at", "rate", "rate_text", "change_text", "origin")


@dataclass(frozen=True, slots=True)
class PairSeen:
    """What live polls saw of a pair of late.

    Attributes
    ----------
    rate, rate_text
        The newest.
    seen_at
        When that was seen.
    changed_at
        The last instant at which the printed rate or percentage was another than the time before; null if none in the
        time that was looked at.
    first_at
        When it was first seen in that time, as far as that was looked for: all of it if nothing changed.
    """

    pair: str
    rate: float
    rate_text: str
    seen_at: datetime
    changed_at: datetime | None
    first_at: datetime


@dataclass(frozen=True, slots=True)
class Recent:
    """What a store holds of a source of late.

    Attributes
    ----------
    polls
        By slot: those of the last 24 h and the last one before, with slot, outcome, ticks and detail.
    last_ok, last_stale
        The last slots with these outcomes; null if none of late has it.
    pairs
        By pair, those seen of late.
    changes_since
        How far back changes were looked for.
    unchanged_since
        Since when every pair shows what it shows now, as far as was looked at; null if none was seen.
    """

    polls: Sequence[Poll]
    last_ok: datetime | None
    last_stale: datetime | None
    pairs: Sequence[PairSeen]
    changes_since: datetime
    unchanged_since: datetime | None = None


@dataclass(frozen=True, slots=True)
class _Trail:
    """What was seen of a pair in a stretch of time: rate and percentage as printed first and last, and the sum."""

    seen: PairSeen
    first: tuple[str | None, str | None]
    last: tuple[str | None, str | None]


def read_recent(store: Store, source: str, now: datetime) -> Recent:
    """What the store holds of a source of late, from its newest segments alone and without pandas.

    Parameters
    ----------
    store
        An open store.
    source
        Whose.
    now
        The instant to look back from: 24 hours at polls, 31 days at ticks of live polls. For the last sound and the
        last stale poll, the newest segments are looked at until one is found.
    """
    parts: list[pa.Table] = []
    last_ok = last_stale = before = None
    day_before = microseconds(now - DAY)
    for segment, summary in _newest_first(store.polls, store.polls.segments(source))[:SEGMENTS_LOOKED_AT]:
        if last_ok is not None and before is not None and summary.last <= min(last_ok, before):
            break
        rows = store.polls.open(segment).read(["slot", "outcome", "ticks", "detail"])
        at = to_int64(rows.column("slot"))
        last_ok = _latest(last_ok, at[is_in(rows.column("outcome"), [Outcome.OK])])
        last_stale = _latest(last_stale, at[is_in(rows.column("outcome"), [Outcome.STALE])])
        before = _latest(before, at[at <= day_before])
        parts.append(filter_rows(rows, (at > day_before) | (at == before)))
    pairs, changes_since, unchanged_since = _pairs(store.ticks, source, now)
    polls = [
        Poll(source, row["slot"], Outcome(row["outcome"]), ticks=row["ticks"], detail=row["detail"])
        for row in _records(parts)
    ]
    polls.sort(key=attrgetter("slot"))
    return Recent(polls, _instant(last_ok), _instant(last_stale), pairs, changes_since, unchanged_since)


def poll_log(
    store: Store,
    *,
    limit: int,
    sources: Collection[str] | None = None,
    outcomes: Collection[str] | None = None,
    start: datetime | None = None,
    end: datetime | None = None,
) -> list[dict[str, Any]]:
    """The last polls on record that match, made without pandas.

    Parameters
    ----------
    store
        An open store.
    limit
        How many.
    sources, outcomes
        Only these.
    start, end
        Half-open span of slots.

    Returns
    -------
    list
        The rows as Python values, by slot and source, the newest last: ``source``, then the columns of the data
        contract.
    """
    span = Span(start, end)
    found: list[dict[str, Any]] = []
    for source in store.polls.sources() if sources is None else sorted({*sources}):
        segments = [segment for segment in store.polls.segments(source) if span.may_hold(segment)]
        parts: list[pa.Table] = []
        count, oldest = 0, 0
        for segment, summary in _newest_first(store.polls, segments):
            if count >= limit and summary.last < oldest:
                break
            if span.overlaps(summary):
                rows = store.polls.open(segment).read()
                kept = span.within(to_int64(rows.column("slot")))
                if outcomes is not None:
                    kept &= is_in(rows.column("outcome"), outcomes)
                parts.append(_newest_rows(filter_rows(rows, kept), limit))
                count += parts[-1].num_rows
                oldest = min((int(to_int64(part.column("slot")).min()) for part in parts if part.num_rows), default=0)
        found.extend({"source": source, **row} for row in _records(parts))
    return sorted(found, key=lambda row: (row["slot"], row["source"]))[-limit:]


def stored_bytes(store: Store) -> int:
    """The size of all files that the store keeps."""
    folders = (store.ticks.spec.name, store.polls.spec.name, "rejected", QUARANTINE)
    return sum(item.size_bytes for folder in folders for item in store.backend.list(folder))


def _newest_first(table: SegmentTable, segments: Sequence[SegmentName]) -> list[tuple[SegmentName, SegmentSummary]]:
    """Segments with their summaries, the one that reaches farthest first; those without rows left out."""
    found = [(segment, table.summary(segment)) for segment in segments]
    return sorted((item for item in found if item[1].rows), key=lambda item: item[1].last, reverse=True)


def _pairs(table: SegmentTable, source: str, now: datetime) -> tuple[list[PairSeen], datetime, datetime | None]:
    """The pairs that live polls saw in the time that is looked at, when that begins, and since when none changed."""
    span = Span(now - LOOK_BACK, now + MICROSECOND)
    months = [month for month in table.months(source) if month_of(now - LOOK_BACK) <= month <= month_of(now)]
    segments = [segment for month in months for segment in table.segments(source, month)]
    held = [item for item in _newest_first(table, segments) if span.overlaps(item[1])]
    if len(held) > SEGMENTS_LOOKED_AT:
        span = Span(_instant(held[SEGMENTS_LOOKED_AT][1].last), span.end)
    assert span.start is not None
    trails: dict[str, _Trail] = {}
    looked_at = held[:SEGMENTS_LOOKED_AT]
    for place, (segment, _) in enumerate(looked_at):
        shown = {pair for _, summary in looked_at[place:] for pair in summary.series}
        if all(pair in trails and trails[pair].seen.changed_at is not None for pair in shown):
            break
        # One segment at a time: the rows of a month would double what a daemon takes of memory.
        for trail in _trails(table.open(segment).read(_PRINTED), span):
            later = trails.get(trail.seen.pair)
            trails[trail.seen.pair] = trail if later is None else _joined(trail, later)
    unchanged_since = max((trail.seen.changed_at or trail.seen.first_at for trail in trails.values()), default=None)
    return [trails[pair].seen for pair in sorted(trails)], span.start, unchanged_since


def _trails(rows: pa.Table, span: Span) -> list[_Trail]:
    """What the live polls of a span saw of each pair, of a segment's rows."""
    at = to_int64(rows.column("observed_at"))
    kept = span.within(at) & is_in(rows.column("origin"), [Origin.LIVE])
    pairs: dict[str | None, int] = {}
    rates: dict[str | None, int] = {}
    changes: dict[str | None, int] = {}
    of_pair = text_codes(rows.column("pair"), pairs)
    printed = text_codes(rows.column("rate_text"), rates), text_codes(rows.column("change_text"), changes)
    rate_texts, change_texts = list(rates), list(changes)
    found = []
    for pair, code in pairs.items():
        places = np.flatnonzero(kept & (of_pair == code))
        if pair is None or not len(places):
            continue
        places = places[np.argsort(at[places], kind="stable")]
        first, last = places[0], places[-1]
        differs = np.logical_or(*(np.diff(codes[places]) != 0 for codes in printed))
        changed_at = at[places[1:][differs]]
        seen = PairSeen(
            pair,
            float(doubles(rows.column("rate"))[last]),
            str(rate_texts[printed[0][last]]),
            instant_of(int(at[last])),
            _instant(int(changed_at[-1])) if len(changed_at) else None,
            instant_of(int(at[first])),
        )
        ends = [(rate_texts[printed[0][end]], change_texts[printed[1][end]]) for end in (first, last)]
        found.append(_Trail(seen, ends[0], ends[1]))
    return found


def _joined(trail: _Trail, later: _Trail) -> _Trail:
    """Two trails of a pair as one."""
    between = later.seen.first_at if trail.last != later.first else trail.seen.changed_at
    seen = replace(later.seen, changed_at=later.seen.changed_at or between, first_at=trail.seen.first_at)
    return _Trail(seen, trail.first, later.last)


def _newest_rows(rows: pa.Table, limit: int) -> pa.Table:
    order = np.argsort(to_int64(rows.column("slot")), kind="stable")
    return take(rows, order[-limit:])


def _records(parts: Sequence[pa.Table]) -> list[dict[str, Any]]:
    return [row for part in parts for row in records_of(part)]


def _instant(at: int | None) -> datetime | None:
    return None if at is None else instant_of(at)


def _latest(known: int | None, at: np.ndarray) -> int | None:
    return known if not len(at) else int(at.max()) if known is None else max(known, int(at.max()))
