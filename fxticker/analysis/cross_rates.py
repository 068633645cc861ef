"""Cross rates: derives stored, inverse and cross rates per source and instant, with bands by `model.bands.cross`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from fxticker.model.bands import cross_bounds, outward, quotient
from fxticker.model.pairs import THROUGH, currencies_of


@dataclass(frozen=True, slots=True)
class SettledTicks:
    """Ticks, one per source, pair and instant, as arrays sorted by instant.

    Attributes
    ----------
    pairs
        Names of the pairs, by code.
    sources
        Number of sources.
    pair, source
        Code of each row's pair and source.
    observed_at
        Microseconds since 1970, UTC.
    rate, lo, hi
        Quote per one unit of base, and its band.
    """

    pairs: list[str]
    sources: int
    pair: np.ndarray
    source: np.ndarray
    observed_at: np.ndarray
    rate: np.ndarray
    lo: np.ndarray
    hi: np.ndarray

    @classmethod
    def of(cls, settled: pd.DataFrame) -> SettledTicks:
        """Return the arrays of a frame."""
        pair, source = settled["pair"].cat, settled["source"].cat
        return cls(
            pair.categories.tolist(),
            len(source.categories),
            pair.codes.to_numpy(),
            source.codes.to_numpy(),
            settled["observed_at"].to_numpy("M8[us]").view(np.int64),
            *(settled[name].to_numpy() for name in ("rate", "rate_lo", "rate_hi")),
        )


@dataclass(frozen=True, slots=True)
class Rates:
    """Rates of one pair by one source, by instant.

    Attributes
    ----------
    instants
        Microseconds since 1970, UTC.
    left, right
        Rows of the settled ticks from which each rate is derived; the same row for a stored or an inverse rate.
    rate, lo, hi
        Quote per one unit of base, and its band.
    is_stored
        Whether the rate is that of the tick, not derived.
    """

    instants: np.ndarray
    left: np.ndarray
    right: np.ndarray
    rate: np.ndarray
    lo: np.ndarray
    hi: np.ndarray
    is_stored: np.ndarray

    def __len__(self) -> int:
        return len(self.instants)

    def rows(self, chosen: np.ndarray) -> Rates:
        """Return the chosen rates."""
        return join([self], chosen)


_NO_INSTANT, _NO_RATE = np.empty(0, np.int64), np.empty(0, np.float64)
NO_RATES = Rates(_NO_INSTANT, _NO_INSTANT, _NO_INSTANT, _NO_RATE, _NO_RATE, _NO_RATE, np.empty(0, bool))


def join(parts: Sequence[Rates], chosen: np.ndarray | slice = slice(None)) -> Rates:
    """Return all rates of the parts, one part after the other, or the chosen ones of these."""
    return Rates(*(np.concatenate([getattr(part, name) for part in parts])[chosen] for name in Rates.__slots__))


def rates_of(ticks: SettledTicks, pair: str) -> list[Rates]:
    """Return a pair's rates, for each source that has any, in the order of the sources.

    At each instant a stored rate takes precedence over the inverse of one, and that over cross rates in the order of
    `fxticker.model.pairs.THROUGH`.
    """
    base, quote = currencies_of(pair)
    result = []
    for source in range(ticks.sources):
        rates = _stored_or_inverse(ticks, source, base, quote)
        for common in THROUGH:
            if common not in (base, quote):
                legs = (_stored_or_inverse(ticks, source, currency, common) for currency in (base, quote))
                rates = _completed(rates, _cross(*legs))
        if len(rates):
            result.append(rates)
    return result


def _stored_or_inverse(ticks: SettledTicks, source: int, base: str, quote: str) -> Rates:
    stored, turned = (_stored(ticks, source, pair) for pair in (f"{base}/{quote}", f"{quote}/{base}"))
    lo, hi = outward(1 / turned.hi, 1 / turned.lo)
    inverse = Rates(
        turned.instants,
        turned.left,
        turned.left,
        quotient(1.0, turned.rate),
        lo,
        hi,
        np.zeros(len(turned), bool),
    )
    return _completed(stored, inverse)


def _stored(ticks: SettledTicks, source: int, pair: str) -> Rates:
    if pair not in ticks.pairs:
        return NO_RATES
    row = np.flatnonzero((ticks.pair == ticks.pairs.index(pair)) & (ticks.source == source))
    return Rates(
        ticks.observed_at[row], row, row, ticks.rate[row], ticks.lo[row], ticks.hi[row], np.ones(len(row), bool)
    )


def _cross(base: Rates, quote: Rates) -> Rates:
    """Divide rates of one instant: base per common currency by quote per common currency.

    The band is `fxticker.model.bands.cross_bounds`.
    """
    place, is_same = _places(base.instants, quote.instants)
    base, quote = base.rows(is_same), quote.rows(place[is_same])
    lo, hi = cross_bounds(base.lo, base.hi, quote.lo, quote.hi)
    return Rates(
        base.instants, base.left, quote.left, quotient(base.rate, quote.rate), lo, hi, np.zeros(len(base), bool)
    )


def _completed(first: Rates, second: Rates) -> Rates:
    """Return the first, and the second at instants that the first lacks."""
    if not (len(first) and len(second)):
        return first if len(first) else second
    _, is_same = _places(second.instants, first.instants)
    both = join([first, second.rows(~is_same)])
    return both.rows(np.argsort(both.instants, kind="stable"))


def _places(wanted: np.ndarray, instants: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the place of each wanted instant among sorted ones, and whether it is there."""
    if not len(instants):
        return np.zeros(len(wanted), int), np.zeros(len(wanted), bool)
    place = np.searchsorted(instants, wanted).clip(max=len(instants) - 1)
    return place, instants[place] == wanted
