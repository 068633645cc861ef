"""HTML to text: decodes a page's bytes and returns the text that a reader of the page sees."""

from __future__ import annotations

import codecs
import re
from collections.abc import Mapping

from fxticker.sources.markup import REVERSED, TOUCHED, settled
from fxticker.sources.references import unescape
from fxticker.sources.shown import lines_of

_HTML = re.compile(r"<!doctype\s|</?[a-z][^<>]{0,200}>", re.IGNORECASE)
_INVISIBLE = re.compile("[\xad\u200b-\u200f\u202a-\u202e\u2060\u2066-\u2069\ufeff]+")
"""Soft hyphen, zero-width and direction marks: in the page, and not visible."""

_OVERRIDDEN = re.compile(f"{REVERSED}[^\n]*+")
_OF_ENTRY = re.compile("[0-9=:]")

_META_CHARSET = re.compile(rb"""<meta[^>]{0,512}?charset\s*=\s*["']?\s*([A-Za-z0-9_:.-]{1,40})""", re.IGNORECASE)
_HEADER_CHARSET = re.compile(r"""charset\s*=\s*["']?([A-Za-z0-9_:.-]{1,40})""", re.IGNORECASE)
_META_WINDOW_BYTES = 1024
"""The HTML standard looks for a declared charset in the first 1024 bytes."""
_CHARSETS = frozenset(
    ["utf-8", "ascii", "cp866", "koi8-r", "koi8-u", "gb18030"]
    + [f"cp125{page}" for page in range(9)]
    + ["iso8859-1", "iso8859-2", "iso8859-5", "iso8859-9", "iso8859-15"]
)
"""Charsets that a page may declare. Any other is ignored, for some of Python's codecs are slow or decompress."""
_BYTE_ORDER_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)


def page_text(page: bytes | str, headers: Mapping[str, str] | None = None) -> str:
    """Return the visible text of a page, HTML or plain.

    Inline elements, scripts, styles and comments leave no trace in the line, all other tags end it, and entities are
    resolved. What the markup itself hides is left out, whatever style sheets make of the rest. In plain text white
    space is left as it is.

    Parameters
    ----------
    page
        Bytes as received, or text. Text is HTML if it has a doctype or a tag.
    headers
        The answer's headers by lower-case name; ``content-type`` may declare a charset.
    """
    text = marked_text(page, headers)
    return text.replace(TOUCHED, "") if TOUCHED in text else text


def marked_text(page: bytes | str, headers: Mapping[str, str] | None = None) -> str:
    """Return what `page_text` returns, with `TOUCHED` where a tag or hidden text touches a figure."""
    text = page if isinstance(page, str) else decode(page, headers or {})
    return resolved(lines_of(text)) if is_html(text) else _without_invisible(text)


def decode(page: bytes, headers: Mapping[str, str]) -> str:
    """Decode a page by byte-order mark, header, ``meta`` element, and else as UTF-8.

    Bytes that the charset does not allow become U+FFFD, which damages the page only within a number.
    """
    charset, start = charset_of(page, headers)
    return page[start:].decode(charset, errors="replace")


def charset_of(page: bytes, headers: Mapping[str, str]) -> tuple[str, int]:
    """Return the charset of a page as Python names it, and where the page begins behind its byte-order mark."""
    for mark, charset in _BYTE_ORDER_MARKS:
        if page.startswith(mark):
            return charset, len(mark)
    header = _HEADER_CHARSET.search(headers.get("content-type", ""))
    meta = None if header else _META_CHARSET.search(page[:_META_WINDOW_BYTES])
    declared = header[1] if header else meta[1].decode("ascii") if meta else "utf-8"
    return _known_charset(declared), 0


def is_html(text: str) -> bool:
    """Return whether a page has a doctype or a tag."""
    return _HTML.search(text) is not None


def resolved(text: str) -> str:
    """Return a text with its references resolved, its marks settled, and without invisible characters."""
    text = unescape(text) if "&" in text else text
    return settled(text if text.isascii() else _without_invisible(text))


def _without_invisible(text: str) -> str:
    if REVERSED in text:  # the digits behind it are shown from right to left
        text = _OVERRIDDEN.sub(lambda line: _OF_ENTRY.sub(rf"\g<0>{TOUCHED}", line[0]), text)
    return _INVISIBLE.sub("", text)


def _known_charset(declared: str) -> str:
    try:
        name = codecs.lookup(declared).name
    except LookupError:
        return "utf-8"
    if name in ("iso8859-1", "ascii"):
        return "cp1252"  # what browsers do, by the WHATWG encoding standard
    return name if name in _CHARSETS else "utf-8"
