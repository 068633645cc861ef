"""Visibility of an element's content: what its tag alone decides, by the HTML standard's own style sheet.

The standard (html.spec.whatwg.org, section 15.3) gives elements and attributes that are not shown; an inline style may
override it either way. Style sheets of the page are not read: what they hide counts as shown.
"""

from __future__ import annotations

import html
import re
from enum import IntEnum

from fxticker.sources.elements import BLOCK, INLINE


class Visibility(IntEnum):
    """How the content of an element is shown; of two that are nested the larger one applies, but see `INVISIBLE`."""

    SHOWN = 0
    FORCED_INLINE = 1
    """Shown inline with what stands before and behind it, although its element is a block by default."""
    FORCED_BLOCK = 2
    """Shown as a block, on lines of its own, although its element is inline by default."""
    INVISIBLE = 3
    """Keeps its layout box but is not painted; an element inside may be painted again (``visibility``)."""
    HIDDEN = 4
    UNSURE = 5
    """Shown in one reading of the markup, and hidden in another."""


REPLACED = frozenset(["audio", "canvas", "meter", "progress", "video"])
"""Elements that show something else than their content, whatever their style; that has its layout box in the line."""
_HIDDEN_BY_NAME = frozenset(["annotation", "annotation-xml", "datalist", "rp"])
_UNSURE_BY_NAME = frozenset(["object", "plaintext", "slot", "xmp"])
"""A slot or an object shows its content only if there is nothing else; the others show the markup inside as text."""
HIDING_NAMES = _HIDDEN_BY_NAME | _UNSURE_BY_NAME | REPLACED | {"details", "dialog", "template"}
_HIDING_ATTRIBUTE = re.compile(r"hidden|style|popover", re.IGNORECASE | re.ASCII)
_ATTRIBUTE = re.compile(
    r"""(?P<name>[^\s/>=]++)(?:\s*+=\s*+(?:"(?P<double>[^"]*+)"?|'(?P<single>[^']*+)'?|(?P<bare>[^\s>]++)))?""",
    re.ASCII,
)
_MAX_STYLE_CHARS = 20_000
"""Characters of an inline style, far above any: a longer one may hide anything."""
_CSS_COMMENT = re.compile(r"/\*(?>(?s:.*?)(?:\*/|\Z))")
_CSS_FUNCTION_OR_STRING = re.compile(r"\"[^\"]*+\"|'[^']*+'|\([^()]*+\)")
"""A string or the inside of a function, whose semicolons end no declaration."""
_CSS_OPEN = re.compile(r"[\"'{}\[\]]|\((?!\))")
"""A string, function or block that has no end, or stands in another one."""
_CSS_WATCHED = re.compile(r"display|visibility|(?<![\w-])all(?![\w-])", re.IGNORECASE | re.ASCII)
_CSS_EMPTY_BOX = re.compile(r"content-visibility", re.IGNORECASE | re.ASCII)
_BOXES = BLOCK - {"caption", "col", "colgroup", "tbody", "td", "tfoot", "th", "thead", "tr"}
_IMPORTANT = re.compile(r"\s*+!\s*+important\s*+\Z", re.IGNORECASE | re.ASCII)
_INLINE_DISPLAYS = frozenset(
    (
        *("contents", "inherit", "initial", "inline", "inline-block", "inline-flex", "inline-grid", "inline-table"),
        *("-webkit-inline-box", "-webkit-inline-flex", "math", "revert", "revert-layer", "ruby", "unset"),
    )
)
_BLOCK_DISPLAYS = frozenset(
    (
        *("block", "flex", "flow", "flow-root", "grid", "list-item", "table", "table-caption", "table-cell"),
        *("table-column", "table-column-group", "table-footer-group", "table-header-group", "table-row"),
        *("table-row-group", "-webkit-box", "-webkit-flex"),
    )
)
_VISIBILITIES = {
    "visible": Visibility.SHOWN,
    "initial": Visibility.SHOWN,
    "hidden": Visibility.INVISIBLE,
    "collapse": Visibility.INVISIBLE,
}


