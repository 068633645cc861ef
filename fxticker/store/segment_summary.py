"""Segment summary: what a segment's footer says of its rows, with a checksum, so that readers may skip files by it."""

from __future__ import annotations

import contextlib
import json
import re
import zlib
from dataclasses import asdict, dataclass
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from fxticker.store.arrow import to_int64, used_texts
from fxticker.store.schema import TableSpec, version_marks

SUMMARY_KEY = b"fxticker.summary"
"""Key of the summary in a file's metadata."""
MOST_ROWS = 100_000_000
"""Two thousand times the rows of a segment: memory is taken by this number, before rows are read."""


@dataclass(frozen=True, slots=True)
class SegmentSummary:
    """Summary of a segment's rows, stored in its footer.

    Parquet protects pages by CRC but not the footer, where a flipped byte in a statistic hides rows without an error.
    The summary has its own checksum, so that readers may skip files by it.

    Attributes
    ----------
    rows
        Number of rows.
    first, last
        Earliest and latest timestamp in microseconds since the epoch; ``first > last`` without rows.
    series
        Distinct texts of the table's series column, sorted; empty if the table has no such column.
    sealed
        Whether the segment will never be written again.
    month_series
        `series` of this and of all earlier segments of its month, so that the newest segment covers the month; None
        if not known.
    """

    rows: int
    first: int
    last: int
    series: tuple[str, ...]
    sealed: bool
    month_series: tuple[str, ...] | None = None

    def encoded(self) -> bytes:
        """Return the bytes for the footer: CRC-32 in hexadecimal, a space, JSON."""
        text = json.dumps(asdict(self)).encode()
        return b"%08x %s" % (zlib.crc32(text), text)

    @classmethod
    def decoded(cls, data: bytes) -> SegmentSummary:
        """Parse the bytes of `encoded`.

        Raises
        ------
        ValueError
            If they are damaged.
        """
        checksum, _, text = data.partition(b" ")
        if checksum != b"%08x" % zlib.crc32(text):
            raise ValueError("the summary in the footer is damaged")
        fields: dict[str, Any] = {
            name: tuple(value) if isinstance(value, list) else value for name, value in json.loads(text).items()
        }
        summary = cls(**fields)
        numbers, texts = (summary.rows, summary.first, summary.last), (*summary.series, *(summary.month_series or ()))
        if {type(number) for number in numbers} != {int} or {type(text) for text in texts} - {str}:
            raise ValueError("the summary in the footer has values of other types")
        if not 0 <= summary.rows <= MOST_ROWS:
            raise ValueError(f"the summary in the footer has {summary.rows} rows")
        return summary


def summary_in(metadata: pq.FileMetaData) -> SegmentSummary | None:
    """Return the summary in a file's footer; None if there is none.

    Raises
    ------
    ValueError
        If it is damaged.
    """
    data = (metadata.metadata or {}).get(SUMMARY_KEY)
    return None if data is None else SegmentSummary.decoded(data)


def summary_in_footer(footer: bytes) -> SegmentSummary | None:
    """Return the summary in a footer, found without Arrow; None if there is no valid one.

    Arrow takes a fifth of a millisecond to open a footer, and a reader looks at many files to read few. If nothing is
    found here, or the file is of a newer version, the caller has to open the file with Arrow.
    """
    if not any(mark in footer for mark in _VERSIONS):
        return None
    if match := _SUMMARY_POSITION.search(footer):
        length = sum((byte & 0x7F) << 7 * place for place, byte in enumerate(match[1]))
        with contextlib.suppress(ValueError, TypeError):
            return SegmentSummary.decoded(footer[match.end() : match.end() + length])
    return None


def _thrift(text: bytes) -> bytes:
    """A string field in Thrift's compact protocol: a type byte, the length (below 128) as a varint, the text."""
    return b"\x18%c%s" % (len(text), text)


_VERSIONS = [_thrift(key) + _thrift(value) for key, value in version_marks()]
"""What the footer of a file of a version that can be read contains."""
_SUMMARY_POSITION = re.compile(re.escape(_thrift(SUMMARY_KEY)) + rb"\x18([\x80-\xff]{0,4}[\x00-\x7f])")
"""Matches up to the summary's first byte in a footer; the group is the summary's length as a varint."""


def summary_of(
    rows: pa.Table, spec: TableSpec, *, sealed: bool, earlier: tuple[str, ...] | None = None
) -> SegmentSummary:
    """Return the summary of a segment's rows; `earlier` is the `month_series` of the segment before it, if known."""
    instants = to_int64(rows.column(spec.time_column))
    first, last = (int(instants.min()), int(instants.max())) if len(instants) else (0, -1)
    series = () if spec.series_column is None else used_texts(rows.column(spec.series_column))
    month_series = None if earlier is None else tuple(sorted({*earlier, *series}))
    return SegmentSummary(rows.num_rows, first, last, series, sealed, month_series)
