"""Segment file: encoding of rows to Parquet bytes, and reading with every fault named after the file."""

from __future__ import annotations

import contextlib
import errno
import functools
from collections.abc import Iterator, Sequence
from dataclasses import replace

import pyarrow as pa
import pyarrow.parquet as pq

from fxticker.errors import Conflict, SchemaMismatch, SegmentUnreadable
from fxticker.store.arrow import to_int64, validate
from fxticker.store.backend import MAX_OBJECT_BYTES, StorageBackend, Version
from fxticker.store.schema import TableSpec, conform, expected_in
from fxticker.store.segment_end import end_of, footer_in
from fxticker.store.segment_footer import Footer, footer_cache
from fxticker.store.segment_summary import SUMMARY_KEY, SegmentSummary, summary_in, summary_in_footer, summary_of

CODEC = "snappy"
"""Codec of every column: the one that every reader of Parquet has built in. LZ4, which versions up to 0.1.0 wrote, is a
few percent faster to load and refused by several."""
DAMAGE = (pa.ArrowException, OSError, ValueError, LookupError, TypeError, OverflowError)
"""Exceptions that Arrow and Python raise while they read a file with damaged bytes."""
_OTHER_ROWS = "the summary in the footer does not match the rows"


def encoded(rows: pa.Table, spec: TableSpec, summary: SegmentSummary) -> pa.Buffer:
    """Return the bytes of a segment: fast to write while it is open, small once it is sealed.

    The choices were measured (``benchmarks/README.md``). Statistics of texts take a third of the encoding time and help
    no reader of rows in time order. While a segment is open, dictionaries of numbers and deltas of timestamps would
    double the cost of a poll; in a sealed one they reduce the size to a third and are faster to read.
    """
    texts = [field.name for field in spec.schema if pa.types.is_dictionary(field.type)]
    instants = [field.name for field in spec.schema if pa.types.is_timestamp(field.type)]
    repeating = [name for name in spec.schema.names if name not in (*instants, *spec.unique_columns)]
    metadata = {**spec.schema.metadata, SUMMARY_KEY: summary.encoded()}
    sink = pa.BufferOutputStream()
    pq.write_table(
        rows.replace_schema_metadata(metadata),
        sink,
        compression=CODEC,
        use_dictionary=repeating if summary.sealed else texts,
        column_encoding=dict.fromkeys(instants, "DELTA_BINARY_PACKED") if summary.sealed else None,
        write_statistics=[spec.time_column],
        write_page_checksum=True,
    )
    return sink.getvalue()


