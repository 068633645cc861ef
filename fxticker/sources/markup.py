"""Markup to lines: drops tags, comments and what a browser does not show, and marks where a figure may be split by it.

One left-to-right scan splits HTML into tags, comments and text, as the tokenizer of the HTML standard does
(html.spec.whatwg.org, section 13.2.5), and builds no tree: a tree builder repairs bad nesting, and repairing is what
hostile pages make quadratic (10 MB of ``<p><b id=…>`` holds no more text than its bytes, but a tree of it has 10^11
nodes). Every pattern below consumes what it matches and never returns to it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from fxticker.model.printed import MINUS
from fxticker.sources.elements import BLOCK, INLINE, VOID
from fxticker.sources.visibility import HIDING_NAMES

TOUCHED = "\x01"
"""Left in the text where a tag or hidden text touches a figure, so that it cannot be decided which digits are shown as
one. Like the other marks it is a control character, which HTML does not allow, and no reference stands for."""
SPLIT, SPLIT_OFF, SPLIT_OR_BREAK, HIDDEN = "\x02", "\x03", "\x04", "\x05"
"""In the text where the tag of an inline element stood, that of a note or the like, a tag that may end a line or not,
and text that is hidden."""
_UNCERTAIN = "\x06"
"""Where the tag of an element stood that may not be shown."""
_MARKS = f"{SPLIT}{SPLIT_OFF}{SPLIT_OR_BREAK}{HIDDEN}"

REVERSED = "\u202e"
"""The mark that overrides the direction of what follows on its line; stands in the text for the tags of ``bdo``."""

_ATTRIBUTES = r"""[^>=]*+(?:=\s*+(?:"[^"]*+(?:"|\Z)|'[^']*+(?:'|\Z))?+[^>=]*+)*+"""
_RAW = (
    r"(?=[sStTnNiI])(?:[sS](?i:cript|tyle)|[tT](?i:itle|extarea)|[nN](?i:oscript|oembed|oframes)|[iI](?i:frame))"
    r"(?=[\s/>])"
)
"""Elements whose content holds no tags, what a browser that runs no scripts shows among them; few others begin with one
of their letters."""

_AT_ONCE = 500
"""Angle brackets of a script, or dashes of a comment, that are passed over with the text before each: ten times as fast
as what follows them, which is passed over by single characters and so takes no memory, however often they stand there.
A possessive group would serve for all, but Python before 3.11.5 matches it wrongly."""


def _token(name: str, raw_attributes: str) -> re.Pattern[str]:
    return re.compile(
        rf"""
        <(?:
          {name}
        | (?P<raw>{_RAW}){raw_attributes}(?:>|\Z)
          (?>(?:[^<]*+<(?!/(?i:(?P=raw))[\s/>])){{0,{_AT_ONCE}}}[^<]*+(?s:.*?)(?=</(?i:(?P=raw))[\s/>]|\Z))
          (?:</(?i:(?P=raw)){_ATTRIBUTES}(?:>|\Z)|\Z)
        | !--(?:>|->|(?>(?:[^-]*+-(?!-!?>)){{0,{_AT_ONCE}}}(?s:.*?)(?:--!?>|\Z)))   # a comment, perhaps unclosed
        | [!?/][^>]*+(?:>|\Z)                                           # a declaration
        )
        """,
        re.VERBOSE | re.ASCII,  # the standard's names and spaces are ASCII: `<\u017fcript>` is no script
    )


_TOKEN = _token(rf"(?:/|(?!{_RAW}))(?P<name>[a-zA-Z][^\s/>]*+)(?:>|{_ATTRIBUTES}(?:>|\Z))", _ATTRIBUTES)
_NAMES, _RAWS = (slice(_TOKEN.groupindex[group], None, _TOKEN.groups + 1) for group in ("name", "raw"))
"""Where `_TOKEN.split` puts a token's groups: behind each text that a token ends."""
WHOLE_TOKEN = _token(
    rf"(?P<slash>/|(?!{_RAW}))(?P<name>[a-zA-Z][^\s/>]*+)(?P<attributes>{_ATTRIBUTES})(?:>|\Z)",
    rf"(?P<raw_attributes>{_ATTRIBUTES})",
)
_DIGITS = frozenset("0123456789")
_NUMBER = _DIGITS | frozenset(".,")
_FIGURE_ENDS = _NUMBER | {"%"}
_FIGURE_BEGINS = _NUMBER | frozenset(f"+%{MINUS}")
_PLAIN = frozenset(["b", "bdi", "big", "data", "em", "font", "i", "nobr", "span", "strong"])
"""Inline elements that are no note, correction or link of their own: a figure may have its decimal point in one."""
_UNSEEN = frozenset(["area", "base", "link", "meta", "param", "source", "track"])
"""Elements without content that take no room."""
_PICTURE = frozenset(
    (
        *("circle", "clippath", "defs", "ellipse", "filter", "g", "image", "img", "line", "lineargradient", "mask"),
        *("path", "polygon", "polyline", "radialgradient", "rect", "stop", "svg", "symbol", "use"),
    )
)
"""A picture or the parts of one: between what stands before and behind it on the line, as arrows are."""
_PICTURE_TEXT = frozenset(["desc", "text", "tspan"])
"""Text of a picture: on its own line."""
_TRACELESS = frozenset(["noembed", "noframes", "noscript", "script", "style", "title"])
"""Elements that take no room."""
_MARKED = re.compile(f"[{_MARKS}]+")
_BETWEEN = tuple(
    (mark, re.compile(rf"{mark}(?<=[0-9.,%]{mark})[{_MARKS}]*+(?=[0-9.,])"), otherwise)
    for mark, otherwise in ((SPLIT, ""), (SPLIT_OFF, ""), (SPLIT_OR_BREAK, "\n"))
)
"""Marks between what may be parts of a figure; by the first, for a pattern that begins with one character is fast."""


def all_lines_of(source: str) -> str:
    """Return the text of HTML, hidden or not, with its references yet to be resolved; only tags end its lines.

    Its marks have to be settled once the references are resolved (`settled`).
    """
    return "".join(_pieces(source, _BREAKS))


def lines_of_part(source: str, *, is_last: bool) -> str | None:
    """Return what `all_lines_of` returns for a part of a page that begins in text; None if the page may show another.

    It does not if the part ends in a tag, comment, script or the like, and is not the page's last; or if it has a tag
    of an element that may not be shown, whatever its attributes.
    """
    pieces = _pieces(source if is_last else f"{source} ", _BREAKS_OF_PART)
    if not is_last:
        if not pieces[-1]:  # what is open at the end has taken the space in
            return None
        pieces[-1] = pieces[-1][:-1]
    lines = "".join(pieces)
    return None if _UNCERTAIN in lines else lines


def _pieces(source: str, breaks: _Breaks) -> list[str]:
    """Return the texts of HTML, and what stands for each token between them."""
    # In HTML a line break of the source is a space.
    pieces = _TOKEN.split(source.replace("\r", " ").replace("\n", " "))
    # Scripts and comments leave no trace: <!-- --> stands between the texts of one line on many pages.
    pieces[_NAMES] = map(breaks.__getitem__, pieces[_NAMES])
    raws = pieces[_RAWS]
    pieces[_RAWS] = map(breaks.__getitem__, raws) if any(raws) else [""] * len(raws)
    return pieces


def breaks_of(names: Sequence[str | None]) -> list[str]:
    """Return what stands in the text for the tags of elements; nothing where there is no name."""
    return list(map(_BREAKS.__getitem__, names))


def settled(text: str) -> str:
    """Return a text whose references are resolved with its marks settled: `TOUCHED`, a line break, or nothing."""
    if HIDDEN in text:
        text = _MARKED.sub(_settle, text)
    for mark, between, otherwise in _BETWEEN:
        if mark in text:
            text = between.sub(_settle, text).replace(mark, otherwise)
    return text


def _settle(marks: re.Match[str]) -> str:
    text, (start, end), marked = marks.string, marks.span(), marks[0]
    before, behind = text[start - 1 : start], text[end : end + 1]
    if before in _DIGITS and behind in _DIGITS:
        return TOUCHED
    if HIDDEN in marked and (before in _FIGURE_ENDS or behind in _FIGURE_BEGINS):
        return TOUCHED
    if (SPLIT_OFF in marked or SPLIT_OR_BREAK in marked) and before in _FIGURE_ENDS and behind in _NUMBER:
        return TOUCHED
    return "\n" if SPLIT_OR_BREAK in marked else ""


class _Breaks(dict[str | None, str]):
    """What stands in the text for a tag, by the name as it is written; worked out for those that are not known."""

    def __missing__(self, name: str) -> str:
        return _break(name)


def _break(name: str) -> str:
    name = name.lower()
    if name in INLINE:
        if name == "bdo":
            return REVERSED
        return "" if name == "wbr" else SPLIT if name in _PLAIN else SPLIT_OFF
    if name in _UNSEEN:
        return SPLIT
    if name in _PICTURE:
        return " "
    if name in BLOCK or name in _PICTURE_TEXT or not name.isascii():
        return "\n"
    return "" if name in _TRACELESS else SPLIT_OR_BREAK


class _BreaksOfPart(_Breaks):
    """The same, but for the tags of elements that may not be shown."""

    def __missing__(self, name: str) -> str:
        return _UNCERTAIN if name.lower() in HIDING_NAMES else _break(name)


_BREAKS = _Breaks({None: ""}, **{name: _break(name) for name in INLINE | BLOCK | VOID | _PICTURE | _TRACELESS})
_BREAKS_OF_PART = _BreaksOfPart({name: own for name, own in _BREAKS.items() if name not in HIDING_NAMES})
