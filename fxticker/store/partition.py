"""Partitioning of records: the tables of each source and month, as they are appended."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import datetime
from operator import attrgetter
from typing import Any

import pyarrow as pa

from fxticker.store.arrow import repeated, table_of
from fxticker.store.read_span import month_of
from fxticker.store.schema import TableSpec


def partitioned(rows: Sequence[Any], spec: TableSpec) -> Iterator[tuple[str, str, pa.Table]]:
    """Yield source, month and sorted rows, without the written column, of each partition of some records."""
    members_of: dict[tuple[str, str], list[Any]] = defaultdict(list)
    for row in rows:
        members_of[row.source, month_of(getattr(row, spec.time_column))].append(row)
    schema = pa.schema([field for field in spec.schema if field.name != spec.written_column])
    order = attrgetter(*(name for name in spec.order if name != spec.written_column))
    for (source, month), members in sorted(members_of.items(), key=lambda item: item[0]):
        yield source, month, table_of(sorted(members, key=order), schema, getattr)


def stamped(rows: pa.Table, spec: TableSpec, written_at: datetime) -> pa.Table:
    """Return rows with the written column set to the time of the write, in the table's schema."""
    columns = [
        repeated(written_at, rows.num_rows) if name == spec.written_column else rows.column(name)
        for name in spec.schema.names
    ]
    return pa.Table.from_arrays(columns, schema=spec.schema)
