"""Common Crawl: a crawl a month, each with an index, and captures as pieces of large files of WARC records.

Formats and manners as in cocrawler/cdx_toolkit, which waits at least 1 s between requests to the index and 0.55 s
between those for data, and asks for one thing at a time.
"""

from __future__ import annotations

import io
import json
import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from datetime import date, timedelta
from typing import Any
from urllib.parse import urlencode

import httpx

from fxticker.backfill.archive import (
    GONE,
    INDEX_PAUSE_S,
    MAX_CAPTURES,
    Capture,
    CapturedPage,
)
from fxticker.backfill.cdx import is_page_of, read_stamp
from fxticker.backfill.known_absent import ResponseCache
from fxticker.backfill.warc import read_warc
from fxticker.backfill.warc_page import DamagedRecord, WarcPage
from fxticker.errors import BadStatus, DamagedPage, ParseError
from fxticker.fetch.client import Fetcher, Request, Response
from fxticker.fetch.throttle import Throttle

DATA_PAUSE_S = 1.0
MAX_INDEX_BYTES = 30_000_000
"""Of the list of crawls and of a crawl's captures; a capture takes 500 bytes."""
TIMEOUT_S = 120.0
_MAX_CRAWLS = 1000
_CRAWLS, _CRAWLS_HOLD = "collinfo", timedelta(days=1)
"""The list of crawls grows once a month."""
_CRAWL = re.compile(r"CC-MAIN-[0-9]{4}(?:-[0-9]{2,4})?")
_DAY = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2})T")
_FILE = re.compile(r"crawl-data(?:/[A-Za-z0-9_][A-Za-z0-9._-]{0,200}){1,10}\.warc\.gz")
_NUMBER = re.compile(r"[0-9]{1,15}")


class CommonCrawl:
    """Common Crawl, or something that speaks as it does.

    Parameters
    ----------
    index_root, data_root
        Where the indexes and the data are; nothing outside these is asked for.
    fetcher, pacing
        The net and the pauses.
    max_bytes
        Of a record, compressed.
    answers
        Where the list of crawls is kept for a day.
    """

    id = "commoncrawl"

    def __init__(
        self,
        index_root: str,
        data_root: str,
        *,
        fetcher: Fetcher,
        pacing: Throttle,
        max_bytes: int,
        answers: ResponseCache | None = None,
    ) -> None:
        self._index_root = index_root.rstrip("/")
        self._data_root = data_root.rstrip("/")
        self._fetcher = fetcher
        self._pacing = pacing
        self._max_bytes = max_bytes
        self._answers = answers

    @property
    def requests(self) -> int:
        """Made so far."""
        return self._pacing.requests

    def listings(self, site: str, first: date, last: date) -> Iterator[Sequence[Capture]]:
        """Captures of HTML pages of a site in a span of days, crawl by crawl.

        Raises
        ------
        FetchError
            If the index should be left alone for now.
        ParseError
            If an answer is none of an index, or there are more captures than any site has.
        """
        crawls = self._crawls(first, last)
        rows = 0
        for crawl in crawls:
            # The answer names a URL for each index as well; this one cannot lead elsewhere.
            query = urlencode({"url": f"{site}/*", "output": "json"}, safe="*/")
            try:
                body = self._index(f"{self._index_root}/{crawl}-index?{query}").body
            except BadStatus as error:
                if error.http_status != httpx.codes.NOT_FOUND:
                    raise
                continue  # so it says that the crawl has none
            captures = read_index(body, site, first, last)
            rows += len(captures)
            if rows > MAX_CAPTURES:
                raise ParseError(f"the indexes name more than {MAX_CAPTURES} captures: ask for a shorter span")
            yield captures

    def page(self, capture: Capture, media_types: frozenset[str]) -> CapturedPage:
        """A capture as it was taken.

        Raises
        ------
        FetchError
            If it could not be had.
        DamagedPage
            If what came is not the record of that capture, or none of `media_types`.
        """
        if capture.place is None:
            raise DamagedPage("the index names no place for the capture")
        name, begin, length = capture.place
        if length > self._max_bytes:
            raise DamagedPage(f"the record has {length} bytes, more than {self._max_bytes}")
        answer = self._ask(
            f"{self._data_root}/{name}",
            statuses=[httpx.codes.PARTIAL_CONTENT],
            # As it lies there: nobody is to compress it once more.
            conditions={"range": f"bytes={begin}-{begin + length - 1}", "accept-encoding": "identity"},
            max_bytes=length,
            pause_s=DATA_PAUSE_S,
        )
        return _page_in(answer.body, capture, media_types)

    def _crawls(self, first: date, last: date) -> list[str]:
        url = f"{self._index_root}/collinfo.json"
        kept = self._answers.recent(_CRAWLS, url, _CRAWLS_HOLD) if self._answers else None
        if kept is not None:
            with suppress(ParseError):  # what cannot be read is asked for again
                return read_crawls(kept, first, last)
        body = self._index(url).body
        crawls = read_crawls(body, first, last)
        if self._answers:
            self._answers.keep(_CRAWLS, url, body)
        return crawls

    def _index(self, url: str) -> Response:
        return self._ask(
            url, statuses=[httpx.codes.OK], conditions={}, max_bytes=MAX_INDEX_BYTES, pause_s=INDEX_PAUSE_S
        )

    def _ask(
        self, url: str, *, statuses: Sequence[int], conditions: dict[str, str], max_bytes: int, pause_s: float
    ) -> Response:
        request = Request(
            url,
            media_types=None,  # its types differ from server to server
            statuses=statuses,
            conditions=conditions,
            timeout_s=TIMEOUT_S,
            max_bytes=max_bytes,
            retry_pauses_s=(),
        )
        return self._pacing.request(lambda: self._fetcher.send(request), pause_s=pause_s, settling=GONE)


