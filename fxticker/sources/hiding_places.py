"""Hiding places: finds the places of a page where an element may begin that is not shown, without reading its markup.

numpy rejects nearly all places by two letters, and a pattern is tried at the rest.
"""

from __future__ import annotations

import re

import numpy as np

HIDING_TAG = re.compile(rb"<(?i:template|details|dialog|datalist|rp|annotation|slot|xmp|plaintext)")
"""Begins an element that may not be shown, whatever its attributes."""
_ATTRIBUTE = re.compile(
    rb"""(?i)(?<=[\s"'/])(?:hidden|popover|style)(?:(?<!style)(?=[\s/>=])"""
    rb"""|(?<=style)\s*+=\s*+(?P<value>"[^"]*+|'[^']*+|[^\s>]*+))"""
)
_MAY_HIDE = re.compile(rb"(?i)display|visib|all|[\\&]|/\*")
"""In every inline style that may hide."""
_LETTERS = {b"dd": len("hi"), b"yl": len("st"), b"ov": len("pop")}
"""Two letters of each attribute that few other words have, and how many stand before them."""
_HIDDEN, _STYLE, _POPOVER = (np.uint16(int.from_bytes(letters, "little")) for letters in _LETTERS)
_SMALL = np.uint16(0x2020)
"""Makes two capital letters small ones."""


def may_hide(page: bytes) -> bool:
    """Return whether a page may have an element that is not shown, beside scripts and the like."""
    return HIDING_TAG.search(page) is not None or bool(hiding_attributes(page, 0, 1))


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


def _attributes(page: bytes, begin: int) -> list[int]:
    """Return where an attribute may begin, by two of its letters."""
    found: list[int] = []
    for offset in (begin, begin + 1):
        count = (len(page) - offset) // 2
        if count < 1:
            continue
        pairs = np.frombuffer(page, "<u2", count, offset) | _SMALL
        fits = pairs == _HIDDEN
        fits |= pairs == _STYLE
        fits |= pairs == _POPOVER
        for index in fits.nonzero()[0].tolist():
            place = 2 * index + offset
            found.append(place - _LETTERS[page[place : place + 2].lower()])
    return [place for place in found if place > begin]
