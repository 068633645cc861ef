"""The last ticks of each pair, from the newest segments alone."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime

import numpy as np
import pyarrow as pa

from fxticker.model.records import TimeBasis
from fxticker.store.arrow import filter_rows, is_in, microseconds, take, text_codes, to_int64
from fxticker.store.read_span import month_of, with_source
from fxticker.store.segment_file import SegmentSummary
from fxticker.store.segments import SegmentName, SegmentTable

LOOK_BACK_MONTHS = 12
"""In how many of a source's newest months to look for a pair that it no longer shows. What looking costs then depends
on this and not on the size of the store. Months without ticks do not count, so that a wrong clock's lone tick from the
far future hides nothing."""
_REST_OF_DAY_US = 86_400_000_000 - 1


def read_last(
    table: SegmentTable,
    source: str,
    *,
    upto: datetime | None = None,
    pairs: Collection[str] | None = None,
    as_of: datetime | None = None,
) -> pa.Table | None:
    """All rows of each pair of a source at the pair's last instant; null if there are none.

    Parameters
    ----------
    table
        The ticks.
    source
        Whose.
    upto
        Only ticks not later than this; a tick of which only the date is known counts from the end of its day on.
    pairs
        Only these.
    as_of
        Only rows that were recorded by then.

    Returns
    -------
    pyarrow.Table
        With `source` before the table's columns, in no order. A pair that is in none of the last twelve months for
        which the source has ticks, that of `upto` included, is left out.
    """
    held: pa.Table | None = None
    months_left = LOOK_BACK_MONTHS
    for month in reversed(table.months(source)):
        if not months_left:
            break
        if upto is None or month <= month_of(upto):
            segments = table.segments(source, month)
            months_left -= bool(segments)
            for segment, summary in _farthest_first(table, segments, held, pairs):
                if _may_add(summary, held, pairs):
                    found = _kept(table.open(segment).read(), upto=upto, pairs=pairs, as_of=as_of)
                    if found.num_rows:
                        held = _at_last_instants(found if held is None else pa.concat_tables([held, found]))
    return None if held is None else with_source(held, source)


def _farthest_first(
    table: SegmentTable, segments: Sequence[SegmentName], held: pa.Table | None, pairs: Collection[str] | None
) -> list[tuple[SegmentName, SegmentSummary]]:
    """A month's segments, the one that reaches farthest first; none if all its pairs are held from later months."""
    if not segments:
        return []
    newest = table.summary(segments[-1])
    shown = newest.month_series
    if held is not None and shown is not None and not _wanted(shown, pairs) - {*held.column("pair").to_pylist()}:
        return []
    found = [*((segment, table.summary(segment)) for segment in segments[:-1]), (segments[-1], newest)]
    return sorted(found, key=lambda item: item[1].last, reverse=True)


def _may_add(summary: SegmentSummary, held: pa.Table | None, pairs: Collection[str] | None) -> bool:
    """Whether a segment may hold a later tick, or one as late, of any pair than those held."""
    if held is None:
        return True
    last = dict(zip(held.column("pair").to_pylist(), to_int64(held.column("observed_at")).tolist(), strict=True))
    return any(pair not in last or summary.last >= last[pair] for pair in _wanted(summary.series, pairs))


def _wanted(shown: Collection[str], pairs: Collection[str] | None) -> set[str]:
    return {*shown} if pairs is None else {*shown} & {*pairs}


def _kept(rows: pa.Table, *, upto: datetime | None, pairs: Collection[str] | None, as_of: datetime | None) -> pa.Table:
    kept = np.ones(rows.num_rows, bool)
    if upto is not None:
        is_date = is_in(rows.column("time_basis"), [TimeBasis.DATE])
        kept &= to_int64(rows.column("observed_at")) + is_date * _REST_OF_DAY_US <= microseconds(upto)
    if pairs is not None:
        kept &= is_in(rows.column("pair"), pairs)
    if as_of is not None:
        kept &= to_int64(rows.column("recorded_at")) <= microseconds(as_of)
    return filter_rows(rows, kept)


def _at_last_instants(rows: pa.Table) -> pa.Table:
    vocabulary: dict[str | None, int] = {}
    codes, at = text_codes(rows.column("pair"), vocabulary), to_int64(rows.column("observed_at"))
    last = np.full(len(vocabulary), np.iinfo(np.int64).min)
    np.maximum.at(last, codes, at)
    return take(rows, np.flatnonzero(at == last[codes]))
