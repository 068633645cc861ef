"""Reader of the last ticks of each pair, from a source's newest segments alone."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from datetime import datetime

import numpy as np
import pyarrow as pa

from fxticker.model.records import TimeBasis
from fxticker.store.arrow import filter_rows, is_in, microseconds, take, text_codes, to_int64, used_texts
from fxticker.store.backend import Version
from fxticker.store.read_retractions import NOTHING_RETRACTED, Retracted
from fxticker.store.read_span import by_last, matching, month_of, with_source
from fxticker.store.segment_file import SegmentFile
from fxticker.store.segment_summary import SegmentSummary
from fxticker.store.segments import SegmentName, SegmentTable

LOOK_BACK_MONTHS = 12
"""How many of a source's newest months are searched for a pair that it no longer shows: the cost of a search then
depends on this and not on the size of the store. Months without ticks do not count, so that a single tick that a wrong
clock stored in the far future does not hide older ones."""
_REST_OF_DAY_US = 86_400_000_000 - 1
"""From the first to the last microsecond of a day."""
_Listed = list[tuple[SegmentName, Version]]
_END_ROWS = 1000
"""Rows of a segment's end in which all of its pairs mostly are."""


def read_last(
    table: SegmentTable,
    source: str,
    *,
    upto: datetime | None = None,
    dated_upto: datetime | None = None,
    pairs: Collection[str] | None = None,
    as_of: datetime | None = None,
    retracted: Retracted = NOTHING_RETRACTED,
) -> pa.Table | None:
    """Return all rows of each pair of a source at the pair's last instant.

    Parameters
    ----------
    table
        The table of ticks.
    source
        Id of the source.
    upto
        Only ticks not later than this instant.
    dated_upto
        The same for ticks of which only the date is known, which count from the end of their day; `upto` by default.
    pairs
        Only these pairs; all by default.
    as_of
        Only rows recorded at or before this instant.
    retracted
        Ticks that are left out.

    Returns
    -------
    pyarrow.Table or None
        Columns `source` and those of the table, in no particular order of rows; None if no row matches. A pair that is
        in none of the last twelve months for which the source has ticks, that of `upto` included, is left out.

    Raises
    ------
    SegmentUnreadable
        If a segment that has to be read is damaged.
    """
    last: pa.Table | None = None
    instants: dict[str, int] = {}
    may_be_known = upto is None and as_of is None and source not in retracted.identities
    limit = None if upto is None else (microseconds(upto), microseconds(dated_upto or upto))
    for segments in _newest_months(table, source, max(filter(None, (upto, dated_upto)), default=None)):
        if last is not None and _has_all_pairs(instants, table.summary(*segments[-1]).month_series, pairs):
            continue
        versions = dict(segments)
        for segment, summary in by_last((segment, table.summary(segment, version)) for segment, version in segments):
            if last is None or _may_change(instants, summary, pairs):
                if may_be_known:
                    rows = table.known(segment, versions[segment], _last_of_all)
                else:
                    rows = retracted.without(source, table.open(segment).read())
                kept = matching(rows, pairs, as_of)
                rows = filter_rows(rows, kept if limit is None else kept & _is_by(rows, *limit))
                if rows.num_rows:
                    found = _at_last_instants(_ending(rows, summary.series))
                    last = found if last is None else _at_last_instants(pa.concat_tables([last, found]))
                    instants = _instants_of(last)
    return None if last is None else with_source(last, source)


def _last_of_all(segment: SegmentFile) -> pa.Table:
    """Return the rows at the last instant of each pair of a segment."""
    return _at_last_instants(_ending(segment.read(), segment.summary.series))


def _newest_months(table: SegmentTable, source: str, upto: datetime | None) -> Iterator[_Listed]:
    """Yield the segments of a source's newest months up to an instant, month by month, the newest month first."""
    months_left = LOOK_BACK_MONTHS
    for month in reversed(table.months(source)):
        if months_left and (upto is None or month <= month_of(upto)) and (segments := table.versions(source, month)):
            months_left -= 1
            yield segments


def _has_all_pairs(instants: dict[str, int], month_pairs: Sequence[str] | None, pairs: Collection[str] | None) -> bool:
    """Whether all wanted pairs of a month are in later months; not if the month's pairs are unknown."""
    return month_pairs is not None and _wanted(month_pairs, pairs) <= instants.keys()


def _may_change(instants: dict[str, int], summary: SegmentSummary, pairs: Collection[str] | None) -> bool:
    """Whether a segment may have a row of a wanted pair as late as the pair's last known instant, or later."""
    return any(pair not in instants or summary.last >= instants[pair] for pair in _wanted(summary.series, pairs))


def _instants_of(last: pa.Table) -> dict[str, int]:
    """The instant of each pair, in microseconds."""
    return dict(zip(last.column("pair").to_pylist(), to_int64(last.column("observed_at")).tolist(), strict=True))


def _wanted(present: Collection[str], pairs: Collection[str] | None) -> set[str]:
    return {*present} if pairs is None else {*present} & {*pairs}


def _is_by(rows: pa.Table, upto: int, dated_upto: int) -> np.ndarray:
    """Which ticks are not later than an instant, in microseconds; a date counts from the end of its day."""
    is_date = is_in(rows.column("time_basis"), [TimeBasis.DATE])
    observed_at = to_int64(rows.column("observed_at"))
    result: np.ndarray = np.where(is_date, observed_at + _REST_OF_DAY_US <= dated_upto, observed_at <= upto)
    return result


def _ending(rows: pa.Table, pairs: Sequence[str]) -> pa.Table:
    """The last rows alone if they are in the order of time and have all pairs of the segment; else all rows."""
    instants, count = to_int64(rows.column("observed_at")), max(_END_ROWS, 2 * len(pairs))
    if len(instants) <= count or (instants[1:] < instants[:-1]).any():
        return rows
    end = rows.slice(int(np.searchsorted(instants, instants[-count])))  # with all rows of its first instant
    return end if {*pairs} <= {*used_texts(end.column("pair"))} else rows


def _at_last_instants(rows: pa.Table) -> pa.Table:
    """The rows at the last instant of their pair."""
    vocabulary: dict[str | None, int] = {}
    codes, instants = text_codes(rows.column("pair"), vocabulary), to_int64(rows.column("observed_at"))
    last = np.full(len(vocabulary), np.iinfo(np.int64).min)
    np.maximum.at(last, codes, instants)
    return take(rows, np.flatnonzero(instants == last[codes]))
