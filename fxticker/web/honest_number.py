"""Honest number: the one number that stands for a band where a client reads a single number.

The band of USD/UZS by the printed 0.00008 is 11,765 to 13,333. Its middle, 12549.0196078, has twelve digits that
nobody printed; 12500 says as much. The number is therefore the shortest decimal inside the middle half of the band.
A printed number is the only decimal of its length within half of its own rounding error, so it returns as printed.
"""

from __future__ import annotations

import math
from decimal import ROUND_HALF_EVEN, Context, Decimal
from fractions import Fraction
from functools import lru_cache

EXACT_DIGITS = 10
"""Significant digits of a number without a band, as the peg 2/7."""
_EXACT = Fraction(64, 2**52)
"""Width of a band relative to its middle: a narrower one is that of an exact number, computed in doubles."""


@lru_cache(maxsize=65_536)
def honest_number(lo: float, hi: float) -> float:
    """Return the shortest decimal in the middle half of a band, the one nearest to its middle of several.

    Parameters
    ----------
    lo, hi
        The band, above zero.

    Returns
    -------
    float
        The double nearest to that decimal. Of an exact number, which has no band, that of `EXACT_DIGITS` digits.
    """
    return float(honest_decimal(Fraction(lo), Fraction(hi)))


def honest_decimal(lo: Fraction, hi: Fraction) -> Decimal:
    """Return `honest_number` of exact bounds, as a decimal.

    Raises
    ------
    ValueError
        If the band is not above zero.
    """
    if not 0 < lo <= hi:
        raise ValueError(f"a band of a rate is above zero, not {lo} to {hi}")
    middle, quarter = (lo + hi) / 2, (hi - lo) / 4
    if hi - lo <= _EXACT * middle:
        digits = Context(prec=EXACT_DIGITS, rounding=ROUND_HALF_EVEN)
        return digits.divide(Decimal(middle.numerator), Decimal(middle.denominator)).normalize()
    place = _magnitude(middle + quarter)
    while True:
        step = Fraction(10) ** place
        fewest, most = math.ceil((middle - quarter) / step), math.floor((middle + quarter) / step)
        if fewest <= most and most > 0:
            nearest = min(max(round(middle / step), fewest, 1), most)
            return Decimal(nearest).scaleb(place)
        place -= 1


def _magnitude(value: Fraction) -> int:
    """Return the exponent of a power of ten above a number, at most two places above it."""
    return len(str(value.numerator)) - len(str(value.denominator)) + 1
