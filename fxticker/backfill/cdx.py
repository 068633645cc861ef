"""Capture indexes: JSON, URLs and timestamps of an archive's index, each checked before it is used."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote, unquote, urlsplit

from fxticker.errors import ParseError, one_line

_MAX_URL_CHARS = 2000
"""Longest URL that is requested, in characters; this project's own limit."""
_MAX_AUTHORITY_CHARS = 1000
"""Longest part of a URL with its host that is read, in characters: a host has 253 at most."""
_AUTHORITY = re.compile(rf"https?://([^/?#]{{0,{_MAX_AUTHORITY_CHARS}}})", re.IGNORECASE)
_HOST_AND_PORT = re.compile(r"(\[[^\]]*\]|[^:\[\]]*)(?::[0-9]{0,5})?")
_NO_HOST = re.compile(r"[\x00-\x20\x7f/?#@:\\%<>\[\]^|]")
"""Characters that no host has, so that where one stands, programs differ in what they take for the host."""
_SAFE = "!$%&'()*+,-./:;=?@_~"
"""Characters of a URL that are sent as they are, beside letters and digits."""
_SCHEME = re.compile(r"[a-z][a-z0-9+.-]*:", re.IGNORECASE)
_NO_TEXT = re.compile("[\N{REPLACEMENT CHARACTER}\ud800-\udfff]")
_STATUS = re.compile(r"[0-9]{3}|-")
_STAMP = "%Y%m%d%H%M%S"

REVISIT = "warc/revisit"
"""Media type of rows for captures of a page that had not changed since an earlier capture."""
_EMPTY_PAYLOADS = frozenset(
    f"{algorithm}:{base64.b32encode(hashlib.new(algorithm).digest()).decode().rstrip('=')}"
    for algorithm in ("md5", "sha1", "sha256", "sha512")
)
"""Digests of no bytes, which the records of "not modified" answers have: they identify no page."""
_MAX_DIGEST_CHARS = 200
_HEX = re.compile("[0-9a-fA-F]+")

BadRow = Callable[[str], object]
"""Receives the text and fault of each row of an index that is left out."""


def ignore(_reason: str) -> None:
    """Leave a row out without a word: for callers that count nothing."""


def bad_row(number: int, row: object, fault: object) -> str:
    """Return the text for a row that is left out: its number from 1, its beginning, and what is wrong with it."""
    return f"row {number} ({one_line(row)[:120]}): {one_line(fault)}"


def host_of(url: str) -> str:
    """Return the host of an http(s) URL as it is looked up: in ASCII (IDNA), lower case, without a final dot.

    User and port are no part of it. Empty if the URL is of another kind or has no host.

    Raises
    ------
    ValueError
        If programs differ in what is the host of such a URL.
    """
    match = _AUTHORITY.match(url)
    if match is None:
        return ""
    if "\\" in match[1] or not match[1].isprintable() or len(match[1]) == _MAX_AUTHORITY_CHARS:
        raise ValueError("an address whose host cannot be read")
    parts = _HOST_AND_PORT.fullmatch(match[1].rpartition("@")[2])
    if parts is None:
        raise ValueError("an address whose host cannot be read")
    if parts[1].startswith("["):
        return parts[1].lower()
    host = unquote(parts[1], errors="strict")
    if not host.isascii():
        try:
            host = host.encode("idna").decode("ascii")
        except UnicodeError as error:
            raise ValueError("an address whose host cannot be read") from error
    if _NO_HOST.search(host):
        raise ValueError("an address whose host cannot be read")
    return host.lower().removesuffix(".")


def site_of(url: str) -> str:
    """Return the host of a URL without ``www.``; an empty text if the URL has none."""
    try:
        return host_of(url).removeprefix("www.")
    except ValueError:
        return ""


def is_on_site(site: str, url: str) -> bool:
    """Whether a URL, of whatever characters, has a site or one of its subdomains as its host.

    Raises
    ------
    ParseError
        If the URL names the site and its host cannot be read.
    """
    try:
        host = host_of(url)
    except ValueError as error:
        if site and site in url.lower():
            raise ParseError(str(error)) from error
        return False
    return bool(site) and (host == site or host.endswith(f".{site}"))


