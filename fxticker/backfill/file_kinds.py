"""File kinds: recognise a file by its first bytes, and name what cannot be imported for what it is."""

from __future__ import annotations

import re
from enum import Enum

from fxticker.errors import NoTicker, ParseError
from fxticker.fetch import gzip, zstd

HEAD_BYTES = 65_536
"""Bytes that suffice to recognise a file."""


class Packing(Enum):
    """How a whole file is packed."""

    GZIP = "gzip"
    XZ = "xz"
    BZIP2 = "bzip2"
    ZSTD = "zstd"


ZIP = (b"PK\x03\x04", b"PK\x05\x06")
"""First bytes of a ZIP file: with members, and without."""
_SIGNATURES = (
    (0, b"7z\xbc\xaf\x27\x1c", "a 7-Zip archive"),
    (0, b"Rar!\x1a\x07", "a RAR archive"),
    (257, b"ustar", "a tar archive: unpack it, and import the folder"),
    (0, b"%PDF-", "a PDF document"),
    (0, b"\x89PNG\r\n\x1a\n", "a picture (PNG)"),
    (0, b"\xff\xd8\xff", "a picture (JPEG)"),
    (0, b"GIF8", "a picture (GIF)"),
    (8, b"WEBP", "a picture (WebP)"),
    (0, b"SQLite format 3\0", "an SQLite database"),
    (0, b"bplist00", "a Safari web archive: save the page as HTML"),
    (0, b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an old Office document"),
    (0, b"ARROW1", "an Arrow file: save it as Parquet"),
    (0, b"ORC", "an ORC file: save it as Parquet"),
    (0, b"\x89HDF\r\n\x1a\n", "an HDF5 file: save it as Parquet"),
    (0, b"\x04\x22\x4d\x18", "a file packed with LZ4: unpack it"),
    (0, b"\x1f\x9d", "a file packed with compress: unpack it"),
    (0, b"\x7fELF", "a program"),
    (0, b"filedesc://", "an ARC file, the form before WARC: convert it to WARC"),
    (0, b" CDX ", "an index of captures (CDX), which has no pages"),
    (0, b'{"media_type": ', "a piece of evidence: import the folder `ticks` of its store"),
)
"""Offset, bytes and name of files that are not read."""
_MAIL = re.compile(rb"(?:From [^\n]*\n)?[A-Za-z][A-Za-z-]{0,60}:")
_MIME_FIELD = re.compile(rb"(?im)^(?:MIME-Version|Content-Transfer-Encoding|Content-Type:\s*multipart/)")
_PLIST = re.compile(rb"<!DOCTYPE plist|<plist[\s>]", re.IGNORECASE)
_JSON = re.compile(rb'(?:\xef\xbb\xbf)?\s*(?:\[\s*[\[{"\]]|\{\s*["}])')
_HAR = re.compile(rb'(?:\xef\xbb\xbf)?\s*\{\s*"log"\s*:')
_XML = re.compile(rb"(?:\xef\xbb\xbf)?\s*<\?xml(?!.*<(?:!doctype\s+)?html)", re.IGNORECASE | re.DOTALL)
"""XML that is no page, such as the answers of most banks."""
_OTHER_SOURCE = "the answer of a bank needs its name, as in `--source cbu`"
_CSV = re.compile(
    rb'(?:\xef\xbb\xbf)?"?[A-Za-z_][A-Za-z0-9_ ]*"?(?P<mark>[,;\t])(?>(?:"?[A-Za-z_][A-Za-z0-9_ ]*"?(?P=mark))+)'
)
_UTF_16 = (b"\xff\xfe", b"\xfe\xff")


def packing_of(head: bytes) -> Packing | None:
    """Return how a file is packed, by its first bytes; `None` if it is not."""
    if head.startswith(gzip.MARK):
        return Packing.GZIP
    if head.startswith(b"\xfd7zXZ\0"):
        return Packing.XZ
    if re.match(rb"BZh[1-9](?:1AY&SY|\x17rE8P\x90)", head):
        return Packing.BZIP2
    return Packing.ZSTD if zstd.is_zstd(head) else None


def require_readable(head: bytes) -> None:
    """Check that a file is not of a kind that no source's page has.

    Raises
    ------
    ParseError
        If it is; names the kind.
    """
    for offset, signature, name in _SIGNATURES:
        if head.startswith(signature, offset):
            raise ParseError(f"{name}; not a page")
    beginning = head[:8192].removeprefix(b"\xef\xbb\xbf").lstrip()
    if beginning.startswith(b"WARC/"):
        raise ParseError("a WARC file with something before its first record; not a page")
    if _MAIL.match(beginning) and _MIME_FIELD.search(beginning):
        raise ParseError("an MHTML file or a mail, whose lines are encoded: save the page as HTML")
    if _PLIST.search(beginning[:1000]):
        raise ParseError("a Safari web archive: save the page as HTML")
    if _HAR.match(beginning):
        raise ParseError("a HAR file, a browser's record of requests: save the page as HTML")


def named(error: NoTicker, head: bytes) -> ParseError:
    """Return the error for a file without a ticker: one that names the kind, if it is no page at all."""
    if type(error) is not NoTicker:
        return error
    if _JSON.match(head):
        return ParseError(f"JSON, and neither an answer of this source nor ticks of `fxticker export`; {_OTHER_SOURCE}")
    if _CSV.match(head):
        return ParseError("a table as text, and not the ticks that `fxticker export` writes")
    if _XML.match(head):
        return ParseError(f"XML without the ticker; {_OTHER_SOURCE}")
    if b"\0" in head[:1024] and not head.startswith(_UTF_16):
        return ParseError("a binary file of a kind that is not read; not a page")
    return error
