"""Prefilter: finds the places of a page's bytes where an entry may stand, and where what follows may not be seen.

numpy rejects most of a page's slashes and tags by two or three bytes each, and a pattern is tried at the rest, in a
third of the time that patterns take from byte to byte. Slashes are sought in the whole page; tags only as far as they
are asked for, for most of a page stands behind the ticker.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Sequence

import numpy as np

from fxticker.sources.hiding_places import openings

_SLASH = re.compile(
    rb"(?:(?<=[A-Za-z0-9;>\x00-\x20\x80-\xff])|(?<=[*)\]#^+,])(?=/[A-Z]{3}))"
    rb"/[\x00-\x20]*+[A-Za-z]{0,9}+[\x00-\x20]*+[=:<&0-9*\[(#^+,\x80-\xff]"
    rb"|&(?:#0*+47|#[xX]0*+2[fF]|sol;)"
)
"""A slash that may stand in an entry, as itself or as a character reference, whatever tags, references and invisible
marks stand within the entry; tried where the byte behind it allows for that."""
_MAX_SLASHES = 1000
"""Slashes, 25 times those of a ticker repeated eight times: a page with more is not worth the search."""
_MAX_OPENINGS = 10_000
"""Scripts, comments and elements that are not shown: a page with more is not worth the search."""
_AT, _BEHIND = (
    np.array([sum(bit for bit, fits in bits.items() if re.match(fits, bytes([byte]))) for byte in range(256)], np.uint8)
    for bits in (
        {1: rb"/", 2: rb"&"},
        {1: rb"[A-Z<&\x00-\x20\x80-\xff]", 2: rb"[#s]"},
    )
)
"""For each byte a bit for whether it may be a slash of an entry, or the byte behind; and one for a slash as a
reference. Few places fit, for behind the slash of a tag or an address stands a lower-case letter."""
_BLOCK_BYTES = 160 << 10
"""Bytes searched at once: all of an ordinary page; it bounds the memory that a hostile one takes."""
_LEAST_BYTES = 16 << 10
"""Bytes in which tags are sought at least: one search answers for all of an ordinary ticker."""
_SLASH_BYTE, _AMPERSAND = b"/&"
_FACTOR = np.uint8(pow(_SLASH_BYTE - _AMPERSAND, -1, 256))
"""Times it, in one byte, a slash and an ampersand differ by one, and that in the last bit alone."""
_PRODUCT = (_SLASH_BYTE * int(_FACTOR)) & 0xFF


def slashes_of(page: bytes) -> list[int] | None:
    """Return where in a page a slash of an entry may stand, in order; None if nowhere, or at too many places.

    The page's charset writes ASCII as ASCII.
    """
    found: list[int] = []
    match = _SLASH.match
    for begin in range(0, len(page) - 2, _BLOCK_BYTES):
        found += [place for place in _slashes(page, begin) if match(page, place)]
        if len(found) >= _MAX_SLASHES:
            return None
    return found or None


def _slashes(page: bytes, begin: int) -> list[int]:
    """Return where in a block a slash of an entry may be, by two bytes each."""
    block = np.frombuffer(page, np.uint8)[begin : begin + _BLOCK_BYTES + 2]
    middle, behind = block[1:-1], block[2:]
    # One array serves for all: the memory of a second one comes from the system, which takes longer than the search.
    products = middle * _FACTOR
    products |= 1
    places = np.equal(products, _PRODUCT, out=products.view(np.bool_)).nonzero()[0]
    fits = _AT.take(middle.take(places))
    fits &= _BEHIND.take(behind.take(places))
    slashes: list[int] = (places.take(fits.nonzero()[0]) + (begin + 1)).tolist()
    return slashes


class Openings:
    """Where in a page something may begin that is not seen, found as far as it is asked for.

    Parameters
    ----------
    page
        In a charset that writes ASCII as ASCII.
    """

    def __init__(self, page: bytes) -> None:
        self._page = page
        self._done = 0
        self._unread: list[tuple[int, bytes]] = []
        self._hidden: list[int] = []

    def unread(self, begin: int, end: int) -> Sequence[tuple[int, bytes]] | None:
        """Return where a comment, script, style or title may begin between two places, each as it is written.

        They are in order; None if there are too many before `end`.
        """
        if not self._search(end):
            return None
        found = self._unread
        return found[bisect_left(found, (begin,)) : bisect_left(found, (end,))]

    def hidden(self, begin: int, end: int) -> Sequence[int] | None:
        """Return where another element may begin between two places that is not shown, whatever its attributes.

        They are in order; None if there are too many before `end`.
        """
        if not self._search(end):
            return None
        return self._hidden[bisect_left(self._hidden, begin) : bisect_left(self._hidden, end)]

    def _search(self, end: int) -> bool:
        """Search up to a place; returns whether there are not too many."""
        while self._done < end and len(self._unread) + len(self._hidden) < _MAX_OPENINGS:
            stop = self._done + min(max(end - self._done, _LEAST_BYTES), _BLOCK_BYTES)
            unread, hidden = openings(self._page, self._done, stop)
            self._unread += unread
            self._hidden += hidden
            self._done = stop
        return len(self._unread) + len(self._hidden) < _MAX_OPENINGS
