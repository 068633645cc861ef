"""Records of WARC files: from the bytes of a response to the page that was sent."""

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
from fxticker.fetch.gzip import MARK, Members
from fxticker.model.timestamps import instant, is_date
from fxticker.sources.html import decode

MAX_BLOCK_BYTES = 5_000_000
"""Of a response, and of the page in it: pages of the site have some 150 kB."""
_BLOCK_BYTES = 65_536
_TAG_FIRST = re.compile(r"\s*<[!?/A-Za-z]")
_NO_TEXT = re.compile("[\x00-\x08\x0b\x0e-\x1f\x7f\N{REPLACEMENT CHARACTER}]")
"""What plain text does not hold, and packed bytes do: control characters, and bytes that the charset lacks."""


@dataclass(frozen=True, slots=True)
class WarcPage:
    """A response record.

    Attributes
    ----------
    offset
        As of `DamagedRecord`.
    url
        What was asked for.
    at
        WARC-Date, aware UTC.
    http_status, headers
        Of the answer; headers by lower-case name.
    body
        The page, its transfer and content encodings undone; null if a content encoding is none that is read here.
    """

    offset: int
    url: str
    instant: datetime
    http_status: int
    headers: Mapping[str, str]
    body: bytes | None

    @property
    def encoding(self) -> str:
        """The content encoding that the server named; empty if none."""
        return _encoding(self.headers)

    @property
    def media_type(self) -> str:
        """What the server said the body is, without parameters."""
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()


@dataclass(frozen=True, slots=True)
class SkippedRecord:
    """A record of a page that is not read: of another host or kind."""


@dataclass(frozen=True, slots=True)
class DamagedRecord:
    """A record that cannot be read.

    Attributes
    ----------
    offset
        Where in the file it begins, or the gzip member that holds it.
    why
        In one line.
    """

    offset: int
    reason: str


class Damaged(FxTickerError):
    """The stream cannot be read on from here."""


DAMAGE = (Damaged, zlib.error, ArchiveLoadFailed, StatusAndHeadersParserException, EOFError, ValueError, AttributeError)
"""What reading a damaged record raises; the last two where warcio meets headers that are missing or senseless."""


def page_of(offset: int, headers: Any, url: str, block: bytes) -> WarcPage:
    """The page that a response record's block holds.

    Parameters
    ----------
    offset, url
        Of the record.
    headers
        Of the record, as warcio reads them.
    block
        The answer: status, headers and body.

    Raises
    ------
    Exception
        One of `DAMAGE`.
    """
    digest = headers.get_header("WARC-Block-Digest")
    if digest is not None and not _is_digest(digest, block):
        raise Damaged("the response is not what its digest says")
    date = headers.get_header("WARC-Date") or ""
    if is_date(date):
        raise Damaged("a response without an instant")
    at = instant(date)
    stream = io.BytesIO(block)
    head = StatusAndHeadersParser(["HTTP/1.0", "HTTP/1.1", "HTTP/2", "HTTP/3"], verify=True).parse(stream)
    status = head.get_statuscode()
    if not (len(status) == 3 and status.isascii() and status.isdigit()):  # noqa: PLR2004
        raise Damaged("a response without a status")
    named = {name.lower(): value for name, value in reversed(head.headers)}
    return WarcPage(offset, url, at, int(status), named, _decoded(block[stream.tell() :], named))


def _encoding(headers: Mapping[str, str]) -> str:
    return headers.get("content-encoding", "").strip().lower()


def _decoded(body: bytes, headers: Mapping[str, str]) -> bytes | None:
    """A body without its encodings; null if one is not read here.

    Some crawlers undo them and leave the headers as they were: what looks like a page or like text is taken as it is.
    """
    if headers.get("transfer-encoding", "").strip().lower() == "chunked":
        body = _dechunked(body)
    encoding = _encoding(headers)
    if encoding in ("gzip", "x-gzip") and body.startswith(MARK):
        unpacked = io.BufferedReader(Members(io.BytesIO(body))).read(MAX_BLOCK_BYTES + 1)
        if len(unpacked) > MAX_BLOCK_BYTES:
            raise Damaged(f"the page passes {MAX_BLOCK_BYTES} bytes")
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


def _is_digest(said: str, block: bytes) -> bool:
    """Whether a block has the digest that is said of it, in hexadecimal or base 32; true of other algorithms."""
    algorithm, _, value = said.strip().partition(":")
    if algorithm.lower() not in ("sha1", "sha256"):
        return True
    found = hashlib.new(algorithm.lower(), block).digest()
    return value.lower().rstrip("=") in (found.hex(), base64.b32encode(found).decode().lower().rstrip("="))
