"""Figures beside their bands: as many digits as the band supports, the band rounded outward."""

import math
from decimal import Decimal
from fractions import Fraction

import pytest
from builders import cases
from hypothesis import example, given
from hypothesis import strategies as st

from fxticker.model.bands import cross, rate_band
from fxticker.model.formatting import band_decimals, format_with_band, printed_text, short_text

CASES = cases("formatting")


@pytest.mark.parametrize(
    ("width", "decimals"),
    [
        (250.0, 0),
        (25.0, 0),
        (2.5, 1),
        (0.7, 2),
        (0.0185, 3),
        (1e-12, 13),
        (1e-20, 20),
        (0.00191 - 0.00190, 6),
        (1.5 - 1.49999, 6),
    ],
)
def test_decimals_show_a_band_with_two_digits(width, decimals):
    assert band_decimals(width) == decimals


@pytest.mark.parametrize(("figures", "texts"), CASES["number_is_formatted_with_the_digits_of_its_band"])
def test_number_is_formatted_with_the_digits_of_its_band(figures, texts):
    assert format_with_band(*figures) == tuple(texts)


def test_tie_that_is_computed_in_doubles_is_rounded_as_a_tie():
    assert format_with_band(24.749999999999996, 23.23, 26.47) == format_with_band(24.75, 23.23, 26.47)


@given(st.integers(1, 10**5), st.integers(1, 10**5))
@example(208, 8)  # 0.002085 / 0.000075 is 27.8, and 27.800000000000004 in doubles
def test_band_of_a_cross_rate_computed_in_doubles_is_the_exact_one(base, quote):
    exact = cross(*(rate_band(f"{Decimal(steps).scaleb(-5):f}", 1) for steps in (base, quote)))
    (base_lo, base_hi), (quote_lo, quote_hi) = (((2 * each - 1) / 2e5, (2 * each + 1) / 2e5) for each in (base, quote))
    texts = format_with_band(base / quote, base_lo / quote_hi, base_hi / quote_lo)
    steps = 10 ** len(texts.lo.partition(".")[2])
    assert Fraction(texts.lo) * steps == math.floor(exact.lo * steps)
    assert Fraction(texts.hi) * steps == math.ceil(exact.hi * steps)


def test_signed_number_above_zero_has_a_plus():
    assert format_with_band(0.5, 0.0, 1.0, signed=True) == ("+0.5", "0.0", "+1.0")
    assert format_with_band(-0.5, -1.0, 0.0, signed=True) == ("-0.5", "-1.0", "0.0")
    assert format_with_band(7.0, 7.0, 7.0, signed=True).value == "+7"


@given(st.floats(-1e3, 1e3), st.floats(1e-8, 1e4))
def test_formatted_band_contains_the_whole_band(lo, width):
    texts = format_with_band(lo + width / 2, lo, lo + width)
    assert Decimal(texts.lo) <= Decimal(f"{lo:.14g}")
    assert Decimal(texts.hi) >= Decimal(f"{lo + width:.14g}")
    decimals, *of_ends = [len(text.partition(".")[2]) for text in texts]
    assert decimals <= of_ends[0] == of_ends[1]


@given(st.integers(1, 10**9), st.integers(0, 9), st.sampled_from([1, 10, 100, 10_000]))
def test_printed_rate_is_formatted_with_its_digits_per_one_unit(steps, decimals, nominal):
    rate_text = f"{Decimal(steps).scaleb(-decimals):f}"
    band = rate_band(rate_text, nominal)
    texts = format_with_band(float(Fraction(rate_text) / nominal), float(band.lo), float(band.hi))
    assert texts.value == f"{Decimal(rate_text) / nominal:.{decimals + len(str(nominal)) - 1}f}"


@pytest.mark.parametrize(
    ("value", "text"), [(1 / 3, "0.333"), (143.04, "143"), (98765.4, "98765"), (8e-05, "0.00008"), (2.0, "2")]
)
def test_number_without_a_band_has_few_digits(value, text):
    assert short_text(value) == text


def test_printed_text_of_several_units_names_them():
    assert printed_text("62,8322", 10_000) == "62,8322 per 10,000"
    assert printed_text("0.00191", 1) == "0.00191"
