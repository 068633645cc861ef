"""Prefilter: finds the places of a page's bytes where an entry may stand, and where what follows may not be seen.

numpy rejects most of a page's slashes and tags by three bytes each, and a pattern is tried at the rest: one search for
everything, in a third of the time that patterns take from byte to byte.
"""

from __future__ import annotations

import re
from typing import NamedTuple

import numpy as np

from fxticker.sources.hiding_places import HIDING_TAG

_SLASH = re.compile(rb"/[\x00-\x20]*+[A-Za-z]{0,9}+[\x00-\x20]*+[=:<&\x80-\xff]")
"""A slash that may stand in an entry, whatever tags, references and invisible marks stand within the entry; tried where
the bytes beside it allow for that."""
_MAX_SLASHES = 1000
"""Slashes, 25 times those of a ticker repeated eight times: a page with more is not worth the search."""
_MARK = re.compile(
    rb"<(?:!--|(?i:script|style|title|textarea|noscript|noembed|noframes|iframe))|&(?:#0*+47|#[xX]0*+2[fF]|sol;)"
)
"""The begin of what is not seen, or a slash as a character reference."""
_MAX_MARKS = 10_000
"""Scripts, comments and references: a page with more is not worth the search."""
_SLASH_BIT, _MARK_BIT, _DIALOG_BIT = 1, 2, 128
_FIRST_BYTE, _SECOND_BYTE, _THIRD_BYTE = (
    np.array([sum(bit for bit, fits in bits.items() if re.match(fits, bytes([byte]))) for byte in range(256)], np.uint8)
    for bits in (
        {_SLASH_BIT: rb"[A-Za-z0-9;>\x00-\x20\x80-\xff]", _MARK_BIT: rb"[<&]", 252: rb"<"},
        {
            1: rb"/",
            2: rb"[!#iInNsStT]",
            4: rb"[tT]",
            8: rb"[dD]",
            16: rb"[rRxX]",
            32: rb"[aA]",
            64: rb"[pPsS]",
            128: rb"[dD]",
        },
        {
            1: rb"[A-Z<&\x00-\x20\x80-\xff]",
            2: rb"[-cCeEfFiIoOtTxX04]",
            4: rb"[eE]",
            8: rb"[aAeE]",
            16: rb"[mMpP]",
            32: rb"[nN]",
            64: rb"[lL]",
            128: rb"[iI]",
        },
    )
)
"""For each byte: whether it may be the one before a slash of an entry, that slash, or the one behind; and whether it
may be the first, second or third of a mark, or of one of the tags: a bit for each. Few places of a page have three
bytes that fit."""
_BLOCK_BYTES = 160 << 10
"""Bytes searched at once: all of an ordinary page; it bounds the memory that a hostile one takes."""
_SLASH_BYTE, _LESS, _AMPERSAND = b"/<&"
_MANY_TAGS = 8
_BEFORE_FOURTH = len("<di")
_FOURTH_OF_DIALOG, _SMALL = ord("a"), 0x20


class Landmarks(NamedTuple):
    """The places of a page.

    Attributes
    ----------
    slashes
        Where a slash of an entry may stand, as itself or as a character reference; in order, at least one.
    marks
        Where a comment, script, style or title may begin, or a slash is written as a reference; in order, each as it is
        written.
    tags
        Where an element may begin that is not shown, whatever its attributes; in order.
    """

    slashes: list[int]
    marks: list[tuple[int, bytes]]
    tags: list[int]


def landmarks(page: bytes) -> Landmarks | None:
    """Return those of a page whose charset writes ASCII as ASCII; None if it has no slash of an entry, or too much."""
    slashes: list[int] = []
    marks: list[tuple[int, bytes]] = []
    tags: list[int] = []
    for begin in range(0, len(page) - 2, _BLOCK_BYTES):
        before_slashes, at_marks, at_tags = _places(page, begin)
        slashes += [place + 1 for place in before_slashes if _SLASH.match(page, place + 1)]
        marks += [(place, mark[0]) for place in at_marks if (mark := _MARK.match(page, place))]
        tags += [place for place in at_tags if HIDING_TAG.match(page, place)]
        if len(slashes) >= _MAX_SLASHES or len(marks) + len(tags) >= _MAX_MARKS:
            return None
    slashes += [place for place, mark in marks if mark.startswith(b"&")]
    return Landmarks(sorted(slashes), marks, tags) if 0 < len(slashes) < _MAX_SLASHES else None


def _places(page: bytes, begin: int) -> tuple[list[int], list[int], list[int]]:
    """Return where in a block the byte before a slash of an entry may be, and where the first of a mark or a tag."""
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
    is_some = fits.nonzero()[0]
    places, fits = places.take(is_some), fits.take(is_some)
    is_tag = fits > _MARK_BIT
    at_tags = places[is_tag]
    if len(at_tags) > _MANY_TAGS:  # nearly all of them begin a div, which a dialog does not
        fourth = np.frombuffer(page, np.uint8).take(at_tags + _BEFORE_FOURTH, mode="clip") | _SMALL
        at_tags = at_tags[(fits[is_tag] != _DIALOG_BIT) | (fourth == _FOURTH_OF_DIALOG)]
    fits &= _SLASH_BIT | _MARK_BIT
    return places[fits == _SLASH_BIT].tolist(), places[fits == _MARK_BIT].tolist(), at_tags.tolist()
