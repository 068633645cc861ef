"""Common Crawl rows: the captures of a site in the rows of a crawl's index, each checked before it is used."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from typing import Any

from fxticker.backfill.archive import Capture
from fxticker.backfill.cdx import (
    REVISIT,
    BadRow,
    bad_row,
    html_status,
    ignore,
    is_on_site,
    payload_digest,
    read_json,
    read_stamp,
    require_address,
)
from fxticker.errors import ParseError

_MAX_FAULTS = 10_000
"""Lines of an index that are no JSON objects at most; more are no index."""
_FILE = re.compile(r"crawl-data(?:/[A-Za-z0-9_][A-Za-z0-9._-]{0,200}){1,10}\.warc\.gz")
_NUMBER = re.compile(r"[0-9]{1,15}")


def read_index(body: bytes, site: str, first: date, last: date, bad: BadRow = ignore) -> list[Capture]:
    """Parse a crawl's index; lines of other sites, days, statuses and media types are left out.

    A malformed line is left out and handed to `bad`.

    Returns
    -------
    list of Capture
        In chronological order.

    Raises
    ------
    ParseError
        If no line is a JSON object, or too many are none: the body is no index.
    """
    return _captures_of(_rows(body, bad), site, first, last, bad)


def _rows(body: bytes, bad: BadRow) -> Iterator[tuple[int, Mapping[str, Any]]]:
    """Yield the lines of an index that are JSON objects, with their numbers from 1; the others are handed to `bad`."""
    faults = 0
    lines = [line for line in body.splitlines() if line.strip()]
    for number, line in enumerate(lines, 1):
        try:
            row = read_json(line)
        except ParseError:
            row = None
        if isinstance(row, dict):
            yield number, row
            continue
        faults += 1
        if faults > _MAX_FAULTS:
            raise ParseError(f"the index has more than {_MAX_FAULTS} lines that are no JSON objects")
        bad(bad_row(number, line[:200].decode(errors="replace"), "no JSON object"))
    if faults and faults == len(lines):
        raise ParseError("the index has no line that is a JSON object")


def read_rows(
    rows: Iterable[Mapping[str, Any]], site: str, first: date, last: date, bad: BadRow = ignore
) -> list[Capture]:
    """Read rows of a crawl's columnar index as `read_index` reads lines."""
    return _captures_of(enumerate(rows, 1), site, first, last, bad)


def _captures_of(
    rows: Iterable[tuple[int, Mapping[str, Any]]], site: str, first: date, last: date, bad: BadRow
) -> list[Capture]:
    captures = []
    for number, row in rows:
        try:
            capture = _capture(row, site)
        except ParseError as error:
            bad(bad_row(number, f"{row.get('timestamp')} {row.get('url')}", error))
            continue
        if capture is not None and first <= capture.instant.date() <= last:
            captures.append(capture)
    return sorted(captures)


def _capture(row: Mapping[str, Any], site: str) -> Capture | None:
    """Return the capture of a line; `None` if it is of another site, status or media type.

    Raises
    ------
    ParseError
        If its address, timestamp or place is malformed.
    """
    media_types = (row.get("mime"), row.get("mime-detected"))
    is_revisit = REVISIT in media_types
    if not is_revisit and not any(html_status(row.get("status"), media_type) for media_type in media_types):
        return None
    url = require_address(row.get("url"))
    if not is_on_site(site, url):
        return None
    digest = payload_digest(row.get("digest"))
    return Capture(read_stamp(row.get("timestamp")), url, _place(row), digest=digest, is_revisit=is_revisit)


def _place(row: Mapping[str, Any]) -> tuple[str, int, int]:
    """Return file, offset and length in bytes of a capture; a file name that could lead elsewhere is refused."""
    name, offset, length = (row.get(key) for key in ("filename", "offset", "length"))
    texts = [text for text in (name, offset, length) if isinstance(text, str)]
    is_valid = len(texts) == 3 and _FILE.fullmatch(texts[0]) and all(map(_NUMBER.fullmatch, texts[1:]))  # noqa: PLR2004
    if not is_valid or int(texts[2]) == 0:
        raise ParseError("the index has an invalid place for a capture")
    return texts[0], int(texts[1]), int(texts[2])
