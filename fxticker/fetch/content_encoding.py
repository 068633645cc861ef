"""Content encodings: undo those that a server declares (RFC 9110, 8.4), to at most a number of bytes.

zlib is in the standard library; brotli and zstd are decoded by Arrow, which is imported when they occur.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable

from fxticker.fetch.gzip import MARK, CutShort, gunzip
from fxticker.fetch.misplaced_encoding import is_no_encoding

MAX_CODINGS = 5
"""Most encodings of one body: servers apply one, and proxies add one."""
_ZSTD_WINDOW_BYTES = 8 * 2**20
"""Largest window of zstd as a content encoding (RFC 9659)."""
_ZLIB_METHOD = 8
"""Number of deflate in a zlib header (RFC 1950, 2.2)."""
_ALIASES = {"x-gzip": "gzip", "x-deflate": "deflate"}


class UnsupportedEncoding(ValueError):
    """A body in an encoding that cannot be undone, or that is not in the encoding that is declared."""


class TooLong(ValueError):
    """The decoded body exceeds the limit."""


def codings(declared: str) -> list[str]:
    """Return the encodings of a header field in the order in which they were applied, in lower case.

    ``identity``, which changes nothing, is left out, and so are empty entries and names that are no encoding.
    """
    names = [name.strip().lower() for name in declared.split(",")]
    return [_ALIASES.get(name, name) for name in names if not is_no_encoding(name)]


def decoded_body(body: bytes, names: list[str], *, max_bytes: int, is_plain: Callable[[bytes], bool]) -> bytes:
    """Return a body without its encodings.

    Crawlers and servers undo an encoding and leave the header as it was: a body that is not in its encoding is
    returned as it is if it is plain.

    Parameters
    ----------
    names
        As from `codings`.
    max_bytes
        Largest body, before and after each step.
    is_plain
        Whether a body looks like a page or text.

    Raises
    ------
    UnsupportedEncoding
        If it is in an encoding that is not supported, or not in the declared one.
    TooLong
        If it is longer than `max_bytes`.
    ValueError, zlib.error
        If it is damaged or cut short.
    """
    if len(names) > MAX_CODINGS:
        raise UnsupportedEncoding(f"{len(names)} content encodings: more than {MAX_CODINGS}")
    for name in reversed(names):
        decode = _DECODERS.get(name)
        try:
            if decode is None:
                raise UnsupportedEncoding(f"content encoding {name[:60]!r} is not supported")
            decoded = decode(body, max_bytes + 1)
        except (ValueError, zlib.error) as error:
            if is_plain(body):
                return body
            if name == "gzip" and body.startswith(MARK):
                raise
            if isinstance(error, UnsupportedEncoding):
                raise
            raise UnsupportedEncoding(f"the page is not in its content encoding {name!r}, or damaged") from error
        if len(decoded) > max_bytes:
            raise TooLong(f"the page exceeds {max_bytes} bytes")
        body = decoded
    return body


def _inflate(data: bytes, max_bytes: int) -> bytes:
    """Decode deflate in zlib's form, as the standard defines it, or without its header, as some servers send it."""
    if len(data) > 1 and data[0] & 15 == _ZLIB_METHOD and not int.from_bytes(data[:2], "big") % 31:
        try:
            return _inflated(data, max_bytes, zlib.MAX_WBITS)
        except zlib.error:
            pass
    return _inflated(data, max_bytes, -zlib.MAX_WBITS)


def _inflated(data: bytes, max_bytes: int, wbits: int) -> bytes:
    decoder = zlib.decompressobj(wbits)
    decoded = decoder.decompress(data, max_bytes)
    if len(decoded) < max_bytes and not decoder.eof:
        raise CutShort("the compressed data is cut short")
    if decoder.unused_data:
        raise zlib.error("data behind the end of the compressed data")
    return decoded


def _unbrotli(data: bytes, max_bytes: int) -> bytes:
    import pyarrow as pa

    try:
        with pa.CompressedInputStream(pa.BufferReader(data), "brotli") as stream:
            decoded = bytearray()
            while len(decoded) < max_bytes and (piece := stream.read(min(65_536, max_bytes - len(decoded)))):
                decoded += piece
    except OSError as error:
        raise ValueError("brotli data that cannot be decoded") from error
    if not data:
        raise CutShort("the compressed data is cut short")
    return bytes(decoded)


def _unzstd(data: bytes, max_bytes: int) -> bytes:
    from fxticker.fetch.zstd import NeedsDictionary, unzstd

    try:
        return unzstd(data, max_bytes, max_window_bytes=_ZSTD_WINDOW_BYTES)
    except NeedsDictionary as error:
        raise UnsupportedEncoding(str(error)) from error


def _gunzip(data: bytes, max_bytes: int) -> bytes:
    if not data:
        raise CutShort("the compressed data is cut short")
    return gunzip(data, max_bytes)


_DECODERS = {"gzip": _gunzip, "deflate": _inflate, "br": _unbrotli, "zstd": _unzstd}
