"""Columnar index: searches the Parquet files of Common Crawl's index for one site, reading no more than its rows need.

The index of a crawl has some 300 files, 200 GB together, sorted by `url_surtkey`: the host with its labels reversed,
``com,timesca)/about`` (github.com/commoncrawl/cc-index-table). The file with a site is found by halving, from the
smallest and largest key in each footer; then the keys of its row groups are requested, and the other columns of those
that hold the site.
"""

from __future__ import annotations

import io
import re
import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from itertools import pairwise
from typing import Any

import httpx

from fxticker.backfill.archive_request import request_archive
from fxticker.errors import ParseError, one_line
from fxticker.fetch.client import Fetcher
from fxticker.fetch.gzip import CutShort, gunzip
from fxticker.fetch.throttle import Throttle
from fxticker.model.timestamps import EPOCH

PAUSE_S = 1.0
"""Seconds between requests, as for captures."""
MAX_FILES = 10_000
"""Files of an index at most; a crawl has 300 of each subset."""
MAX_COLUMN_BYTES = 200_000_000
"""Largest column of a row group, compressed; one of a million keys has some 20 MB."""
MAX_ROWS = 10_000_000
"""Rows of a row group at most: a few bytes may stand for any number of equal ones."""
_WORK = 50
"""Unpacked bytes of a column per packed byte at most."""
_MAX_LIST_BYTES = 3_000_000
_TAIL_BYTES = 65_536
"""Bytes at the end of a file that are requested for its footer; more if that is longer."""
_MAX_FOOTER_BYTES = 20_000_000
_MAGIC = b"PAR1"
_FILE = re.compile(r"cc-index/table(?:/[A-Za-z0-9_=][A-Za-z0-9._=-]{0,200}){1,10}\.parquet")
_SUBSET = "/subset=warc/"
"""Of the files with pages; the others list redirects, errors and robots.txt."""
_KEY = "url_surtkey"
_NAMES = {
    "url": "url",
    "fetch_time": "timestamp",
    "fetch_status": "status",
    "content_digest": "digest",
    "content_mime_type": "mime",
    "content_mime_detected": "mime-detected",
    "warc_filename": "filename",
    "warc_record_offset": "offset",
    "warc_record_length": "length",
}
"""Columns of the index, and their names in the index that is searched by URL."""


class ColumnarIndex:
    """The columnar indexes of all crawls.

    Parameters
    ----------
    data_root
        URL of the data; nothing outside it is requested.
    fetcher, throttle
        As of `CommonCrawl`.
    """

    def __init__(self, data_root: str, *, fetcher: Fetcher, throttle: Throttle) -> None:
        self._data_root = data_root.rstrip("/")
        self._fetcher = fetcher
        self._throttle = throttle

    def rows(self, crawl: str, site: str) -> Iterator[Mapping[str, Any]]:
        """Yield the rows of a site and its subdomains in a crawl, with the names and texts of the index by URL.

        Raises
        ------
        FetchError
            If the server refuses or fails.
        ParseError
            If an answer is no index.
        """
        lowest, highest = keys_of(site)
        files = [_File(self, name) for name in self._names(crawl)]
        for file in holding(files, lowest, highest):
            yield from file.rows(lowest, highest)

    def piece(self, name: str, span: str, max_bytes: int) -> tuple[bytes, str]:
        """Request a part of a file; return it with the header field that says which it is."""
        headers = {"range": f"bytes={span}", "accept-encoding": "identity"}
        answer = self._request(name, max_bytes, httpx.codes.PARTIAL_CONTENT, headers)
        return answer.body, answer.headers.get("content-range", "")

    def _names(self, crawl: str) -> list[str]:
        """Return the names of a crawl's files that list pages, in order."""
        packed = self._request(f"crawl-data/{crawl}/cc-index-table.paths.gz", _MAX_LIST_BYTES, httpx.codes.OK, {}).body
        try:
            # A server may declare the file's own gzip as the encoding of its answer, which is undone then.
            lines = gunzip(packed, _MAX_LIST_BYTES) if packed.startswith(b"\x1f\x8b") else packed
        except (zlib.error, CutShort) as error:
            raise ParseError(f"the list of the index's files is damaged: {error}") from error
        names = sorted(line for line in lines.decode(errors="replace").split() if _SUBSET in line)
        if not names or len(names) > MAX_FILES or not all(map(_FILE.fullmatch, names)):
            raise ParseError(f"no list of the files of an index: {len(names)} names")
        return names

    def _request(self, name: str, max_bytes: int, status: int, headers: Mapping[str, str]) -> Any:
        return request_archive(
            self._fetcher,
            self._throttle,
            f"{self._data_root}/{name}",
            pause_s=PAUSE_S,
            max_bytes=max_bytes,
            status=status,
            headers=headers,
        )


