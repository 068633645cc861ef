"""Capture indexes: JSON, URLs and timestamps of an archive's index, each checked before it is used."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

from fxticker.errors import ParseError, one_line

_MAX_URL_CHARS = 2000
"""Longest URL that is requested, in characters; this project's own limit."""
_STAMP = "%Y%m%d%H%M%S"


def site_of(url: str) -> str:
    """Return the host of a URL without ``www.``, in lower case; an empty text if the URL has none."""
    try:
        return (urlsplit(url).hostname or "").removeprefix("www.")
    except ValueError:
        return ""


def is_page_of(site: str, url: str) -> bool:
    """Whether a URL from an untrusted index is a plain http(s) URL of a page on a site or one of its subdomains."""
    if len(url) > _MAX_URL_CHARS or not url.isascii() or not url.isprintable() or set(url) & set(' #\\"<>^`{|}'):
        return False
    host = site_of(url)
    try:
        parts = urlsplit(url)
        is_plain = parts.scheme in ("http", "https") and "@" not in parts.netloc and parts.port in (None, 80, 443)
    except ValueError:
        return False
    has_dot_segments = any(part in (".", "..") for part in parts.path.lower().replace("%2e", ".").split("/"))
    return is_plain and not has_dot_segments and bool(site) and (host == site or host.endswith(f".{site}"))


def read_stamp(text: object) -> datetime:
    """Return the instant of an index's ``yyyyMMddhhmmss``, aware UTC.

    Raises
    ------
    ParseError
        If the text is no such timestamp.
    """
    if not isinstance(text, str) or len(text) != 14 or not (text.isascii() and text.isdigit()):  # noqa: PLR2004
        raise ParseError(f"the index lists a capture without a timestamp: {one_line(text)[:60]}")
    try:
        return datetime.strptime(text, _STAMP).replace(tzinfo=UTC)
    except ValueError as error:
        raise ParseError(f"the index lists a capture without a timestamp: {text}") from error


def stamp_of(instant: datetime) -> str:
    """Return an instant as ``yyyyMMddhhmmss``, as indexes write it."""
    return instant.strftime(_STAMP)


def read_json(body: bytes) -> Any:
    """Parse JSON of an index.

    Raises
    ------
    ParseError
        If the body is no JSON.
    """
    try:
        return json.loads(body)
    except (ValueError, RecursionError) as error:
        raise ParseError(f"the index is no JSON: {type(error).__name__}") from error
