"""Bounds of a zone: finds places of a page's bytes that are in text for certain, not in a tag, comment or script.

The end of a zone is known by reading the zone. Its start is known by what stands before it: a scanner of the whole page
is in text right behind a ``>``, unless a quoted value, a comment, a script, a style or a title is open there.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from fxticker.sources.html import charset_of
from fxticker.sources.markup import all_lines_of, lines_of_part
from fxticker.sources.timesca.prefilter import Openings, slashes_of

LEAD_BYTES = 200
"""Bytes: the least that a zone takes before its first slash: the first code, and the tags that begin its line."""
_MAX_TRIES = 12
"""Places that are tried for either end of a zone."""
_MAX_BYTES_READ_AGAIN = 64 << 10
"""Bytes that are read again for each place: a page with more in a script behind a slash is read as a whole."""
_MAX_SPACES = 64
"""Bytes: how far before a quotation mark the equals sign is sought that makes it the begin of an attribute's value."""
_NOT_ASCII = frozenset(["gb18030", "utf-16-le", "utf-16-be"])
"""Charsets in which the byte of an ASCII character may be part of another one."""
_ENDS_NAME_OR_VALUE = frozenset(b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/;.-_")
"""What stands before most quotation marks that close a value; before one that opens it is an equals sign or a blank."""


class Page(NamedTuple):
    """A page with the places that matter.

    Attributes
    ----------
    data
        Bytes as received.
    charset
        As Python names it; it writes ASCII as ASCII, and nothing else with those bytes.
    begin
        Where the page begins behind its byte-order mark.
    slashes
        Where a slash of an entry may stand, in order; at least one.
    openings
        Where something may begin that is not seen.
    """

    data: bytes
    charset: str
    begin: int
    slashes: Sequence[int]
    openings: Openings

    def lines(self, start: int, end: int) -> str:
        """Return the text between two places, the first in text, with its references yet to be resolved."""
        return all_lines_of(self.data[start:end].decode(self.charset, errors="replace"))

    def lines_of_part(self, start: int, end: int) -> str | None:
        """Return what `lines` returns; None if the second place is not in text, or tags between may hide what follows.

        These tags may do so whatever their attributes, which are not read.
        """
        part = self.data[start:end].decode(self.charset, errors="replace")
        return lines_of_part(part, is_last=end == len(self.data))


def scan(data: bytes, headers: Mapping[str, str]) -> Page | None:
    """Return a page with its places; None if it has no slash of an entry, or too many, or not an ASCII charset."""
    charset, begin = charset_of(data, headers)
    if charset in _NOT_ASCII:
        return None
    slashes = slashes_of(data)
    return None if slashes is None else Page(data, charset, begin, slashes, Openings(data))


def zone_start(page: Page, floor: int, slash: int) -> int | None:
    """Return the last place before a slash where a zone may start: between lines, and in text; None if there is none.

    `floor` is a place before it that is in text.
    """
    data = page.data
    before = slash - LEAD_BYTES
    for number in range(_MAX_TRIES):
        start = data.rfind(b">", floor, max(before, floor)) + 1
        if start == 0:
            return floor if floor == page.begin else None
        opening = open_markup(page, floor, start)
        if opening is not None:
            before = opening
        # A tag that is cut might end the line or not: only whole ones count.
        elif "\n" in page.lines(start, data.rfind(b">", start, slash) + 1):
            return start
        else:
            before = start - (LEAD_BYTES << number)
    return None


def zone_end(page: Page, floor: int, index: int, end: int, trail: int) -> tuple[int, int, str] | None:
    """Return where a zone may end, how many slashes stand before that, and the lines up to there from `floor` on.

    It ends at `end` or behind, with `trail` bytes behind each slash from number `index` on that it takes in. `floor` is
    a place before it that is in text. None if no place is found.
    """
    slashes = page.slashes
    for _ in range(_MAX_TRIES):
        while (near := bisect_left(slashes, end + LEAD_BYTES)) > index:
            index = near
            end = max(end, slashes[index - 1] + trail)
        end = page.data.find(b">", end) + 1
        if end == 0:
            end, index = len(page.data), len(slashes)
        elif bisect_left(slashes, end + LEAD_BYTES) > index:
            continue
        lines = page.lines_of_part(floor, end)
        if lines is not None:
            return end, index, lines
        if end == len(page.data) or end - floor > _MAX_BYTES_READ_AGAIN:
            return None
    return None


def open_markup(page: Page, floor: int, place: int) -> int | None:
    """Return where begins what may still be open right behind a ``>``; None if that place is in text for certain.

    Whatever is open there began behind `floor`, which is in text, and no later than at the last place where such a
    thing may begin; a ``>`` ends every tag but in a quoted value.
    """
    near = page.openings.unread(floor, place)
    if near is None:
        return floor
    for mark, begin in {mark: begin for begin, mark in near}.items() if near else ():
        if not _is_closed(page.data, floor, mark, begin, place):
            return begin
    return opening_quote(page.data, floor, place)


def _is_closed(data: bytes, floor: int, mark: bytes, begin: int, place: int) -> bool:
    """Whether a comment or element that may begin at `begin` is closed before a place."""
    if mark == b"<!--":
        return data.find(b"-->", begin + 2, place) >= 0
    # If the element began before this place, this > ends its tag at the latest.
    tag_end = data.find(b">", begin, place) + 1
    return (
        tag_end > 0
        and opening_quote(data, floor, tag_end) is None
        and data.find(b"</" + mark[1:] + b">", tag_end, place) >= 0
    )


def opening_quote(data: bytes, floor: int, place: int) -> int | None:
    """Return where a quoted value may have begun in which a place lies; None if it lies in none.

    The last quotation mark before a place in such a value is the one that opens it.
    """
    for quote in (b'"', b"'"):
        last = data.rfind(quote, floor, place)
        if last > floor and data[last - 1] in _ENDS_NAME_OR_VALUE:
            continue
        if last >= 0:
            before = data[max(floor, last - _MAX_SPACES) : last].rstrip()
            if not before or before.endswith(b"="):
                return last
    return None
