"""Reader of a table's rows in a span of time: months outside it are not opened, segments outside it not read."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
import pyarrow as pa

from fxticker.store.arrow import array_of, filter_rows, is_in, microseconds, to_int64
from fxticker.store.segment_summary import SegmentSummary
from fxticker.store.segments import SegmentName, SegmentTable

SOURCE = pa.field("source", pa.dictionary(pa.int32(), pa.string()), nullable=False)


@dataclass(frozen=True, slots=True)
class Span:
    """A half-open span of a table's time column, aware UTC; None is unbounded."""

    start: datetime | None = None
    end: datetime | None = None

    def may_hold(self, segment: SegmentName) -> bool:
        """Whether the segment's month, as in its name, overlaps the span."""
        after_start = self.start is None or segment.month >= month_of(self.start)
        return after_start and (self.end is None or segment.month < _month_bound(self.end))

    def overlaps(self, summary: SegmentSummary) -> bool:
        """Whether the segment's rows, by the summary in its footer, reach into the span."""
        after_start = self.start is None or summary.last >= microseconds(self.start)
        return after_start and (self.end is None or summary.first < microseconds(self.end))

    def within(self, instants: np.ndarray) -> np.ndarray:
        """Which instants, in microseconds since the epoch, lie in the span: a bool for each."""
        kept = np.ones(len(instants), bool)
        if self.start is not None:
            kept &= instants >= microseconds(self.start)
        if self.end is not None:
            kept &= instants < microseconds(self.end)
        return kept


ALL_TIME = Span()


def read_span(
    table: SegmentTable,
    *,
    sources: Collection[str] | None = None,
    span: Span = ALL_TIME,
    columns: Sequence[str] | None = None,
) -> pa.Table:
    """Return the rows of a table, `source` before its own columns, in the order of files.

    Parameters
    ----------
    table
        Ticks, polls or retractions.
    sources
        Only these; all by default.
    span
        Only rows in this span; all by default.
    columns
        Only these columns, the time column among them; all by default.

    Raises
    ------
    SegmentUnreadable
        If a file of the span is damaged, or any file of the table is no segment.
    """
    parts = []
    for segment in segments_of(table, sources, span):
        file = table.open(segment)
        if span.overlaps(file.summary):
            rows = file.read() if columns is None else file.read(list(columns))
            kept = span.within(to_int64(rows.column(table.spec.time_column)))
            parts.append(with_source(filter_rows(rows, kept), segment.source))
    if parts:
        return pa.concat_tables(parts)
    empty = pa.Table.from_batches([], table.spec.schema)  # schema.empty_table() would import pandas
    return with_source(empty if columns is None else empty.select(list(columns)), "")


def segments_of(table: SegmentTable, sources: Collection[str] | None, span: Span) -> list[SegmentName]:
    """Return the segments that may have rows of some sources in a span, by their names alone.

    Raises
    ------
    SegmentUnreadable
        If any file of the table is no segment.
    """
    return [
        segment
        for segment in table.segments()
        if (sources is None or segment.source in sources) and span.may_hold(segment)
    ]


def latest_first(table: SegmentTable, segments: Sequence[SegmentName]) -> list[tuple[SegmentName, SegmentSummary]]:
    """Segments that have rows, with their summaries, that with the latest row first."""
    return by_last((segment, table.summary(segment)) for segment in segments)


def by_last(summaries: Iterable[tuple[SegmentName, SegmentSummary]]) -> list[tuple[SegmentName, SegmentSummary]]:
    """Those with rows, that with the latest row first."""
    return sorted((item for item in summaries if item[1].rows), key=lambda item: item[1].last, reverse=True)


def matching(rows: pa.Table, pairs: Collection[str] | None, as_of: datetime | None) -> np.ndarray:
    """Return which ticks are of some pairs and were recorded at or before an instant; None matches all."""
    kept = np.ones(rows.num_rows, bool)
    if pairs is not None:
        kept &= is_in(rows.column("pair"), pairs)
    if as_of is not None:
        kept &= to_int64(rows.column("recorded_at")) <= microseconds(as_of)
    return kept


def with_source(rows: pa.Table, source: str) -> pa.Table:
    """Return the rows with their source as first column."""
    column = pa.DictionaryArray.from_arrays(array_of([0] * rows.num_rows, pa.int32()), array_of([source], pa.string()))
    return rows.add_column(0, SOURCE, column)


def month_of(instant: datetime) -> str:
    """Return the month of an aware UTC instant as partitions are named, ``"2025-11"``."""
    return f"{instant.year:04}-{instant.month:02}"


def _month_bound(end: datetime) -> str:
    """A text that sorts after every month that begins before an instant, and before all later months."""
    is_month_start = end == end.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    return month_of(end) + ("" if is_month_start else "~")
