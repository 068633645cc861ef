"""Excerpt of a page: short zones of its HTML that hold every entry the page can show, found without reading the rest.

A page has some 150 kB and its ticker 5. Every entry has a slash between its two codes, so a zone is cut around each
slash of the page's bytes that may be one, seen or not: those in scripts, comments and attributes too. What remains
outside has no entry, and the zones' text alone answers for the page if five things hold, each checked here; where one
does not, the page has no excerpt and is read as a whole:

1. A zone begins and ends where a scanner of the whole page would be in text, not in a tag, comment, script or title.
2. Its text begins and ends with a line, or with the page, so that every line is whole.
3. Behind its last slash stand words that no entry, date or sign of a cut reads past, unless the page ends there.
4. The charset writes ASCII as ASCII, and nothing else with those bytes.
5. No element that may not be shown reaches into a zone (`fxticker.sources.timesca.zone_visibility`).

The last slashes of a page are left without a zone if a word stands behind each one's rate, where a ticker has its
percentage or its next entry: in whatever they lie, each is a price in a sentence or not seen. With them the excerpt
answers for the page only if its ticker has more than one copy.

Two kinds of entries outside the zones are passed over that the whole page would show: those whose second code begins
with a lower-case letter (``KGS/usd``, which is no pair and can only make the page a damaged one), and those whose slash
is a character reference with a tag inside it (``&#4<b>7;``, which no browser shows as a slash).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple

from fxticker.sources.html import is_html, resolved
from fxticker.sources.timesca.marquee import find_marquee, no_marquee
from fxticker.sources.timesca.zone_bounds import Page, scan, zone_end, zone_start
from fxticker.sources.timesca.zone_visibility import are_zones_visible

_MAX_ZONES = 16
"""Zones: a page with more is read as a whole."""
_TRAILS_BYTES = (300, 1_200, 4_800, 19_200)
"""Bytes that a zone takes behind its last slash: numbers, a date and the words below; more if they are not there."""

_LONG_WORDS = re.compile(r"(?s)(?>.*?\s[A-Za-z]{4}){6}")
"""A bad pair's second code, and ``last updated``, the day of the week and the month of a date may be five. The sixth
stands behind every number that an entry can reach, and no code that is cut short is as long."""
_LEAST_CHARS = 100
"""Characters that six words, the figures of an entry and a date take: fewer are not searched for them."""
_ENTRY_SLASH = re.compile(r"/\s*+[A-Za-z]{0,9}+\s*+(?:[=:&0-9*\[(#^+,]|[^\x00-\x7f]|\Z)")
"""A slash in a zone's text behind which an entry's sign of equality or a note may stand, were the zone not over."""
_PRICE = re.compile(
    rb"/[\t\n\f\r ]*+[A-Za-z]{0,9}+[\t\n\f\r ]*+[=:][\t\n\f\r ]*+"
    rb"(?>(?:[+-]?+[0-9]++(?>(?:[.,][0-9]++)?)[\t\n\f\r ]*+)?)[A-Za-z]++[\t\n\f\r ]*+[!-%'-.0-;=-~]"
)
"""The slash of an entry without a percentage and with a word behind it that is no code of a next entry: no tag,
reference or unseen mark stands within these bytes, and no slash follows."""
_ENTRY_WITHOUT_HEAD = re.compile(r"\s*+/")


class Excerpt(NamedTuple):
    """Enough of a page's text to read its ticker from.

    Attributes
    ----------
    text
        The text of the zones, one after the other.
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


class _Zone(NamedTuple):
    excerpt: Excerpt
    start: int
    end: int
    slashes: int
    """How many stand before its end."""


def excerpt(data: bytes, headers: Mapping[str, str]) -> Excerpt | None:
    """Return the text of a page's zones; None if the page has to be read as a whole.

    Parameters
    ----------
    data
        Bytes as received.
    headers
        The answer's headers by lower-case name; ``content-type`` may declare a charset.
    """
    page = scan(data, headers)
    if page is None:
        return None
    text, unit, left_out = "", range(0), 0
    end, index = page.begin, 0
    zones: list[tuple[int, int]] = []
    for _ in range(_MAX_ZONES):
        zone = _zone(page, end, index, may_leave_out=not left_out)
        if zone is None:
            return None
        if zone.excerpt.left_out:
            unit, left_out = _moved(zone.excerpt.unit, len(text)), zone.excerpt.left_out
        text += zone.excerpt.text
        end, index = zone.end, zone.slashes
        zones.append((zone.start, end))
        rest = page.slashes[index:]
        if all(_PRICE.match(data, slash) for slash in rest):
            return Excerpt(text, unit, left_out, prices_left_out=bool(rest)) if are_zones_visible(page, zones) else None
    return None


def _moved(places: range, by: int) -> range:
    return range(places.start + by, places.stop + by)


def _zone(page: Page, floor: int, index: int, *, may_leave_out: bool) -> _Zone | None:
    """Return the zone of slash number `index` and of those that follow it closely; None if it cannot be bounded.

    `floor` is a place before it that is in text.
    """
    start = zone_start(page, floor, page.slashes[index])
    if start is None:
        return None
    marquee = find_marquee(page, start, index) if may_leave_out else no_marquee(start)
    lines, end = marquee.lead + marquee.unit * 2, marquee.end
    reach = max(end, page.slashes[index])
    for trail in _TRAILS_BYTES:
        bound = zone_end(page, end, index, reach + trail, trail)
        if bound is None:
            return None
        end, index, trailing = bound
        lines += trailing
        reach = end
        is_last = end == len(page.data)
        if len(lines) - lines.rfind("/") < _LEAST_CHARS and not is_last:
            continue
        first = 0 if start == page.begin else lines.find("\n")
        text = _whole_lines(lines, first, is_last=is_last)
        if text is not None:
            if not _is_read_alone(page, start, end, text):
                return None
            unit = _moved(range(len(resolved(marquee.unit))), len(resolved(marquee.lead[first:])))
            return _Zone(Excerpt(text, unit, marquee.left_out), start, end, index)
    return None


def _is_read_alone(page: Page, start: int, end: int, text: str) -> bool:
    """Whether a zone is read as it is within the page: its first entry has its first code, and it is known as HTML."""
    is_headless = start > page.begin and _ENTRY_WITHOUT_HEAD.match(text)
    return not is_headless and is_html(page.data[start:end].decode(page.charset, errors="replace"))


def _whole_lines(lines: str, first: int, *, is_last: bool) -> str | None:
    """Return a zone's text from its first line on; None if an entry, or what is behind it, may reach beyond."""
    if is_last:
        return resolved(lines[first:])
    stop = lines.rfind("\n") + 1
    text = resolved(lines[first:stop])
    rest = lines[stop:]
    if ("/" in rest or "&" in rest) and _ENTRY_SLASH.search(resolved(rest)):
        return None
    slash = text.rfind("/")
    while slash >= 0 and not _ENTRY_SLASH.match(text, slash):
        slash = text.rfind("/", 0, slash)
    return text if slash < 0 or _LONG_WORDS.match(text, slash) else None
