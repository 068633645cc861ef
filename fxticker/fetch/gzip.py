"""Bounded gzip decoding: no input takes more memory than the caller allows."""

from __future__ import annotations

import io
import zlib
from collections.abc import Callable
from functools import cache
from typing import Any, BinaryIO

MARK = b"\x1f\x8b\x08"
"""The first three bytes of a gzip member that is compressed with deflate (RFC 1952, 2.3.1)."""
_WBITS = zlib.MAX_WBITS | 16
"""Makes zlib read the header and check the trailer of gzip."""
_FIRST_BYTES, _BLOCK_BYTES = 1024, 65_536
"""First read of a file, and largest one; each is twice the one before. What begins behind damage is often damaged too,
and the rest of a read is wasted then."""


class CutShort(ValueError):
    """The input ends within a member."""


class GzipDecoder:
    """Decodes gzip data of any number of members, in pieces of any size.

    Parameters
    ----------
    is_fast
        Whether igzip decodes, if it is installed: it takes 40 % of the time of zlib, and some ms to be imported.

    Attributes
    ----------
    unused
        Input of the last call that is not decoded yet: it belongs into the next call.
    """

    def __init__(self, *, is_fast: bool = False) -> None:
        self._new, self._error = _igzip() if is_fast else _ZLIB
        self._member: Any = None
        self.unused = b""

    @property
    def is_in_member(self) -> bool:
        """Whether a member has begun and not ended."""
        return self._member is not None and not self._member.eof

    def decode(self, data: bytes, max_bytes: int) -> bytes:
        """Decode at most `max_bytes`, across members.

        Raises
        ------
        zlib.error
            If the data is no gzip or is damaged.
        """
        decoded = bytearray()
        while data and len(decoded) < max_bytes:
            decoded += self.decode_member(data, max_bytes - len(decoded))
            data = self.unused
        return bytes(decoded)

    def decode_member(self, data: bytes, max_bytes: int) -> bytes:
        """As `decode`, but to the end of one member at most; a new member begins with the first byte after that."""
        if not self.is_in_member:
            self._member = self._new(_WBITS)
        try:
            decoded: bytes = self._member.decompress(data, max_bytes)
        except self._error as error:
            raise zlib.error(str(error)) from error
        self.unused = self._member.unused_data if self._member.eof else self._member.unconsumed_tail
        return decoded


_Library = tuple[Callable[[int], Any], Any]
_ZLIB: _Library = (zlib.decompressobj, zlib.error)


@cache
def _igzip() -> _Library:
    """Return what makes decoders of igzip, and their error; those of zlib if the extra is not installed."""
    try:
        from isal import isal_zlib
    except ImportError:
        return _ZLIB
    library: Any = isal_zlib  # its types take the class of its error for an error
    return library.decompressobj, library.error


def gunzip(data: bytes, max_bytes: int) -> bytes:
    """Decode a gzip file, of any number of members, to at most `max_bytes`; what lies behind those is not checked.

    Raises
    ------
    zlib.error
        If the data is no gzip or is damaged.
    CutShort
        If it ends within a member before `max_bytes` are decoded.
    """
    decoder = GzipDecoder()
    decoded = decoder.decode(data, max_bytes)
    if decoder.is_in_member and len(decoded) < max_bytes:
        raise CutShort("the compressed data is cut short")
    return decoded


def first_bytes(data: bytes, count: int) -> bytes:
    """The first `count` bytes of a file, decoded if it is gzip; empty if it looks like gzip and is damaged."""
    if not data.startswith(MARK):
        return data[:count]
    try:
        return GzipDecoder().decode(data, count)
    except zlib.error:
        return b""


class GzipReader(io.RawIOBase):
    """Reads the decoded bytes of a gzip file, from the file's position at construction.

    Reading raises `zlib.error` where the file is damaged, and `CutShort` where it ends within a member.

    Attributes
    ----------
    begin
        Offset in the file, in bytes, of the member that the last decoded bytes came from.
    work, begin_work
        Offset up to which the file was read, and where that member begins: as of `ZstdReader`.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._decoder = GzipDecoder(is_fast=True)
        self._block_bytes = _FIRST_BYTES
        self.begin = self.begin_work = self.work = file.tell()

    def readable(self) -> bool:
        """Always true."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Fill the buffer, or its beginning with the verified end of a member; 0 at the end."""
        count = 0
        while count < len(buffer):
            data = self._decoder.unused or self._block()
            is_end = not data
            if is_end and not self._decoder.is_in_member:
                return 0
            if not self._decoder.is_in_member:
                self.begin = self.begin_work = self.work - len(data)
            # igzip may keep bytes that had no room before
            decoded = self._decoder.decode_member(data, len(buffer) - count)
            buffer[count : count + len(decoded)] = decoded
            count += len(decoded)
            if count and (is_end or not self._decoder.is_in_member):
                break
            if is_end:
                raise CutShort("the file is cut short")
        return count

    def _block(self) -> bytes:
        data = self._file.read(self._block_bytes)
        self._block_bytes = min(2 * self._block_bytes, _BLOCK_BYTES)
        self.work += len(data)
        return data
