"""Bounded zstd decoding: frames found by their headers (RFC 8878, 3.1), and decoded by Arrow in pieces.

Arrow has no dictionaries: a frame that needs one is refused by name.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import Any, BinaryIO

from fxticker.fetch.gzip import CutShort

MARK = b"\x28\xb5\x2f\xfd"
"""The first four bytes of a frame."""
MAX_WINDOW_BYTES = 128 * 2**20
"""Largest window, which is memory of the decoder: the default limit of the reference implementation."""
_SKIPPED = range(0x184D2A50, 0x184D2A60)
"""First four bytes, as a little-endian number, of frames that hold no data; 0x184D2A5D holds a dictionary."""
MAX_EMPTY_FRAMES = 10_000
"""Frames without data in a row at most: each costs as much time as one with data."""
_HEADER_BYTES = 18
"""Longest header of a frame."""
_FRAME_WORK, _BLOCK_WORK = 512, 16
"""Bytes as which finding a frame, and a block in it, are counted as work: they take 23 and 0.5 µs."""
_RAW, _RLE, _COMPRESSED = 0, 1, 2


class DamagedZstd(ValueError):
    """The input is no zstd, is damaged, or needs what is not supported."""


class NeedsDictionary(DamagedZstd):
    """A frame needs a dictionary."""


@dataclass(frozen=True, slots=True)
class _Header:
    """The header of a frame: its length, the window and the checksum's length in bytes."""

    length: int
    window_bytes: int
    checksum_bytes: int


def is_zstd(data: bytes) -> bool:
    """Whether data begins with a zstd frame, one that holds no data included."""
    return data.startswith(MARK) or (len(data) >= len(MARK) and int.from_bytes(data[:4], "little") in _SKIPPED)


def unzstd(data: bytes, max_bytes: int, *, max_window_bytes: int = MAX_WINDOW_BYTES) -> bytes:
    """Decode zstd data, of any number of frames, to at most `max_bytes`; what lies behind those is not decoded.

    Raises
    ------
    DamagedZstd, CutShort
        If the data is no zstd, is damaged or cut short, or needs a dictionary or a larger window.
    """
    reader = ZstdReader(io.BytesIO(data), max_window_bytes=max_window_bytes)
    decoded = bytearray()
    buffer = memoryview(bytearray(65_536))
    while len(decoded) < max_bytes and (count := reader.readinto(buffer[: max_bytes - len(decoded)])):
        decoded += buffer[:count]
    if not data:
        raise CutShort("the compressed data is cut short")
    return bytes(decoded)


