"""Untrusted documents: reads XML and JSON as plain trees, bounded in size, without entities, numbers as text."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NoReturn
from xml.etree.ElementTree import ParseError

from defusedxml import DTDForbidden
from defusedxml.ElementTree import DefusedXMLParser

from fxticker.errors import ChallengePage, DamagedPage
from fxticker.sources.elements import BLOCK, INLINE, VOID
from fxticker.sources.html import decode

MAX_BYTES = 4_000_000
"""Bytes of a document: the longest that is requested, a year of a bank's rates, has 60,000."""
MAX_DEPTH = 16
"""Nested elements: banks nest three, feeds four."""
MAX_ELEMENTS = 50_000
"""Elements: a year of a bank's rates has 1,500. One takes some 300 bytes of memory, and 4 of the document."""
MAX_COMMAS = 50_000
"""Commas of a JSON document, which part its values: a bank's day of eight currencies has 76. One takes 120 bytes."""

_DECLARED = re.compile(rb"""<\?xml[^>]{0,200}?\sencoding\s*=\s*["']([A-Za-z0-9._:-]{1,40})["']""")
_HTML_NAMES = (
    *(
        "applet",
        "audio",
        "button",
        "canvas",
        "iframe",
        "marquee",
        "noembed",
        "noframes",
        "noscript",
        "object",
        "picture",
    ),
    *("script", "select", "style", "svg", "template", "textarea", "title", "video", *sorted(BLOCK | INLINE | VOID)),
)
_HTML = re.compile(
    rf"""
    # white space, comments, an XML declaration
    (?> (?: \s++ | <!--(?: -?> | (?>(?s:.*?)--!?>) ) | <\?[^>]*+> ){{0,1000}} )
    < (?: !doctype\s++html | {"|".join(_HTML_NAMES)} | [a-z][a-z0-9]*+-[a-z0-9-]*+ ) (?: [\s/>] | \Z )
    """,
    re.IGNORECASE | re.VERBOSE,
)
"""How a page of HTML begins. A guard of a site may send no more than a script or a paragraph; no document of these
sources begins with an element of one of these names."""
_EXPONENT = re.compile(r"(-?)([0-9]{1,20})(?:\.([0-9]{1,20}))?[eE]([+-]?[0-9]{1,3})")


