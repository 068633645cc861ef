"""Resolving: gives the dates and instants of a call their meaning, by the machine's clock."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from fxticker.model.days import lookup, span_of
from fxticker.model.selection import Selection


def present() -> datetime:
    """Return the present, aware UTC."""
    return datetime.now(UTC)


def resolved(selection: Selection) -> Selection:
    """Return a selection with its dates and instants as aware UTC: see `fxticker.model.days`.

    `start` is included and `end` is not; both are None where they are open. What is resolved resolves to itself.

    Raises
    ------
    ValueError
        If a text is no date or instant, the span ends before it begins, or `start` or `as_of` are later than now.
    """
    if selection.start is None and selection.end is None and selection.as_of is None:
        return selection
    now = present()
    start, end = span_of(selection.start, selection.end, now)
    as_of = None if selection.as_of is None else lookup(selection.as_of, now).upto
    return replace(selection, start=start, end=end, as_of=as_of)
