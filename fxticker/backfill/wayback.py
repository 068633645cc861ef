"""Wayback Machine: searches its CDX index and fetches captures as they were taken.

Formats: github.com/internetarchive/wayback, wayback-cdx-server/README.md. Rates: edgi-govdata-archiving/wayback 0.5.1
makes 24 requests a minute to the index (80 % of a hard limit of 30) and 480 for captures.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import unquote_plus, urlencode

from fxticker.backfill.archive import MAX_CAPTURES, Capture, CapturedPage
from fxticker.backfill.archive_request import INDEX_PAUSE_S, request_archive
from fxticker.backfill.cdx import (
    REVISIT,
    BadRow,
    bad_row,
    html_status,
    ignore,
    payload_digest,
    read_json,
    read_stamp,
    requested_url,
    require_address,
    stamp_of,
)
from fxticker.errors import DamagedPage, ParseError
from fxticker.fetch.client import Fetcher
from fxticker.fetch.throttle import Throttle

PAGE_PAUSE_S = 1.5
"""Seconds between requests for captures, 40 a minute; 480 are recommended at most."""
INDEX_ROWS = 10_000
"""Rows requested per answer of the index, some 1.5 MB."""
MAX_INDEX_BYTES = 10_000_000
"""Largest answer of the index, in bytes: six times one of `INDEX_ROWS` rows."""
_MAX_KEY_CHARS = 3000
"""Longest resume key, in characters: a key holds one URL, and URLs have 2,000 at most."""
_JSON = frozenset(["application/json", "text/x-json", "text/json", "text/plain"])
_COLUMNS = ("timestamp", "original", "mimetype", "statuscode")


class Wayback:
    """The Wayback Machine, or a server with the same interface.

    Parameters
    ----------
    root
        Its URL; nothing outside it is requested.
    fetcher
        HTTP client.
    throttle
        Waits between requests and retries them.
    max_bytes
        Largest capture, decoded.
    """

    id = "wayback"

    def __init__(self, root: str, *, fetcher: Fetcher, throttle: Throttle, max_bytes: int) -> None:
        self.throttle = throttle
        self._root = root.rstrip("/")
        self._fetcher = fetcher
        self._max_bytes = max_bytes

    def listings(self, site: str, first: date, last: date, bad: BadRow = ignore) -> Iterator[Sequence[Capture]]:
        """Yield the captures of a site's HTML pages in a span of days, one per hour and page, by answer of the index.

        Malformed rows are left out and handed to `bad`.

        Raises
        ------
        FetchError
            If the index refuses or fails.
        ParseError
            If an answer is no index, or the answers never end.
        """
        key: str | None = None
        keys: set[str] = set()
        rows = 0
        while True:
            answer = request_archive(
                self._fetcher,
                self.throttle,
                f"{self._root}/cdx/search/cdx?{_query(site, first, last, key)}",
                pause_s=INDEX_PAUSE_S,
                max_bytes=MAX_INDEX_BYTES,
                media_types=_JSON,
            )
            captures, key = read_index(answer.body, site, first, last, bad)
            rows += len(captures)
            yield captures
            if key is None:
                return
            if key in keys or rows >= MAX_CAPTURES or len(keys) >= MAX_CAPTURES // INDEX_ROWS:
                raise ParseError(f"the index does not end, after {rows} captures: request a shorter span")
            keys.add(key)

    def page(self, capture: Capture, media_types: frozenset[str]) -> CapturedPage:
        """Return a capture as it was taken.

        Raises
        ------
        FetchError
            If there is no acceptable answer.
        DamagedPage
            If the archive delivers another capture than the requested one.
        """
        answer = request_archive(
            self._fetcher,
            self.throttle,
            f"{self._root}/web/{stamp_of(capture.instant)}id_/{capture.url}",
            pause_s=PAGE_PAUSE_S,
            max_bytes=self._max_bytes,
            media_types=media_types,
        )
        delivered = _memento(answer.headers.get("memento-datetime"))
        if delivered is not None and delivered != capture.instant:
            raise DamagedPage(f"the archive delivered the capture of {delivered:%Y-%m-%dT%H:%M:%SZ} instead")
        return CapturedPage(answer.body, answer.headers)


def read_index(
    body: bytes, site: str, first: date, last: date, bad: BadRow = ignore
) -> tuple[list[Capture], str | None]:
    """Parse an answer of the index; rows of other sites, days, statuses and media types are left out.

    Row 0 has the column names. If more answers follow, an empty row and a row with the resume key are the last ones.
    A malformed row is left out and handed to `bad`.

    Returns
    -------
    captures
        In chronological order.
    key
        Resume key of the next answer; `None` if this is the last one.

    Raises
    ------
    ParseError
        If the body is no index.
    """
    rows = _rows(body)
    key: str | None = None
    if len(rows) > 1 and rows[-2] == [] and _is_texts(rows[-1]) and len(rows[-1]) == 1:
        key = rows[-1][0]
        rows = rows[:-2]
        if len(key) > _MAX_KEY_CHARS:
            raise ParseError(f"the index has a resume key of {len(key)} characters: more than {_MAX_KEY_CHARS}")
    if not rows:
        return [], key
    if not set(_COLUMNS) <= set(rows[0]):
        raise ParseError(f"the index has other columns than {', '.join(_COLUMNS)}")
    columns = {name: position for position, name in enumerate(rows[0])}
    captures = []
    for number, row in enumerate(rows[1:], 1):
        try:
            capture = _capture(row, columns, len(rows[0]), site)
        except ParseError as error:
            bad(bad_row(number, row, error))
            continue
        if capture is not None and first <= capture.instant.date() <= last:
            captures.append(capture)
    return sorted(captures), key


def _capture(row: Any, columns: Mapping[str, int], length: int, site: str) -> Capture | None:
    """Return the capture of a row; `None` if it is of another site, status or media type.

    Raises
    ------
    ParseError
        If the row is malformed.
    """
    if not _is_texts(row) or len(row) != length:
        raise ParseError("another length than the header's, or no texts")
    status, media_type = row[columns["statuscode"]], row[columns["mimetype"]]
    is_revisit = media_type == REVISIT
    if not is_revisit and not html_status(status, media_type):
        return None
    url = requested_url(site, require_address(row[columns["original"]]))
    if url is None:
        return None
    digest = payload_digest(row[columns["digest"]]) if "digest" in columns else None
    return Capture(read_stamp(row[columns["timestamp"]]), url, digest=digest, is_revisit=is_revisit)


def _rows(body: bytes) -> list[Any]:
    """Return the rows of an answer; the answer may be empty if there are no captures."""
    rows = read_json(body) if body.strip() else []
    if not isinstance(rows, list) or (rows and not _is_texts(rows[0])):
        raise ParseError("the index has no rows of texts")
    if len(rows) > INDEX_ROWS + 3:
        raise ParseError(f"the index has {len(rows)} rows; {INDEX_ROWS} were requested")
    return rows


def _is_texts(row: object) -> bool:
    return isinstance(row, list) and all(isinstance(cell, str) for cell in row)


def _query(site: str, first: date, last: date, key: str | None) -> str:
    query = [
        ("url", site),
        ("matchType", "domain"),
        ("output", "json"),
        ("from", f"{first:%Y%m%d}"),
        ("to", f"{last:%Y%m%d}"),
        ("filter", "statuscode:200|-"),
        ("filter", f"mimetype:text/html|{REVISIT}"),
        ("collapse", "timestamp:10"),
        ("limit", str(INDEX_ROWS)),
        ("showResumeKey", "true"),
    ]
    if key is not None:
        query.append(("resumeKey", unquote_plus(key)))  # the index delivers it already quoted for a URL
    return urlencode(query)


def _memento(text: str | None) -> datetime | None:
    """Return the instant of a Memento-Datetime (RFC 7089, 2.1.1), aware UTC; `None` if missing or unreadable."""
    try:
        return None if text is None else parsedate_to_datetime(text[:100]).astimezone(UTC)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
