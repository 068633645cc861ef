"""WARC files: read the response records of crawlers' archives in bounded memory, and the captures of a source.

Format: ISO 28500, iipc.github.io/warc-specifications. warcio parses the records' headers; it accepts lines of any
length and gzip members that unpack to any size, so its input is bounded here.
"""

from __future__ import annotations

import io
import logging
import re
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from typing import Any, BinaryIO

import httpx
from warcio.recordloader import ArcWarcRecordLoader

from fxticker.backfill.archive import ticks_of
from fxticker.backfill.cdx import is_on_site, site_of
from fxticker.backfill.import_evidence import Keep, keep_nothing
from fxticker.backfill.revisits import KnownCaptures
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
from fxticker.fetch.gzip import MARK, GzipReader, first_bytes
from fxticker.model.records import Tick
from fxticker.model.timestamps import EPOCH
from fxticker.sources.source import Source

MAX_ATTEMPTS = 10_000
"""Positions after damage at which reading is resumed at most: gzip's first bytes occur in 16 MB by chance once."""
WARC = b"WARC/"
"""First bytes of a record."""
Record = WarcPage | Revisit | SkippedRecord | DamagedRecord
_OF_PAGES = ("response", "resource", "conversion", "revisit")
"""Types of records that stand for a page."""
_OTHERS = ("warcinfo", "request", "metadata", "continuation")
"""The other types of the format."""
_SCHEME = re.compile(r"[a-z][a-z0-9+.-]*:", re.IGNORECASE)
_READERS: dict[str, Callable[[int, Any, str, bytes], Record]] = {"response": page_of, "revisit": revisit_of}
"""Of those, the ones that have the server's answer, or refer to one."""
_BLOCK_BYTES = 65_536
"""Bytes per read."""
_MAX_LINE_BYTES = 65_536
"""Longest line of a record's headers, in bytes; this project's own limit."""
_MAX_LINES = 1000
"""Lines of a record's headers and blank lines before it, at most; this project's own limit."""
_PLAIN_WORK, _PLAIN_SLACK_BYTES = 4, 64_000_000
_PACKED_WORK, _PACKED_SLACK_BYTES = 100, 1_000_000_000
"""Unpacked bytes read per byte of the file at most, and additional bytes allowed for a small file: pages compress to a
tenth, a gzip bomb to a thousandth."""

logging.getLogger("warcio").setLevel(logging.ERROR)  # its warnings print addresses of the file as they are


class _Exhausted(FxTickerError):
    """The file unpacks to more than the limit."""


def is_warc(file: BinaryIO) -> bool:
    """Whether a seekable file begins as a WARC file, packed or not.

    Raises
    ------
    ParseError
        If it is packed with a zstd dictionary, so that this cannot be known.
    """
    file.seek(0)
    head = file.read(_BLOCK_BYTES)
    if not zstd.is_zstd(head):
        return first_bytes(head, len(WARC)) == WARC
    file.seek(0)
    try:
        with io.BufferedReader(zstd.ZstdReader(file)) as reader:
            return reader.read(len(WARC)) == WARC
    except zstd.NeedsDictionary as error:
        raise ParseError(f"{error}: unpack it with the zstd program") from error
    except ValueError:
        return False


def read_warc(
    file: BinaryIO,
    wanted: Callable[[str], bool] = lambda url: True,
    *,
    packed_slack_bytes: int = _PACKED_SLACK_BYTES,
    packed_bytes: int | None = None,
) -> Iterator[Record]:
    """Yield the responses and revisits of a WARC file in file order; after damage, reading resumes at the next record.

    Parameters
    ----------
    file
        Seekable file.
    wanted
        Whether the response of a URL is read; others are skipped.
    packed_slack_bytes
        Unpacked bytes allowed for a packed file in addition to the limit per packed byte.
    packed_bytes
        Size of the file that this one was unpacked from; `None` if it was not.
    """
    size = file.seek(0, io.SEEK_END)
    file.seek(0)
    head = file.read(len(zstd.MARK))
    mark = MARK if head.startswith(MARK) else zstd.MARK if zstd.is_zstd(head) else None
    work, slack = (_PACKED_WORK, packed_slack_bytes) if mark else (_PLAIN_WORK, _PLAIN_SLACK_BYTES)
    left = work * (size if packed_bytes is None or not mark else packed_bytes) + slack
    begin: int | None = 0
    is_reported = False
    for _ in range(MAX_ATTEMPTS):
        if begin is None:
            return
        file.seek(begin)
        records = _Records(file, mark, left)
        try:
            for record in records.pages(wanted):
                is_reported = False
                yield record
        except _Exhausted as error:
            yield DamagedRecord(records.begin, one_line(error))
            return
        except DAMAGE as error:
            if not is_reported:  # positions after it that are no records belong to the same damage
                yield DamagedRecord(records.begin, one_line(error))
            is_reported = True
        else:
            return
        left = records.left
        begin = _next_mark(file, records.begin + 1, mark or b"\n" + WARC)
    yield DamagedRecord(begin or 0, f"more than {MAX_ATTEMPTS} damaged positions: the rest is left out")


