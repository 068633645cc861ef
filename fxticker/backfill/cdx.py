"""What an index of an archive says of a capture, checked: whose page it is, and when it was taken."""

from __future__ import annotations

from datetime import UTC, datetime
from urllib.parse import urlsplit

from fxticker.errors import ParseError, one_line

_MAX_URL_CHARS = 2000
_STAMP = "%Y%m%d%H%M%S"


def site_of(url: str) -> str:
    """The host of a URL without ``www.``, in lower case; empty if it has none."""
    try:
        return (urlsplit(url).hostname or "").removeprefix("www.")
    except ValueError:
        return ""


def is_page_of(site: str, url: str) -> bool:
    """Whether a URL, which may be anybody's text, is a plain one of a page of a site or of a host below it."""
    if len(url) > _MAX_URL_CHARS or not url.isascii() or not url.isprintable() or set(url) & set(' #\\"<>^`{|}'):
        return False
    host = site_of(url)
    try:
        parts = urlsplit(url)
        is_plain = parts.scheme in ("http", "https") and "@" not in parts.netloc and parts.port in (None, 80, 443)
    except ValueError:
        return False
    climbs = any(part in (".", "..") for part in parts.path.lower().replace("%2e", ".").split("/"))
    return is_plain and not climbs and bool(site) and (host == site or host.endswith(f".{site}"))


def read_stamp(text: object) -> datetime:
    """The instant of an index's ``yyyyMMddhhmmss``.

    Raises
    ------
    ParseError
        If it is none.
    """
    if not isinstance(text, str) or len(text) != 14 or not (text.isascii() and text.isdigit()):  # noqa: PLR2004
        raise ParseError(f"the index names a capture without an instant: {one_line(text)[:60]}")
    try:
        return datetime.strptime(text, _STAMP).replace(tzinfo=UTC)
    except ValueError as error:
        raise ParseError(f"the index names a capture without an instant: {text}") from error


def stamp_of(at: datetime) -> str:
    """An instant as indexes write it."""
    return at.strftime(_STAMP)