def keys_of(site: str) -> tuple[str, str]:
    """Return the bounds of the keys of a host and its subdomains: the first one, and the first one that is beyond."""
    reverse = ",".join(reversed(site.split(".")))
    return f"{reverse})", f"{reverse}-"  # "-" follows "," in ASCII, which precedes a subdomain


class _File:
    """One file of an index, of which the footer and some columns are requested."""

    def __init__(self, index: ColumnarIndex, name: str) -> None:
        self._index = index
        self._name = name
        self._pieces = _Pieces()
        self._parquet: Any = None

    def bounds(self) -> tuple[str, str]:
        """Return the smallest and the largest key."""
        spans = [span for _, span in self._groups() if span is not None]
        if not spans:
            raise ParseError(f"{self._name}: no statistics of its keys")
        return min(first for first, _ in spans), max(last for _, last in spans)

    def rows(self, lowest: str, highest: str) -> Iterator[Mapping[str, Any]]:
        """Yield the rows with keys from `lowest` on and below `highest`."""
        for group, span in self._groups():
            if span is not None and (span[1] < lowest or span[0] >= highest):
                continue
            keys = self._columns(group, [_KEY])[_KEY]
            places = [place for place, key in enumerate(keys) if isinstance(key, str) and lowest <= key < highest]
            if places:
                columns = self._columns(group, list(_NAMES), places)
                for values in zip(*columns.values(), strict=True):
                    yield {_NAMES[name]: _text(value) for name, value in zip(columns, values, strict=True)}

    def _groups(self) -> list[tuple[int, tuple[str, str] | None]]:
        """Return the row groups, each with its smallest and largest key; `None` if they are not known."""
        metadata = self._opened().metadata
        groups: list[tuple[int, tuple[str, str] | None]] = []
        for group in range(metadata.num_row_groups):
            statistics = self._chunk(group, _KEY).statistics
            is_known = statistics is not None and statistics.has_min_max
            groups.append((group, (_key(statistics.min), _key(statistics.max)) if is_known else None))
        return groups

    def _columns(self, group: int, names: Sequence[str], places: Sequence[int] | None = None) -> dict[str, list[Any]]:
        """Return columns of a row group as Python values, of the rows at `places` only if they are given."""
        if (rows := self._opened().metadata.row_group(group).num_rows) > MAX_ROWS:
            raise ParseError(f"{self._name}: {rows} rows in a row group, more than {MAX_ROWS}")
        for name in names:
            begin, end, unpacked_bytes = _span(self._chunk(group, name))
            if not 0 <= begin < end or max(end - begin, unpacked_bytes // _WORK) > MAX_COLUMN_BYTES:
                raise ParseError(f"{self._name}: a column of {end - begin} bytes, more than {MAX_COLUMN_BYTES}")
            self._pieces.add(begin, self._index.piece(self._name, f"{begin}-{end - 1}", end - begin)[0])
        with _damage_of(self._name):
            table = self._opened().read_row_group(group, columns=list(names), use_threads=False)
            if places is not None:
                table = table.take(places)
            return {name: table.column(name).to_pylist() for name in names}

    def _chunk(self, group: int, name: str) -> Any:
        metadata = self._opened().metadata
        if name not in metadata.schema.names:
            raise ParseError(f"{self._name}: no column {name}")
        return metadata.row_group(group).column(metadata.schema.names.index(name))

    def _opened(self) -> Any:
        if self._parquet is None:
            import pyarrow.parquet as pq

            tail, span = self._index.piece(self._name, f"-{_TAIL_BYTES}", _TAIL_BYTES)
            size = re.search(r"/([0-9]{1,15})$", span)
            if size is None or not tail.endswith(_MAGIC):
                raise ParseError(f"{self._name}: not a Parquet file, or no part of one")
            length = int.from_bytes(tail[-8:-4], "little") + 8
            if length > _MAX_FOOTER_BYTES:
                raise ParseError(f"{self._name}: a footer of {length} bytes, more than {_MAX_FOOTER_BYTES}")
            if length > len(tail):
                tail = self._index.piece(self._name, f"-{length}", length)[0]
            self._pieces.add(int(size[1]) - len(tail), tail)
            with _damage_of(self._name):
                self._parquet = pq.ParquetFile(self._pieces, coerce_int96_timestamp_unit="us")
        return self._parquet


class _Pieces(io.RawIOBase):
    """A file of which some parts are there; others cannot be read."""

    def __init__(self) -> None:
        self._parts: list[tuple[int, bytes]] = []
        self._place = 0

    def add(self, begin: int, data: bytes) -> None:
        """Add a part."""
        self._parts.append((begin, data))

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        size = max(begin + len(data) for begin, data in self._parts)
        self._place = offset + {io.SEEK_SET: 0, io.SEEK_CUR: self._place, io.SEEK_END: size}[whence]
        return self._place

    def tell(self) -> int:
        return self._place

    def read(self, size: int | None = -1) -> bytes:
        for begin, data in self._parts:
            piece = data[self._place - begin :][: None if size is None or size < 0 else size]
            if begin <= self._place and (len(piece) == size or size in (None, -1)):
                self._place += len(piece)
                return piece
        raise OSError(f"{size} bytes at {self._place}, which were not requested")


def holding(files: Sequence[_File], lowest: str, highest: str) -> Iterator[_File]:
    """Yield the files that may have keys between two bounds, of files that are sorted by their keys.

    Raises
    ------
    ParseError
        If those that were looked at are not.
    """
    seen: dict[int, tuple[str, str]] = {}

    def bounds(number: int) -> tuple[str, str]:
        if number not in seen:
            seen[number] = files[number].bounds()
            ordered = [seen[place] for place in sorted(seen)]
            if any(before[1] > after[0] for before, after in pairwise(ordered)):
                raise ParseError("the files of the index are not sorted by their keys")
        return seen[number]

    low, high = 0, len(files)
    while low < high:
        middle = (low + high) // 2
        if bounds(middle)[1] < lowest:
            low = middle + 1
        else:
            high = middle
    for number in range(low, len(files)):
        if bounds(number)[0] >= highest:
            return
        yield files[number]


@contextmanager
def _damage_of(name: str) -> Iterator[None]:
    """Raise what Arrow raises on a damaged file as the error of the index."""
    import pyarrow as pa

    try:
        yield
    except (pa.ArrowException, OSError, ValueError) as error:
        raise ParseError(f"{name}: {one_line(error)}") from error


def _span(chunk: Any) -> tuple[int, int, int]:
    """Return begin and end of a column in the file, and its unpacked size, in bytes."""
    offsets = [chunk.data_page_offset, *([chunk.dictionary_page_offset] if chunk.has_dictionary_page else [])]
    return min(offsets), min(offsets) + chunk.total_compressed_size, chunk.total_uncompressed_size


def _key(value: object) -> str:
    return value.decode(errors="replace") if isinstance(value, bytes) else str(value)


def _text(value: object) -> object:
    """Return a value as the index by URL writes it: times as ``yyyyMMddhhmmss``, numbers as text."""
    if isinstance(value, datetime):
        return f"{value:%Y%m%d%H%M%S}" if value >= EPOCH.replace(tzinfo=value.tzinfo) else None
    return str(value) if isinstance(value, int) else value
