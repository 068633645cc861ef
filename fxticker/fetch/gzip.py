"""Files of gzip members, unpacked piece by piece: no input takes more memory than is asked for."""

from __future__ import annotations

import io
import zlib
from typing import Any, BinaryIO

MARK = b"\x1f\x8b\x08"
"""What a member begins with."""
_GZIP = zlib.MAX_WBITS | 16
_BLOCK_BYTES = 65_536


class CutShort(ValueError):
    """The input ends within a member."""


def first_bytes(packed: bytes, count: int) -> bytes:
    """What a file begins with, unpacked if it is packed; empty if it cannot be."""
    if not packed.startswith(MARK):
        return packed[:count]
    try:
        return zlib.decompressobj(_GZIP).decompress(packed, count)
    except zlib.error:
        return b""


class Members(io.RawIOBase):
    """The bytes of a file of gzip members, from where it stands.

    Reading raises `zlib.error` where they are damaged, and `CutShort`.

    Attributes
    ----------
    begin
        Where in the file the member begins that the last bytes came from.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._packed = b""
        self._member: Any = None
        self.begin = file.tell()

    def readable(self) -> bool:
        """Always."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Fill the buffer, or its beginning, with bytes of one member; 0 at the end."""
        while True:
            self._packed = self._packed or self._file.read(_BLOCK_BYTES)
            if self._member is None or self._member.eof:
                if not self._packed:
                    return 0
                self.begin = self._file.tell() - len(self._packed)
                self._member = zlib.decompressobj(_GZIP)
            elif not self._packed:
                raise CutShort("the file is cut short")
            data = self._member.decompress(self._packed, len(buffer))
            self._packed = self._member.unused_data if self._member.eof else self._member.unconsumed_tail
            if data:
                buffer[: len(data)] = data
                return len(data)
