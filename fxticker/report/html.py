"""HTML: elements whose texts and attributes are escaped where they are made, so that no text of a store is markup.

Only `Html` is markup, and a text becomes one by `element` alone. Markup that is not made here, which is the style sheet
and the charts, is made in `fxticker.report.page` and `fxticker.report.charts`.
"""

from __future__ import annotations

from dataclasses import dataclass
from html import escape

_EMPTY = frozenset({"meta", "br"})
"""Elements without content and without an end tag."""


@dataclass(frozen=True, slots=True)
class Html:
    """Markup."""

    text: str


Content = Html | str
"""Markup, or a text that is escaped."""


def element(name: str, /, *content: Content, **attributes: str | None) -> Html:
    """Return an element.

    Parameters
    ----------
    name
        The element's name, a literal of the program.
    content
        Markup and texts, in order.
    attributes
        By name, with underscores for hyphens, ``class_`` for ``class``; those that are ``None`` are left out.
    """
    given = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{_safe(value)}"'
        for key, value in attributes.items()
        if value is not None
    )
    if name in _EMPTY:
        return Html(f"<{name}{given}>")
    return Html(f"<{name}{given}>{joined(*content).text}</{name}>")


def joined(*content: Content) -> Html:
    """Return markup and texts after each other."""
    return Html("".join(part.text if isinstance(part, Html) else _safe(part) for part in content))


def _safe(text: str) -> str:
    """Return a text without markup; control, direction and invisible characters become visible escapes."""
    visible = "".join(
        char if char.isprintable() else char.encode("unicode_escape").decode("ascii") for char in str(text)
    )
    return escape(visible, quote=True)
