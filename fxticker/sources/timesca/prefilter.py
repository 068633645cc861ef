"""Prefilter: finds the places of a page's bytes where an entry may stand, and where what follows may not be seen.

numpy rejects most of a page's slashes and tags by three bytes each, and a pattern is tried at the rest: one search for
everything, in a third of the time that patterns take from byte to byte.
"""

from __future__ import annotations

import re
from typing import NamedTuple

import numpy as np

_SLASH = re.compile(rb"/[\x00-\x20]*+[A-Za-z]{0,9}+[\x00-\x20]*+[=:<&\x80-\xff]")
"""A slash that may stand in an entry, whatever tags, references and invisible marks stand within the entry; tried where
the bytes beside it allow for that."""
_MAX_SLASHES = 1000
"""Slashes, 25 times those of a ticker repeated eight times: a page with more is not worth the search."""
_MARK = re.compile(rb"<(?:!--|(?i:script|style|title))|&(?:#0*+47|#[xX]0*+2[fF]|sol;)")
"""The begin of what is not seen, or a slash as a character reference."""
_MAX_MARKS = 10_000
"""Scripts, comments and references: a page with more is not worth the search."""
_OF_A_SLASH, _OF_A_MARK = 1, 2
_FIRST_BYTE, _SECOND_BYTE, _THIRD_BYTE = (
    np.array(
        [_OF_A_SLASH * bool(re.match(slash, bytes([byte]))) + _OF_A_MARK * (byte in mark) for byte in range(256)],
        np.uint8,
    )
    for slash, mark in (
        (rb"[A-Za-z0-9;>\x00-\x20\x80-\xff]", b"<&"),
        (rb"/", b"!#sStT"),
        (rb"[A-Z<&\x00-\x20\x80-\xff]", b"-cCtTiI04xXo"),
    )
)
"""For each byte: whether it may be the one before a slash of an entry, that slash, or the one behind; and whether it
may be the first, second or third of a mark. Few places of a page have three bytes that fit."""
_BLOCK_BYTES = 160 << 10
"""Bytes searched at once: all of an ordinary page; it bounds the memory that a hostile one takes."""
_SLASH_BYTE, _LESS, _AMPERSAND = b"/<&"


class Landmarks(NamedTuple):
    """The places of a page.

    Attributes
    ----------
    slashes
        Where a slash of an entry may stand, as itself or as a character reference; in order, at least one.
    marks
        Where a comment, script, style or title may begin, or a slash is written as a reference; in order, each as it is
        written.
    """

    slashes: list[int]
    marks: list[tuple[int, bytes]]


def landmarks(page: bytes) -> Landmarks | None:
    """Return those of a page whose charset writes ASCII as ASCII; None if it has no slash of an entry, or too much."""
    slashes: list[int] = []
    marks: list[tuple[int, bytes]] = []
    for begin in range(0, len(page) - 2, _BLOCK_BYTES):
        before_slashes, at_marks = _places(page, begin)
        slashes += [place + 1 for place in before_slashes if _SLASH.match(page, place + 1)]
        marks += [(place, mark[0]) for place in at_marks if (mark := _MARK.match(page, place))]
        if len(slashes) >= _MAX_SLASHES or len(marks) >= _MAX_MARKS:
            return None
    slashes += [place for place, mark in marks if mark.startswith(b"&")]
    return Landmarks(sorted(slashes), marks) if 0 < len(slashes) < _MAX_SLASHES else None


def _places(page: bytes, begin: int) -> tuple[list[int], list[int]]:
    """Return where in a block of a page the byte before a slash of an entry may be, and where the first of a mark."""
    block = np.frombuffer(page, np.uint8)[begin : begin + _BLOCK_BYTES + 2]
    first, second, third = block[:-2], block[1:-1], block[2:]
    # A slash behind a < is a closing tag's, so both of them are left out. Two arrays serve for all: the memory of
    # a new one may have to come from the system.
    may_be = second == _SLASH_BYTE
    begins = first == _LESS
    may_be ^= begins
    may_be |= np.equal(first, _AMPERSAND, out=begins)
    places = may_be.nonzero()[0]
    fits = _FIRST_BYTE.take(first.take(places))
    fits &= _SECOND_BYTE.take(second.take(places))
    fits &= _THIRD_BYTE.take(third.take(places))
    places += begin
    return places[fits == _OF_A_SLASH].tolist(), places[fits == _OF_A_MARK].tolist()
