"""WARC files, the archives that crawlers write: a stream of records of any number, read in bounded memory.

Format: ISO 28500, iipc.github.io/warc-specifications. warcio reads the records' headers; it takes lines of any length
and lets a gzip block unpack to any size, so what it reads from is bounded here.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, BinaryIO

import httpx
from warcio.recordloader import ArcWarcRecordLoader

from fxticker.backfill.archive import ticks_of
from fxticker.backfill.cdx import is_page_of, site_of
from fxticker.backfill.warc_page import (
    DAMAGE,
    MAX_BLOCK_BYTES,
    Damaged,
    DamagedRecord,
    SkippedRecord,
    WarcPage,
    page_of,
)
from fxticker.errors import FxTickerError, one_line
from fxticker.fetch.gzip import MARK, Members, first_bytes
from fxticker.model.records import Tick
from fxticker.model.schedule import EPOCH
from fxticker.sources import Source

MAX_ATTEMPTS = 10_000
"""Places behind damaged ones at which the next record is tried: the mark of gzip stands in 16 MB by chance once."""
WARC = b"WARC/"
"""What a record begins with."""
_OF_PAGES = ("response", "resource", "conversion", "revisit")
"""The kinds of records that stand for a page; only the first holds what its server said."""
_BLOCK_BYTES = 65_536
_MAX_LINE_BYTES = 65_536
_MAX_LINES = 1000
"""Of a record's headers, and blank ones between two records."""
_PLAIN_WORK, _PLAIN_SLACK_BYTES = 4, 64_000_000
_PACKED_WORK, _PACKED_SLACK_BYTES = 100, 1_000_000_000
"""Bytes read for one of the file's, at most: pages pack to a tenth, a bomb to a thousandth; and what a small file may
take beyond that."""


class _Exhausted(FxTickerError):
    """The file takes more work than any honest one."""


def is_warc(path: Path) -> bool:
    """Whether a file is a WARC file, packed or not. What is no regular file is none: a pipe can be read only once."""
    if not path.is_file():
        return False
    with path.open("rb") as file:
        return first_bytes(file.read(_BLOCK_BYTES), len(WARC)) == WARC


def read_warc(
    file: BinaryIO, wanted: Callable[[str], bool] = lambda url: True
) -> Iterator[WarcPage | SkippedRecord | DamagedRecord]:
    """The responses of a WARC file in their order; where it is damaged, reading goes on behind the damage.

    Parameters
    ----------
    file
        Seekable.
    wanted
        Whether a URL's response is to be read.
    """
    size = file.seek(0, io.SEEK_END)
    file.seek(0)
    is_packed = file.read(len(MARK)) == MARK
    work, slack = (_PACKED_WORK, _PACKED_SLACK_BYTES) if is_packed else (_PLAIN_WORK, _PLAIN_SLACK_BYTES)
    left = work * size + slack
    begin: int | None = 0
    is_told = False
    for _ in range(MAX_ATTEMPTS):
        if begin is None:
            return
        file.seek(begin)
        records = _Records(file, is_packed=is_packed, left=left)
        try:
            for record in records.pages(wanted):
                is_told = False
                yield record
        except _Exhausted as error:
            yield DamagedRecord(records.begin, one_line(error))
            return
        except DAMAGE as error:
            if not is_told:  # places behind it that turn out to be none belong to the same damage
                yield DamagedRecord(records.begin, one_line(error))
            is_told = True
        else:
            return
        left = records.left
        begin = _next_mark(file, records.begin + 1, MARK if is_packed else b"\n" + WARC)
    yield DamagedRecord(begin or 0, f"more than {MAX_ATTEMPTS} damaged places: the rest is left out")


def read_captures(
    path: Path, source: Source, latest: datetime
) -> Iterator[Sequence[Tick] | SkippedRecord | DamagedRecord]:
    """The ticks of each page of the source's site in a WARC file, none where a page shows no ticker that can be read.

    Responses that are no pages of the site, of other hosts, types or statuses, are skipped.

    Parameters
    ----------
    latest
        A record that is later is of the future, and so damaged.

    Raises
    ------
    OSError
        If the file cannot be read.
    """
    site = site_of(source.url)
    with path.open("rb") as file:
        for record in read_warc(file, lambda url: is_page_of(site, url)):
            if not isinstance(record, WarcPage):
                yield record
            elif not EPOCH <= record.instant <= latest:
                yield DamagedRecord(record.offset, f"captured at {record.instant}: before 1970 or in the future")
            elif record.http_status != httpx.codes.OK or record.media_type not in source.media_types:
                yield SkippedRecord()
            elif record.body is None:
                yield DamagedRecord(record.offset, f"content encoding {record.encoding[:60]!r} is not read")
            else:
                yield ticks_of(source, record.body, record.headers, record.instant) or ()