def read_captures(
    file: BinaryIO,
    source: Source,
    latest: datetime,
    known: KnownCaptures,
    *,
    keep: Keep = keep_nothing,
    packed_bytes: int | None = None,
) -> Iterator[Sequence[Tick] | Revisit | SkippedRecord | DamagedRecord]:
    """Yield the ticks of each page of the source's site in a WARC file; no ticks if a page has no readable ticker.

    Responses of other hosts, media types or statuses are skipped. Revisits are yielded as they are.

    Parameters
    ----------
    latest
        Latest accepted capture time; a later record is damaged.
    known, keep
        Receive the captures that revisits may refer to, and the evidence of each page.
    packed_bytes
        As for `read_warc`.

    Raises
    ------
    OSError
        If the file cannot be read.
    """
    site = site_of(source.url)
    for record in read_warc(file, lambda url: is_on_site(site, url), packed_bytes=packed_bytes):
        if not isinstance(record, WarcPage | Revisit):
            yield record
        elif not EPOCH <= record.instant <= latest:
            yield DamagedRecord(record.offset, f"captured at {record.instant}: before 1970 or in the future")
        elif isinstance(record, Revisit):
            yield record
        elif record.http_status != httpx.codes.OK or not record.is_of(source.media_types):
            known.add(record, None)
            yield SkippedRecord()
        elif record.body is None:
            yield DamagedRecord(record.offset, record.problem)
        else:
            ticks = ticks_of(source, record.body, record.headers, record.instant, keep)
            known.add(record, ticks)
            yield ticks


class _Records:
    """The records of a file from its current position to its end or the first damage; the input of warcio.

    Attributes
    ----------
    begin
        Offset in the file of the last record that was begun, or of the gzip member that contains it.
    left
        Unpacked bytes that may still be read.
    """

    def __init__(self, file: BinaryIO, mark: bytes | None, left: int) -> None:
        self._file = file
        self._members = None if mark is None else GzipReader(file) if mark == MARK else zstd.ZstdReader(file)
        self._stream: Any = io.BufferedReader(self._members, _BLOCK_BYTES) if self._members else file
        self._lines = 0
        self.begin = file.tell()
        self.left = left

    def pages(self, wanted: Callable[[str], bool]) -> Iterator[Record]:
        loader = ArcWarcRecordLoader(verify_http=True, arc2warc=False)
        while line := self._first_line():
            record = loader.parse_record_stream(self, line, "warc", no_record_parse=True)
            if record.length is None or record.length < 0:
                raise Damaged("a record without a length")
            url = record.rec_headers.get_header("WARC-Target-URI") or ""
            fault = _fault(record.rec_type, url)
            if record.rec_type in _OF_PAGES and not fault:
                yield self._page(record, url, wanted)
            while record.raw_stream.limit:
                self._piece(record)
            if fault:
                yield DamagedRecord(self.begin, fault)

    # Methods that warcio calls

    def read(self, length: int) -> bytes:
        data: bytes = self._stream.read(length)
        self._spend(len(data))
        return data

    def readline(self, length: int | None = None) -> bytes:
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
            line = self.readline()
            if line.strip() or not line:
                return line

    def _spend(self, count: int) -> None:
        self.left -= count
        if self.left < 0:
            raise _Exhausted("the file unpacks to more than the limit: the rest is left out")

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

    def _piece(self, record: Any, length: int = _BLOCK_BYTES) -> bytes:
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


def _next_mark(file: BinaryIO, begin: int, mark: bytes) -> int | None:
    """Return the offset of the next mark from `begin` on, after the mark's own line break; `None` if there is none."""
    begin -= 1 if mark.startswith(b"\n") else 0
    file.seek(begin)
    window = b""
    while data := file.read(_BLOCK_BYTES * 16):
        window = window[-len(mark) :] + data
        position = window.find(mark)
        if position >= 0:
            return file.tell() - len(window) + position + (1 if mark.startswith(b"\n") else 0)
    return None
