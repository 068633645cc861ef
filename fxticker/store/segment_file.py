"""One segment's file: rows to bytes and back, whatever is wrong with the bytes named."""

from __future__ import annotations

import contextlib
import functools
import json
import re
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from fxticker.errors import SchemaMismatch, SegmentUnreadable
from fxticker.store.arrow import to_int64, used_texts, validate
from fxticker.store.backend import StorageBackend
from fxticker.store.schema import TableSpec, conform

MAX_SEGMENT_BYTES = 256_000_000
"""Some 500 times the largest segment seen: a larger file is none, and is not read into memory."""
DAMAGE = (pa.ArrowException, OSError, ValueError, LookupError, TypeError, OverflowError)
"""What Arrow and Python raise while they read a file whose bytes are not those that were written."""
_OTHER_ROWS = "the summary in the footer is that of other rows"
_SUMMARY_KEY = b"fxticker.summary"
_TRAILER_BYTES = 8
"""Behind a footer: its length in four bytes, and `_MAGIC`."""
_MAGIC = b"PAR1"
END_BYTES = 32_768
"""Of a file, read to find its summary: three times the longest footer seen."""


@dataclass(frozen=True, slots=True)
class SegmentSummary:
    """What a segment's footer says of its rows.

    Parquet checks its pages by CRC but not its footer, and a flipped byte of a statistic hides rows without a sound.
    This has a checksum of its own, so that it may decide which files need not be read.

    Attributes
    ----------
    rows
        How many.
    first, last
        Microseconds since the epoch of the earliest and the latest; ``first > last`` without rows.
    series
        The different texts of the table's series column, sorted; empty if the table has none.
    sealed
        Whether the segment will never be written again.
    month_series
        `series` of this and of all earlier segments of its month, so that the newest one answers for the month; null
        if that is not known.
    """

    rows: int
    first: int
    last: int
    series: tuple[str, ...]
    sealed: bool
    month_series: tuple[str, ...] | None = None

    def encoded(self) -> bytes:
        """As it stands in the footer: a checksum, a space, JSON."""
        text = json.dumps(asdict(self)).encode()
        return b"%08x %s" % (zlib.crc32(text), text)

    @classmethod
    def decoded(cls, data: bytes) -> SegmentSummary:
        """Read what `encoded` wrote.

        Raises
        ------
        ValueError
            If it is damaged.
        """
        checksum, _, text = data.partition(b" ")
        if checksum != b"%08x" % zlib.crc32(text):
            raise ValueError("the summary in the footer is damaged")
        found: dict[str, Any] = {
            name: tuple(value) if isinstance(value, list) else value for name, value in json.loads(text).items()
        }
        return cls(**found)


def summary_in(metadata: pq.FileMetaData) -> SegmentSummary | None:
    """The summary that a file's footer holds; null if it holds none.

    Raises
    ------
    ValueError
        If it is damaged.
    """
    said = (metadata.metadata or {}).get(_SUMMARY_KEY)
    return None if said is None else SegmentSummary.decoded(said)


def summary_at_end(data: bytes, spec: TableSpec) -> SegmentSummary | None:
    """The summary in the footer that bytes end with, found without Arrow; null if there is none that is sound.

    Arrow takes a fifth of a millisecond to open a footer, and a reader looks at many files to read few. Where nothing
    is found here, or the file is of another version, Arrow has to say what the file is.

    Parameters
    ----------
    data
        The end of a file.
    spec
        The table it belongs to.
    """
    end = len(data) - _TRAILER_BYTES
    if end < 0 or data[end + 4 :] != _MAGIC:
        return None
    footer = data[max(0, end - int.from_bytes(data[end : end + 4], "little")) : end]
    if any(_thrift(key) + _thrift(value) not in footer for key, value in spec.schema.metadata.items()):
        return None
    if found := _SUMMARY_PLACE.search(footer):
        length = sum((byte & 0x7F) << 7 * place for place, byte in enumerate(found[1]))
        with contextlib.suppress(ValueError, TypeError):
            return SegmentSummary.decoded(footer[found.end() : found.end() + length])
    return None


def _thrift(text: bytes) -> bytes:
    """A short string in Thrift's compact protocol, as the next field: a type byte, the length as a varint, the text."""
    return b"\x18%c%s" % (len(text), text)


_SUMMARY_PLACE = re.compile(re.escape(_thrift(_SUMMARY_KEY)) + rb"\x18([\x80-\xff]{0,4}[\x00-\x7f])")
"""Where the summary begins in a footer, and its length as a varint."""


def summary_of(
    rows: pa.Table, spec: TableSpec, *, sealed: bool, earlier: tuple[str, ...] | None = None
) -> SegmentSummary:
    """The summary of a segment's rows; `earlier` is the `month_series` of the segment before it, if known."""
    at = to_int64(rows.column(spec.time_column))
    first, last = (int(at.min()), int(at.max())) if len(at) else (0, -1)
    series = () if spec.series_column is None else used_texts(rows.column(spec.series_column))
    month_series = None if earlier is None else tuple(sorted({*earlier, *series}))
    return SegmentSummary(rows.num_rows, first, last, series, sealed, month_series)