def visibility(name: str, attributes: str) -> Visibility | None:
    """Return how the content of an element is shown by its start tag; None if the tag decides nothing.

    Parameters
    ----------
    name
        The element's name in lower case.
    attributes
        What stands between the name and the end of the tag.
    """
    if name not in HIDING_NAMES and not _HIDING_ATTRIBUTE.search(attributes):
        return None
    if name in _UNSURE_BY_NAME:
        return Visibility.UNSURE
    by_name = attributes_of(attributes)
    if (
        name == "template" or name in REPLACED or (name == "details" and "open" not in by_name)
    ):  # whatever its own display is
        return Visibility.HIDDEN
    if by_name.get("hidden", "").lower() == "until-found":
        return _of_empty_box(name, by_name.get("style", ""))
    is_hidden = "hidden" in by_name or "popover" in by_name or (name == "dialog" and "open" not in by_name)
    standard = Visibility.HIDDEN if is_hidden or name in _HIDDEN_BY_NAME else None
    style = by_name.get("style")
    shown = standard if style is None else _by_style(style, standard)
    if style and shown is Visibility.HIDDEN and not standard and leaves_box(style):
        return _of_empty_box(name, style)
    return None if shown is (Visibility.FORCED_INLINE if name in INLINE else Visibility.FORCED_BLOCK) else shown


def leaves_box(attributes: str) -> bool:
    """Return whether the box of an element stays where it is, empty, although its content is not shown."""
    return "until-found" in attributes.lower() or _CSS_EMPTY_BOX.search(html.unescape(attributes)) is not None


def _of_empty_box(name: str, style: str) -> Visibility:
    """Return how an element is shown whose content is skipped, which is so in a box of its own only."""
    values = _watched_values(style)
    if values is None or values.get("content-visibility", "hidden") != "hidden":
        return Visibility.UNSURE
    display = values.get("display", "")
    if display == "none":
        return Visibility.HIDDEN
    has_box = display in _BLOCK_DISPLAYS and not display.startswith("table-") if display else name in _BOXES
    return Visibility.HIDDEN if has_box else Visibility.UNSURE


def attributes_of(text: str) -> dict[str, str]:
    """Return the attributes of a tag by their names in lower case; of two with one name the first counts."""
    found: dict[str, str] = {}
    for match in _ATTRIBUTE.finditer(text):
        found.setdefault(match["name"].lower(), match["double"] or match["single"] or match["bare"] or "")
    return found


def _by_style(style: str, standard: Visibility | None) -> Visibility | None:
    """Return what an inline style makes of an element that the standard's style sheet hides, or leaves alone."""
    values = _watched_values(style)
    if values is None:
        return Visibility.UNSURE
    display = values.get("display", "")
    if "(" in "".join(values.values()) or ("all" in values and (standard or display == "none")):
        return Visibility.UNSURE
    if display == "none" or (standard and display == "") or values.get("content-visibility") == "hidden":
        return Visibility.HIDDEN
    if standard and display.startswith("revert"):
        return Visibility.UNSURE
    seen = _VISIBILITIES.get(values.get("visibility", ""))
    if seen is not None or not display:
        return seen
    return Visibility.FORCED_INLINE if display in _INLINE_DISPLAYS else Visibility.FORCED_BLOCK


def _watched_values(style: str) -> dict[str, str] | None:
    """Return the values of a style that may hide, by property; None if that cannot be decided."""
    if len(style) > _MAX_STYLE_CHARS:
        return None
    style = _CSS_COMMENT.sub("", html.unescape(style))
    if "\\" in style:  # an escaped letter may be one of display or none
        return None
    if not _CSS_WATCHED.search(style):
        return {}
    plain = _CSS_FUNCTION_OR_STRING.sub("()", style)
    return None if _CSS_OPEN.search(plain) else _declarations(plain)


def _declarations(style: str) -> dict[str, str]:
    """Return the valid values of the watched properties: the last of each, or the last important one."""
    values: dict[str, str] = {}
    important: dict[str, str] = {}
    for declaration in style.split(";"):
        name, _, value = declaration.lower().partition(":")
        name = name.strip()
        plain = _IMPORTANT.sub("", value).strip()
        if _is_valid(name, plain):
            (values if plain == value.strip() else important)[name] = plain
    return values | important


def _is_valid(name: str, value: str) -> bool:
    if name == "all" or (name in ("display", "visibility", "content-visibility") and "(" in value):
        return True
    if name == "display":
        words = value.split()
        return bool(words) and (value == "none" or all(word in _INLINE_DISPLAYS | _BLOCK_DISPLAYS for word in words))
    if name == "visibility":
        return value in _VISIBILITIES or value in ("inherit", "revert", "revert-layer", "unset")
    return name == "content-visibility" and value in ("hidden", "visible", "auto", "initial", "unset")
