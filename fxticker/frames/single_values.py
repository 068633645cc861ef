"""Single values: what was printed behind a rate for which several values of one date count.

Where several values of one date are stored, which of them was the last is not known: they count together, with the hull
of their bands and its middle as their rate. That middle was not printed. 2025-12-05 has 0.10857 and 0.10903 of the
somoni, and so 0.10880: whichever came last, the 0.10899 of two days later is more than rounding away from it, though it
lies in the hull. So the extremes of the printed values are kept beside the hull, for what depends on one of them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from fxticker.model.bands import cross_bounds, outward

COLUMNS = ("values", "lowest", "lowest_hi", "highest", "highest_lo")
"""Columns of a frame of rates that has any hull of several values; a frame without them has none."""


@dataclass(frozen=True, slots=True, eq=False)
class SingleValues:
    """The printed values behind each of many rates; of a rate that one printed value gives, that value.

    Attributes
    ----------
    count
        Number of values, int32; of a cross rate that of the combinations of its legs' values.
    lowest, highest
        The least and the greatest value, quote per one unit of base; NaN of a cross rate if both of its legs have
        several: which of them were printed together is not known.
    lowest_hi, highest_lo
        The lowest upper and the highest lower bound of the bands of the single values.
    """

    count: np.ndarray
    lowest: np.ndarray
    lowest_hi: np.ndarray
    highest: np.ndarray
    highest_lo: np.ndarray

    @classmethod
    def of(cls, rates: pd.DataFrame) -> SingleValues:
        """Return those of rates with their bands, of which some may have no `COLUMNS`.

        Where only the number of values is known, as in a frame of `fxticker.quotes`, any of the hull may be one.
        """
        rate, lo, hi = (rates[name].to_numpy(np.float64) for name in ("rate", "rate_lo", "rate_hi"))
        if COLUMNS[0] not in rates.columns:
            return cls(np.ones(len(rates), np.int32), rate, hi, rate, lo)
        values = rates[COLUMNS[0]].to_numpy(np.float64)
        unknown = (np.full(len(rates), np.nan), lo, np.full(len(rates), np.nan), hi)
        known = COLUMNS[1] in rates.columns
        rest = [rates[name].to_numpy(np.float64) for name in COLUMNS[1:]] if known else unknown
        is_one = ~(values > 1)
        each = [np.where(is_one, one, of) for one, of in zip((rate, hi, rate, lo), rest, strict=True)]
        return cls(np.where(is_one, 1, values).astype(np.int32), *each)

    @property
    def is_several(self) -> np.ndarray:
        """Whether several values count."""
        several: np.ndarray = self.count > 1
        return several

    def columns(self) -> dict[str, np.ndarray]:
        """Return them as `COLUMNS`; none if no rate has several values."""
        return dict(zip(COLUMNS, self._arrays(), strict=True)) if self.is_several.any() else {}

    def take(self, rows: np.ndarray) -> SingleValues:
        """Return those of the chosen rates."""
        return SingleValues(*(column[rows] for column in self._arrays()))

    def where(self, chosen: np.ndarray, other: SingleValues) -> SingleValues:
        """Return these where chosen, and the other ones elsewhere."""
        pairs = zip(self._arrays(), other._arrays(), strict=True)
        return SingleValues(*(np.where(chosen, own, others) for own, others in pairs))

    def inverse(self) -> SingleValues:
        """Return those of the inverse rates."""
        highest_lo, lowest_hi = outward(1 / self.lowest_hi, 1 / self.highest_lo)
        return SingleValues(self.count, 1 / self.highest, lowest_hi, 1 / self.lowest, highest_lo)

    def crossed(self, quote: SingleValues) -> SingleValues:
        """Return those of the cross rates of these, base per common currency, and of quote per common currency."""
        highest_lo, lowest_hi = cross_bounds(self.highest_lo, self.lowest_hi, quote.highest_lo, quote.lowest_hi)
        is_open = self.is_several & quote.is_several
        lowest, highest = (
            np.where(is_open, np.nan, of_base / of_quote)
            for of_base, of_quote in ((self.lowest, quote.highest), (self.highest, quote.lowest))
        )
        return SingleValues(self.count * quote.count, lowest, lowest_hi, highest, highest_lo)

    def _arrays(self) -> tuple[np.ndarray, ...]:
        return (self.count, self.lowest, self.lowest_hi, self.highest, self.highest_lo)


def of_groups(rows: pd.DataFrame, bounds: tuple[np.ndarray, np.ndarray], begins: np.ndarray) -> SingleValues:
    """Return the single values of consecutive groups of printed rates.

    Parameters
    ----------
    rows
        The printed rates, group after group.
    bounds
        The lower and the upper bound of each.
    begins
        Where the groups begin; at least one.
    """
    rate, (lo, hi) = rows["rate"].to_numpy(), bounds
    group = np.repeat(np.arange(len(begins)), np.diff(np.append(begins, len(rows))))
    shown = pd.DataFrame({"group": group, "text": pd.factorize(rows["rate_text"])[0]}).drop_duplicates()
    return SingleValues(
        np.bincount(shown["group"], minlength=len(begins)).astype(np.int32),
        np.minimum.reduceat(rate, begins),
        np.minimum.reduceat(hi, begins),
        np.maximum.reduceat(rate, begins),
        np.maximum.reduceat(lo, begins),
    )
