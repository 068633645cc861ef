"""Parquet files: read the ticks of exports and of other stores' segments, checked and in batches."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from fxticker.errors import SchemaMismatch, StoreError
from fxticker.store.arrow import microseconds, to_int64
from fxticker.store.read_retractions import NOTHING_RETRACTED, Retracted
from fxticker.store.segment_file import DAMAGE
from fxticker.store.segment_summary import summary_in
from fxticker.store.store import Store
from fxticker.store.validate import GIVEN, fitting

PARQUET = b"PAR1"
"""First bytes of a Parquet file."""
_BATCH_ROWS = 1_000_000
"""Rows per append, some 300 MB of memory: each append of unordered rows rewrites a segment of every month."""
_MAX_GROUP_BYTES = 1_000_000_000
"""Largest row group, in decoded bytes: 10 times the size of a million ticks as plain texts."""


def is_table(path: Path) -> bool:
    """Whether a regular file begins as a Parquet file; false for a pipe, which can be read only once."""
    if not path.is_file():
        return False
    with path.open("rb") as file:
        return file.read(len(PARQUET)) == PARQUET


def batches(path: Path, latest: datetime, *, batch_rows: int = _BATCH_ROWS) -> Iterator[pa.Table]:
    """Yield the ticks of a Parquet file, with the columns and types of `Store.append_table`.

    Ticks of a segment that its store has retracted are left out.

    Parameters
    ----------
    path
        Export, or segment of a store; its source is a column, or part of a folder's name (``source=…``).
    latest
        Latest accepted `observed_at`; later ticks are in the future.
    batch_rows
        Rows per table at most.

    Raises
    ------
    SchemaMismatch
        If the file or its store's retractions cannot be read, it has no ticks, or has ticks before 1970 or in the
        future. Tables yielded before are valid.
    """
    try:
        file = pq.ParquetFile(path, page_checksum_verification=True)
    except DAMAGE as error:
        raise SchemaMismatch(f"a Parquet file that cannot be read: {error}") from error
    folder = next((part for part in reversed(path.absolute().parts) if part.startswith("source=")), None)
    columns = [name for name in GIVEN.names if name in file.schema_arrow.names]
    missing = _declared_rows(file)
    retracted = _retracted_beside(path)
    try:
        for batch in file.iter_batches(batch_rows, columns=columns, use_threads=False):
            rows = pa.Table.from_batches([batch])
            if "source" not in columns and folder is not None:
                rows = rows.append_column("source", pa.repeat(folder.removeprefix("source="), len(rows)))
            rows = require_plausible(fitting(rows), latest)
            missing -= len(rows)
            yield rows if folder is None else retracted.without(folder.removeprefix("source="), rows)
    except DAMAGE as error:
        raise SchemaMismatch(f"a Parquet file that cannot be read: {error}") from error
    if missing:
        raise SchemaMismatch(f"a Parquet file that cannot be read: {missing} of its rows are missing")


def require_plausible(rows: pa.Table, latest: datetime) -> pa.Table:
    """Return ticks whose instants are possible.

    Raises
    ------
    SchemaMismatch
        If one is before 1970 or later than `latest`.
    """
    instants_us = to_int64(rows.column("observed_at"))
    if len(instants_us) and not (instants_us.min() >= 0 and instants_us.max() <= microseconds(latest)):
        raise SchemaMismatch("ticks before 1970 or in the future")
    return rows


def _retracted_beside(path: Path) -> Retracted:
    """The ticks that the store of a segment has retracted; none if the file is no segment of a store."""
    if not path.absolute().match("ticks/source=*/month=*/*.parquet"):
        return NOTHING_RETRACTED
    try:
        return Store(path.absolute().parents[3]).retracted()
    except StoreError as error:
        raise SchemaMismatch(f"retractions of its store that cannot be read: {error}") from error


def _declared_rows(file: pq.ParquetFile) -> int:
    """Return the number of rows that a file declares in its footer and, if it is a segment, in its summary.

    Raises
    ------
    SchemaMismatch
        If the number is 0 or contradictory, or a row group is too large to be read.
    """
    metadata = file.metadata
    groups = [metadata.row_group(number) for number in range(metadata.num_row_groups)]
    declared = {metadata.num_rows, sum(group.num_rows for group in groups)}
    try:
        summary = summary_in(metadata)
    except ValueError as error:
        raise SchemaMismatch(f"a Parquet file that cannot be read: {error}") from error
    if summary is not None:
        declared.add(summary.rows)
    # The footer's entries on single columns are not read: if they are damaged, Arrow aborts the process.
    size_bytes = max((group.total_byte_size for group in groups), default=0)
    if size_bytes > _MAX_GROUP_BYTES:
        raise SchemaMismatch(f"a Parquet file with a row group of {size_bytes} bytes: more than {_MAX_GROUP_BYTES}")
    if len(declared) > 1 or not metadata.num_rows:
        raise SchemaMismatch(f"a Parquet file that declares {' and '.join(map(str, sorted(declared)))} rows")
    return int(metadata.num_rows)
