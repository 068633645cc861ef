"""Rates that are fixed and need not be asked for: each a dated statement, kept apart from what sources print."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from types import MappingProxyType

from fxticker.model.pegs import PEGS


@dataclass(frozen=True, slots=True)
class Constant:
    """A rate that is fixed from a day on.

    Attributes
    ----------
    id
        The `source` of its row, which no source has.
    pair
        Base and quote, ``"USD/TMT"``.
    rate_text
        Units of quote for one of base.
    since
        The first day on which it holds.
    stated
        Who says so.
    """

    id: str
    pair: str
    rate_text: str
    since: date
    stated: str


CONSTANTS: Mapping[str, Constant] = MappingProxyType(
    {
        f"{peg.currency}-peg".lower(): Constant(
            id=f"{peg.currency}-peg".lower(),
            pair=f"{peg.anchor}/{peg.currency}",
            rate_text=peg.units_text,
            since=peg.since,
            stated=peg.stated,
        )
        for peg in PEGS
        if peg.until is None
    }
)
"""By id: the pegs that hold, which is ``tmt-peg``."""
