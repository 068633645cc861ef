"""The Wayback Machine: its CDX index, and the replay of captures as they were taken.

Formats: github.com/internetarchive/wayback, wayback-cdx-server/README.md. Rates: edgi-govdata-archiving/wayback 0.5.1
takes 24 requests a minute for the index (80 % of a hard 30) and 480 for captures.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import unquote_plus, urlencode

import httpx

from fxticker.backfill.archive import (
    GONE,
    INDEX_PAUSE_S,
    MAX_CAPTURES,
    Capture,
    CapturedPage,
)
from fxticker.backfill.cdx import is_page_of, read_stamp, stamp_of
from fxticker.errors import DamagedPage, ParseError
from fxticker.fetch.client import Fetcher, Request, Response
from fxticker.fetch.throttle import Throttle

PAGE_PAUSE_S = 1.5
"""40 captures a minute, of the 480 that are recommended at most."""
INDEX_ROWS = 10_000
"""Of one answer, some 1.5 MB."""
MAX_INDEX_BYTES = 10_000_000
TIMEOUT_S = 120.0
"""The index searches for a minute now and then."""
_MAX_KEY_CHARS = 3000
_JSON = frozenset(["application/json", "text/x-json", "text/json", "text/plain"])
_WANTED = ("timestamp", "original", "mimetype", "statuscode")


class Wayback:
    """The Wayback Machine, or something that speaks as it does.

    Parameters
    ----------
    root
        Its URL; nothing outside it is asked for.
    fetcher, pacing
        The net and the pauses.
    max_bytes
        Of a capture.
    """

    id = "wayback"

    def __init__(self, root: str, *, fetcher: Fetcher, pacing: Throttle, max_bytes: int) -> None:
        self._root = root.rstrip("/")
        self._fetcher = fetcher
        self._pacing = pacing
        self._max_bytes = max_bytes

    @property
    def requests(self) -> int:
        """Made so far."""
        return self._pacing.requests

    def listings(self, site: str, first: date, last: date) -> Iterator[Sequence[Capture]]:
        """Captures of HTML pages of a site in a span of days, one an hour of each page, by pages of the index.

        Raises
        ------
        FetchError
            If the index should be left alone for now.
        ParseError
            If an answer is none of an index, or they never end.
        """
        key: str | None = None
        keys: set[str] = set()
        rows = 0
        while True:
            url = f"{self._root}/cdx/search/cdx?{_query(site, first, last, key)}"
            answer = self._ask(url, media_types=_JSON, max_bytes=MAX_INDEX_BYTES, pause_s=INDEX_PAUSE_S)
            captures, key = read_index(answer.body, site, first, last)
            rows += len(captures)
            yield captures
            if key is None:
                return
            if key in keys or rows >= MAX_CAPTURES or len(keys) >= MAX_CAPTURES // INDEX_ROWS:
                raise ParseError(f"the index does not end, after {rows} captures: ask for a shorter span")
            keys.add(key)

    def page(self, capture: Capture, media_types: frozenset[str]) -> CapturedPage:
        """A capture as it was taken.

        Raises
        ------
        FetchError
            If it could not be had.
        DamagedPage
            If the archive gives another capture than the one asked for.
        """
        url = f"{self._root}/web/{stamp_of(capture.at)}id_/{capture.url}"
        answer = self._ask(url, media_types=media_types, max_bytes=self._max_bytes, pause_s=PAGE_PAUSE_S)
        given = _memento(answer.headers.get("memento-datetime"))
        if given is not None and given != capture.at:
            raise DamagedPage(f"the archive gave the capture of {given:%Y-%m-%dT%H:%M:%SZ} instead")
        return CapturedPage(answer.body, answer.headers)

    def _ask(self, url: str, *, media_types: frozenset[str], max_bytes: int, pause_s: float) -> Response:
        request = Request(
            url,
            media_types=media_types,
            statuses=[httpx.codes.OK],
            conditions={},
            timeout_s=TIMEOUT_S,
            max_bytes=max_bytes,
            retry_pauses_s=(),
        )
        return self._pacing.request(lambda: self._fetcher.send(request), pause_s=pause_s, settling=GONE)


def read_index(body: bytes, site: str, first: date, last: date) -> tuple[list[Capture], str | None]:
    """An answer of the index: its captures in the order of time, and the key to the next answer, null after the last.

    Row 0 names the columns; behind an empty row stands the key alone. Rows of other sites, days, statuses and types
    are left out.

    Raises
    ------
    ParseError
        If it is none.
    """
    rows = _rows(body)
    key: str | None = None
    if len(rows) > 1 and not rows[-2] and len(rows[-1]) == 1:
        key = rows[-1][0]
        rows = rows[:-2]
        if len(key) > _MAX_KEY_CHARS:
            raise ParseError("the index gives a key that is too long")
    if not rows:
        return [], key
    try:
        stamp, url, mime, status = (rows[0].index(name) for name in _WANTED)
    except ValueError as error:
        raise ParseError(f"the index has other columns than {', '.join(_WANTED)}") from error
    captures = []
    for row in rows[1:]:
        if len(row) != len(rows[0]):
            raise ParseError("a row of the index has another length than its header")
        if row[status] == "200" and row[mime] == "text/html" and is_page_of(site, row[url]):
            at = read_stamp(row[stamp])
            if first <= at.date() <= last:
                captures.append(Capture(at, row[url]))
    return sorted(captures, key=lambda capture: (capture.at, capture.url)), key


def _rows(body: bytes) -> list[list[str]]:
    if not body.strip():
        return []  # where there is nothing, the answer may be empty
    try:
        rows: Any = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise ParseError(f"the index gives no JSON: {type(error).__name__}") from error
    if not isinstance(rows, list) or not all(
        isinstance(row, list) and all(isinstance(cell, str) for cell in row) for row in rows
    ):
        raise ParseError("the index gives no rows of texts")
    if len(rows) > INDEX_ROWS + 3:
        raise ParseError(f"the index gives {len(rows)} rows, and was asked for {INDEX_ROWS}")
    return rows


def _query(site: str, first: date, last: date, key: str | None) -> str:
    asked = [
        ("url", site),
        ("matchType", "domain"),
        ("output", "json"),
        ("from", f"{first:%Y%m%d}"),
        ("to", f"{last:%Y%m%d}"),
        ("filter", "statuscode:200"),
        ("filter", "mimetype:text/html"),
        ("collapse", "timestamp:10"),
        ("limit", str(INDEX_ROWS)),
        ("showResumeKey", "true"),
    ]
    if key is not None:
        asked.append(("resumeKey", unquote_plus(key)))  # it comes as it is to stand in a URL
    return urlencode(asked)


def _memento(text: str | None) -> datetime | None:
    """The instant of a Memento-Datetime (RFC 7089, 2.1.1); null if there is none that can be read."""
    try:
        return None if text is None else parsedate_to_datetime(text[:100]).astimezone(UTC)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
