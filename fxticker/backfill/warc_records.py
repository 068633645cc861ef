"""WARC records: the records of a stretch of a file up to its end or the first damage, in bounded memory.

warcio parses the records' headers; it accepts lines of any length and gzip members that unpack to any size, so its
input is bounded here.
"""

from __future__ import annotations

import io
import logging
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, BinaryIO

from warcio.recordloader import ArcWarcRecordLoader

from fxticker.backfill.warc_page import (
    DAMAGE,
    MAX_BLOCK_BYTES,
    Damaged,
    DamagedRecord,
    Revisit,
    SkippedRecord,
    WarcPage,
    page_of,
    revisit_of,
)
from fxticker.errors import FxTickerError, ParseError, one_line
from fxticker.fetch import zstd
from fxticker.fetch.gzip import MARK, GzipReader

Record = WarcPage | Revisit | SkippedRecord | DamagedRecord
_OF_PAGES = ("response", "resource", "conversion", "revisit")
"""Types of records that stand for a page."""
_OTHERS = ("warcinfo", "request", "metadata", "continuation")
"""The other types of the format."""
_SCHEME = re.compile(r"[a-z][a-z0-9+.-]*:", re.IGNORECASE)
_READERS: dict[str, Callable[[int, Any, str, bytes], Record]] = {"response": page_of, "revisit": revisit_of}
"""Of those, the ones that have the server's answer, or refer to one."""
BLOCK_BYTES = 65_536
"""Bytes per read."""
_MAX_LINE_BYTES = 65_536
"""Longest line of a record's headers, in bytes; this project's own limit."""
_MAX_LINES = 1000
"""Lines of a record's headers and blank lines before it, at most; this project's own limit."""

logging.getLogger("warcio").setLevel(logging.ERROR)  # its warnings print addresses of the file as they are


class Exhausted(FxTickerError):
    """The file unpacks to more than the limit."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a record begins.

    Attributes
    ----------
    offset
        Offset in the file of the record, or of the gzip member or zstd frame that contains it, in bytes.
    before
        Number of records before it in that member or frame.
    is_damaged
        Whether damage right before it was reported, to which a record that cannot be read belongs.
    """

    offset: int
    before: int = 0
    is_damaged: bool = False


BEGIN = Place(0)
"""Of a file."""


class Records:
    """The records of a file from a place to its end or the first damage; the input of warcio.

    Parameters
    ----------
    file
        Seekable file.
    mark
        First bytes of each of its gzip members or zstd frames; `None` if it is not packed.
    place
        Where to begin.
    left
        Unpacked bytes that may be read; those before `place` in its member do not count.

    Attributes
    ----------
    begin
        Offset in the file of the last record that was begun, or of the member or frame that contains it.
    end
        Offset from which on no record is read; `None` reads to the end of the file.
    left
        Unpacked bytes that may still be read.
    next
        Place of the first record that is not read, once the others are; `None` at the end of the file.
    """

    def __init__(self, file: BinaryIO, mark: bytes | None, place: Place, left: int) -> None:
        file.seek(place.offset)
        self._file = file
        self._members = None if mark is None else GzipReader(file) if mark == MARK else zstd.ZstdReader(file)
        self._stream: Any = io.BufferedReader(self._members, BLOCK_BYTES) if self._members else file
        self._lines = 0
        self._resumed = place
        self._before, self._last_begin = 0, -1
        self._begin_work = self._members.begin_work if self._members else 0
        self.begin = place.offset
        self.end: int | None = None
        self.left = left
        self.next: Place | None = None

    @property
    def work(self) -> int:
        """Bytes of a packed file that were read from `begin` on, as `ZstdReader` counts them; 0 of another file."""
        return self._members.work - self._begin_work if self._members else 0

    def pages(self, wanted: Callable[[str], bool]) -> Iterator[Record]:
        """Yield the responses and revisits.

        Raises
        ------
        Exception
            `Exhausted`, or one of `DAMAGE`, of the record at `begin`.
        """
        loader = ArcWarcRecordLoader(verify_http=True, arc2warc=False)
        left = self.left
        while line := self._first_line():
            if self.end is not None and self.begin >= self.end:
                self.next = Place(self.begin, self._before)
                return
            is_known = self.begin == self._resumed.offset and self._before < self._resumed.before
            record = loader.parse_record_stream(self, line, "warc", no_record_parse=True)
            if record.length is None or record.length < 0:
                raise Damaged("a record without a length")
            url = record.rec_headers.get_header("WARC-Target-URI") or ""
            fault = _fault(record.rec_type, url)
            if record.rec_type in _OF_PAGES and not fault and not is_known:
                yield self._page(record, url, wanted)
            while record.raw_stream.limit:
                self._piece(record)
            if fault and not is_known:
                yield DamagedRecord(self.begin, fault)
            if is_known:  # it was counted when it was read
                self.left = left

    # Methods that warcio calls

    def read(self, length: int) -> bytes:
        """Return the next bytes, at most `length`."""
        data: bytes = self._stream.read(length)
        self._spend(len(data))
        return data

    def readline(self, length: int | None = None) -> bytes:
        """Return the next line, or the first `length` bytes of it."""
        line: bytes = self._stream.readline(_MAX_LINE_BYTES if length is None else min(length, _MAX_LINE_BYTES))
        self._spend(len(line))
        self._lines += 1
        if len(line) >= _MAX_LINE_BYTES or self._lines > _MAX_LINES:
            raise Damaged("headers longer than those of any record")
        return line

    def _first_line(self) -> bytes:
        """Return the next line that is not blank; empty at the end of the file."""
        self._lines = 0
        while True:
            try:
                if self._members:
                    self._stream.peek(1)  # begins the member of the next byte, and no later one
            finally:
                self.begin = self._members.begin if self._members else self._file.tell()
                self._begin_work = self._members.begin_work if self._members else 0
            line = self.readline()
            if line.strip() or not line:
                self._before = self._before + 1 if self.begin == self._last_begin else 0
                self._last_begin = self.begin
                return line

    def _spend(self, count: int) -> None:
        self.left -= count
        if self.left < 0:
            raise Exhausted("the file unpacks to more than the limit: the rest is left out")

    def _page(self, record: Any, url: str, wanted: Callable[[str], bool]) -> Record:
        read = _READERS.get(record.rec_type)
        try:
            if read is None or not url.lower().startswith(("http:", "https:")) or not wanted(url):
                return SkippedRecord()
        except ParseError as error:
            return DamagedRecord(self.begin, one_line(error))
        if record.length > MAX_BLOCK_BYTES:
            return DamagedRecord(self.begin, f"a response of {record.length} bytes: more than {MAX_BLOCK_BYTES}")
        block = b""
        while record.raw_stream.limit:
            block += self._piece(record, MAX_BLOCK_BYTES)
        try:
            return read(self.begin, record.rec_headers, url, block)
        except DAMAGE as error:
            return DamagedRecord(self.begin, one_line(error) or type(error).__name__)

    def _piece(self, record: Any, length: int = BLOCK_BYTES) -> bytes:
        piece = self.read(min(length, record.raw_stream.limit))
        if not piece:
            raise Damaged("the file is cut short")
        record.raw_stream.limit -= len(piece)
        return piece


def _fault(kind: str | None, url: str) -> str:
    """Return why nobody can know whether a record is a page; empty if that is known."""
    if kind not in (*_OF_PAGES, *_OTHERS):
        return f"a record of the unknown type {one_line(kind)[:60]!r}"
    return "a page without an address" if kind in _OF_PAGES and not _SCHEME.match(url) else ""
