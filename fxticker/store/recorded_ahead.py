"""Rows of the past that a clock recorded while it was ahead: they have an instant that is still to come.

An import under a clock that is a year ahead stores ticks of last week as recorded in a year. Until then a reader that
is asked for what was known at an instant leaves them out, and later revisions of them do not count. Nothing removes
such rows, and the time that they name heals them; a person must know of them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial

import numpy as np
import pyarrow as pa

from fxticker.store.ahead import is_ahead
from fxticker.store.arrow import filter_rows, instant_of, microseconds, to_int64
from fxticker.store.read_recording import unless_damaged
from fxticker.store.segments import SegmentTable
from fxticker.store.store import Store


@dataclass(frozen=True, slots=True)
class RecordedAhead:
    """Rows of a source that are not ahead themselves, with an instant in another column that is.

    Attributes
    ----------
    table, source
        The table's name, and the source's id.
    column
        ``"recorded_at"``, ``"started_at"`` or ``"retracted_at"``.
    rows
        Number of them.
    last
        The latest of those instants, aware UTC.
    """

    table: str
    source: str
    column: str
    rows: int
    last: datetime

    def __str__(self) -> str:
        return (
            f"{self.table}/source={self.source}: {self.rows:,} rows were written by a clock that was ahead: their "
            f"{self.column} is later than now, up to {self.last:%Y-%m-%dT%H:%M:%SZ}; they stay"
        )


def recorded_ahead(store: Store, after: datetime, *, since_month: str = "") -> list[RecordedAhead]:
    """Return the rows with an instant later than `after` that is not the one of the row itself.

    Parameters
    ----------
    store
        An open store.
    after
        The instant, aware UTC.
    since_month
        The first month that is read, ``"2025-11"``; by default every segment is, in part.

    Raises
    ------
    SegmentUnreadable
        If a segment cannot be read for another reason than its bytes: rows of a damaged one are left out.
    """
    found: dict[tuple[str, str, str], list[np.ndarray]] = {}
    for table in store.tables:
        for item, segment in table.recorded():
            if segment.month >= since_month:
                rows = unless_damaged(table, item, partial(_instants, table, segment.name))
                for column, later in _later(table, rows, after) if rows is not None else ():
                    found.setdefault((table.spec.name, segment.source, column), []).append(later)
    return [
        RecordedAhead(*place, sum(map(len, parts)), instant_of(int(max(part.max() for part in parts))))
        for place, parts in found.items()
    ]


def _columns(table: SegmentTable) -> Sequence[str]:
    """The instants of a row beside its own."""
    names = [field.name for field in table.spec.schema if pa.types.is_timestamp(field.type)]
    return [name for name in names if name != table.spec.time_column]


def _instants(table: SegmentTable, name: str) -> pa.Table:
    basis = [name for name in table.spec.schema.names if name == "time_basis"]
    return table.open(table.segment_of(name)).read([table.spec.time_column, *_columns(table), *basis])


def _later(table: SegmentTable, rows: pa.Table, after: datetime) -> Iterator[tuple[str, np.ndarray]]:
    """The instants of each column that are later, if there are any."""
    past = filter_rows(rows, ~is_ahead(table, rows, after))
    for name in _columns(table):
        instants = to_int64(past.column(name).drop_null())
        later = instants[instants > microseconds(after)]
        if len(later):
            yield name, later
