"""Rows of a table in a span of time: months outside it are not opened, segments outside it not read."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

import numpy as np
import pyarrow as pa

from fxticker.store.arrow import array_of, filter_rows, microseconds, to_int64
from fxticker.store.segment_file import SegmentSummary
from fxticker.store.segments import SegmentName, SegmentTable

SOURCE = pa.field("source", pa.dictionary(pa.int32(), pa.string()), nullable=False)


@dataclass(frozen=True, slots=True)
class Span:
    """A half-open span of a table's time column, aware UTC; null has no bound."""

    start: datetime | None = None
    end: datetime | None = None

    def may_hold(self, segment: SegmentName) -> bool:
        """Whether the segment's month, as its name says it, overlaps the span."""
        after_start = self.start is None or segment.month >= month_of(self.start)
        return after_start and (self.end is None or segment.month < _month_behind(self.end))

    def overlaps(self, summary: SegmentSummary) -> bool:
        """Whether the segment's rows, as its footer says it, reach into the span."""
        after_start = self.start is None or summary.last >= microseconds(self.start)
        return after_start and (self.end is None or summary.first < microseconds(self.end))

    def within(self, at: np.ndarray) -> np.ndarray:
        """Which instants, in microseconds since the epoch, lie in the span."""
        kept = np.ones(len(at), bool)
        if self.start is not None:
            kept &= at >= microseconds(self.start)
        if self.end is not None:
            kept &= at < microseconds(self.end)
        return kept


ALL_TIME = Span()


def read_span(table: SegmentTable, *, sources: Collection[str] | None = None, span: Span = ALL_TIME) -> pa.Table:
    """The rows of a table, `source` before its own columns, in the order of files.

    Parameters
    ----------
    table
        Ticks or polls.
    sources
        Only these.
    span
        Only rows in it.

    Raises
    ------
    SegmentUnreadable
        If a file of the span is damaged, or any file is no segment.
    """
    parts = []
    for segment in segments_of(table, sources, span):
        file = table.open(segment)
        if span.overlaps(file.summary):
            rows = file.read()
            kept = span.within(to_int64(rows.column(table.spec.time_column)))
            parts.append(with_source(filter_rows(rows, kept), segment.source))
    # an empty_table() of the schema would import pandas
    return pa.concat_tables(parts) if parts else with_source(pa.Table.from_batches([], table.spec.schema), "")


def segments_of(table: SegmentTable, sources: Collection[str] | None, span: Span) -> list[SegmentName]:
    """The segments that may hold rows of some sources in a span, by their names alone.

    Raises
    ------
    SegmentUnreadable
        If any file of the table is no segment.
    """
    held = table.segments()
    return [segment for segment in held if (sources is None or segment.source in sources) and span.may_hold(segment)]


def with_source(rows: pa.Table, source: str) -> pa.Table:
    """The rows with a first column that names their source."""
    column = pa.DictionaryArray.from_arrays(array_of([0] * rows.num_rows, pa.int32()), array_of([source], pa.string()))
    return rows.add_column(0, SOURCE, column)


def month_of(instant: datetime) -> str:
    """The partition of an aware UTC instant, ``"2025-11"``."""
    return f"{instant.year:04}-{instant.month:02}"


def _month_behind(end: datetime) -> str:
    """Something that sorts behind every month that begins before an instant, and before all others."""
    begins_there = end == end.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    return month_of(end) + ("" if begins_there else "~")