class ZstdReader(io.RawIOBase):
    """Reads the decoded bytes of a zstd file, from the file's position at construction.

    Reading raises `DamagedZstd` where the file is damaged, and `CutShort` where it ends within a frame.

    Parameters
    ----------
    max_window_bytes
        Largest window of a frame; a frame with a larger one is damaged.
    max_blocks
        Most blocks that are read to find the end of a frame; one with more is damaged. `None` for no limit.

    Attributes
    ----------
    begin
        Offset in the file, in bytes, of the frame that the last decoded bytes came from.
    work, begin_work
        Work since construction, and before that frame, in bytes of the file; each frame and block counts for some more.
    """

    def __init__(
        self, file: BinaryIO, *, max_window_bytes: int = MAX_WINDOW_BYTES, max_blocks: int | None = None
    ) -> None:
        self._file = file
        self._max_window_bytes = max_window_bytes
        self._max_blocks = max_blocks
        self.work = self.begin_work = 0
        self._frame: Any = None
        self._empty_frames = 0
        self._next = self.begin = file.tell()

    def readable(self) -> bool:
        """Always true."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Fill the buffer, or its beginning, with bytes of one frame; 0 at the end."""
        while True:
            if self._frame is None and not self._begin_frame():
                return 0
            try:
                data = self._frame.read(len(buffer))
            except OSError as error:
                if error.errno is not None:  # of the file, not of the data
                    raise
                raise DamagedZstd("zstd data that cannot be decoded") from error
            if data:
                self._empty_frames = 0
                buffer[: len(data)] = data
                return len(data)
            self._frame = None

    def _begin_frame(self) -> bool:
        """Find the next frame that holds data; false at the end of the file."""
        import pyarrow as pa

        while True:
            self._empty_frames += 1
            if self._empty_frames > MAX_EMPTY_FRAMES:
                raise DamagedZstd(f"more than {MAX_EMPTY_FRAMES} frames without data")
            self._file.seek(self._next)
            head = self._file.read(_HEADER_BYTES)
            if not head:
                return False
            self.begin, self.begin_work = self._next, self.work
            self.work += _FRAME_WORK
            if not is_zstd(head):
                raise DamagedZstd("no zstd frame") if len(head) >= len(MARK) else CutShort("the file is cut short")
            self._next = self._end_of(self.begin, head)
            if head.startswith(MARK):
                self.work += self._next - self.begin
                piece = _Piece(self._file, self.begin, self._next)
                self._frame = pa.CompressedInputStream(pa.PythonFile(piece, mode="r"), "zstd")
                return True

    def _end_of(self, begin: int, head: bytes) -> int:
        """Return the offset behind a frame: the lengths of its blocks are added up."""
        if not head.startswith(MARK):
            end = begin + 8 + int.from_bytes(head[4:8], "little")
        else:
            header = _header(head)
            if header.window_bytes > self._max_window_bytes:
                raise DamagedZstd(f"a zstd window of {header.window_bytes} bytes: more than {self._max_window_bytes}")
            end = self._end_of_blocks(begin + header.length) + header.checksum_bytes
        if end > self._file.seek(0, io.SEEK_END):
            raise CutShort("the file is cut short")
        return end

    def _end_of_blocks(self, end: int) -> int:
        """Return the offset behind a frame's blocks, of which the first one begins at `end`."""
        is_last, count = False, 0
        while not is_last:
            if count == self._max_blocks:
                raise DamagedZstd(f"a frame of more than {self._max_blocks} blocks")
            count += 1
            self.work += _BLOCK_WORK
            self._file.seek(end)
            block = int.from_bytes(self._file.read(3).ljust(3, b"\x07"), "little")
            is_last, kind, size = bool(block & 1), block >> 1 & 3, block >> 3
            if kind not in (_RAW, _RLE, _COMPRESSED):
                is_cut = self._file.read(1) == b""
                raise CutShort("the file is cut short") if is_cut else DamagedZstd("no zstd block")
            end += 3 + (1 if kind == _RLE else size)
        return end


def _header(head: bytes) -> _Header:
    """Read the header of a frame (RFC 8878, 3.1.1.1)."""
    descriptor = head[4] if len(head) > len(MARK) else 0
    is_single, dictionary_bytes = bool(descriptor & 0x20), (0, 1, 2, 4)[descriptor & 3]
    size_bytes = (1 if is_single else 0, 2, 4, 8)[descriptor >> 6]
    dictionary_at = 5 + (not is_single)
    length = dictionary_at + dictionary_bytes + size_bytes
    if len(head) < length:
        raise CutShort("the file is cut short")
    if any(head[dictionary_at : dictionary_at + dictionary_bytes]):
        raise NeedsDictionary("packed with a zstd dictionary, which is not supported")
    if is_single:
        window_bytes = int.from_bytes(head[length - size_bytes : length], "little")
    else:
        base = 1 << (10 + (head[5] >> 3))
        window_bytes = base + base // 8 * (head[5] & 7)
    return _Header(length, window_bytes, 4 if descriptor & 4 else 0)


class _Piece(io.RawIOBase):
    """A part of a file, as a file; closing it leaves the file open."""

    def __init__(self, file: BinaryIO, begin: int, end: int) -> None:
        self._file = file
        self._offset = begin
        self._end = end

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        self._file.seek(self._offset)
        data = self._file.read(min(len(buffer), self._end - self._offset))
        buffer[: len(data)] = data
        self._offset += len(data)
        return len(data)
