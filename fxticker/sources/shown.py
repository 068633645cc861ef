"""Shown text of HTML: what a browser shows of a page, as far as the markup itself decides it.

Only inside of an element whose content may not be shown are elements followed (`fxticker.sources.region`); all other
pages are read without. What style sheets hide counts as shown.
"""

from __future__ import annotations

import re

from fxticker.sources.elements import BLOCK, VOID
from fxticker.sources.hiding_places import may_hide
from fxticker.sources.markup import HIDDEN, SPLIT, SPLIT_OR_BREAK, TOUCHED, WHOLE_TOKEN, all_lines_of, breaks_of
from fxticker.sources.references import unescape
from fxticker.sources.region import Region, is_foreign, is_shadow_root, may_host
from fxticker.sources.visibility import HIDING_NAMES, REPLACED, Visibility, leaves_box, visibility

_APART = BLOCK | {"template", "datalist"}
_OF_ENTRY = re.compile("[0-9=:]")
"""What no entry is read without; a mark behind each is in every figure of a text that may not be shown."""


def lines_of(source: str) -> str:
    """Return the shown text of HTML with its references yet to be resolved; only tags end its lines.

    Its marks have to be settled once the references are resolved (`fxticker.sources.markup.settled`).
    """
    return _Page(source).lines() if may_hide(source.encode("latin-1", "replace")) else all_lines_of(source)


def region_of(name: str, attributes: str, *, host: str | None = None) -> Region | None:
    """Return the region that begins with a tag; None if all of the element is shown in the ordinary way.

    Parameters
    ----------
    name
        In lower case.
    attributes
        What stands between the name and the end of the tag.
    host
        The element whose begin tag stands right before; None if there is none, or more than white space between.
    """
    own = visibility(name, attributes)
    if own is None or own is Visibility.SHOWN:
        return None
    if name == "template" and is_shadow_root(attributes):
        if host is None or not may_host(host):
            return Region(name, Visibility.UNSURE)
        region = Region(host, Visibility.SHOWN)
        region.start(name, attributes)
        return region
    return Region(name, own)


def may_show_code(attributes: str) -> bool:
    """Return whether a script, style sheet or the like may be shown itself, which only its own style makes it."""
    return visibility("script", attributes) not in (None, Visibility.HIDDEN) or "display" in attributes.lower()


class _Page:
    """The tokens of a page: texts, and between them tags, comments and scripts."""

    def __init__(self, source: str) -> None:
        # In HTML a line break of the source is a space.
        pieces = WHOLE_TOKEN.split(source.replace("\r", " ").replace("\n", " "))
        step = WHOLE_TOKEN.groups + 1
        slashes, names, attributes, raws, raw_attributes = (
            pieces[WHOLE_TOKEN.groupindex[group] :: step]
            for group in ("slash", "name", "attributes", "raw", "raw_attributes")
        )
        self._texts: list[str] = pieces[::step]
        self._is_end = [bool(slash) for slash in slashes]
        self._names = [None if name is None else name.lower() for name in names]
        self._attributes = attributes
        self._breaks = [own or raw for own, raw in zip(breaks_of(names), breaks_of(raws), strict=True)]
        for index, text in enumerate(raw_attributes):
            if text and may_show_code(text):
                self._breaks[index] = TOUCHED

    def lines(self) -> str:
        """Return the shown text."""
        hides: dict[tuple[str, str], bool] = {}
        done = 0
        for index, (name, attributes) in enumerate(zip(self._names, self._attributes, strict=True)):
            if index < done or name is None or not (attributes or name in HIDING_NAMES) or self._is_end[index]:
                continue
            tag = (name, attributes)
            if tag not in hides:
                hides[tag] = region_of(name, attributes) is not None
            if hides[tag]:
                done = self._read_region(index)
        return "".join(text for pair in zip(self._texts, [*self._breaks, ""], strict=True) for text in pair)

    def _read_region(self, index: int) -> int:
        """Leave out or mark what is not shown in the region that begins with a tag; returns the first tag behind it."""
        name, attributes = self._names[index] or "", self._attributes[index]
        if name in VOID or (attributes.endswith("/") and is_foreign(name)):
            if visibility(name, attributes) is not Visibility.INVISIBLE:
                self._breaks[index] = SPLIT if visibility(name, attributes) is Visibility.HIDDEN else SPLIT_OR_BREAK
            return index + 1
        region = region_of(name, attributes, host=self._host_before(index))
        if region is None:
            return index + 1
        hidden_by = name
        self._show_tag(index, region.visibility)
        self._show_text(index, region, hidden_by)
        for here in range(index + 1, len(self._names)):
            name, before = self._names[here], region.visibility
            if name is None:
                shown = before
            elif self._is_end[here]:
                region.end(name)
                shown = before
            else:
                begun = region.start(name, self._attributes[here])
                if begun is None:
                    return here
                shown = begun
                hidden_by = name if shown is Visibility.HIDDEN and before is not shown else hidden_by
            self._show_tag(here, shown)
            if region.is_over:
                return here + 1
            self._show_text(here, region, hidden_by)
        return len(self._names)

    def _host_before(self, index: int) -> str | None:
        """Return the element whose begin tag stands right before a tag, but for scripts and comments."""
        while index > 0 and not self._texts[index].strip():
            index -= 1
            if self._names[index] is not None:
                return None if self._is_end[index] else self._names[index]
        return None

    def _show_tag(self, index: int, shown: Visibility) -> None:
        attributes = self._attributes[index]
        if shown is Visibility.HIDDEN:
            if self._names[index] in REPLACED:  # it is shown itself, as a picture is
                return
            self._breaks[index] = "\n" if attributes and leaves_box(attributes) else ""
        elif shown is Visibility.FORCED_INLINE:
            self._breaks[index] = SPLIT_OR_BREAK
        elif shown is Visibility.FORCED_BLOCK:
            self._breaks[index] = "\n"
        elif shown is Visibility.UNSURE and self._names[index] is None:  # a script, or the text of one
            self._breaks[index] = TOUCHED

    def _show_text(self, index: int, region: Region, hidden_by: str) -> None:
        """Leave out or mark the text behind a tag."""
        text, shown = self._texts[index + 1], region.text_visibility
        if not text.strip():
            return
        region.read_text()
        if shown is Visibility.UNSURE:
            self._texts[index + 1] = _OF_ENTRY.sub(rf"\g<0>{TOUCHED}", unescape(text)).replace("&", "&amp;")
        elif shown is Visibility.INVISIBLE:
            self._texts[index + 1] = HIDDEN
        elif shown is Visibility.HIDDEN:
            # Were it shown, a block would stand on a line of its own.
            self._texts[index + 1] = SPLIT if hidden_by in _APART else HIDDEN