class _Records:
    """The records of a file from where it stands, until its end or the first damage.

    Attributes
    ----------
    begin
        Where the last record that was begun lies in the file.
    left
        Bytes that may be read yet.
    """

    def __init__(self, file: BinaryIO, *, is_packed: bool, left: int) -> None:
        self._file = file
        self._members = Members(file) if is_packed else None
        self._stream: Any = io.BufferedReader(self._members, _BLOCK_BYTES) if self._members else file
        self._lines = 0
        self.begin = file.tell()
        self.left = left

    def pages(self, wanted: Callable[[str], bool]) -> Iterator[WarcPage | SkippedRecord | DamagedRecord]:
        loader = ArcWarcRecordLoader(verify_http=True, arc2warc=False)
        while line := self._first_line():
            record = loader.parse_record_stream(self, line, "warc", no_record_parse=True)
            if record.length is None or record.length < 0:
                raise Damaged("a record without a length")
            url = record.rec_headers.get_header("WARC-Target-URI") or ""
            if record.rec_type in _OF_PAGES and url.lower().startswith(("http:", "https:")):
                is_page = record.rec_type == "response" and wanted(url)
                yield self._response(record, url) if is_page else SkippedRecord()
            while record.raw_stream.limit:
                self._piece(record)

    # What warcio reads from

    def read(self, length: int) -> bytes:
        data: bytes = self._stream.read(length)
        self._spend(len(data))
        return data

    def readline(self, length: int | None = None) -> bytes:
        line: bytes = self._stream.readline(_MAX_LINE_BYTES if length is None else min(length, _MAX_LINE_BYTES))
        self._spend(len(line))
        self._lines += 1
        if len(line) >= _MAX_LINE_BYTES or self._lines > _MAX_LINES:
            raise Damaged("headers of a length that no record has")
        return line

    def _first_line(self) -> bytes:
        """The next line that is not blank; empty at the end."""
        self._lines = 0
        while True:
            try:
                if self._members:
                    self._stream.peek(1)  # then the next byte's member has begun, and no later one
            finally:
                self.begin = self._members.begin if self._members else self._file.tell()
            line = self.readline()
            if line.strip() or not line:
                return line

    def _spend(self, count: int) -> None:
        self.left -= count
        if self.left < 0:
            raise _Exhausted("the file unpacks to more than any honest one: the rest is left out")

    def _response(self, record: Any, url: str) -> WarcPage | DamagedRecord:
        if record.length > MAX_BLOCK_BYTES:
            return DamagedRecord(self.begin, f"a response of {record.length} bytes: more than {MAX_BLOCK_BYTES}")
        block = b""
        while record.raw_stream.limit:
            block += self._piece(record, MAX_BLOCK_BYTES)
        try:
            return page_of(self.begin, record.rec_headers, url, block)
        except DAMAGE as error:
            return DamagedRecord(self.begin, one_line(error))

    def _piece(self, record: Any, length: int = _BLOCK_BYTES) -> bytes:
        piece = self.read(min(length, record.raw_stream.limit))
        if not piece:
            raise Damaged("the file is cut short")
        record.raw_stream.limit -= len(piece)
        return piece


def _next_mark(file: BinaryIO, begin: int, mark: bytes) -> int | None:
    """Where a mark stands next, past a line break that is part of it; null if nowhere."""
    begin -= 1 if mark.startswith(b"\n") else 0
    file.seek(begin)
    held = b""
    while data := file.read(_BLOCK_BYTES * 16):
        held = held[-len(mark) :] + data
        place = held.find(mark)
        if place >= 0:
            return file.tell() - len(held) + place + (1 if mark.startswith(b"\n") else 0)
    return None
