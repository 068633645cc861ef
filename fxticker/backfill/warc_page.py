"""WARC pages: decode a response record to the page that the server sent."""

from __future__ import annotations

import base64
import hashlib
import io
import re
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from warcio.bufferedreaders import ChunkedDataReader
from warcio.exceptions import ArchiveLoadFailed
from warcio.statusandheaders import StatusAndHeadersParser, StatusAndHeadersParserException

from fxticker.errors import FxTickerError
from fxticker.fetch.gzip import MARK, gunzip
from fxticker.model.timestamps import instant, is_date
from fxticker.sources.html import decode

MAX_BLOCK_BYTES = 5_000_000
"""Largest response, and largest page in it, in bytes: pages of the site have some 150 kB."""
_BLOCK_BYTES = 65_536
_TAG_FIRST = re.compile(r"\s*<[!?/A-Za-z]")
_NO_TEXT = re.compile("[\x00-\x08\x0b\x0e-\x1f\x7f\N{REPLACEMENT CHARACTER}]")
"""Characters of compressed bytes that plain text does not have: controls, and bytes outside the charset."""


@dataclass(frozen=True, slots=True)
class WarcPage:
    """A response record.

    Attributes
    ----------
    offset
        As in `DamagedRecord`.
    url
        URL that was requested.
    instant
        When it was captured (WARC-Date), aware UTC.
    http_status, headers
        Status of the answer, and its header fields by lower-case name.
    body
        The page without transfer and content encodings; `None` if its content encoding is not supported.
    """

    offset: int
    url: str
    instant: datetime
    http_status: int
    headers: Mapping[str, str]
    body: bytes | None

    @property
    def encoding(self) -> str:
        """Content encoding that the server declared; empty if none."""
        return _encoding(self.headers)

    @property
    def media_type(self) -> str:
        """Media type that the server declared, without parameters, in lower case; empty if none."""
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()


@dataclass(frozen=True, slots=True)
class SkippedRecord:
    """A record of another host or type, which is not read."""


@dataclass(frozen=True, slots=True)
class DamagedRecord:
    """A record that cannot be read.

    Attributes
    ----------
    offset
        Offset in the file of the record, or of the gzip member that contains it, in bytes.
    reason
        Reason in one line.
    """

    offset: int
    reason: str


class Damaged(FxTickerError):
    """Reading cannot continue at this position."""


DAMAGE = (Damaged, zlib.error, ArchiveLoadFailed, StatusAndHeadersParserException, EOFError, ValueError, AttributeError)
"""Errors raised on a damaged record; warcio raises the last two on missing or invalid headers."""


def page_of(offset: int, headers: Any, url: str, block: bytes) -> WarcPage:
    """Return the page in the block of a response record.

    Parameters
    ----------
    offset, url
        Offset and URL of the record.
    headers
        Headers of the record, as parsed by warcio.
    block
        The server's answer: status, headers and body.

    Raises
    ------
    Exception
        One of `DAMAGE`.
    """
    digest = headers.get_header("WARC-Block-Digest")
    if digest is not None and not _is_digest(digest, block):
        raise Damaged("the response does not match its digest")
    date = headers.get_header("WARC-Date") or ""
    if is_date(date):
        raise Damaged("a response without a timestamp")
    stream = io.BytesIO(block)
    head = StatusAndHeadersParser(["HTTP/1.0", "HTTP/1.1", "HTTP/2", "HTTP/3"], verify=True).parse(stream)
    status = head.get_statuscode()
    if not (len(status) == 3 and status.isascii() and status.isdigit()):  # noqa: PLR2004
        raise Damaged("a response without a status")
    named = {name.lower(): value for name, value in reversed(head.headers)}
    return WarcPage(offset, url, instant(date), int(status), named, _decoded(block[stream.tell() :], named))


def _encoding(headers: Mapping[str, str]) -> str:
    return headers.get("content-encoding", "").strip().lower()


def _decoded(body: bytes, headers: Mapping[str, str]) -> bytes | None:
    """Return a body without its encodings; `None` if its content encoding is not supported.

    Some crawlers decode the body and leave the headers as they were: a body that looks like a page or text is decoded.
    """
    if headers.get("transfer-encoding", "").strip().lower() == "chunked":
        body = _dechunked(body)
    encoding = _encoding(headers)
    if encoding in ("gzip", "x-gzip") and body.startswith(MARK):
        unpacked = gunzip(body, MAX_BLOCK_BYTES + 1)
        if len(unpacked) > MAX_BLOCK_BYTES:
            raise Damaged(f"the page exceeds {MAX_BLOCK_BYTES} bytes")
        return unpacked
    return body if encoding in ("identity", "") or _is_plain(body, headers) else None


def _is_plain(body: bytes, headers: Mapping[str, str]) -> bool:
    text = decode(body, headers)
    return _TAG_FIRST.match(text) is not None or _NO_TEXT.search(text) is None


def _dechunked(body: bytes) -> bytes:
    reader = ChunkedDataReader(io.BytesIO(body))
    pieces = []
    while piece := reader.read(_BLOCK_BYTES):
        pieces.append(piece)
    return b"".join(pieces)


def _is_digest(declared: str, block: bytes) -> bool:
    """Whether a block has the declared digest, in hexadecimal or base 32; true for unknown algorithms."""
    algorithm, _, value = declared.strip().partition(":")
    if algorithm.lower() not in ("sha1", "sha256"):
        return True
    digest = hashlib.new(algorithm.lower(), block).digest()
    return value.lower().rstrip("=") in (digest.hex(), base64.b32encode(digest).decode().lower().rstrip("="))
