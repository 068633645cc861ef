"""Rejected bodies: answers that could not be parsed, compressed, the newest up to a limit.

A body's Content-Type, which may declare its charset, is the comment of the gzip file (RFC 1952, 2.3), so that any
decompressor gives the body alone.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from fxticker.errors import SegmentUnreadable
from fxticker.store.backend import StorageBackend

REJECTED = "rejected"
REJECTED_FILES = 200
"""Rejected bodies kept for inspection: two days of polls at 15 min, all failed."""
REJECTED_BYTES = 50_000_000
"""Compressed size of all rejected bodies, in bytes. A page compresses to some 30 kB, so normally the number of
files is the limit; this one is for bodies of unusual size."""
MAX_BODY_BYTES = 50_000_000
"""Largest body that is read back, in decoded bytes: ten times the default limit of a response."""
_HEADER = b"\x1f\x8b\x08\x10\x00\x00\x00\x00\x00\xff"
"""Deflate, a comment, and no time, so that equal bodies make equal files."""
_PLAIN_HEADER = 10
"""Bytes of a gzip header without optional fields."""
_COMMENT_FLAG = 0x10
_COMMENT = re.compile(r"[\x20-\x7e]{1,200}")
"""A Content-Type as it may be kept: printable ASCII of a usual length."""
_NAME = re.compile(r"rejected/source=(?P<source>[a-z][a-z0-9_-]{0,63})/(?P<slot>[0-9]{8}T[0-9]{6}\.[0-9]{6})Z\.gz")


@dataclass(frozen=True, slots=True)
class RejectedName:
    """Name of a rejected body, with the source and slot of its poll."""

    name: str
    source: str
    slot: datetime


def keep_rejected(
    backend: StorageBackend, source: str, slot: datetime, body: bytes, content_type: str | None = None
) -> None:
    """Store a body; the oldest are deleted beyond the limits. The caller holds the store's write lock.

    Raises
    ------
    WriteFailed
        If the storage refuses.
    """
    data = _compressed(body, content_type)
    name = f"{REJECTED}/source={source}/{slot:%Y%m%dT%H%M%S.%fZ}.gz"
    if len(data) > REJECTED_BYTES:
        return
    kept = [item for item in backend.list(REJECTED) if item.name != name and _NAME.fullmatch(item.name)]
    size_bytes = sum(item.size_bytes for item in kept) + len(data)
    while kept and (len(kept) >= REJECTED_FILES or size_bytes > REJECTED_BYTES):
        oldest = min(kept, key=lambda item: item.name.rpartition("/")[2])
        backend.delete(oldest.name)
        kept.remove(oldest)
        size_bytes -= oldest.size_bytes
    backend.put(name, data)


def rejected_names(backend: StorageBackend) -> Iterator[RejectedName]:
    """Yield the names of the kept bodies, sorted; other files of the folder are left out."""
    for item in backend.list(REJECTED):
        if (match := _NAME.fullmatch(item.name)) and (slot := _slot(match["slot"])) is not None:
            yield RejectedName(item.name, match["source"], slot)


def _slot(text: str) -> datetime | None:
    try:
        return datetime.strptime(text, "%Y%m%dT%H%M%S.%f").replace(tzinfo=UTC)
    except ValueError:  # no such day or time
        return None


def read_rejected(backend: StorageBackend, name: str) -> tuple[bytes, str | None]:
    """Return a body and its Content-Type, None if that is not known.

    Raises
    ------
    SegmentUnreadable
        If the file cannot be read, or unpacks to more than `MAX_BODY_BYTES`.
    """
    with backend.open(name) as file:
        data: bytes = file.read(REJECTED_BYTES + 1)
    try:
        unpacker = zlib.decompressobj(wbits=31)
        body = unpacker.decompress(data, MAX_BODY_BYTES + 1)
    except zlib.error as error:
        raise SegmentUnreadable(name, str(error)) from error
    if not unpacker.eof or len(body) > MAX_BODY_BYTES:
        raise SegmentUnreadable(name, "cut short, or unpacks to too many bytes")
    comment = data[_PLAIN_HEADER : data.index(b"\0", _PLAIN_HEADER)] if data[3] == _COMMENT_FLAG else b""
    return body, comment.decode("ascii", errors="replace") or None


def _compressed(body: bytes, content_type: str | None) -> bytes:
    comment = content_type if content_type and _COMMENT.fullmatch(content_type) else ""
    packer = zlib.compressobj(wbits=-15)
    ending = zlib.crc32(body).to_bytes(4, "little") + (len(body) & 0xFFFFFFFF).to_bytes(4, "little")
    return _HEADER + comment.encode() + b"\0" + packer.compress(body) + packer.flush() + ending
