"""Official pegs as data: the rate that a central bank fixes, from which day to which, and where that is stated."""

from __future__ import annotations

from collections.abc import Container
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fractions import Fraction


@dataclass(frozen=True, slots=True)
class Peg:
    """A rate that a central bank fixes.

    Attributes
    ----------
    currency, anchor
        ISO 4217 codes.
    units_text
        Units of `currency` per one unit of `anchor`, as the bank states it.
    since
        The first day on which it is in force.
    until
        The first day on which it is no longer in force; None if it still is.
    authority
        The central bank.
    stated
        The publication that states it.
    """

    currency: str
    anchor: str
    units_text: str
    since: date
    until: date | None
    authority: str
    stated: str

    @property
    def units(self) -> Fraction:
        """Units of the currency per one unit of the anchor, exactly."""
        from fractions import Fraction  # takes 3 ms to import, and `latest` reads no peg

        return Fraction(self.units_text)


PEGS = (
    Peg(
        currency="TMT",
        anchor="USD",
        units_text="2.85",
        since=date(2009, 1, 1),
        until=date(2015, 1, 1),
        authority="Central Bank of Turkmenistan",
        stated="U.S. Commercial Service, country guide for Turkmenistan (21 July 2019): 2.85 from the redenomination "
        "at the beginning of 2009 until 1 January 2015",
    ),
    Peg(
        currency="TMT",
        anchor="USD",
        units_text="3.5",
        since=date(2015, 1, 1),
        until=None,
        authority="Central Bank of Turkmenistan",
        stated="Radio Free Europe, 1 January 2015: the site of the Central Bank of Turkmenistan shows 3.50 since "
        "that day; 3.5 is also in the bank's own file of 20 May 2026 and in the pegs that the rate service Frankfurter "
        "starts from",
    ),
)
"""By currency and day; no two of one currency are in force on one day. Market feeds do not show a peg exactly: the
ticker has had TMT between 0.28490 and 0.28615 USD where 1/3.5 is 0.28571."""


def pegs_of(pair: str) -> list[tuple[Peg, Fraction]]:
    """Return the pegs of a pair, each with its rate in the direction of the pair: ``TMT/USD`` 2/7, ``USD/TMT`` 7/2."""
    base, _, quote = pair.partition("/")
    inverted = [(peg, 1 / peg.units) for peg in PEGS if (peg.currency, peg.anchor) == (base, quote)]
    return inverted or [(peg, peg.units) for peg in PEGS if (peg.anchor, peg.currency) == (base, quote)]


def peg_on(pair: str, day: date) -> Peg | None:
    """Return the peg of a pair that is in force on a day."""
    return next((peg for peg, _ in pegs_of(pair) if peg.since <= day and (peg.until is None or day < peg.until)), None)


def pegged_leg(pair: str) -> str | None:
    """Return the pegged currency of a cross rate, ``TMT`` of ``TMT/KGS``: the cross rate takes part in its hops."""
    if pegs_of(pair):
        return None
    pegged = {peg.currency for peg in PEGS}
    return next((code for code in pair.split("/") if code in pegged), None)


def is_hop(pair: str, day: date, rate_text: str, shown_before: Container[str]) -> bool:
    """Return whether a change to a printed rate is a hop between levels and no move of the rate.

    The site's supplier shows a pegged currency at one of a few levels around the peg, in turn. A level that was shown
    before is noise; one that was never shown may be a new peg.

    Parameters
    ----------
    pair
        ``"TMT/USD"``, or its inverse.
    day
        When the rate was shown.
    rate_text
        The rate as printed.
    shown_before
        The rates, as printed, that the source showed for the pair before this one.
    """
    return peg_on(pair, day) is not None and rate_text in shown_before
