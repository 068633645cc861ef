"""Region of a page: an element whose content may not be shown, and the elements that are open inside of it.

Elements are closed by the rules of the HTML standard's tree construction (section 13.2.6) as far as these follow from
the tags inside. Where they depend on what is open around the region, or where the standard moves content to another
place, the content counts as `Visibility.UNSURE`.
"""

from __future__ import annotations

from typing import NamedTuple

from fxticker.sources.elements import BLOCK, INLINE, VOID
from fxticker.sources.visibility import HIDING_NAMES, Visibility, attributes_of, visibility

_FORMATTING = frozenset(
    ["a", "b", "big", "code", "em", "font", "i", "nobr", "s", "small", "strike", "strong", "tt", "u"]
)
"""Elements that the standard opens again in what follows, if they are closed by another element's end."""
_SCOPES = frozenset(["applet", "button", "caption", "marquee", "object", "table", "td", "template", "th"])
"""Elements out of which no tag inside closes anything."""
_ANY_OTHER = INLINE | BLOCK | _SCOPES
_SPECIAL = (BLOCK | _SCOPES | {"iframe", "input", "select", "textarea"}) - {"legend", "optgroup", "option"}
_HTML_IN_FOREIGN = frozenset(["desc", "foreignobject", "mi", "mn", "mo", "ms", "mtext"])
"""Elements of SVG and MathML that hold HTML, whose end tags close none of it."""
_CLOSED_BY_PARENT = frozenset(
    ["p", "li", "dd", "dt", "option", "optgroup", "tr", "td", "th", "tbody", "thead", "tfoot"]
)
"""Elements whose end tag may be left out: their parent's end tag closes them too."""
_NOT_IN_P = BLOCK - frozenset(
    (
        *("body", "br", "caption", "col", "colgroup", "head", "html", "optgroup", "option"),
        *("table", "tbody", "td", "tfoot", "th", "thead", "tr"),
    )
)
"""Elements whose begin closes a paragraph."""
_CLOSED_BY = {
    "li": frozenset(["li"]),
    "dd": frozenset(["dd", "dt"]),
    "dt": frozenset(["dd", "dt"]),
    "option": frozenset(["option"]),
    "optgroup": frozenset(["option", "optgroup"]),
    "td": frozenset(["td", "th"]),
    "th": frozenset(["td", "th"]),
    "tr": frozenset(["td", "th", "tr"]),
    "tbody": frozenset(["td", "th", "tr", "tbody", "thead", "tfoot", "caption", "colgroup"]),
    "a": frozenset(["a"]),
    "button": frozenset(["button"]),
    "nobr": frozenset(["nobr"]),
} | dict.fromkeys(("h1", "h2", "h3", "h4", "h5", "h6"), frozenset(["h1", "h2", "h3", "h4", "h5", "h6"]))
_CLOSED_BY |= {"thead": _CLOSED_BY["tbody"], "tfoot": _CLOSED_BY["tbody"]}
"""For each element the open ones that its begin closes."""
_CELLS = frozenset(["caption", "col", "colgroup", "tbody", "td", "tfoot", "th", "thead", "tr"])
_TABLES = frozenset(["table", "tbody", "tfoot", "thead", "tr"])
"""Elements out of which the standard moves all but these elements and cells, to before the table."""
_TABLE_SCOPES = frozenset(["table", "template"])
_PARAGRAPH = frozenset(["p"])
_HOSTS = frozenset(
    (
        *("article", "aside", "blockquote", "body", "div", "footer", "h1", "h2", "h3", "h4", "h5", "h6"),
        *("header", "main", "nav", "p", "section", "span"),
    )
)
"""Elements that may have a shadow root, beside those with a hyphen in their name."""
_MAX_OPEN = 64
"""Elements inside of one another, twice as many as on any page; it bounds the work for each tag of a hostile one."""


_OF_HTML = BLOCK | INLINE | _SPECIAL | HIDING_NAMES


