"""Honest number: the shortest decimal in the middle half of a band."""

from decimal import Decimal
from fractions import Fraction

import pytest
from builders import cases
from hypothesis import given
from hypothesis import strategies as st

from fxticker.model.bands import Band, inverse, rate_band
from fxticker.web.honest_number import EXACT_DIGITS, honest_decimal, honest_number

PRINTED = st.builds(
    lambda digits, decimals: f"{Decimal(digits).scaleb(-decimals):f}",
    st.integers(1, 10**9),
    st.integers(0, 9),
)


@pytest.mark.parametrize("case", cases("honest_number")["inverse"], ids=lambda case: case["rate_text"])
def test_inverse_of_a_printed_rate_has_no_false_digits(case):
    band = inverse(rate_band(case["rate_text"]))
    assert honest_number(float(band.lo), float(band.hi)) == case["number"]


@given(PRINTED)
def test_printed_rate_returns_as_printed(text):
    band = rate_band(text)
    assert honest_decimal(band.lo, band.hi) == Decimal(text)


@given(PRINTED, PRINTED)
def test_number_lies_in_the_middle_half_and_none_shorter_does(one, other):
    lo, hi = sorted((Fraction(one), Fraction(other)))
    if hi - lo <= hi * Fraction(1, 10**9):
        hi = lo * 2
    number = honest_decimal(lo, hi)
    quarter = (hi - lo) / 4
    assert lo + quarter <= Fraction(number) <= hi - quarter
    coarser = Fraction(10) ** (number.normalize().as_tuple().exponent + 1)
    assert (hi - quarter) // coarser * coarser < lo + quarter


def test_exact_number_has_ten_digits():
    peg = Band(Fraction(2, 7), Fraction(2, 7))
    assert honest_decimal(peg.lo, peg.hi) == Decimal("0.2857142857")
    assert EXACT_DIGITS == 10


def test_number_is_the_one_nearest_to_the_middle():
    assert honest_number(1.0, 1.8) == 1.4  # 1.2 to 1.6 has five of two digits
    assert honest_number(95.0, 106.0) == 100.0


def test_band_that_reaches_zero_is_refused():
    with pytest.raises(ValueError, match="above zero"):
        honest_decimal(Fraction(0), Fraction(1))