def read_crawls(body: bytes, first: date, last: date) -> list[str]:
    """The ids of the crawls that reach into a span of days, the earliest first.

    Raises
    ------
    ParseError
        If it is no list of crawls.
    """
    crawls = _json(body)
    if not isinstance(crawls, list) or len(crawls) > _MAX_CRAWLS:
        raise ParseError("the index gives no list of crawls")
    found = []
    for crawl in crawls:
        name = crawl.get("id") if isinstance(crawl, dict) else None
        if not isinstance(name, str) or _CRAWL.fullmatch(name) is None:
            raise ParseError("the list of crawls names one that is none")
        begin, end = _day(crawl.get("from"), date.min), _day(crawl.get("to"), date.max)
        if begin <= last and first <= end:
            found.append((begin, name))
    return [name for _, name in sorted(found)]


def read_index(body: bytes, site: str, first: date, last: date) -> list[Capture]:
    """A crawl's captures of HTML pages of a site, in the order of time; other lines are left out.

    Raises
    ------
    ParseError
        If a line is none of an index, or names a place that no capture has.
    """
    captures = []
    for line in body.splitlines():
        if not line.strip():
            continue
        row = _json(line)
        if not isinstance(row, dict):
            raise ParseError("a line of the index is no object")
        url = row.get("url")
        is_html = "text/html" in (row.get("mime"), row.get("mime-detected"))
        if row.get("status") != "200" or not is_html or not isinstance(url, str) or not is_page_of(site, url):
            continue
        at = read_stamp(row.get("timestamp"))
        if first <= at.date() <= last:
            captures.append(Capture(at, url, _place(row)))
    return sorted(captures, key=lambda capture: (capture.at, capture.url))


def _place(row: dict[str, Any]) -> tuple[str, int, int]:
    name, offset, length = (row.get(key) for key in ("filename", "offset", "length"))
    texts = [text for text in (name, offset, length) if isinstance(text, str)]
    is_sound = len(texts) == 3 and _FILE.fullmatch(texts[0]) and all(map(_NUMBER.fullmatch, texts[1:]))  # noqa: PLR2004
    if not is_sound or int(texts[2]) == 0:
        raise ParseError("the index names a place that no capture has")
    return texts[0], int(texts[1]), int(texts[2])


def _page_in(body: bytes, capture: Capture, media_types: frozenset[str]) -> CapturedPage:
    found = next(iter(read_warc(io.BytesIO(body))), None)
    if isinstance(found, DamagedRecord):
        raise DamagedPage(f"the record is damaged: {found.why}")
    if not isinstance(found, WarcPage) or found.url != capture.url or found.at != capture.at:
        raise DamagedPage("the archive gave another record than the index names")
    if found.http_status != httpx.codes.OK or found.media_type not in media_types:
        raise DamagedPage(f"the capture is no page: status {found.http_status}, {found.media_type[:60]!r}")
    if found.body is None:
        raise DamagedPage(f"content encoding {found.encoding[:60]!r} is not read")
    return CapturedPage(found.body, found.headers)


def _json(text: bytes) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ParseError(f"the index gives no JSON: {type(error).__name__}") from error


def _day(text: object, otherwise: date) -> date:
    match = _DAY.match(text) if isinstance(text, str) else None
    try:
        return date.fromisoformat(match[1]) if match else otherwise
    except ValueError:
        return otherwise
