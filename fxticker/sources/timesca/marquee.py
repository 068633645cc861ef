"""Marquee of a page: finds repeated byte sequences (copies of the ticker), so that only two copies need parsing."""

from __future__ import annotations

import re
from bisect import bisect_left
from typing import NamedTuple

from fxticker.sources.timesca.zone_bounds import Page

_OPEN_REFERENCE = re.compile(r"&[#A-Za-z0-9]*+\Z")
"""A character reference that may go on in what follows."""
_MAX_SLASHES_OF_UNIT = 16
"""Slashes: three times those of a copy of the ticker."""
_MAX_SLASHES_BEFORE_UNIT = 4
"""Slashes of a script or a heading above the ticker, behind which its first unit is sought."""
_WINDOW_BYTES = 300
"""Bytes behind the first slash of a zone, in which the first unit is sought."""
_MIN_UNITS = 3
"""Units in a row: of two, none could be left out."""
_GREATER = ord(">")
_PARTS_NO_TAG = frozenset(b"> \t\n\f\r")
"""Last bytes of a unit behind which no tag, reference or character goes on that began in it, if it ends in text."""


class Marquee(NamedTuple):
    """The begin of a zone whose bytes repeat themselves.

    Attributes
    ----------
    lead
        The text before the first unit, its references yet to be resolved.
    unit
        The text of a unit, likewise; empty if nothing repeats itself.
    left_out
        How many units there are beyond two.
    end
        Where the last unit ends.
    """

    lead: str
    unit: str
    left_out: int
    end: int


class _Unit(NamedTuple):
    """Bytes that stand in the page `times` in a row."""

    start: int
    length: int
    times: int


def find_marquee(page: Page, start: int, index: int) -> Marquee:
    """Return what repeats itself behind a place that is in text, from slash number `index` or one of the next on."""
    found = _unit(page, index)
    if found is None:
        return no_marquee(start)
    unit = _moved_back(page.data, start, found)
    lead = page.lines_of_part(start, unit.start)
    if lead is not None and "\n" not in lead and start > page.begin:  # the zone's first line would begin in the unit
        unit = found
        lead = page.lines_of_part(start, unit.start)
    body = None if lead is None else page.lines_of_part(unit.start, unit.start + unit.length)
    if lead is None or body is None or _OPEN_REFERENCE.search(lead) or _OPEN_REFERENCE.search(body):
        return no_marquee(start)
    return Marquee(lead, body, unit.times - 2, unit.start + unit.length * unit.times)


def no_marquee(start: int) -> Marquee:
    """Return what stands for a zone without repetition."""
    return Marquee("", "", 0, start)


def _unit(page: Page, index: int) -> _Unit | None:
    """Return the unit that repeats from one of the next slashes on, at least three times; None if none does.

    It begins and ends behind a ``>``.
    """
    slashes = page.slashes
    near = bisect_left(slashes, slashes[index] + _WINDOW_BYTES)
    for first in range(index, min(near, index + _MAX_SLASHES_BEFORE_UNIT)):
        begin = slashes[first]
        middles = slashes[first + 1 : first + 1 + _MAX_SLASHES_OF_UNIT]
        for middle, last in zip(middles, slashes[first + 2 : first + 2 + 2 * _MAX_SLASHES_OF_UNIT : 2], strict=False):
            length = middle - begin
            if last - middle != length:
                continue
            start = page.data.find(b">", begin, middle) + 1
            unit = _counted(page.data, start, length)
            if start and unit.times >= _MIN_UNITS and page.data[start + length - 1] == _GREATER:
                return unit
    return None


def _moved_back(data: bytes, floor: int, unit: _Unit) -> _Unit:
    """Return the unit that begins behind the first ``>`` from which on the bytes repeat themselves alike.

    So no copy is parted: the rest of the last one would have to be read, too.
    """
    start, least = unit.start, max(floor, unit.start - unit.length)
    while place := data.rfind(b">", least, start - 1) + 1:
        last = place + unit.length - 1
        if data[last] not in _PARTS_NO_TAG or not data.startswith(data[place:start], last + 1):
            break
        start = place
    return unit if start == unit.start else _counted(data, start, unit.length)


def _counted(data: bytes, start: int, length: int) -> _Unit:
    unit, times = data[start : start + length], 1
    while data.startswith(unit, start + times * length):
        times += 1
    return _Unit(start, length, times)
