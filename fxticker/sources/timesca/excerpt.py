"""The zones of a page: short pieces of its HTML that hold every entry the page can show, found without the rest.

A page has some 150 kB and its ticker 5. Every entry has a slash between its two codes, so a zone is cut around each
slash of the page's bytes that may be one, seen or not: those in scripts, comments and attributes too. What remains
outside has no entry, and the zones' text alone answers for the page if four things hold, each checked here; where one
does not, the page has no excerpt and is read as a whole:

1. A zone begins and ends where a scanner of the whole page would be in text, not in a tag, comment, script or title.
2. Its text begins and ends with a line, or with the page, so that every line is whole.
3. Behind its last slash stand words that no entry, date or sign of a cut reads past, unless the page ends there.
4. The charset writes ASCII as ASCII, and nothing else with those bytes.

The last slashes of a page are left without a zone if a word stands behind each one's rate, where a ticker has its
percentage or its next entry: in whatever they lie, each is a price in a sentence or not seen. With them the excerpt
answers for the page only if its ticker has more than one copy.

Two kinds of entries outside the zones are passed over that the whole page would show: those whose second code begins
with a small letter (``KGS/usd``, which is no pair and can only make the page a damaged one), and those whose slash is a
character reference with a tag inside it (``&#4<b>7;``, which no browser shows as a slash).
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from fxticker.sources.html import charset_of, is_html, resolved, without_tags
from fxticker.sources.timesca.prefilter import landmarks

_NOT_ASCII = frozenset(["gb18030", "utf-16-le", "utf-16-be"])
"""Charsets in which the byte of an ASCII character may be part of another one."""
_MAX_ZONES = 16

_LEAD_BYTES = 200
"""What a zone takes before its first slash at least: the first code, and the tags that begin its line."""
_TRAILS_BYTES = (300, 1_200, 4_800, 19_200)
"""What it takes behind its last slash: figures, a date and the words below, and so much more if they are not there."""
_MAX_TRIES = 12
"""Places that are tried for either end of a zone."""

_MAX_SPACES = 64
"""How far back from a quotation mark the equals sign is sought that makes it the begin of an attribute's value."""

