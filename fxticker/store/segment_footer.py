"""Cache of parsed footers of sealed segments: a program that loads a store again does not parse them again.

There is one in a process, since each call of `fxticker.load` opens its store anew. A footer is looked up by its own
bytes, so that a file that was replaced or damaged is never read by the footer of another one. Open segments are not
cached: their footers change with each poll.
"""

from __future__ import annotations

from dataclasses import dataclass

import pyarrow as pa
import pyarrow.parquet as pq

from fxticker.store.segment_summary import SegmentSummary

_MOST = 500
"""Footers that are cached: of eight years at a poll a minute. Those of five pairs take 16 MB of memory, ten times their
size in files."""
_LARGEST_BYTES = 16_000
"""Size of a footer of 200 pairs; a larger one is not cached."""


@dataclass(frozen=True, slots=True)
class Footer:
    """A parsed footer.

    Attributes
    ----------
    summary
        The segment's summary.
    metadata
        What Arrow needs to read rows.
    expected
        The schema of the file's table in the file's version; the file has these columns.
    """

    summary: SegmentSummary
    metadata: pq.FileMetaData
    expected: pa.Schema


class FooterCache:
    """Parsed footers, by their table and bytes; of use to several threads at once."""

    def __init__(self, most: int = _MOST) -> None:
        self._most = most
        self._footers: dict[tuple[str, bytes], Footer] = {}

    def get(self, table: str, footer: bytes) -> Footer | None:
        """Return a parsed footer; None if it is not cached."""
        return self._footers.get((table, footer))

    def put(self, table: str, footer: bytes, parsed: Footer) -> None:
        """Cache a parsed footer, unless it is a large one; if the cache is full, in place of the last one.

        Loads read files in one order, so the first ones are what the next load needs.
        """
        if len(footer) > _LARGEST_BYTES or (table, footer) in self._footers:
            return
        if len(self._footers) >= self._most:
            self._footers.popitem()
        self._footers[table, footer] = parsed


footer_cache = FooterCache()
"""The cache of this process."""
