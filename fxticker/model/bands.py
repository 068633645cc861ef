"""Bands: the interval of true values that printed digits allow, in exact arithmetic.

A number printed with quantum `q` stands for a true value within half a quantum on each side, ends included (the
rounding rule at the half is unknown). All bounds are exact fractions, so no bound is moved by binary
rounding; turning one into a double is the reader's last step.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from typing import TYPE_CHECKING, TypeVar

from fxticker.model.printed import MAX_INTEGER_DIGITS, PrintedNumber, read_change, read_recorded_rate

if TYPE_CHECKING:
    import numpy as np

CHANGE_STEP = Fraction(1, 10_000)
"""The site rounds the change of a rate to 4 decimals before it divides (seen on all 117 distinct non-zero
percentages of 371 captures)."""
PERCENT_DECIMALS = 2
"""The site rounds percentages to 2 decimals and drops trailing zeros, so ``0.1%`` has been rounded to 0.01 too."""


@dataclass(frozen=True, slots=True)
class Band:
    """The closed interval ``[lo, hi]`` that printed text allows.

    Attributes
    ----------
    lo, hi
        Exact bounds, in the unit of the number.
    """

    lo: Fraction
    hi: Fraction

    def __post_init__(self) -> None:
        if self.lo > self.hi:
            raise ValueError(f"a band's lower end {self.lo} is above its upper end {self.hi}")

    @property
    def middle(self) -> Fraction:
        """The middle of the band; for one printed number, the number."""
        return (self.lo + self.hi) / 2

    def __contains__(self, value: Fraction | int) -> bool:
        return self.lo <= value <= self.hi


def rate_band(rate_text: str, nominal: int = 1) -> Band:
    """Return the band of a printed rate, per one unit of base.

    Parameters
    ----------
    rate_text
        As printed for `nominal` units of base.
    nominal
        Units of base the printed rate is for.

    Raises
    ------
    InvalidNumber
        If the text is no rate.
    """
    number = read_recorded_rate(rate_text)
    value, half = Fraction(number.value), Fraction(number.quantum) / 2
    # Half a quantum below the smallest printable rate is still above zero: 0.00001 has lo 0.000005.
    return Band((value - half) / nominal, (value + half) / nominal)


def inverse(band: Band) -> Band:
    """Return the band of 1/rate: quote and base change places.

    Raises
    ------
    ValueError
        If the band is not wholly above zero.
    """
    if band.lo <= 0:
        raise ValueError("the inverse needs a band above zero")
    return Band(1 / band.hi, 1 / band.lo)


def cross(base: Band, quote: Band) -> Band:
    """Return the band of base/quote from the two rates against one common currency.

    ``KZT/UZS`` is ``cross(band of KZT/USD, band of UZS/USD)``: the two true values are taken as independent. In doubles
    it is `cross_bounds`.
    """
    if base.lo < 0 or quote.lo <= 0:
        raise ValueError("a cross rate needs bands above zero")
    return Band(base.lo / quote.hi, base.hi / quote.lo)


def drift_pct(start: Band, end: Band) -> Band:
    """Return the band of the relative change from start to end, in percent: ``100 (end / start - 1)``."""
    ratio = cross(end, start)
    return Band(100 * (ratio.lo - 1), 100 * (ratio.hi - 1))


def drift_pct_of(start: Band, end: Band, base: Band) -> Band:
    """Return the band of the change from start to end in percent of a third rate: ``100 (end - start) / base``.

    The three true values are taken as independent; where `base` is one of the ends, `drift_pct` gives a narrower band.
    """
    if base.lo <= 0:
        raise ValueError("a change needs a base above zero")
    lo, hi = end.lo - start.hi, end.hi - start.lo
    # the smallest base makes either bound largest in size, the largest base makes it smallest
    return Band(100 * lo / (base.lo if lo < 0 else base.hi), 100 * hi / (base.hi if hi < 0 else base.lo))


def hull(bands: Iterable[Band]) -> Band:
    """Return the smallest band that contains all of `bands`.

    Raises
    ------
    ValueError
        If there is none.
    """
    given = tuple(bands)
    if not given:
        raise ValueError("the hull of no bands is not defined")
    return Band(min(band.lo for band in given), max(band.hi for band in given))


Doubles = TypeVar("Doubles", float, "np.ndarray")
OUTWARD = 4 * 2.0**-52
"""How far `outward` moves a bound, relative to its size. A double nearest to an exact bound and an operation on doubles
are each off by at most 2**-53 of the value; a quotient of two bounds has three such errors, less than half of this."""

_SHORT_DIGITS = 12
"""Digits of a short decimal, at most. One quotient of a thousand lies as near to one by chance, within its error."""


def outward(lo: Doubles, hi: Doubles) -> tuple[Doubles, Doubles]:
    """Return bounds computed in doubles, moved apart to contain what the same bounds contain in exact arithmetic.

    For results of one division (or of two multiplications) of bounds that are themselves the doubles nearest to exact
    ones, or that were moved apart already: the true value is always inside, and bands that touch never look disjoint.
    """
    return lo - abs(lo) * OUTWARD, hi + abs(hi) * OUTWARD


def quotient(dividend: np.ndarray | float, divisor: np.ndarray) -> np.ndarray:
    """Return quotients of printed rates in doubles: short decimals where only the division moved them off one.

    0.00198 by 0.00008 is 24.75, and the doubles nearest to both give 24.749999999999996.
    """
    import numpy as np

    found: np.ndarray = dividend / divisor
    with np.errstate(all="ignore"):
        scale = 10.0 ** (_SHORT_DIGITS - 1 - np.floor(np.log10(np.abs(found))))
        short = np.rint(found * scale) / scale
        is_near = np.abs(found - short) <= np.abs(found) * OUTWARD
    return np.where(is_near, short, found)


def cross_bounds(base_lo: Doubles, base_hi: Doubles, quote_lo: Doubles, quote_hi: Doubles) -> tuple[Doubles, Doubles]:
    """Return the bounds of a cross rate in doubles, of one value or of columns: those of `cross`, rounded outward."""
    return outward(base_lo / quote_hi, base_hi / quote_lo)


def width_pct(lo: Doubles, hi: Doubles) -> Doubles:
    """Return the width of bands above zero in percent of their middle, of one value or of columns."""
    width: Doubles = 200 * (hi - lo) / (hi + lo)
    return width


def percent_band(change_text: str) -> Band:
    """Return the band of a printed percentage, in percent: half a step to each side; ``-0%`` is not above 0.

    Raises
    ------
    InvalidNumber
        If the text is no percentage.
    """
    return Band(*_percent_interval(read_change(change_text)))


@lru_cache(maxsize=4096)
def previous_rate(rate_text: str, change_text: str) -> Band | None:
    """Return the band of the site's own earlier rate, from the ticker's printed percentage.

    The site prints ``pct = round(100 * round(rate - base, 4) / base, 2)``, where `base` is some earlier rate of its
    own. With the change rounded to ``k`` steps of 0.0001, `base` lies within half a step of ``rate - k * 0.0001`` and
    makes the percentage round to what is printed; the answer is the hull over all `k` for which both can hold. A
    printed minus before a zero means that the change was a fall.

    Returns
    -------
    Band or None
        The band of `base`, above or at 0; None if no base prints this percentage beside this rate: the
        percentage is inconsistent.

    Raises
    ------
    InvalidNumber
        If a text is no rate or percentage.
    """
    rate = Fraction(read_recorded_rate(rate_text).value)
    change = read_change(change_text)
    low_pct, high_pct = _percent_interval(change)

    def base_at(steps: int) -> Band | None:
        return _base_interval(rate, steps, low_pct, high_pct)

    # The k that can hold are consecutive and base falls as k grows, so the hull is spanned by the largest and the
    # smallest of them.
    most = _most_steps(rate, high_pct)
    at_most = base_at(most)
    if at_most is None:
        return None
    candidates = range(-_MAX_STEPS, most + 1)
    fewest = candidates[bisect_left(candidates, True, key=lambda steps: base_at(steps) is not None)]
    at_fewest = base_at(fewest)
    assert at_fewest is not None
    band = hull((at_most, at_fewest))
    return Band(max(band.lo, rate), band.hi) if change.value == 0 and change.minus else band


_MAX_STEPS = 10**MAX_INTEGER_DIGITS * CHANGE_STEP.denominator
"""The largest rate that can be printed, in steps: where a percentage sets no upper end to base (near -100 %), this
does."""


def _percent_interval(change: PrintedNumber) -> tuple[Fraction, Fraction]:
    half = Fraction(1, 2 * 10 ** max(change.decimals, PERCENT_DECIMALS))
    value = Fraction(change.value)
    if value == 0 and change.minus:
        return -half, Fraction(0)
    return value - half, value + half


def _base_interval(rate: Fraction, steps: int, low_pct: Fraction, high_pct: Fraction) -> Band | None:
    """Return where base lies if the change was rounded to `steps` steps; None if nowhere."""
    change = steps * CHANGE_STEP
    lo = max(Fraction(0), rate - change - CHANGE_STEP / 2)
    hi = rate - change + CHANGE_STEP / 2
    # low * base <= 100 change <= high * base, each solved for base > 0 by the sign of its factor
    for bound, wants_more in ((100 * change, False), (-100 * change, True)):
        factor = -high_pct if wants_more else low_pct
        if factor > 0:
            hi = min(hi, bound / factor)
        elif factor < 0:
            lo = max(lo, bound / factor)
        elif bound < 0:
            return None
    return Band(lo, hi) if hi > 0 and lo <= hi else None


def _most_steps(rate: Fraction, high_pct: Fraction) -> int:
    """Return the largest k whose smallest possible percentage does not pass `high_pct`."""

    def passes(steps: int) -> bool:
        change = steps * CHANGE_STEP
        base = rate - change + (CHANGE_STEP / 2 if steps > 0 else -CHANGE_STEP / 2)
        return 100 * change > high_pct * base if base > 0 else False

    if high_pct >= 0:
        # base must stay above zero, which bounds k from above
        candidates = range(math.ceil((rate + CHANGE_STEP / 2) / CHANGE_STEP))
    elif rate < CHANGE_STEP / 2:
        return -1  # below half a step every fall can be printed by a change of one step
    else:
        candidates = range(-_MAX_STEPS, 0)
    return candidates[0] + bisect_left(candidates, True, key=passes) - 1
