"""Visibility of zones: decides from a page's bytes whether a hidden element reaches into the zones of an excerpt.

The zones are read as if all elements were shown. So the page has no excerpt if one that may not be shown begins within
a zone, or before one and is not closed before it for certain. Such elements are few: the search looks for the words
without which there is none, and reads a page's markup only from there to the element's end.
"""

from __future__ import annotations

from collections.abc import Sequence

from fxticker.sources.elements import VOID
from fxticker.sources.hiding_places import hiding_attributes
from fxticker.sources.markup import WHOLE_TOKEN
from fxticker.sources.region import is_foreign
from fxticker.sources.shown import may_show_code, region_of
from fxticker.sources.timesca.zone_bounds import Page, opening_quote

_MAX_PLACES = 1_000
"""Such words: a page with more is read as a whole."""
_LATIN = "latin-1"
"""Reads every byte as one character, and those of tags as they are."""


def are_zones_visible(page: Page, zones: Sequence[tuple[int, int]]) -> bool:
    """Return whether all of a page's zones are shown in the ordinary way.

    Parameters
    ----------
    page
        Its slashes lie in the zones, or do not matter.
    zones
        Where each begins and ends, in order; at least one. None has a tag that may hide something whatever its
        attributes.
    """
    until = zones[-1][1]
    places = hiding_attributes(page.data[:until], page.begin, _MAX_PLACES)
    for begin, end in zip((page.begin, *(end for _, end in zones)), (start for start, _ in zones), strict=False):
        tags = page.openings.hidden(begin, end)
        if tags is None:
            return False
        places += tags
    places.sort()
    done = page.begin
    for place in places:
        if place < done:
            continue
        start = _tag_around(page, place)
        if start is None:
            continue
        length = _end_of_region(page.data[start:until].decode(_LATIN)) if start >= 0 else -1
        done = start + length
        if length < 0 or (length > 0 and any(begin < done and start < end for begin, end in zones)):
            return False
    return len(places) < _MAX_PLACES


def _tag_around(page: Page, place: int) -> int | None:
    """Return where the tag begins that has such a word; None if it is in none for certain, -1 if that is not known."""
    data, begin = page.data, page.begin
    start, closed = data.rfind(b"<", begin, place + 1), data.rfind(b">", begin, place)
    # Unless that > stands in a quoted value, it ends the last tag before the word.
    if closed >= 0 and opening_quote(data, begin, closed) is not None:
        return -1
    if start < closed or start < 0:
        return None
    is_in_tag = data.rfind(b"<", max(begin, closed), start) >= 0 or opening_quote(data, begin, start) is not None
    return -1 if is_in_tag else start


def _end_of_region(source: str) -> int:
    """Return where the region ends that begins with a text's first tag; 0 if it begins none, -1 if it is not known."""
    first = WHOLE_TOKEN.match(source)
    if first is not None and first["raw"] and may_show_code(first["raw_attributes"]):
        return -1
    name = None if first is None or first["slash"] else first["name"]
    region = region_of(name.lower(), first["attributes"]) if first and name else None
    if first is None or name is None or region is None:
        return 0
    if name.lower() in VOID or (first["attributes"].endswith("/") and is_foreign(name.lower())):
        return first.end()
    for token in WHOLE_TOKEN.finditer(source, first.end()):
        end = token.end()
        if token["name"] is not None and token["slash"]:
            region.end(token["name"].lower())
        elif token["name"] is not None and region.start(token["name"].lower(), token["attributes"]) is None:
            end = token.start()
        if region.is_over or not region.is_sure:
            return end if region.is_sure else -1
    return -1