class SegmentFile:
    """An open segment file: the summary is read at once, rows on request.

    The whole file is kept in memory, so that all reads are of one version and no descriptor stays open.

    Parameters
    ----------
    backend, name, spec
        Storage of the file, its path inside the store, and the table it belongs to.
    version
        The version to read; None for the present one.

    Attributes
    ----------
    name, data
        Path inside the store, and the file's bytes.
    summary
        Summary of its rows.

    Raises
    ------
    SegmentUnreadable
        If the file is damaged, foreign, or of a schema that this version cannot read.
    Conflict
        If the file is not of the given version.
    """

    def __init__(self, backend: StorageBackend, name: str, spec: TableSpec, *, version: Version | None = None) -> None:
        self.name = name
        self._spec = spec
        with _named(name):
            with backend.open(name, version=version) as file:
                if file.size() > MAX_OBJECT_BYTES:
                    raise ValueError(f"{file.size()} bytes: no segment is so large")
                self.data: pa.Buffer = file.read_buffer()
            self._footer = footer_in(self.data)
            self._cached = footer_cache.get(spec.name, self._footer)
            summary = summary_in_footer(self._footer) if self._cached is None else self._cached.summary
            self.summary = self._summary() if summary is None else summary

    def read(self, columns: Sequence[str] | None = None) -> pa.Table:
        """Return the rows in file order, with all columns of the schema or some.

        Raises
        ------
        SegmentUnreadable
            If the file or a page of those columns is damaged.
        """
        with _named(self.name):
            rows = self._read(columns)
            # A program that rewrites the file with Arrow copies the old summary.
            if rows.num_rows != self.summary.rows or not self._spans(rows):
                raise ValueError(_OTHER_ROWS)
            if self._cached is None and self.summary.sealed:
                reader, expected = self._opened
                footer_cache.put(self._spec.name, self._footer, Footer(self.summary, reader.metadata, expected))
            return rows

    def verified(self) -> pa.Table:
        """Return all rows, as `read` does, once the summary is known to be theirs; else raises SegmentUnreadable."""
        rows = self.read()
        with _named(self.name):
            summary = summary_of(rows, self._spec, sealed=self.summary.sealed)
            if replace(summary, month_series=self.summary.month_series) != self.summary:
                raise ValueError(_OTHER_ROWS)
        return rows

    def _spans(self, rows: pa.Table) -> bool:
        """Whether the rows span the summary's first to last timestamp; true if the column was not read."""
        if not rows.num_rows or self._spec.time_column not in rows.column_names:
            return True
        instants = to_int64(rows.column(self._spec.time_column))
        return bool((instants.min(), instants.max()) == (self.summary.first, self.summary.last))

    @functools.cached_property
    def _opened(self) -> tuple[pq.ParquetFile, pa.Schema]:
        """The file, once its footer fits the schema, and the schema of its version."""
        reader = pq.ParquetFile(
            pa.BufferReader(self.data),
            metadata=None if self._cached is None else self._cached.metadata,
            pre_buffer=False,  # it would have other threads copy what is in memory
            page_checksum_verification=True,
        )
        if self._cached is not None:
            return reader, self._cached.expected
        return reader, expected_in(reader.schema_arrow, self._spec.schema)

    def _summary(self) -> SegmentSummary:
        metadata = self._opened[0].metadata
        summary = summary_in(metadata)
        if summary is None:  # written by hand, or before there were summaries
            column = [self._spec.time_column, *([self._spec.series_column] if self._spec.series_column else [])]
            return summary_of(self._read(column), self._spec, sealed=False)
        if summary.rows != metadata.num_rows:
            raise ValueError(_OTHER_ROWS)
        return summary

    def _read(self, columns: Sequence[str] | None) -> pa.Table:
        reader, expected = self._opened
        schema = self._spec.schema
        if expected is schema:
            table = reader.read(columns=columns, use_threads=False).replace_schema_metadata(schema.metadata)
        else:
            if columns is not None:
                schema = pa.schema([schema.field(name) for name in columns], metadata=schema.metadata)
            present = [name for name in schema.names if name in expected.names]
            table = conform(reader.read(columns=present, use_threads=False), schema)
        validate(table)  # page headers have no checksum, so indices may be outside the dictionary
        return table


def summary_of_file(
    backend: StorageBackend, name: str, spec: TableSpec, *, version: Version | None = None
) -> SegmentSummary:
    """Return the summary of a segment's rows; of an undamaged file only the end is read.

    Raises
    ------
    SegmentUnreadable, Conflict
        As `SegmentFile`.
    """
    with _named(name), backend.open(name, version=version) as file:
        try:
            summary = summary_in_footer(footer_in(end_of(file)))
        except OSError as error:
            if error.errno != errno.ESTALE:
                raise
            summary = None  # replaced between two reads of a long footer
    return SegmentFile(backend, name, spec, version=version).summary if summary is None else summary


@contextlib.contextmanager
def _named(name: str) -> Iterator[None]:
    """Raise whatever a file's bytes cause as one error that names the file."""
    try:
        yield
    except (SegmentUnreadable, Conflict, MemoryError):
        raise  # Arrow's out-of-memory error is an ArrowException and not caused by the file
    except SchemaMismatch as error:
        raise SegmentUnreadable(name, str(error)) from error
    except DAMAGE as error:
        cause = (str(error).splitlines() or [type(error).__name__])[0][:200]
        raise SegmentUnreadable(name, cause) from error
