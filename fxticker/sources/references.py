"""Character references of HTML: resolves ``&nbsp;`` and the like in time that grows with the text."""

from __future__ import annotations

import html
import re

_ENTITY = re.compile(r"&(?:#[0-9]++|#[xX][0-9a-fA-F]++|[A-Za-z][A-Za-z0-9]{1,31}+);?")
_MAX_REFERENCE_CHARS = 40
"""Characters of a numeric reference: the cost of html.unescape grows with the square of its digits."""
_MAX_REMEMBERED = 20_000
"""Distinct references that are cached while a page is read: HTML names 2,231; a hostile page has millions."""


def unescape(text: str) -> str:
    """Return a text with its character references resolved."""
    seen: dict[str, str] = {}

    def resolve(reference: re.Match[str]) -> str:
        name = reference[0]
        char = seen.get(name)
        if char is None:
            char = html.unescape(name) if len(name) <= _MAX_REFERENCE_CHARS else ""
            char = char or "\N{REPLACEMENT CHARACTER}"  # no character, or a control that html.unescape drops
            if len(seen) < _MAX_REMEMBERED:
                seen[name] = char
        return char

    return _ENTITY.sub(resolve, text)
