"""What a notebook shows of a single answer: a plain table of HTML with a line for each fact."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape


def facts_html(facts: Iterable[tuple[str, str]]) -> str:
    """Return a table of names and texts; text of a page or a store is escaped."""
    rows = "".join(f"<tr><th>{escape(name)}</th><td>{escape(text)}</td></tr>" for name, text in facts)
    return f"<table>{rows}</table>"
