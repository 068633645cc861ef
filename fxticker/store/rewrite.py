"""Rewriting: brings segments that an earlier version wrote to the present codec and schema version.

Versions up to 0.1.0 compressed with LZ4, which several readers of Parquet refuse; see `segment_file.CODEC`. A sealed
segment keeps the encoding it was written with until it is rewritten here, one file at a time: the new bytes are decoded
and compared with the old rows before they replace the file, and read back after it. So at each step a file is the old
one or the new one, both with the same rows, and a repeated call goes on where one was interrupted.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.parquet as pq

from fxticker.errors import SegmentUnreadable
from fxticker.store.arrow import compact
from fxticker.store.backend import ABSENT, StorageBackend, Version
from fxticker.store.check import Finding
from fxticker.store.held_object import held_segment
from fxticker.store.schema import SCHEMA_VERSION, version_of
from fxticker.store.segment_file import CODEC, SegmentFile, encoded
from fxticker.store.segments import SegmentName, SegmentTable
from fxticker.store.store import LOCK_TIMEOUT_S, Store


@dataclass(frozen=True, slots=True)
class Encoding:
    """Encoding of a segment's file.

    Attributes
    ----------
    codecs
        Codecs of its columns as Arrow names them, sorted; empty without rows.
    version
        Version of its schema; None if the file names none.
    """

    codecs: tuple[str, ...]
    version: int | None

    @property
    def is_present(self) -> bool:
        """Whether a segment that is written now has it."""
        return self.version == SCHEMA_VERSION and {*self.codecs} <= {CODEC.upper()}

    def __str__(self) -> str:
        return f"{'/'.join(self.codecs) or 'no codec'}, schema version {self.version}"


@dataclass(frozen=True, slots=True)
class Rewritten:
    """A segment that was rewritten.

    Attributes
    ----------
    name
        Path inside the store.
    rows
        Number of its rows, before and after.
    before, after
        Encoding before and after.
    bytes_before, bytes_after
        Size of the file.
    """

    name: str
    rows: int
    before: Encoding
    after: Encoding
    bytes_before: int
    bytes_after: int

    @property
    def folder(self) -> str:
        """Table and source, as the path has them."""
        return "/".join(self.name.split("/")[:2])


def outdated(store: Store) -> Iterator[tuple[str, Encoding]]:
    """Yield name and encoding of each segment that `rewrite` would rewrite; what cannot be read is left out."""
    for table in store.tables:
        for _, segment in table.recorded():
            try:
                encoding = _encoding(table.open(segment))
            except SegmentUnreadable:
                continue
            if not encoding.is_present:
                yield segment.name, encoding


def rewrite(store: Store) -> Iterator[Rewritten | Finding]:
    """Rewrite every segment of another encoding than the present one; each is durable when it is yielded.

    The store has no daemon meanwhile. The write lock is released between segments, so that another writer waits for
    one of them only. A segment that cannot be read, or whose summary is not that of its rows, is left as it is and
    yielded as a finding.

    Raises
    ------
    StoreLocked
        If a daemon runs on the store, or another process writes for too long.
    WriteFailed, SegmentUnreadable
        Segments before the one that failed are rewritten; the call can be repeated.
    """
    with store.daemon_lock():
        for table in store.tables:
            for _, segment in table.recorded():
                with store.backend.write_lock(LOCK_TIMEOUT_S):
                    result = _rewrite(store.backend, table, segment, _version(table, segment))
                if result is not None:
                    yield result


def _version(table: SegmentTable, segment: SegmentName) -> Version:
    """The present version of a segment; `ABSENT` if it was moved aside."""
    present = table.recorded(segment.source, segment.month)
    return next((item.version for item, name in present if name == segment), ABSENT)


def _rewrite(
    backend: StorageBackend, table: SegmentTable, segment: SegmentName, version: Version
) -> Rewritten | Finding | None:
    name = segment.name
    try:
        old = table.open(segment)
        before = _encoding(old)
        if before.is_present:
            return None
        rows = old.verified()
        data = encoded(compact(rows), table.spec, old.summary)
        new = held_segment(name, data)
        if _differs(new, old, rows):
            return Finding(name, "not rewritten: its rows or its summary would not be the same")
    except SegmentUnreadable as error:
        return Finding(name, f"not rewritten: {error.cause}")
    written = backend.put(name, data, expected=version)
    _require_readable(backend, table, segment, new, old, written)
    return Rewritten(name, rows.num_rows, before, _encoding(new), old.data.size, data.size)


def _require_readable(
    backend: StorageBackend,
    table: SegmentTable,
    segment: SegmentName,
    new: SegmentFile,
    old: SegmentFile,
    written: Version,
) -> None:
    """Read a rewritten segment back; if it has other bytes, put the old ones in its place and raise."""
    try:
        is_same = table.open(segment).data.equals(new.data)
    except SegmentUnreadable:
        is_same = False
    if not is_same:
        # under the lock of a disk nobody else has replaced it
        backend.put(segment.name, old.data, expected=written if backend.is_shared else None)
        raise SegmentUnreadable(segment.name, "what is read back is not what was written; the file is as it was")


def _differs(new: SegmentFile, old: SegmentFile, rows: pa.Table) -> bool:
    """Whether a segment has another summary or other rows than the old one, in value or in order."""
    return new.summary != old.summary or not _as_texts(new.verified()).equals(_as_texts(rows), check_metadata=True)


def _as_texts(rows: pa.Table) -> pa.Table:
    """The rows with texts in place of dictionaries, whose order may differ."""
    fields: Sequence[pa.Field] = [
        field.with_type(pa.string()) if pa.types.is_dictionary(field.type) else field for field in rows.schema
    ]
    return rows.cast(pa.schema(fields, metadata=rows.schema.metadata))


def _encoding(file: SegmentFile) -> Encoding:
    try:
        reader = pq.ParquetFile(pa.BufferReader(file.data))
    except (pa.ArrowException, OSError, ValueError) as error:
        raise SegmentUnreadable(file.name, str(error)) from error
    metadata = reader.metadata
    groups = [metadata.row_group(number) for number in range(metadata.num_row_groups)]
    codecs = {group.column(number).compression for group in groups for number in range(metadata.num_columns)}
    return Encoding(tuple(sorted(codecs)), version_of(reader.schema_arrow))