class _Open(NamedTuple):
    """An open element.

    Attributes
    ----------
    name
        In lower case.
    visibility
        How its content is shown.
    own
        What its own begin tag decides about that; None for nothing.
    is_shadow
        Whether it is the shadow root of the element it stands in.
    slots, has_text
        For a shadow root: how each slot in it is shown, and whether it has text of its own.
    is_slotted
        Whether its shadow root is closed, and shows its content in a slot.
    has_summary
        Whether a ``summary`` stands in it already; only the first is that of a closed ``details``.
    """

    name: str
    visibility: Visibility
    own: Visibility | None = None
    is_shadow: bool = False
    slots: tuple[Visibility, ...] = ()
    has_text: bool = False
    is_slotted: bool = False
    has_summary: bool = False


class Region:
    """An element whose content may not be shown.

    Attributes
    ----------
    is_sure
        Whether its end follows from the tags inside alone, so far.
    """

    def __init__(self, name: str, shown: Visibility) -> None:
        self._open = [_Open(name, shown, shown)]
        self._root = name
        self._is_just_open = True
        self._is_lost = False
        self.is_sure = shown is not Visibility.UNSURE

    @property
    def is_over(self) -> bool:
        """Whether the element is closed."""
        return not self._open

    @property
    def visibility(self) -> Visibility:
        """How the innermost open element is shown."""
        return self._open[-1].visibility

    @property
    def text_visibility(self) -> Visibility:
        """How text is shown that stands here; a table's own text is moved out of it."""
        name, shown = self._open[-1].name, self.visibility
        return Visibility.UNSURE if name in _TABLES and shown is not Visibility.SHOWN else shown

    def read_text(self) -> None:
        """Note that text stands here, more than white space."""
        self._is_just_open = False
        self._note_in_shadow(has_text=True)

    def start(self, name: str, attributes: str) -> Visibility | None:
        """Open an element; returns how it is shown, or None if its begin closes the region: it stands behind it."""
        if self._is_lost:
            return Visibility.UNSURE
        self._close_before(name)
        if self.is_over:
            return None
        own = visibility(name, attributes)
        if name == "slot":
            is_named = bool(attributes.strip(" /"))
            self._note_in_shadow(slot=Visibility.UNSURE if is_named else self.visibility)
        if self._open[-1].is_slotted and "slot" in attributes.lower():  # it may be for a slot that is not there
            own = Visibility.UNSURE
        is_shadow = name == "template" and is_shadow_root(attributes)
        shown = self._shadow() if is_shadow else self._shown(name, own)
        if name in VOID or (attributes.endswith("/") and is_foreign(name)):
            return shown
        self._open.append(_Open(name, shown, own, is_shadow))
        self._is_just_open = True
        if len(self._open) > _MAX_OPEN:
            self._is_lost = True
            self._become_unsure()
        return shown

    def end(self, name: str) -> None:
        """Close an element, or the region."""
        self._is_just_open = False
        if self._is_lost:
            return
        if name == self._open[-1].name:
            self._close(len(self._open) - 1)
            return
        names = [each.name for each in self._open]
        if _HTML_IN_FOREIGN.intersection(names):
            self._become_unsure()
        elif name not in names:
            self._end_of_another(name, names)
        elif self._is_in_reach(name, names):
            self._close(len(names) - 1 - names[::-1].index(name))

    def _close_before(self, name: str) -> None:
        """Close what the begin of an element closes."""
        if closed := _CLOSED_BY.get(name):
            self._close_outermost(closed, _barriers(name))
        if name in _NOT_IN_P and self._open:
            self._close_outermost(_PARAGRAPH, _SCOPES)
        if name == "table" and self._open and self._open[0].name == "p":  # closes it, unless there is no doctype
            self._become_unsure()

    def _close_outermost(self, closed: frozenset[str], barriers: frozenset[str]) -> None:
        found = None
        for depth in range(len(self._open) - 1, -1, -1):
            name = self._open[depth].name
            if name in closed:
                found = depth
            elif name in barriers:
                break
        if found is not None:
            self._close(found)

    def _shadow(self) -> Visibility:
        """How a shadow root is shown: as its host is, if it is the first that stands in it."""
        host = self._open[-1]
        return host.visibility if self._is_just_open and may_host(host.name) else Visibility.UNSURE

    def _shown(self, name: str, own: Visibility | None) -> Visibility:
        """How an element is shown in the innermost open one, by what its own tag decides."""
        parent = self._open[-1]
        if parent.name == "details" and name == "summary" and not parent.has_summary:
            self._open[-1] = parent._replace(has_summary=True)
            around = self._open[-2].visibility if len(self._open) > 1 else Visibility.SHOWN
            return around if own is None else max(around, own)
        if parent.name in _TABLES and name not in _CELLS and parent.visibility is not Visibility.SHOWN:
            return Visibility.UNSURE
        if parent.visibility >= Visibility.HIDDEN:
            return parent.visibility
        around = Visibility.INVISIBLE if parent.visibility is Visibility.INVISIBLE else Visibility.SHOWN
        if own in (Visibility.FORCED_INLINE, Visibility.FORCED_BLOCK) and around is not Visibility.SHOWN:
            return around
        return around if own is None else own

    def _is_in_reach(self, name: str, names: list[str]) -> bool:
        """Whether an end tag closes the innermost open element of its name."""
        above = names[len(names) - names[::-1].index(name) :]
        if name in _SPECIAL:
            return name in _CELLS or name in _SCOPES or not _SCOPES.intersection(above)
        return name in _FORMATTING or not _SPECIAL.intersection(above)

    def _end_of_another(self, name: str, names: list[str]) -> None:
        """Read the end tag of an element that is not open in the region, and may be open around it."""
        if name in ("br", "body", "html", "head") or (self._root in _SPECIAL and (name == "p" or name not in _SPECIAL)):
            return
        if self._root in _CLOSED_BY_PARENT and name in BLOCK and not _SCOPES.intersection(names[1:]):
            self._close(0)
        else:
            self._become_unsure()

    def _close(self, depth: int) -> None:
        closed, above = self._open[depth], self._open[depth + 1 :]
        del self._open[depth:]
        if closed.name in _FORMATTING:
            # The standard takes such an element from around the blocks in it, which stay open.
            again = [each for each in above if each.name in _SPECIAL]
        else:
            again = [each for each in above if each.name in _FORMATTING and each.own]
        if again:
            self._open += [each._replace(visibility=Visibility.UNSURE) for each in again]
            self.is_sure = False
        elif closed.is_shadow and self._open:  # what else its host holds is shown in a slot, or not at all
            host = self._open[-1]
            self._open[-1] = host._replace(visibility=max(host.visibility, _slotted(closed)), is_slotted=True)

    def _note_in_shadow(self, *, slot: Visibility | None = None, has_text: bool = False) -> None:
        """Note a slot or text in the innermost shadow root, if there is one."""
        for depth in range(len(self._open) - 1, -1, -1):
            each = self._open[depth]
            if each.is_shadow:
                slots = each.slots if slot is None else (*each.slots, slot)[:2]
                self._open[depth] = each._replace(slots=slots, has_text=each.has_text or has_text)
                return

    def _become_unsure(self) -> None:
        self.is_sure = False
        self._open = [each._replace(visibility=Visibility.UNSURE) for each in self._open]


