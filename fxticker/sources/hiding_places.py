"""Hiding places: finds the places of a page where an element may begin that is not shown, without reading its markup.

numpy rejects nearly all places by two or three letters, and a pattern is tried at the rest.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import numpy as np

HIDING_TAG = re.compile(
    rb"<(?i:template|details|dialog|datalist|rp|annotation|slot|xmp|plaintext|audio|canvas|meter|object|progress|video)"
)
"""Begins an element that may not be shown, whatever its attributes."""
_UNREAD = re.compile(rb"<(?:!--|(?i:script|style|title|textarea|noscript|noembed|noframes|iframe))")
"""Begins a comment, or an element whose content holds no tags."""
_NAMES = (
    ("!--",),
    ("script", "title", "iframe", "progress"),
    ("style", "textarea", "meter"),
    ("noscript", "noembed", "noframes", "object"),
    ("template", "details", "datalist", "canvas"),
    ("dialog", "slot", "video"),
    ("annotation", "plaintext", "audio"),
    ("rp", "xmp"),
)
"""The same names, a bit for each row: no frequent element but meta has its first letters from the names of one row."""
_BLOCK_BYTES = 32 << 10
"""Bytes searched at once: few enough that no memory has to come from the system."""
_LESS = ord("<")
_ATTRIBUTE = re.compile(
    rb"""(?i)(?<=[\s"'/])(?:hidden|popover|style)(?:(?<!style)(?=[\s/>=])"""
    rb"""|(?<=style)\s*+=\s*+(?P<value>"[^"]*+|'[^']*+|[^\s>]*+))"""
)
_MAY_HIDE = re.compile(rb"(?i)display|visib|all|[\\&]|/\*")
"""In every inline style that may hide."""
_LETTERS = {b"dd": len("hi"), b"yl": len("st"), b"ov": len("pop")}
"""Two letters of each attribute that few other words have, and how many stand before them."""
_HIDDEN, _STYLE, _POPOVER = (np.uint16(int.from_bytes(letters, "little")) for letters in _LETTERS)
_LOWER_CASE_BIT = np.uint16(0x2020)
"""Makes two letters lower case: the bit that differs from upper case, in each of two bytes."""


def _rows_by_letter(index: int) -> np.ndarray:
    """Return for each byte the bits of the rows in which a name has it as this letter, or is shorter."""
    rows = np.zeros(256, np.uint8)
    for row, names in enumerate(_NAMES):
        for letter in (name[index : index + 1] for name in names):
            rows[[*(letter + letter.upper()).encode()] or slice(None)] |= 1 << row
    return rows


_ROWS_BY_LETTER = tuple(map(_rows_by_letter, range(3)))


def may_hide(page: bytes) -> bool:
    """Return whether a page may have an element that is not shown, beside scripts and the like."""
    blocks = range(0, len(page), _BLOCK_BYTES)
    return any(openings(page, begin, begin + _BLOCK_BYTES)[1] for begin in blocks) or bool(
        hiding_attributes(page, 0, 1)
    )


def openings(page: bytes, begin: int, end: int) -> tuple[list[tuple[int, bytes]], list[int]]:
    """Return where in a part of a page begins what is not shown, whatever its attributes; some lie in one another.

    Parameters
    ----------
    page
        In a charset that writes ASCII as ASCII.
    begin, end
        The part; the last three bytes of a page begin nothing.

    Returns
    -------
    tuple
        Where comments, scripts and other elements begin whose content holds no tags, each with its begin as it is
        written; and where the other elements do. In order.
    """
    block = np.frombuffer(page, np.uint8)[begin : end + 3]
    places = (block[:-3] == _LESS).nonzero()[0]
    first, second, third = _ROWS_BY_LETTER
    fits = first.take(block[1:].take(places))
    fits &= second.take(block[2:].take(places))
    fits &= third.take(block[3:].take(places))
    unread: list[tuple[int, bytes]] = []
    hidden: list[int] = []
    for place in (places.take(fits.nonzero()[0]) + begin).tolist():
        if match := _UNREAD.match(page, place):
            unread.append((place, match[0]))
        elif HIDING_TAG.match(page, place):
            hidden.append(place)
    return unread, hidden


def hiding_attributes(page: bytes, begin: int, most: int) -> list[int]:
    """Return where in a page an attribute may be that hides its element, up to a number.

    Some lie in scripts, comments, texts or other values.

    Parameters
    ----------
    page
        In a charset that writes ASCII as ASCII.
    begin, most
        Where the search begins, and how many places are enough.
    """
    places: list[int] = []
    for place in _attributes(page, begin):
        attribute = _ATTRIBUTE.match(page, place)
        if attribute and (attribute["value"] is None or _MAY_HIDE.search(attribute["value"])):
            places.append(place)
            if len(places) >= most:
                break
    return places


def _attributes(page: bytes, begin: int) -> Iterator[int]:
    """Yield where an attribute may begin, by two of its letters."""
    for start in range(begin, len(page), _BLOCK_BYTES):
        block = page[start : start + _BLOCK_BYTES + 1]
        # All pairs of bytes: those from its first byte on, and behind them those from its second on.
        even, odd = len(block) & ~1, (len(block) - 1) & ~1
        pairs = np.frombuffer(block[:even] + block[1 : 1 + odd], "<u2") | _LOWER_CASE_BIT
        fits = pairs == _HIDDEN
        fits |= pairs == _STYLE
        fits |= pairs == _POPOVER
        for index in fits.nonzero()[0].tolist():
            place = start + (2 * index if 2 * index < even else 2 * index + 1 - even)
            before = place - _LETTERS[page[place : place + 2].lower()]
            if before > begin:
                yield before
