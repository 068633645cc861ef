"""Readers for those that record and watch: they go on beside files that are no segments, and beside damaged segments.

What they leave out is noted in the table's `damage`; `recorded_rows` alone refuses a damaged segment. Readers of ticks
for people refuse all such files by name.
"""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Callable, Collection, Iterator, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import TypeVar

import numpy as np
import pyarrow as pa

from fxticker.errors import SegmentUnreadable
from fxticker.model.timestamps import END_OF_TIME, MICROSECOND
from fxticker.store.arrow import filter_rows, instant_of, microseconds, to_int64
from fxticker.store.backend import StorageBackend, StoredObject
from fxticker.store.damage import DamagedSegment, is_damage
from fxticker.store.read_span import Span, month_of
from fxticker.store.segment_name import SegmentName, segment_name
from fxticker.store.segment_summary import SegmentSummary
from fxticker.store.segments import SegmentTable

_LAST_OF_DAY = timedelta(days=1) - MICROSECOND
_Result = TypeVar("_Result")


def planned_slots(polls: SegmentTable, source: str, upto: datetime) -> Iterator[datetime]:
    """Yield the recorded slots of a source's grid up to an instant: see `Store.planned_slots`."""
    for month in reversed(polls.months(source)):
        parts = [np.zeros(0, np.int64), *(part for part in _slots(polls, source, month) if part is not None)]
        slots = np.sort(np.concatenate(parts))
        kept = slots[(slots % 1_000_000 == 0) & (slots <= microseconds(upto))]
        for slot in kept[::-1].tolist():
            yield instant_of(slot)


def damaged_spans(polls: SegmentTable, source: str, start: datetime, upto: datetime) -> list[Span]:
    """Return the spans, in the months from one instant to another, whose slots a damaged segment may hold.

    A segment whose slots cannot be read may hold any from the begin of its month up to the first one in the segment
    after it, as segments are filled one after the other. Its own footer is not trusted.

    Raises
    ------
    SegmentUnreadable
        If a segment cannot be read for another reason than its bytes.
    """
    spans = []
    for month in polls.months(source):
        if month_of(start) <= month <= month_of(upto):
            begin = datetime.strptime(f"{month}+0000", "%Y-%m%z")
            last = begin.replace(day=monthrange(begin.year, begin.month)[1]) + _LAST_OF_DAY
            end = min(upto, last, END_OF_TIME - MICROSECOND) + MICROSECOND
            for slots in reversed(_slots(polls, source, month)):
                if slots is None:
                    spans.append(Span(begin, max(begin, end)))
                elif len(slots):
                    end = min(end, instant_of(int(slots.min())))
    return spans


def _slots(polls: SegmentTable, source: str, month: str) -> list[np.ndarray | None]:
    """The slots of each segment of a month, in microseconds since the epoch; None where they are damaged."""
    return [
        None if rows is None else to_int64(rows.column("slot"))
        for item, segment in polls.recorded(source, month)
        for rows in [unless_damaged(polls, item, partial(_read_slots, polls, segment))]
    ]


def _read_slots(polls: SegmentTable, segment: SegmentName) -> pa.Table:
    return polls.open(segment).read(["slot"])


def recorded_rows(table: SegmentTable, source: str, span: Span) -> pa.Table:
    """Return the rows of a source in a bounded span, in the order of files.

    Raises
    ------
    SegmentUnreadable
        If a segment of the span is damaged.
    """
    assert span.start is not None
    assert span.end is not None
    months = [month for month in table.months(source) if month_of(span.start) <= month <= month_of(span.end)]
    parts = [pa.Table.from_batches([], table.spec.schema)]
    for _, segment in (item for month in months for item in table.recorded(source, month)):
        file = table.open(segment)
        if span.overlaps(file.summary):
            rows = file.read()
            parts.append(filter_rows(rows, span.within(to_int64(rows.column(table.spec.time_column)))))
    return pa.concat_tables(parts)