def _slotted(shadow: _Open) -> Visibility:
    """Return how the content of a host is shown by its shadow root: in its one slot, or not at all.

    Beside text of the shadow root, or with a slot that has a name, its place and whether it is shown are not known.
    """
    if not shadow.slots:
        return Visibility.HIDDEN
    return shadow.slots[0] if len(shadow.slots) == 1 and not shadow.has_text else Visibility.UNSURE


def _barriers(name: str) -> frozenset[str]:
    """Return the elements out of which the begin of an element closes nothing."""
    if name in ("li", "dd", "dt"):
        return _SPECIAL - {"address", "div", "p"}
    return _TABLE_SCOPES if name in _CELLS else _SCOPES if name in ("a", "button", "nobr") else _ANY_OTHER


def is_shadow_root(attributes: str) -> bool:
    """Return whether a ``template`` is the shadow root of the element it stands in, which is shown."""
    return attributes_of(attributes).get("shadowrootmode", "").lower() in ("open", "closed")


def may_host(name: str) -> bool:
    """Return whether an element may have a shadow root."""
    return name in _HOSTS or "-" in name


def is_foreign(name: str) -> bool:
    """Return whether a slash at the end of a begin tag closes the element: in SVG and MathML, not in HTML."""
    return name not in _OF_HTML and "-" not in name
