"""Sides of a chart: what it means that a rate rises or falls, in words, for all its pairs together."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from fxticker.analysis.direction import are_both_ways
from fxticker.model.currencies import name_of
from fxticker.model.invalid import InvalidArgument
from fxticker.model.pairs import COMMON, currencies_of


class Sides(NamedTuple):
    """What a fall and a rise mean."""

    fall: str
    rise: str


def sides_of(pairs: Iterable[str]) -> Sides:
    """Return the sides of a chart of changes: ``tenge weaker`` and ``tenge stronger`` of KZT/USD.

    Raises
    ------
    ValueError
        If the pairs go in different directions: one move would be drawn on both sides.
    """
    names = sorted({*pairs})
    bases, quotes = ({currencies_of(name)[place] for name in names} for place in (0, 1))
    if (COMMON in bases and COMMON in quotes) or are_both_ways(names):
        raise InvalidArgument(
            f"the pairs go in different directions, so that one move would be drawn on both sides: {', '.join(names)}; "
            "name all of them per USD or USD per unit"
        )
    if bases == {COMMON}:
        who = name_of(next(iter(quotes))) if len(quotes) == 1 else "currency"
        return Sides(f"{who} stronger", f"{who} weaker")
    who = name_of(next(iter(bases))) if len(bases) == 1 else "first currency" if quotes != {COMMON} else "currency"
    return Sides(f"{who} weaker", f"{who} stronger")


def upward(pairs: Iterable[str]) -> str:
    """Return a sentence about a rise in a chart with a panel per pair: "Up: tenge stronger."."""
    names = [*pairs]
    try:
        return f"Up: {sides_of(names).rise}."
    except InvalidArgument:  # each panel names its unit
        return "Up: the first currency of the pair is stronger."