def rows_beside_damage(
    table: SegmentTable,
    source: str,
    span: Span,
    *,
    columns: Sequence[str] | None = None,
    series: Collection[str] | None = None,
) -> Iterator[pa.Table]:
    """Yield the rows of a source in a span, segment by segment; what damaged segments hold is left out.

    Parameters
    ----------
    table, source, span
        Which rows.
    columns
        Only these; all by default.
    series
        Only segments with a row of one of these; all by default.

    Raises
    ------
    SegmentUnreadable
        If a segment cannot be read for another reason than its bytes.
    """
    for item, segment in table.recorded(source):
        if span.may_hold(segment):
            rows = unless_damaged(table, item, partial(_rows_in, table, segment, span, columns, series))
            if rows is not None:
                yield rows


def _rows_in(
    table: SegmentTable,
    segment: SegmentName,
    span: Span,
    columns: Sequence[str] | None,
    series: Collection[str] | None,
) -> pa.Table | None:
    """The rows of a segment in a span; None, without reading them, if there are none."""
    file = table.open(segment)
    has_series = series is None or bool({*file.summary.series} & {*series})
    if not (has_series and span.overlaps(file.summary)):
        return None
    rows = file.read(columns)
    return filter_rows(rows, span.within(to_int64(rows.column(table.spec.time_column))))


def damaged_segments(tables: Sequence[SegmentTable], source: str, *, search: bool = False) -> list[DamagedSegment]:
    """Return the damaged segments of a source that recording came upon and that are still there.

    Parameters
    ----------
    tables
        The tables of a store.
    source
        Id of the source.
    search
        Whether to look at the end of each of its files first. A damaged page in the middle of a file is found when its
        rows are read, as `check` does.

    Raises
    ------
    SegmentUnreadable
        If a folder cannot be listed, or a file cannot be read for another reason than its bytes.
    """
    return [item for table in tables for item in _damaged(table, source, search=search)]


def stray_files(backend: StorageBackend, tables: Sequence[SegmentTable]) -> list[str]:
    """Return the names of files in tables that are no segments, sorted: writers ignore them, readers do not.

    Raises
    ------
    SegmentUnreadable
        If a folder cannot be listed.
    """
    names = [(item.name, table.spec.name) for table in tables for item in backend.list(table.spec.name)]
    return sorted(name for name, table in names if segment_name(name, table) is None)


def _damaged(table: SegmentTable, source: str, *, search: bool) -> list[DamagedSegment]:
    if search:
        for month in table.months(source):
            objects = table.recorded(source, month)
            for item, segment in objects:
                is_left = item is not objects[-1][0]
                unless_damaged(table, item, partial(_look_at, table, segment, is_left=is_left))
    prefix = f"{table.spec.name}/source={source}/"
    noted = [found for found in table.damage.damaged() if found.name.startswith(prefix)]
    present = {item.name: item.version for item, _ in (table.recorded(source) if noted else [])}
    for vanished in (found for found in noted if present.get(found.name) != found.version):
        table.damage.forget(vanished.name)
    return [found for found in noted if present.get(found.name) == found.version]


def _look_at(table: SegmentTable, segment: SegmentName, *, is_left: bool) -> SegmentSummary:
    """Read the summary, and all rows of an open segment that was left for a later one: it had been damaged."""
    summary = table.summary(segment)
    if is_left and not summary.sealed:
        table.open(segment).verified()
    return summary


def unless_damaged(table: SegmentTable, item: StoredObject, read: Callable[[], _Result]) -> _Result | None:
    """Return the result of reading a segment; None if its bytes are damaged, which is noted.

    Raises
    ------
    SegmentUnreadable
        If it cannot be read for another reason.
    """
    try:
        return read()
    except SegmentUnreadable as error:
        if not is_damage(error):
            raise
        table.damage.note(item, error)
        return None
