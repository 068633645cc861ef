"""Common Crawl: searches the index of each monthly crawl and fetches captures as pieces of large WARC files.

Formats and pauses as in cocrawler/cdx_toolkit, which waits at least 1 s between requests to the index and 0.55 s
between requests for data, and makes one request at a time.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from datetime import date, timedelta
from urllib.parse import urlencode

import httpx

from fxticker.backfill.archive import MAX_CAPTURES, Capture, CapturedPage
from fxticker.backfill.archive_request import INDEX_PAUSE_S, request_archive
from fxticker.backfill.cdx import (
    BadRow,
    ignore,
    read_json,
)
from fxticker.backfill.columnar_index import ColumnarIndex
from fxticker.backfill.commoncrawl_rows import read_index, read_rows
from fxticker.backfill.response_cache import ResponseCache
from fxticker.backfill.warc import read_warc
from fxticker.backfill.warc_page import DamagedRecord, WarcPage
from fxticker.errors import BadStatus, DamagedPage, ParseError
from fxticker.fetch.client import Fetcher
from fxticker.fetch.throttle import Throttle

DATA_PAUSE_S = 1.0
"""Seconds between requests for data; cdx_toolkit waits 0.55."""
MAX_INDEX_BYTES = 30_000_000
"""Largest list of crawls, and largest answer of a crawl's index, in bytes; a capture takes 500."""
_MAX_CRAWLS = 1000
"""Most crawls in the list: 80 years of monthly ones."""
_CRAWLS, _CRAWLS_MAX_AGE = "collinfo", timedelta(days=1)
"""Name and longest use of the cached list of crawls, which grows once a month."""
_CRAWL = re.compile(r"CC-MAIN-[0-9]{4}(?:-[0-9]{2,4})?")
_DAY = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2})T")


class CommonCrawl:
    """Common Crawl, or servers with the same interfaces.

    Parameters
    ----------
    index_root, data_root
        URLs of the indexes and of the data; nothing outside them is requested.
    fetcher
        HTTP client.
    throttle
        Waits between requests and retries them.
    max_bytes
        Largest record, compressed.
    cache
        Keeps the list of crawls for a day; `None` requests it each time.
    is_columnar
        Whether captures are searched in the Parquet files of the index, with the data, and not by the index's server.
    """

    id = "commoncrawl"

    def __init__(
        self,
        index_root: str,
        data_root: str,
        *,
        fetcher: Fetcher,
        throttle: Throttle,
        max_bytes: int,
        cache: ResponseCache | None = None,
        is_columnar: bool = False,
    ) -> None:
        self.throttle = throttle
        self._index_root = index_root.rstrip("/")
        self._data_root = data_root.rstrip("/")
        self._fetcher = fetcher
        self._max_bytes = max_bytes
        self._cache = cache
        self._columnar = ColumnarIndex(data_root, fetcher=fetcher, throttle=throttle) if is_columnar else None

    def listings(self, site: str, first: date, last: date, bad: BadRow = ignore) -> Iterator[Sequence[Capture]]:
        """Yield the captures of a site's HTML pages in a span of days, crawl by crawl.

        Malformed rows are left out and handed to `bad`.

        Raises
        ------
        FetchError
            If the index refuses or fails.
        ParseError
            If an answer is no index, or there are more captures than any site has.
        """
        rows = 0
        for crawl in self._crawls(first, last):
            if self._columnar:
                captures = read_rows(self._columnar.rows(crawl, site), site, first, last, bad)
            else:
                captures = self._captures(crawl, site, first, last, bad)
            rows += len(captures)
            if rows > MAX_CAPTURES:
                raise ParseError(f"the indexes list more than {MAX_CAPTURES} captures: request a shorter span")
            yield captures

    def _captures(self, crawl: str, site: str, first: date, last: date, bad: BadRow) -> list[Capture]:
        # The list of crawls has a URL for each index as well; this one cannot lead elsewhere.
        query = urlencode({"url": f"{site}/*", "output": "json"}, safe="*/")
        try:
            body = self._index(f"{self._index_root}/{crawl}-index?{query}")
        except BadStatus as error:
            if error.http_status != httpx.codes.NOT_FOUND:
                raise
            return []  # the crawl has no captures of the site
        return read_index(body, site, first, last, bad)

    def page(self, capture: Capture, media_types: frozenset[str]) -> CapturedPage:
        """Return a capture as it was taken.

        Raises
        ------
        FetchError
            If there is no acceptable answer.
        DamagedPage
            If the answer is not the record of that capture, or has none of `media_types`.
        """
        if capture.is_revisit:
            raise DamagedPage("a revisit of a capture that the index does not list")
        if capture.place is None:
            raise DamagedPage("the index has no place for the capture")
        name, begin, length = capture.place
        if length > self._max_bytes:
            raise DamagedPage(f"the record has {length} bytes, more than {self._max_bytes}")
        answer = request_archive(
            self._fetcher,
            self.throttle,
            f"{self._data_root}/{name}",
            pause_s=DATA_PAUSE_S,
            max_bytes=length,
            status=httpx.codes.PARTIAL_CONTENT,
            # identity: the record is compressed already, and offsets count its stored bytes.
            headers={"range": f"bytes={begin}-{begin + length - 1}", "accept-encoding": "identity"},
        )
        return _page_in(answer.body, capture, media_types)

    def _crawls(self, first: date, last: date) -> list[str]:
        """Return the ids of the crawls in a span of days; a cached list that cannot be parsed is requested again."""
        url = f"{self._index_root}/collinfo.json"
        cached = self._cache.recent(_CRAWLS, url, _CRAWLS_MAX_AGE) if self._cache else None
        if cached is not None:
            with suppress(ParseError):
                return read_crawls(cached, first, last)
        body = self._index(url)
        crawls = read_crawls(body, first, last)
        if self._cache:
            self._cache.keep(_CRAWLS, url, body)
        return crawls

    def _index(self, url: str) -> bytes:
        """Request a URL of the index; its media types differ from server to server."""
        return request_archive(self._fetcher, self.throttle, url, pause_s=INDEX_PAUSE_S, max_bytes=MAX_INDEX_BYTES).body


