"""Parquet files of ticks from elsewhere: exports, and the segments of other stores."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from fxticker.errors import SchemaMismatch
from fxticker.store.arrow import microseconds, to_int64
from fxticker.store.segment_file import DAMAGE, summary_in
from fxticker.store.validate import GIVEN, fitting

PARQUET = b"PAR1"
"""What a Parquet file begins with."""
_BATCH_ROWS = 1_000_000
"""Rows per append, some 300 MB of memory: rows out of order touch every month in each."""
_MAX_GROUP_BYTES = 1_000_000_000
"""Of a row group, unpacked: 10 times what a million ticks take as plain texts."""


def is_table(path: Path) -> bool:
    """Whether a file is a Parquet file. What is no regular file is none: a pipe can be read only once."""
    if not path.is_file():
        return False
    with path.open("rb") as file:
        return file.read(len(PARQUET)) == PARQUET


def batches(path: Path, latest: datetime) -> Iterator[pa.Table]:
    """The ticks of a Parquet file, fit for a store, a million at a time.

    Parameters
    ----------
    path
        An export, or a segment of a store: its source is a column, or is named by a folder above it.
    latest
        Ticks that are later are of the future.

    Raises
    ------
    SchemaMismatch
        If the file cannot be read, holds no ticks, or some from before 1970 or of the future. Batches before that
        were sound.
    """
    try:
        table = pq.ParquetFile(path, page_checksum_verification=True)
    except DAMAGE as error:
        raise SchemaMismatch(f"a Parquet file that cannot be read: {error}") from error
    folder = next((part for part in reversed(path.absolute().parts) if part.startswith("source=")), None)
    columns = [name for name in GIVEN.names if name in table.schema_arrow.names]
    promised = _promised_rows(table)
    try:
        for batch in table.iter_batches(_BATCH_ROWS, columns=columns, use_threads=False):
            rows = pa.Table.from_batches([batch])
            if "source" not in columns and folder is not None:
                rows = rows.append_column("source", pa.repeat(folder.removeprefix("source="), len(rows)))
            rows = fitting(rows)
            at = to_int64(rows.column("observed_at"))
            if len(at) and not (at.min() >= 0 and at.max() <= microseconds(latest)):
                raise SchemaMismatch("ticks from before 1970 or of the future")
            promised -= len(rows)
            yield rows
    except DAMAGE as error:
        raise SchemaMismatch(f"a Parquet file that cannot be read: {error}") from error
    if promised:
        raise SchemaMismatch(f"a Parquet file that cannot be read: {promised} of its rows are not there")


def _promised_rows(table: pq.ParquetFile) -> int:
    """How many rows a file says it has, in its footer and, if it is a segment, in the summary there.

    Raises
    ------
    SchemaMismatch
        If it has none, or says differently in different places, or a piece of it is too large to be read.
    """
    metadata = table.metadata
    groups = [metadata.row_group(number) for number in range(metadata.num_row_groups)]
    said = {metadata.num_rows, sum(group.num_rows for group in groups)}
    try:
        summary = summary_in(metadata)
    except ValueError as error:
        raise SchemaMismatch(f"a Parquet file that cannot be read: {error}") from error
    if summary is not None:
        said.add(summary.rows)
    # What the footer says of single columns is not looked at: where it is damaged, Arrow would end the process.
    size_bytes = max((group.total_byte_size for group in groups), default=0)
    if size_bytes > _MAX_GROUP_BYTES:
        raise SchemaMismatch(f"a Parquet file with a row group of {size_bytes} bytes: more than {_MAX_GROUP_BYTES}")
    if len(said) > 1 or not metadata.num_rows:
        raise SchemaMismatch(f"a Parquet file that says it has {' and '.join(map(str, sorted(said)))} rows")
    return int(metadata.num_rows)
