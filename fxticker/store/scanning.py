"""Rows of a table in a span of time, months outside it left unopened."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

import numpy as np
import pyarrow as pa

from fxticker.schedule import MICROSECOND
from fxticker.store.columns import array_of, indices_of, integers, microseconds
from fxticker.store.schema import TableSpec
from fxticker.store.segments import SegmentName, SegmentTable

_SOURCE = pa.field("source", pa.dictionary(pa.int32(), pa.string()), nullable=False)


def scan(
    table: SegmentTable,
    *,
    sources: Collection[str] | None = None,
    start: datetime | None = None,
    end: datetime | None = None,
) -> pa.Table:
    """The rows of a table, `source` before its own columns, in the order of files.

    Parameters
    ----------
    table
        Ticks or polls.
    sources
        Only these.
    start, end
        Half-open span of the table's time column, aware UTC.

    Raises
    ------
    SegmentUnreadable
        If a file of the span is damaged, or any file is no segment.
    """
    parts = [
        with_source(_within(table.read(segment), table.spec, start, end), segment.source)
        for segment in table.segments()
        if (sources is None or segment.source in sources) and _may_hold(segment, start, end)
    ]
    # an empty_table() of the schema would import pandas
    return pa.concat_tables(parts) if parts else with_source(pa.Table.from_batches([], table.spec.schema), "")


def with_source(rows: pa.Table, source: str) -> pa.Table:
    """The rows with a first column that names their source."""
    column = pa.DictionaryArray.from_arrays(array_of([0] * rows.num_rows, pa.int32()), array_of([source], pa.string()))
    return rows.add_column(0, _SOURCE, column)


def month_of(instant: datetime) -> str:
    """The partition of an aware UTC instant, ``"2025-11"``."""
    return f"{instant.year:04}-{instant.month:02}"


def _may_hold(segment: SegmentName, start: datetime | None, end: datetime | None) -> bool:
    after_start = start is None or segment.month >= month_of(start)
    return after_start and (end is None or segment.month <= month_of(end - MICROSECOND))


def _within(rows: pa.Table, spec: TableSpec, start: datetime | None, end: datetime | None) -> pa.Table:
    at = integers(rows.column(spec.time_column))
    kept = np.ones(len(at), bool)
    if start is not None:
        kept &= at >= microseconds(start)
    if end is not None:
        kept &= at < microseconds(end)
    return rows if kept.all() else rows.take(indices_of(np.flatnonzero(kept)))