def is_page_of(site: str, url: str) -> bool:
    """Whether a URL from an untrusted index is a plain http(s) URL of a page on a site or one of its subdomains."""
    if len(url) > _MAX_URL_CHARS or not url.isascii() or not url.isprintable() or set(url) & set(' #\\"<>^`{|}'):
        return False
    try:
        parts = urlsplit(url)
        is_plain = parts.scheme in ("http", "https") and "@" not in parts.netloc and parts.port in (None, 80, 443)
        is_of_site = is_on_site(site, url)
    except ValueError:
        return False
    has_dot_segments = any(part in (".", "..") for part in parts.path.lower().replace("%2e", ".").split("/"))
    return is_plain and is_of_site and not has_dot_segments


def require_address(url: object) -> str:
    """Return an address of an untrusted index.

    Raises
    ------
    ParseError
        If it is none, or has bytes that were no text.
    """
    if not isinstance(url, str) or not _SCHEME.match(url):
        raise ParseError("no address")
    if _NO_TEXT.search(url):
        raise ParseError("an address with bytes that are no text")
    return url


def html_status(status: object, media_type: object) -> bool:
    """Whether the status and media type of an index's row are those of an HTML page that was delivered.

    Raises
    ------
    ParseError
        If it is an HTML page without a status.
    """
    if not isinstance(media_type, str) or media_type.partition(";")[0].strip().lower() != "text/html":
        return False
    if not isinstance(status, str) or _STATUS.fullmatch(status.strip()) is None:
        raise ParseError(f"no status: {one_line(status)[:60]}")
    return status.strip() == "200"


def requested_url(site: str, url: str) -> str | None:
    """Return a URL of an untrusted index as it is requested; `None` if it is not on the site.

    Characters that no URL has are percent-encoded.

    Raises
    ------
    ParseError
        If it is on the site and cannot be requested safely.
    """
    if not is_on_site(site, url):
        return None
    plain = quote(url, safe=_SAFE, errors="replace")
    if not is_page_of(site, plain):
        raise ParseError("an address that is not requested: too long, with a user, another port or dot segments")
    return plain


def read_stamp(text: object) -> datetime:
    """Return the instant of an index's ``yyyyMMddhhmmss``, aware UTC.

    Raises
    ------
    ParseError
        If the text is no such timestamp.
    """
    if not isinstance(text, str) or len(text) != 14 or not (text.isascii() and text.isdigit()):  # noqa: PLR2004
        raise ParseError(f"no timestamp of 14 digits: {one_line(text)[:60]}")
    try:
        return datetime.strptime(text, _STAMP).replace(tzinfo=UTC)
    except ValueError as error:
        raise ParseError(f"no such day or time: {text}") from error


def stamp_of(instant: datetime) -> str:
    """Return an instant as ``yyyyMMddhhmmss``, as indexes write it."""
    return instant.strftime(_STAMP)


def payload_digest(text: object) -> str | None:
    """Return the digest of a payload as ``algorithm:BASE32``, in one form for all writers; `None` if there is none.

    Indexes give SHA-1 without its name. The digest of an empty payload identifies nothing and is `None`.
    """
    if not isinstance(text, str) or not text.strip("- \t") or len(text) > _MAX_DIGEST_CHARS:
        return None
    algorithm, colon, value = text.strip().rpartition(":")
    algorithm = algorithm.lower().replace("-", "") if colon else "sha1"
    sizes = {"md5": 32, "sha1": 40, "sha256": 64, "sha512": 128}
    if len(value) == sizes.get(algorithm) and _HEX.fullmatch(value):
        value = base64.b32encode(bytes.fromhex(value)).decode()
    digest = f"{algorithm}:{value.upper().rstrip('=')}"
    return None if digest in _EMPTY_PAYLOADS else digest


def read_json(body: bytes) -> Any:
    """Parse JSON of an index.

    Raises
    ------
    ParseError
        If the body is no JSON.
    """
    try:
        # One invalid byte, or a control character in a text, must not spoil all other rows.
        return json.loads(body.decode("utf-8-sig", errors="replace"), strict=False)
    except (ValueError, RecursionError) as error:
        raise ParseError(f"the index is no JSON: {type(error).__name__}") from error
