"""Reader of the last recorded polls that match, from the newest segments alone and without pandas."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from datetime import datetime
from typing import Any

import numpy as np
import pyarrow as pa

from fxticker.store.arrow import filter_rows, is_in, records_of, take, to_int64
from fxticker.store.polls_by import polls_by
from fxticker.store.read_span import Span, latest_first
from fxticker.store.segments import SegmentTable
from fxticker.store.store import Store


def poll_log(
    store: Store,
    *,
    limit: int,
    sources: Collection[str] | None = None,
    outcomes: Collection[str] | None = None,
    start: datetime | None = None,
    end: datetime | None = None,
    as_of: datetime | None = None,
) -> list[dict[str, Any]]:
    """Return the last recorded polls that match.

    Parameters
    ----------
    store
        An open store.
    limit
        How many at most.
    sources, outcomes
        Only these; all by default.
    start, end
        Half-open span of slots, aware UTC.
    as_of
        Only outcomes that were recorded at or before this instant: see `polls_by`.

    Returns
    -------
    list
        Rows as Python values, sorted by slot and source, the newest last: ``source``, then the columns of the data
        contract.

    Raises
    ------
    SegmentUnreadable
        If a segment that has to be read is damaged.
    """
    span = Span(start, end)
    rows = [
        {"source": source, **row}
        for source in (store.polls.sources() if sources is None else sorted({*sources}))
        for row in _last_polls(store.polls, source, span, outcomes, limit, as_of)
    ]
    return sorted(rows, key=lambda row: (row["slot"], row["source"]))[-limit:]


def _last_polls(
    table: SegmentTable, source: str, span: Span, outcomes: Collection[str] | None, limit: int, as_of: datetime | None
) -> Iterator[dict[str, Any]]:
    """The last polls of a source in a span, at least `limit` if there are so many."""
    segments = [segment for segment in table.segments(source) if span.may_hold(segment)]
    count, oldest = 0, 0
    for segment, summary in latest_first(table, segments):
        if count >= limit and summary.last < oldest:
            break
        if not span.overlaps(summary):
            continue
        rows = polls_by(table.open(segment).read(), as_of)
        kept = span.within(to_int64(rows.column("slot")))
        if outcomes is not None:
            kept &= is_in(rows.column("outcome"), outcomes)
        rows = _newest_rows(filter_rows(rows, kept), limit)
        if rows.num_rows:
            first = int(to_int64(rows.column("slot")).min())
            count, oldest = count + rows.num_rows, min(oldest, first) if count else first
            yield from records_of(rows)


def _newest_rows(rows: pa.Table, limit: int) -> pa.Table:
    order = np.argsort(to_int64(rows.column("slot")), kind="stable")
    return take(rows, order[-limit:])
