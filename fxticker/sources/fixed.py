"""Fixed rates: dated statements such as a peg, stored beside what sources print and never polled."""

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
        The `source` of its row; no source has this id.
    pair
        Base and quote, ``"USD/TMT"``.
    rate_text
        Units of quote for one of base.
    since
        The first day on which it holds.
    stated
        The publisher of the statement.
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
"""By id: the pegs in force, which is ``tmt-peg``."""