class NumberText(str):
    """A number of a JSON document as its text: what stands there without quotes."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class RepeatedName:
    """Stands for the value of a name that is repeated in a JSON object: which of its values counts is not defined.

    Attributes
    ----------
    values
        All of them, in the document's order.
    """

    values: tuple[Any, ...]


@dataclass(slots=True, eq=False)
class Element:
    """An element of an XML document.

    Attributes
    ----------
    text
        Its own text without that of its children, stripped of white space.
    """

    name: str
    attributes: Mapping[str, str]
    text: str = ""
    children: list[Element] = field(default_factory=list)

    def all(self, name: str) -> list[Element]:
        """Return the children with a name, in order."""
        return [child for child in self.children if child.name == name]

    def texts_of(self, name: str) -> list[str]:
        """Return the texts of the children with a name, in order."""
        return [child.text for child in self.all(name)]

    def text_of(self, name: str) -> str:
        """Return the text of the only child with a name.

        Raises
        ------
        DamagedPage
            If there is none, or several.
        """
        children = self.all(name)
        if len(children) != 1:
            raise DamagedPage(f"<{self.name}> must hold one <{name}>, not {len(children)}")
        if children[0].children:
            raise DamagedPage(f"<{name}> must hold a text, and no elements")
        return children[0].text

    def attribute(self, name: str) -> str:
        """Return the attribute with a name.

        Raises
        ------
        DamagedPage
            If there is none.
        """
        if name not in self.attributes:
            raise DamagedPage(f"<{self.name}> must have the attribute {name}")
        return self.attributes[name]


def read_xml(body: bytes, headers: Mapping[str, str], *, root: str) -> Element:
    """Read an XML document.

    It is decoded by byte-order mark, the header's charset, the encoding that it declares, and else as UTF-8. Bytes that
    the encoding does not allow become U+FFFD, which damages the page only within a number.

    Parameters
    ----------
    body, headers
        As received; headers by lower-case name.
    root
        The name that the root must have.

    Raises
    ------
    ChallengePage
        If it is an HTML page.
    DamagedPage
        If it is empty, cut short, no XML, too large or too deep, has a document type, or another root.
    """
    builder = _Builder()
    parser = DefusedXMLParser(target=builder, forbid_dtd=True)
    try:
        parser.feed(_text(body, headers))
        parser.close()
    except DTDForbidden as error:
        raise DamagedPage("the document has a document type, which no bank sends") from error
    except ParseError as error:
        raise DamagedPage(f"no sound XML: {error}") from error
    assert builder.root is not None  # a document without an element is an error
    if builder.root.name != root:
        raise DamagedPage(f"the document must be a <{root}>, not a <{builder.root.name[:40]}>")
    return builder.root


def read_json(body: bytes) -> Any:
    """Read a JSON document, UTF-8 as its standard demands.

    Numbers are returned as their text, a `NumberText`, and strings as `str`. The value of a name that is repeated in an
    object is a `RepeatedName`: the standard does not define which of its values counts.

    Raises
    ------
    ChallengePage
        If it is an HTML page.
    DamagedPage
        If it is empty, cut short, no JSON, too large or too deep, or holds NaN or Infinity.
    """
    text = _text(body, {"content-type": "application/json; charset=utf-8"})
    if text.count(",") > MAX_COMMAS:
        raise DamagedPage(f"the document has more than {MAX_COMMAS} commas, and so too many values")
    try:
        return json.loads(
            text,
            parse_float=NumberText,
            parse_int=NumberText,
            parse_constant=_refuse_constant,
            object_pairs_hook=_object,
        )
    except (json.JSONDecodeError, RecursionError) as error:
        raise DamagedPage(f"no sound JSON: {error}") from error


def without_exponent(number: NumberText) -> str:
    """Return a number of a JSON document without exponent: the same digits and the same last decimal.

    A text that is no number with an exponent is returned as it is.

    Raises
    ------
    DamagedPage
        If digits before the decimal point would have to be added: 1.2e4 does not state all digits of 12,000.
    """
    match = _EXPONENT.fullmatch(number)
    if match is None:
        return str(number)
    sign, whole, decimals, exponent = match[1], match[2], match[3] or "", int(match[4])
    count = len(decimals) - exponent
    if count < 0:
        raise DamagedPage(f"the number {number} does not state all of its digits")
    digits = (whole + decimals).zfill(count + 1)
    before, after = digits[: len(digits) - count], digits[len(digits) - count :]
    return f"{sign}{before.lstrip('0') or '0'}{'.' * bool(after)}{after}"


class _Builder:
    """Builds a tree from the parser's events, within the limits."""

    def __init__(self) -> None:
        self.root: Element | None = None
        self._open: list[tuple[Element, list[str]]] = []
        self._count = 0

    def start(self, name: str, attributes: dict[str, str]) -> None:
        self._count += 1
        if len(self._open) == MAX_DEPTH or self._count > MAX_ELEMENTS:
            raise DamagedPage(f"the document has more than {MAX_ELEMENTS} elements, or more than {MAX_DEPTH} nested")
        # A namespace stands before the name in braces; no bank has two elements that differ only in it.
        element = Element(name.rpartition("}")[2], attributes)
        if self._open:
            self._open[-1][0].children.append(element)
        else:
            self.root = element
        self._open.append((element, []))

    def data(self, text: str) -> None:
        self._open[-1][1].append(text)

    def end(self, _name: str) -> None:
        element, parts = self._open.pop()
        element.text = "".join(parts).strip()


def _text(body: bytes, headers: Mapping[str, str]) -> str:
    if len(body) > MAX_BYTES:
        raise DamagedPage(f"the answer has more than {MAX_BYTES} bytes")
    declared = _DECLARED.match(body.lstrip())
    if declared is not None and "charset" not in headers.get("content-type", "").lower():
        headers = {"content-type": f"application/xml; charset={declared[1].decode('ascii')}"}
    text = decode(body, headers)
    if not text or text.isspace():
        raise DamagedPage("the answer is empty")
    if _HTML.match(text):
        raise ChallengePage("an HTML page came in place of the rates")
    return text.lstrip()  # the parser refuses a blank line before an XML declaration


def _refuse_constant(text: str) -> NoReturn:
    raise DamagedPage(f"{text} is no number")


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    values = dict(pairs)
    if len(values) == len(pairs):
        return values
    grouped: dict[str, list[Any]] = {}
    for name, value in pairs:
        grouped.setdefault(name, []).append(value)
    return {name: items[0] if len(items) == 1 else RepeatedName(tuple(items)) for name, items in grouped.items()}