def encoded(rows: pa.Table, spec: TableSpec, summary: SegmentSummary) -> pa.Buffer:
    """The bytes of a segment: quick to write while it is open, small once it is sealed.

    The choices are measured (``benchmarks/README.md``). Statistics of texts take a third of the encoding and help no
    reader of rows in time order. While a segment is open, dictionaries of numbers and deltas of instants would double
    what a poll costs; once sealed, they make it a third as large and quicker to read. Where all else is dictionaries,
    zstd saves a quarter of the bytes and costs a reader as much as the decoding, mostly for setting up.
    """
    texts = [field.name for field in spec.schema if pa.types.is_dictionary(field.type)]
    instants = [field.name for field in spec.schema if pa.types.is_timestamp(field.type)]
    names = spec.schema.names
    repeating = [name for name in names if name not in (*instants, *spec.unique_columns)]
    metadata = {**spec.schema.metadata, _SUMMARY_KEY: summary.encoded()}
    sink = pa.BufferOutputStream()
    pq.write_table(
        rows.replace_schema_metadata(metadata),
        sink,
        compression={name: "zstd" if summary.sealed and name in spec.unique_columns else "lz4" for name in names},
        use_dictionary=repeating if summary.sealed else texts,
        column_encoding=dict.fromkeys(instants, "DELTA_BINARY_PACKED") if summary.sealed else None,
        write_statistics=[spec.time_column],
        write_page_checksum=True,
    )
    return sink.getvalue()


class SegmentFile:
    """A segment's file, opened: its summary is known, and all else is read when it is asked for.

    The whole file is held in memory, so that all that is read of it is of one version and no descriptor stays open.

    Parameters
    ----------
    backend
        Where it lies.
    name
        Its name there.
    spec
        The table it belongs to.

    Attributes
    ----------
    name
        Its name on the backend.
    summary
        What its rows are.

    Raises
    ------
    SegmentUnreadable
        If the file is damaged, foreign, or of a schema that this version cannot read.
    """

    def __init__(self, backend: StorageBackend, name: str, spec: TableSpec) -> None:
        self.name = name
        self._spec = spec
        with _named(name):
            with backend.open(name) as file:
                if file.size() > MAX_SEGMENT_BYTES:
                    raise ValueError(f"{file.size()} bytes: no segment is so large")
                self._data = file.read_buffer()
            found = summary_at_end(self._data[max(0, self._data.size - END_BYTES) :].to_pybytes(), spec)
            self.summary = self._summary() if found is None else found

    def read(self, columns: Sequence[str] | None = None) -> pa.Table:
        """The rows, in file order, of all columns or some of the schema's.

        Raises
        ------
        SegmentUnreadable
            If the file or a page of those columns is damaged.
        """
        with _named(self.name):
            rows = self._read(columns)
            # Who rewrites a file with Arrow copies the old summary along.
            if rows.num_rows != self.summary.rows or not self._spans(rows):
                raise ValueError(_OTHER_ROWS)
            return rows

    def _spans(self, rows: pa.Table) -> bool:
        """Whether rows reach from the first to the last instant of the summary, as far as they show."""
        if not rows.num_rows or self._spec.time_column not in rows.column_names:
            return True
        at = to_int64(rows.column(self._spec.time_column))
        return bool((at.min(), at.max()) == (self.summary.first, self.summary.last))

    @functools.cached_property
    def _opened(self) -> tuple[pq.ParquetFile, list[str]]:
        """The file behind its footer, which fits the schema, and the names of its columns."""
        reader = pq.ParquetFile(pa.BufferReader(self._data), page_checksum_verification=True)
        schema = reader.schema_arrow
        conform(pa.Table.from_batches([], schema=schema), self._spec.schema)
        return reader, schema.names

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
        reader, names = self._opened
        schema = self._spec.schema
        if columns is not None:
            schema = pa.schema([schema.field(name) for name in columns], metadata=schema.metadata)
        held = [name for name in schema.names if name in names]
        table = conform(reader.read(columns=held, use_threads=False), schema)
        validate(table)  # page headers have no checksum: numbers may point outside the dictionary
        return table


def summary_of_file(backend: StorageBackend, name: str, spec: TableSpec) -> SegmentSummary:
    """What a segment's footer says of its rows; of a sound file no more than its end is read for that.

    Raises
    ------
    SegmentUnreadable
        If the file is damaged, foreign, or of a schema that this version cannot read.
    """
    with _named(name), backend.open(name) as file:
        file.seek(max(0, file.size() - END_BYTES))
        found = summary_at_end(file.read(END_BYTES), spec)
    return SegmentFile(backend, name, spec).summary if found is None else found


@contextlib.contextmanager
def _named(name: str) -> Iterator[None]:
    """Whatever a file's bytes make its readers raise, as one error that names the file."""
    try:
        yield
    except (SegmentUnreadable, MemoryError):
        raise  # Arrow's lack of memory is one of its exceptions, and says nothing of the file
    except SchemaMismatch as error:
        raise SegmentUnreadable(name, str(error)) from error
    except DAMAGE as error:
        cause = (str(error).splitlines() or [type(error).__name__])[0][:200]
        raise SegmentUnreadable(name, cause) from error
