"""Figures beside their bands: as many digits as the band supports, the band rounded outward."""

from decimal import Decimal

import pytest
from builders import cases
from hypothesis import given
from hypothesis import strategies as st

from fxticker.model.formatting import band_decimals, format_with_band

CASES = cases("formatting")


@pytest.mark.parametrize(
    ("width", "decimals"),
    [(25.0, 1), (0.7, 2), (0.0185, 3), (1e-12, 13), (1e-20, 20), (0.00191 - 0.00190, 6), (1.5 - 1.49999, 6)],
)
def test_decimals_show_a_band_with_two_digits(width, decimals):
    assert band_decimals(width) == decimals


@pytest.mark.parametrize(("figures", "texts"), CASES["number_is_formatted_with_the_digits_of_its_band"])
def test_number_is_formatted_with_the_digits_of_its_band(figures, texts):
    assert format_with_band(*figures) == tuple(texts)


def test_signed_number_above_zero_has_a_plus():
    assert format_with_band(0.5, 0.0, 1.0, signed=True) == ("+0.5", "0.0", "+1.0")
    assert format_with_band(-0.5, -1.0, 0.0, signed=True) == ("-0.5", "-1.0", "0.0")
    assert format_with_band(7.0, 7.0, 7.0, signed=True).value == "+7"


@given(st.floats(-1e3, 1e3), st.floats(1e-8, 1e4))
def test_formatted_band_contains_the_whole_band(lo, width):
    texts = format_with_band(lo + width / 2, lo, lo + width)
    assert Decimal(texts.lo) <= Decimal(repr(lo))
    assert Decimal(texts.hi) >= Decimal(repr(lo + width))
    assert len({len(text.partition(".")[2]) for text in texts}) == 1
