"""HTML to text: decodes a page's bytes and returns the text that a reader of the page sees.

One left-to-right scan splits HTML into tags, comments and text, as the tokenizer of the HTML standard does
(html.spec.whatwg.org, section 13.2.5), and builds no tree: a tree builder repairs bad nesting, and repairing is what
hostile pages make quadratic (10 MB of ``<p><b id=…>`` holds no more text than its bytes, but a tree of it has 10^11
nodes). Every pattern below consumes what it matches and never returns to it.
"""

from __future__ import annotations

import codecs
import html
import re
from collections.abc import Mapping

_ATTRIBUTES = r"""(?:=\s*+(?:"[^"]*+(?:"|\Z)|'[^']*+(?:'|\Z))|[^>=]++|=)*+(?:>|\Z)"""
_RAW = r"(?:[sS](?i:cript|tyle)|[tT](?i:itle))(?=[\s/>])"
_TOKEN = re.compile(
    rf"""
    <(?:
      (?:/|(?!{_RAW}))(?P<name>[a-zA-Z][^\s/>]*+)(?:>|{_ATTRIBUTES})
    | (?P<raw>{_RAW}){_ATTRIBUTES}(?:[^<]++|<(?!/(?i:(?P=raw))[\s/>]))*+(?:</(?i:(?P=raw)){_ATTRIBUTES}|\Z)
    | !--(?:>|->|[^-]*+(?:-(?!-!?>)[^-]*+)*+(?:--!?>|\Z))           # a comment, perhaps unclosed
    | [!?/][^>]*+(?:>|\Z)                                           # a declaration
    )
    """,
    re.VERBOSE | re.ASCII,  # the standard's names and spaces are ASCII: `<\u017fcript>` is no script
)
_NAMES, _RAWS = (slice(_TOKEN.groupindex[group], None, _TOKEN.groups + 1) for group in ("name", "raw"))
"""Where `_TOKEN.split` puts a token's groups: behind each text that a token ends."""
_INLINE = frozenset(
    (
        *("a", "abbr", "b", "bdi", "bdo", "big", "cite", "code", "data", "del", "dfn", "em", "font", "i", "ins", "kbd"),
        *("label", "mark", "nobr", "output", "q", "s", "samp", "small", "span", "strike", "strong", "sub", "sup"),
        *("time", "tt", "u", "var", "wbr"),
    )
)
"""Elements that are part of the line they stand in; every other tag ends a line."""
_HTML = re.compile(r"<!doctype\s|</?[a-z][^<>]{0,200}>", re.IGNORECASE)
_ENTITY = re.compile(r"&(?:#[0-9]++|#[xX][0-9a-fA-F]++|[A-Za-z][A-Za-z0-9]{1,31}+);?")
_MAX_REFERENCE_CHARS = 40
"""Characters of a numeric reference: the cost of html.unescape grows with the square of its digits."""
_MAX_REMEMBERED = 20_000
"""Distinct references that are cached while a page is read: HTML names 2,231; a hostile page has millions."""
_INVISIBLE = re.compile("[\xad\u200b-\u200f\u202a-\u202e\u2060\u2066-\u2069\ufeff]+")
"""Soft hyphen, zero-width and direction marks: in the page, and not visible."""

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
    resolved. In plain text white space is left as it is.

    Parameters
    ----------
    page
        Bytes as received, or text. Text is HTML if it has a doctype or a tag.
    headers
        The answer's headers by lower-case name; ``content-type`` may declare a charset.
    """
    text = page if isinstance(page, str) else decode(page, headers or {})
    return resolved(without_tags(text)) if is_html(text) else _INVISIBLE.sub("", text)


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


def without_tags(source: str) -> str:
    """Return the text of HTML with its references yet to be resolved; only tags end its lines."""
    # In HTML a line break of the source is a space.
    pieces = _TOKEN.split(source.replace("\r", " ").replace("\n", " "))
    # Scripts and comments leave no trace: <!-- --> stands between the texts of one line on many pages.
    names = pieces[_NAMES]
    breaks = dict.fromkeys(names, "\n")
    for name in breaks:
        if name is None or name.lower() in _INLINE:
            breaks[name] = ""
    pieces[_NAMES] = [breaks[name] for name in names]
    pieces[_RAWS] = [""] * len(names)
    return "".join(pieces)


def resolved(text: str) -> str:
    """Return a text with its character references resolved and without invisible characters."""
    text = _unescape(text) if "&" in text else text
    return text if text.isascii() else _INVISIBLE.sub("", text)


def _known_charset(declared: str) -> str:
    try:
        name = codecs.lookup(declared).name
    except LookupError:
        return "utf-8"
    if name in ("iso8859-1", "ascii"):
        return "cp1252"  # what browsers do, by the WHATWG encoding standard
    return name if name in _CHARSETS else "utf-8"


def _unescape(text: str) -> str:
    seen: dict[str, str] = {}

    def resolve(reference: re.Match[str]) -> str:
        name = reference[0]
        char = seen.get(name)
        if char is None:
            char = html.unescape(name) if len(name) <= _MAX_REFERENCE_CHARS else "\N{REPLACEMENT CHARACTER}"
            if len(seen) < _MAX_REMEMBERED:
                seen[name] = char
        return char

    return _ENTITY.sub(resolve, text)
