"""Bands of single values: what is known of several values of one date beside the hull of their bands, exactly."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from fxticker.model.bands import Band


@dataclass(frozen=True, slots=True)
class SingleBands:
    """The bands of the values that a rate may be; of most rates it is one.

    Attributes
    ----------
    count
        Number of values; of a cross rate that of the combinations of its legs' values.
    lowest, highest
        The least and the greatest value, of a cross rate of any combination.
    highest_lo, lowest_hi
        The highest lower and the lowest upper bound of the bands; of one value its own.
    """

    count: int
    lowest: Fraction
    highest: Fraction
    highest_lo: Fraction
    lowest_hi: Fraction

    @classmethod
    def of(cls, bands: Sequence[Band]) -> SingleBands:
        """Return those of the bands of at least one value."""
        middles = [band.middle for band in bands]
        bounds = (max(band.lo for band in bands), min(band.hi for band in bands))
        return cls(len(bands), min(middles), max(middles), *bounds)

    def inverse(self) -> SingleBands:
        """Return those of the inverse rate."""
        return SingleBands(self.count, 1 / self.highest, 1 / self.lowest, 1 / self.lowest_hi, 1 / self.highest_lo)

    def crossed(self, quote: SingleBands) -> SingleBands:
        """Return those of the cross rate of this, base per common currency, and of quote per common currency."""
        count = self.count * quote.count
        extremes = (self.lowest / quote.highest, self.highest / quote.lowest)
        return SingleBands(count, *extremes, self.highest_lo / quote.lowest_hi, self.lowest_hi / quote.highest_lo)

    def decides(self, start: SingleBands) -> bool:
        """Return whether a value of this and one of `start` are more than rounding apart."""
        return self.highest_lo > start.lowest_hi or self.lowest_hi < start.highest_lo