_ENDS_NAME_OR_VALUE = frozenset(b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/;.-_")
"""What stands before most quotation marks that close a value; before one that opens it is an equals sign or a blank."""

_LONG_WORDS = re.compile(r"(?s)(?>.*?\s[A-Za-z]{4}){3}")
"""A bad pair's second code and the month of a date may be two. The third stands behind every figure that an entry can
reach, and no code that is cut short is as long."""
_ENTRY_SLASH = re.compile(r"/\s*+[A-Za-z]{0,9}+\s*+(?:[=:&]|\Z)")
"""A slash in a zone's text behind which an entry's sign of equality stands, or may stand where the zone is over."""
_PRICE = re.compile(
    rb"/[\t\n\f\r ]*+[A-Za-z]{0,9}+[\t\n\f\r ]*+[=:][\t\n\f\r ]*+"
    rb"(?:[+-]?+[0-9]++(?:[.,][0-9]++)?+[\t\n\f\r ]*+)?+[A-Za-z]++[\t\n\f\r ]*+[!-%'-.0-;=-~]"
)
"""The slash of an entry without a percentage and with a word behind it that is no code of a next entry: no tag,
reference or unseen mark stands within these bytes, and no slash follows."""
_ENTRY_WITHOUT_HEAD = re.compile(r"\s*+/")

_OPEN_REFERENCE = re.compile(r"&[#A-Za-z0-9]*+\Z")
"""A character reference that may go on in what follows."""
_MAX_SLASHES_OF_UNIT = 16
_MAX_SLASHES_BEFORE_UNIT = 4
"""Slashes of a script or a heading above the ticker, behind which its first unit is sought."""
_MIN_UNITS = 3
_GREATER = ord(">")


class Excerpt(NamedTuple):
    """Enough of a page's text to read its ticker from.

    Attributes
    ----------
    text
        Of the zones, one after the other.
    unit
        The first of two places in `text`, one right behind the other, that are the same; empty if there are none.
    left_out
        How many times more the page has that unit right behind the second. A marquee repeats its ticker.
    prices_left_out
        Whether prices without a percentage may stand in what has no zone.
    """

    text: str
    unit: range
    left_out: int
    prices_left_out: bool = False


class _Unit(NamedTuple):
    """Bytes that stand in the page `times` in a row; they begin and end in text."""

    start: int
    length: int
    times: int


class _Source(NamedTuple):
    page: bytes
    charset: str
    begin: int
    slashes: Sequence[int]
    marks: Sequence[tuple[int, bytes]]
    """In order; each as it is written."""

    def lines(self, start: int, end: int) -> str:
        """The text between two places that are in text, its references yet to be resolved."""
        return without_tags(self.page[start:end].decode(self.charset, errors="replace"))


class _Zone(NamedTuple):
    excerpt: Excerpt
    end: int
    slashes: int
    """How many stand before its end."""


def excerpt(page: bytes, headers: Mapping[str, str]) -> Excerpt | None:
    """What a page's zones show; null if the page has to be read as a whole.

    Parameters
    ----------
    page
        Bytes as received.
    headers
        The answer's headers by lower-case name; ``content-type`` may declare a charset.
    """
    source = _source(page, headers)
    if source is None:
        return None
    text, unit, left_out = "", range(0), 0
    end, at = source.begin, 0
    for _ in range(_MAX_ZONES):
        zone = _zone(source, end, at, may_leave_out=not left_out)
        if zone is None:
            return None
        if zone.excerpt.left_out:
            unit, left_out = _moved(zone.excerpt.unit, len(text)), zone.excerpt.left_out
        text += zone.excerpt.text
        end, at = zone.end, zone.slashes
        rest = source.slashes[at:]
        if all(_PRICE.match(page, slash) for slash in rest):
            return Excerpt(text, unit, left_out, prices_left_out=bool(rest))
    return None


def _source(page: bytes, headers: Mapping[str, str]) -> _Source | None:
    """A page with the places that matter; null if it has no slash of an entry, or too many."""
    charset, start = charset_of(page, headers)
    if charset in _NOT_ASCII:
        return None
    found = landmarks(page)
    return None if found is None else _Source(page, charset, start, *found)


def _moved(places: range, by: int) -> range:
    return range(places.start + by, places.stop + by)


def _zone(source: _Source, floor: int, at: int, *, may_leave_out: bool) -> _Zone | None:
    """The zone of slash `at` and of those that follow it closely; `floor` is a place before it that is in text."""
    page = source.page
    start = _start(source, floor, source.slashes[at])
    if start is None:
        return None
    lead, body, left_out, done = _repeated(source, start, at) if may_leave_out else ("", "", 0, start)
    lines = lead + body * 2
    reach = max(done, source.slashes[at])
    for trail in _TRAILS_BYTES:
        place = _end(source, done, at, reach + trail, trail)
        if place is None:
            return None
        end, at = place
        lines += source.lines(done, end)
        done = reach = end
        first = 0 if start == source.begin else lines.find("\n")
        text = _whole_lines(lines, first, is_last=end == len(page))
        if text is not None:
            is_headless = start > source.begin and _ENTRY_WITHOUT_HEAD.match(text)
            if is_headless or not is_html(page[start:end].decode(source.charset, errors="replace")):
                return None
            unit = range(len(resolved(body)))
            return _Zone(Excerpt(text, _moved(unit, len(resolved(lead[first:]))), left_out), end, at)
    return None


def _repeated(source: _Source, start: int, at: int) -> tuple[str, str, int, int]:
    """What stands before the first unit, the unit, how many more than two there are, and where the last one ends."""
    unit = _unit(source, start, at)
    if unit is not None:
        lead, body = source.lines(start, unit.start), source.lines(unit.start, unit.start + unit.length)
        if not (_OPEN_REFERENCE.search(lead) or _OPEN_REFERENCE.search(body)):
            return lead, body, unit.times - 2, unit.start + unit.length * unit.times
    return "", "", 0, start


def _start(source: _Source, floor: int, slash: int) -> int | None:
    """The last place before a slash where a zone may start: between lines, and in text for certain as `floor` is."""
    page = source.page
    before = slash - _LEAD_BYTES
    for number in range(_MAX_TRIES):
        start = page.rfind(b">", floor, max(before, floor)) + 1
        if start == 0:
            return floor if floor == source.begin else None
        hindrance = _hindrance(source, floor, start)
        if hindrance is not None:
            before = hindrance
        # A tag that is cut might end the line or not: only whole ones count.
        elif "\n" in source.lines(start, page.rfind(b">", start, slash) + 1):
            return start
        else:
            before = start - (_LEAD_BYTES << number)
    return None


def _end(source: _Source, floor: int, at: int, end: int, trail: int) -> tuple[int, int] | None:
    """Where a zone may end, and how many slashes stand before that.

    It ends at `end` or behind, with a trail behind each slash from `at` on that it takes in. `floor` is in text.
    """
    page, slashes = source.page, source.slashes
    for _ in range(_MAX_TRIES):
        while (near := bisect_left(slashes, end + _LEAD_BYTES)) > at:
            at = near
            end = max(end, slashes[at - 1] + trail)
        end = page.find(b">", end) + 1
        if end == 0:
            return len(page), len(slashes)
        is_free = bisect_left(slashes, end + _LEAD_BYTES) == at
        if is_free and _hindrance(source, floor, end) is None:
            return end, at
    return None


def _hindrance(source: _Source, floor: int, at: int) -> int | None:
    """Where begins what may still be open at a place right behind a ``>``; null if that place is in text for certain.

    Whatever is open there began behind `floor`, which is in text, and no later than at the last place where such a
    thing may begin; a ``>`` ends every tag but in a quoted value.
    """
    page, marks = source.page, source.marks
    near = marks[bisect_left(marks, (floor,)) : bisect_left(marks, (at,))]
    for mark, place in {mark: place for place, mark in near}.items() if near else ():
        if mark.startswith(b"&"):
            continue
        if mark == b"<!--":
            is_closed = page.find(b"-->", place + 2, at) >= 0
        else:
            # If the element began before this place, this > ends its tag at the latest.
            tag_end = page.find(b">", place, at) + 1
            is_closed = (
                tag_end > 0
                and _opening_quote(page, floor, tag_end) is None
                and page.find(b"</" + mark[1:] + b">", tag_end, at) >= 0
            )
        if not is_closed:
            return place
    return _opening_quote(page, floor, at)


def _opening_quote(page: bytes, floor: int, at: int) -> int | None:
    """Where a quoted value may have begun in which a place lies; null if it lies in none.

    The last quotation mark before a place in such a value is the one that opens it.
    """
    for quote in (b'"', b"'"):
        last = page.rfind(quote, floor, at)
        if last > floor and page[last - 1] in _ENDS_NAME_OR_VALUE:
            continue
        if last >= 0:
            before = page[max(floor, last - _MAX_SPACES) : last].rstrip()
            if not before or before.endswith(b"="):
                return last
    return None


def _unit(source: _Source, floor: int, at: int) -> _Unit | None:
    """The unit that repeats from one of the next slashes on, at least three times; null if none does."""
    page, slashes = source.page, source.slashes
    near = bisect_left(slashes, slashes[at] + _TRAILS_BYTES[0])
    for first in range(at, min(near, at + _MAX_SLASHES_BEFORE_UNIT)):
        for step in range(1, _MAX_SLASHES_OF_UNIT + 1):
            if first + 2 * step >= len(slashes):
                break
            length = slashes[first + step] - slashes[first]
            if slashes[first + 2 * step] - slashes[first + step] != length:
                continue
            unit = _counted(page, page.find(b">", slashes[first]) + 1, length)
            if (
                unit.times >= _MIN_UNITS
                and page[unit.start + length - 1] == _GREATER
                and _hindrance(source, floor, unit.start) is None
                and _hindrance(source, unit.start, unit.start + length) is None
            ):
                return unit
    return None


def _counted(page: bytes, start: int, length: int) -> _Unit:
    unit, times = page[start : start + length], 1
    while page.startswith(unit, start + times * length):
        times += 1
    return _Unit(start, length, times)


def _whole_lines(lines: str, first: int, *, is_last: bool) -> str | None:
    """A zone's text from its first line on; null if that is not certain to hold its entries and what is behind them."""
    if is_last:
        return resolved(lines[first:])
    stop = lines.rfind("\n") + 1
    text = resolved(lines[first:stop])
    if _ENTRY_SLASH.search(resolved(lines[stop:])):
        return None
    slash = text.rfind("/")
    while slash >= 0 and not _ENTRY_SLASH.match(text, slash):
        slash = text.rfind("/", 0, slash)
    return text if slash < 0 or _LONG_WORDS.match(text, slash) else None
