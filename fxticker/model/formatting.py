"""Formatting: writes a number with the digits that its band supports, and the band rounded outward."""

from __future__ import annotations

import math
from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_EVEN, Context, Decimal
from functools import cache
from typing import NamedTuple

_MORE_DECIMALS = 3
"""Decimals beyond those that show a band's width; an end closer to 0 than that is shown as 0."""
_PRECISE = Context(prec=400)
"""Digits enough to round any double to any decimal."""
_EXACT = 64 * 2.0**-52
"""Width of a band relative to its number. A narrower one belongs to an exact number that was computed in doubles: some
units in its last place. A printed band is 1,000 times as wide for the numbers with the most digits."""
_EXACT_ZERO = 1e-12
"""Likewise the width of a band about 0, in percent."""
_MOST_DECIMALS = 20
_DOUBLES, _LEAST_ERROR = 16 * 2.0**-52, 1e-9
"""Error of a bound that is computed in doubles, relative to it, and the least one that is allowed for, in steps."""
_LARGE = 1000
"""A number without a band from which on no decimals are shown."""
_EXACT_DIGITS, _ENDLESS_DIGITS = 12, 6
"""Significant digits of an exact number, and of one that needs more than these, as 2/7 does."""
_SURE_DIGITS = 14
"""Significant digits by which a number that is computed in doubles is known to lie on a tie, or on a printed step."""


class Written(NamedTuple):
    """A number and the ends of its band, as texts; both ends have the same decimals."""

    value: str
    lo: str
    hi: str

    @property
    def band(self) -> str:
        """Both ends, ``"1.0 to 1.2"``; the number alone if it is exact."""
        return self.lo if self.lo == self.hi else f"{self.lo} to {self.hi}"


def format_with_band(value: float, lo: float, hi: float, *, signed: bool = False) -> Written:
    """Format a number and its band.

    Parameters
    ----------
    value, lo, hi
        The number and its band. A printed number, whose band is half a step of its last decimal to each side, has the
        decimals that were printed, less those of a nominal above 1. Others have as many as show the width of the band
        with two digits. The formatted band contains the whole band, to 14 significant digits of its ends, and an end
        that is not 0 is not formatted as 0.
    signed
        Write a plus before numbers above 0.
    """
    if hi - lo <= max(_EXACT * max(abs(lo), abs(hi)), _EXACT_ZERO if lo <= 0 <= hi else 0.0):
        exact = _plus(_plain((lo + hi) / 2), is_wanted=signed)
        return Written(exact, exact, exact)
    decimals = _decimals(lo, hi)
    printed = _printed_decimals(value, lo, hi)
    texts = (
        _rounded(number, digits, rounding)
        for number, digits, rounding in (
            (value, decimals if printed is None else printed, ROUND_HALF_EVEN),
            (lo, decimals, ROUND_FLOOR),
            (hi, decimals, ROUND_CEILING),
        )
    )
    return Written(*((_plus(text, is_wanted=True) for text in texts) if signed else texts))


def plain_decimal(value: float) -> str:
    """Return the shortest text that reads back as the same double, without an exponent: ``0.00008``, not ``8e-05``."""
    text = repr(float(value))
    return f"{Decimal(text):f}" if "e" in text else text


def band_decimals(width: float) -> int:
    """Return the decimals that show a band of this width with two digits; none for a width of 10 or more."""
    # a width of one printed step, computed in doubles, may lie just below it
    return min(max(1 - math.floor(math.log10(width * (1 + 1e-9))), 0), _MOST_DECIMALS)


def decimal_text(value: float, decimals: int) -> str:
    """Format a number with so many decimals."""
    return _rounded(value, decimals, ROUND_HALF_EVEN)


def short_text(value: float) -> str:
    """Format a number that has no band: three digits, or all those before its decimal point."""
    return f"{Decimal(f'{value:.3g}'):f}" if abs(value) < _LARGE else f"{value:.0f}"


def printed_text(rate_text: str, nominal: int) -> str:
    """Return a printed rate with the units of base that it is for: ``62,8322 per 10,000``; alone if for one unit."""
    return rate_text if nominal == 1 else f"{rate_text} per {nominal:,}"


def counted(number: int, thing: str) -> str:
    """Return a number with its unit: ``1 tick``, ``2,880 ticks``."""
    return f"{number:,} {thing}{'' if number == 1 else 's'}"


def real_minus(text: str) -> str:
    """Return a number, or several, with minus signs in place of hyphens."""
    return text.replace("-", "\N{MINUS SIGN}")


def decimal_point(rate_text: str) -> str:
    """Return a printed number with a decimal point: ``87,4500`` among ``87.413`` reads as 874,500."""
    return rate_text.replace(",", ".")


def _printed_decimals(value: float, lo: float, hi: float) -> int | None:
    """Return the decimals of a number whose band is that of its printed digits, per one unit; ``None`` for others."""
    width = hi - lo
    decimals = -round(math.log10(width))
    if not 0 <= decimals <= _MOST_DECIMALS:
        return None
    error = _LEAST_ERROR + _DOUBLES * max(abs(lo), abs(hi)) / width
    steps = value * 10.0**decimals
    is_step = abs(width * 10.0**decimals - 1) < error and abs(steps - round(steps)) < error
    return decimals if is_step and abs(value - (lo + hi) / 2) < error * width else None


def _decimals(lo: float, hi: float) -> int:
    decimals = band_decimals(hi - lo)
    firsts = [_first_decimal(abs(end)) for end in (lo, hi) if end]
    return max([decimals, *(first for first in firsts if first <= decimals + _MORE_DECIMALS)])


def _first_decimal(value: float) -> int:
    return -math.floor(math.log10(value))


def _rounded(value: float, decimals: int, rounding: str) -> str:
    # computed in doubles, a middle may lie an ulp beside the tie that it is, and a bound an ulp beyond its printed step
    text = f"{value:.{_SURE_DIGITS}g}"
    return f"{Decimal(text).quantize(_step(decimals), rounding, _PRECISE) + 0:f}"


@cache
def _step(decimals: int) -> Decimal:
    return Decimal(1).scaleb(-decimals)


def _plain(value: float) -> str:
    if abs(value) <= _EXACT_ZERO:
        return "0"
    exact = Decimal(f"{value:.{_EXACT_DIGITS}g}").normalize()
    is_endless = len(exact.as_tuple().digits) == _EXACT_DIGITS
    return f"{Decimal(f'{value:.{_ENDLESS_DIGITS}g}') if is_endless else exact:f}"


def _plus(text: str, *, is_wanted: bool) -> str:
    is_above = is_wanted and not text.startswith("-") and text.strip("0.")
    return f"+{text}" if is_above else text
