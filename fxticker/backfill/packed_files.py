"""Packed files: unpack a whole file, or the WARC files in a WACZ file, to temporary files of bounded size."""

from __future__ import annotations

import bz2
import io
import lzma
import re
import struct
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, BinaryIO

from fxticker.backfill.file_kinds import Packing
from fxticker.errors import ParseError
from fxticker.fetch.gzip import GzipReader
from fxticker.fetch.zstd import ZstdReader

MAX_MEMBERS = 10_000
"""Most WARC files in a WACZ file that are read; crawlers write a few."""
WORK, SLACK_BYTES = 100, 64_000_000
"""Unpacked bytes per byte of the file at most, and additional bytes allowed for a small file."""
_BLOCK_BYTES = 65_536
_XZ_MEMORY_BYTES = 100_000_000
"""Most memory of the decoder: `xz -9` needs 65 MB."""
_WARC_MEMBER = re.compile(r"archive/[^/]{1,200}\.warc(?:\.gz|\.zst)?", re.IGNORECASE)
_DAMAGE = (
    *(zlib.error, lzma.LZMAError, zipfile.BadZipFile, zipfile.LargeZipFile, ValueError, EOFError),
    *(struct.error, RuntimeError, NotImplementedError),  # a member that is encrypted, or packed in another way
)


@contextmanager
def unpacked(file: BinaryIO, packing: Packing, *, slack_bytes: int = SLACK_BYTES) -> Iterator[BinaryIO]:
    """Give the content of a packed file as a temporary file.

    Raises
    ------
    ParseError
        If it is damaged, or unpacks to more than the limit.
    """
    size = file.seek(0, io.SEEK_END)
    file.seek(0)
    try:
        pieces = _pieces(file, packing)
        with tempfile.TemporaryFile() as content:
            _copy(pieces, content, WORK * size + slack_bytes)
            content.seek(0)
            yield content
    except _Unreadable as error:
        raise ParseError(f"a file packed with {packing.value} that cannot be read: {error}") from error


def warc_files(file: BinaryIO, *, slack_bytes: int = SLACK_BYTES) -> Iterator[tuple[str, BinaryIO | str, int]]:
    """Yield name, content and packed size of each WARC file in a WACZ file, or why one cannot be read.

    Members are read by their position in the ZIP file; none is written under its own name.

    Raises
    ------
    ParseError
        If the file is a ZIP file without WARC files, or damaged.
    """
    left = WORK * file.seek(0, io.SEEK_END) + slack_bytes
    try:
        archive = zipfile.ZipFile(file)
    except _DAMAGE as error:
        raise ParseError(f"a ZIP file that cannot be read: {error}") from error
    with archive:
        members = [member for member in archive.infolist() if _WARC_MEMBER.fullmatch(member.filename)]
        if not members:
            raise ParseError(_name_of(archive))
        for member in members[:MAX_MEMBERS]:
            with tempfile.TemporaryFile() as content:
                try:
                    with archive.open(member) as packed:
                        left -= _copy(iter(lambda: packed.read(_BLOCK_BYTES), b""), content, left)
                except (*_DAMAGE, _Unreadable) as error:
                    yield member.filename, f"cannot be read: {error}", 0
                    continue
                content.seek(0)
                yield member.filename, content, member.compress_size
        if len(members) > MAX_MEMBERS:
            yield f"{len(members) - MAX_MEMBERS} WARC files", f"more than {MAX_MEMBERS} in one file", 0


class _Unreadable(Exception):
    """A packed file cannot be unpacked."""


def _name_of(archive: zipfile.ZipFile) -> str:
    names = set(archive.namelist())
    if "[Content_Types].xml" in names:
        return "an Office document; not a page"
    if any(name.endswith(".wacz") for name in names):
        return "a WACZ file of WACZ files: unpack it, and import the folder"
    if "datapackage.json" in names:
        return "a WACZ file without WARC files"
    return "a ZIP archive: unpack it, and import the folder"


def _copy(pieces: Iterator[bytes], target: BinaryIO, max_bytes: int) -> int:
    count = 0
    for piece in pieces:
        count += len(piece)
        if count > max_bytes:
            raise _Unreadable(f"it unpacks to more than {max_bytes} bytes")
        target.write(piece)
    return count


def _pieces(file: BinaryIO, packing: Packing) -> Iterator[bytes]:
    try:
        if packing in (Packing.GZIP, Packing.ZSTD):
            reader: Any = GzipReader(file) if packing is Packing.GZIP else ZstdReader(file)
            buffer = memoryview(bytearray(_BLOCK_BYTES))
            while count := reader.readinto(buffer):
                yield bytes(buffer[:count])
        else:
            yield from _streams(file, packing)
    except _DAMAGE as error:
        raise _Unreadable(str(error) or type(error).__name__) from error
    except OSError as error:
        if error.errno is not None:  # of the file; the error of bz2 for damaged data has no number
            raise
        raise _Unreadable(str(error)) from error


def _streams(file: BinaryIO, packing: Packing) -> Iterator[bytes]:
    """Yield the content of all streams of an xz or bzip2 file."""
    data = file.read(_BLOCK_BYTES)
    while data:
        decoder: Any = (
            lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=_XZ_MEMORY_BYTES)
            if packing is Packing.XZ
            else bz2.BZ2Decompressor()
        )
        while not decoder.eof:
            if decoder.needs_input and not data and not (data := file.read(_BLOCK_BYTES)):
                raise EOFError("the file is cut short")
            yield decoder.decompress(data, _BLOCK_BYTES)
            data = b""
        data = decoder.unused_data or file.read(_BLOCK_BYTES)
        while packing is Packing.XZ and data and not data.strip(b"\0"):  # padding between streams
            data = file.read(_BLOCK_BYTES)
        data = data.lstrip(b"\0") if packing is Packing.XZ else data