def read_crawls(body: bytes, first: date, last: date) -> list[str]:
    """Return the ids of the crawls that overlap a span of days, the earliest first.

    Raises
    ------
    ParseError
        If the body is no list of crawls.
    """
    crawls = read_json(body)
    if not isinstance(crawls, list) or len(crawls) > _MAX_CRAWLS:
        raise ParseError("the index has no list of crawls")
    overlapping = []
    for crawl in crawls:
        name = crawl.get("id") if isinstance(crawl, dict) else None
        if not isinstance(name, str) or _CRAWL.fullmatch(name) is None:
            raise ParseError("the list of crawls has an invalid id")
        begin, end = _day(crawl.get("from"), date.min), _day(crawl.get("to"), date.max)
        if begin <= last and first <= end:
            overlapping.append((begin, name))
    return [name for _, name in sorted(overlapping)]


def _page_in(body: bytes, capture: Capture, media_types: frozenset[str]) -> CapturedPage:
    """Return the page of a record, which must be that of the capture."""
    record = next(iter(read_warc(io.BytesIO(body))), None)
    if isinstance(record, DamagedRecord):
        raise DamagedPage(f"the record is damaged: {record.reason}")
    if not isinstance(record, WarcPage) or record.url != capture.url or record.instant != capture.instant:
        raise DamagedPage("the archive delivered another record than the index lists")
    if record.http_status != httpx.codes.OK or not record.is_of(media_types):
        raise DamagedPage(f"the capture is no page: status {record.http_status}, {record.media_type[:60]!r}")
    if record.body is None:
        raise DamagedPage(record.problem)
    return CapturedPage(record.body, record.headers)


def _day(text: object, otherwise: date) -> date:
    """Return the day of an ISO 8601 timestamp; `otherwise` if there is none."""
    match = _DAY.match(text) if isinstance(text, str) else None
    try:
        return date.fromisoformat(match[1]) if match else otherwise
    except ValueError:
        return otherwise
