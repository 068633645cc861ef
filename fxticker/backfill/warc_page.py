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

from fxticker.backfill.cdx import payload_digest
from fxticker.errors import FxTickerError
from fxticker.fetch.content_encoding import UnsupportedEncoding, codings, decoded_body
from fxticker.fetch.gzip import MARK
from fxticker.model.timestamps import instant, is_date
from fxticker.sources.html import decode

MAX_BLOCK_BYTES = 5_000_000
"""Largest response, and largest page in it, in bytes: pages of the site have some 150 kB."""
_BLOCK_BYTES = 65_536
_STATUS_LINE = re.compile(rb"HTTP(?:/[0-9]{1,3}(?:\.[0-9]{1,3})?)? +([0-9]{3})(?=[ \t\r\n]|\Z)", re.IGNORECASE)
"""Protocol, of whatever version, and the status: the number after the first space."""
_OF_PAGES = (200, 304)
"""Statuses of answers that confirm a page."""
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
        The page without transfer and content encodings; `None` if its content encoding cannot be undone.
    problem
        Why there is no body; empty if there is one.
    digests
        Digests of the payload, in the form of `payload_digest`: that of the record's header, and SHA-1 if that is
        another one.
    record_id
        WARC-Record-ID; empty if the record has none.
    """

    offset: int
    url: str
    instant: datetime
    http_status: int
    headers: Mapping[str, str]
    body: bytes | None
    problem: str = ""
    digests: tuple[str, ...] = ()
    record_id: str = ""

    @property
    def media_type(self) -> str:
        """Media type that the server declared, without parameters, in lower case; empty if none."""
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()

    def is_of(self, media_types: frozenset[str]) -> bool:
        """Whether the answer is of one of the media types, or declares none, as in a live poll."""
        return not self.media_type or self.media_type in media_types


@dataclass(frozen=True, slots=True)
class Revisit:
    """A record of a page that had not changed since an earlier capture, which has the page.

    Attributes
    ----------
    offset, url, instant
        As of `WarcPage`.
    digest
        Digest of the payload; `None` if the record has none.
    refers_to
        URL and instant of the earlier capture; `None` if the record does not give them.
    refers_to_id
        WARC-Record-ID of the earlier capture; empty if the record does not give it.
    """

    offset: int
    url: str
    instant: datetime
    digest: str | None
    refers_to: tuple[str, datetime] | None
    refers_to_id: str


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
    captured_at = _captured_at(headers, block)
    status, named, raw = _answer(block)
    digests = {payload_digest(headers.get_header("WARC-Payload-Digest"))}
    if not any(digest and digest.startswith("sha1:") for digest in digests):  # revisits name the one of their writer
        digests.add(payload_digest(f"sha1:{hashlib.sha1(raw, usedforsecurity=False).hexdigest()}"))
    body, problem = None, ""
    try:
        body = _decoded(raw, named)
    except UnsupportedEncoding as error:
        problem = str(error)
    record_id = headers.get_header("WARC-Record-ID") or ""
    known = tuple(sorted(digest for digest in digests if digest))
    return WarcPage(offset, url, captured_at, status, named, body, problem, known, record_id)


def revisit_of(offset: int, headers: Any, url: str, block: bytes) -> Revisit | SkippedRecord:
    """Return what a revisit record refers to; a record of a redirect or an error is skipped.

    Parameters are those of `page_of`; the block has the headers of the answer at most.

    Raises
    ------
    Exception
        One of `DAMAGE`.
    """
    captured_at = _captured_at(headers, block)
    if block.strip() and _answer(block)[0] not in _OF_PAGES:
        return SkippedRecord()
    is_by_digest = "not-modified" not in (headers.get_header("WARC-Profile") or "")
    date = headers.get_header("WARC-Refers-To-Date")
    earlier = (headers.get_header("WARC-Refers-To-Target-URI") or url).strip("<>")
    return Revisit(
        offset,
        url,
        captured_at,
        payload_digest(headers.get_header("WARC-Payload-Digest")) if is_by_digest else None,
        None if date is None or is_date(date) else (earlier, instant(date)),
        headers.get_header("WARC-Refers-To") or "",
    )


def _captured_at(headers: Any, block: bytes) -> datetime:
    """Return the timestamp of a record whose block has its digest."""
    digest = headers.get_header("WARC-Block-Digest")
    if digest is not None and not _is_digest(digest, block):
        raise Damaged("the response does not match its digest")
    date = headers.get_header("WARC-Date") or ""
    if is_date(date):
        raise Damaged("a response without a timestamp")
    return instant(date)


def _answer(block: bytes) -> tuple[int, dict[str, str], bytes]:
    """Return status, header fields by lower-case name, and body of a server's answer."""
    match = _STATUS_LINE.match(block)
    if match is None:
        raise Damaged("a response without a status")
    stream = io.BytesIO(block)
    head = StatusAndHeadersParser([], verify=False).parse(stream)
    named = {name.lower(): value for name, value in reversed(head.headers)}
    for name in ("content-encoding", "transfer-encoding"):  # lists, which may be spread over several fields
        if values := [value for field, value in head.headers if field.lower() == name]:
            named[name] = ", ".join(values)
    return int(match[1]), named, block[stream.tell() :]


def _decoded(body: bytes, headers: Mapping[str, str]) -> bytes:
    """Return a body without its encodings; some crawlers undo them and leave the headers as they were."""
    transfer = codings(headers.get("transfer-encoding", ""))
    if "chunked" in transfer:
        body = _dechunked(body)
    names = codings(headers.get("content-encoding", ""))
    names += [name for name in transfer if name != "chunked"]
    if not names and body.startswith(MARK):  # some crawlers leave the header out; no page begins so
        names = ["gzip"]
    return decoded_body(body, names, max_bytes=MAX_BLOCK_BYTES, is_plain=lambda data: _is_plain(data, headers))


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
