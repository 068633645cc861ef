"""Bands: exact intervals that hold the true value, whatever is made of it."""

from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest
from builders import cases
from hypothesis import example, given
from hypothesis import strategies as st
from laws import law
from true_rates import ROUNDINGS, as_printed, half_even, half_up, site_percentage, true_and_printed

from fxticker.model.bands import (
    Band,
    cross,
    drift_pct,
    drift_pct_of,
    hull,
    inverse,
    outward,
    percent_band,
    previous_rate,
    quotient,
    rate_band,
)
from fxticker.model.printed import InvalidNumber
from fxticker.simulation.captures import read_captures

CASES = cases("bands")

PRINTED = true_and_printed()


@pytest.mark.parametrize(("text", "nominal", "lo", "hi"), CASES["band_of_a_printed_rate_is_half_a_step_to_each_side"])
def test_band_of_a_printed_rate_is_half_a_step_to_each_side(text, nominal, lo, hi):
    assert rate_band(text, nominal) == Band(Fraction(lo), Fraction(hi))


@pytest.mark.parametrize("text", ["0", "-1", "", "0.00191%"])
def test_band_of_no_rate_is_refused(text):
    with pytest.raises(InvalidNumber):
        rate_band(text)


@given(PRINTED)
@law(200)
def test_band_holds_the_true_rate_and_stays_above_zero(printed):
    true, text = printed

    assert true in rate_band(text)
    assert rate_band(text).lo > 0


@given(PRINTED, st.sampled_from([1, 10, 100, 1000]))
@law(50)
def test_band_per_unit_holds_the_true_rate_per_unit(printed, nominal):
    true, text = printed

    assert true / nominal in rate_band(text, nominal)


@given(PRINTED)
@law(100)
def test_inverse_band_holds_the_true_inverse(printed):
    true, text = printed

    assert 1 / true in inverse(rate_band(text))
    assert inverse(inverse(rate_band(text))) == rate_band(text)


@given(PRINTED, PRINTED)
@law(100)
def test_cross_band_holds_the_true_cross_rate(base, quote):
    assert base[0] / quote[0] in cross(rate_band(base[1]), rate_band(quote[1]))


@given(PRINTED, PRINTED)
@law(100)
def test_drift_band_holds_the_true_drift(start, end):
    assert 100 * (end[0] / start[0] - 1) in drift_pct(rate_band(start[1]), rate_band(end[1]))


@given(PRINTED, PRINTED, PRINTED)
@law(100)
def test_band_of_a_change_in_percent_of_a_third_rate_holds_the_true_one(start, end, base):
    band = drift_pct_of(*(rate_band(text) for _, text in (start, end, base)))

    assert 100 * (end[0] - start[0]) / base[0] in band


def test_change_of_a_third_rate_that_may_be_zero_is_refused():
    one = rate_band("1")
    with pytest.raises(ValueError, match="above zero"):
        drift_pct_of(one, one, Band(Fraction(0), Fraction(1)))


@given(PRINTED, PRINTED, PRINTED)
@law(100)
def test_cross_rates_are_triangular_within_bands(first, second, third):
    one, two, three = (rate_band(text) for _, text in (first, second, third))
    around = cross(cross(one, two), cross(three, two))

    assert first[0] / third[0] in cross(one, three)
    assert first[0] / third[0] in around
    assert around.lo <= cross(one, three).lo
    assert around.hi >= cross(one, three).hi


@given(PRINTED, PRINTED)
@law(100)
def test_inverse_of_a_cross_rate_is_the_cross_rate_the_other_way(base, quote):
    one, other = rate_band(base[1]), rate_band(quote[1])

    assert inverse(cross(one, other)) == cross(other, one)


@given(PRINTED, PRINTED, PRINTED)
@law(100)
def test_drift_of_a_whole_span_lies_within_those_of_its_halves_taken_together(start, middle, end):
    halves = [drift_pct(*(rate_band(text) for _, text in span)) for span in ((start, middle), (middle, end))]
    whole = drift_pct(rate_band(start[1]), rate_band(end[1]))
    lo, hi = (
        100 * ((1 + halves[0].lo / 100) * (1 + halves[1].lo / 100) - 1),
        100 * ((1 + halves[0].hi / 100) * (1 + halves[1].hi / 100) - 1),
    )

    assert lo <= whole.lo <= 100 * (end[0] / start[0] - 1) <= whole.hi <= hi


@given(PRINTED, PRINTED)
@law(200)
def test_bounds_computed_in_doubles_and_moved_outward_hold_the_exact_ones(base, quote):
    one, other = rate_band(base[1]), rate_band(quote[1])
    lo, hi = outward(float(one.lo) / float(other.hi), float(one.hi) / float(other.lo))

    assert Fraction(lo) < cross(one, other).lo
    assert Fraction(hi) > cross(one, other).hi


@pytest.mark.parametrize(("lo", "hi"), [(-2.0, -1.0), (-1.0, 1.0), (1.0, 2.0)])
def test_outward_is_apart_on_both_sides_of_zero(lo, hi):
    moved_lo, moved_hi = outward(lo, hi)

    assert lo - 1e-14 < moved_lo < lo
    assert hi < moved_hi < hi + 1e-14


@given(st.lists(PRINTED, min_size=1, max_size=5))
@law(50)
def test_hull_holds_all_true_rates(printed):
    held = hull(rate_band(text) for _, text in printed)

    assert [true for true, _ in printed if true not in held] == []


@given(PRINTED, PRINTED)
@law(50)
def test_drift_of_a_cross_rate_of_hulls_holds_the_true_one(first, second):
    either = hull([rate_band(first[1]), rate_band(second[1])])

    assert 100 * (first[0] / second[0] - 1) in drift_pct(inverse(either), inverse(either))


def test_drift_between_two_printed_rates():
    band = drift_pct(rate_band("0.10798"), rate_band("0.10840"))

    assert float(band.lo) == pytest.approx(0.3797, abs=1e-4)
    assert float(band.hi) == pytest.approx(0.3982, abs=1e-4)
    assert 0 not in band


def test_drift_of_one_coarse_printed_rate_is_wide():
    band = drift_pct(rate_band("0.00008"), rate_band("0.00008"))

    assert float(band.lo) == pytest.approx(-11.7647, abs=1e-4)
    assert float(band.hi) == pytest.approx(13.3333, abs=1e-4)
    assert 0 in band


def test_cross_rate_of_two_printed_rates():
    band = cross(rate_band("0.00191"), rate_band("0.00008"))

    assert band == Band(Fraction(1905, 85), Fraction(1915, 75))


def test_inverse_of_a_printed_rate():
    assert inverse(rate_band("0.00008")) == Band(Fraction(10**6, 85), Fraction(10**6, 75))


def test_hull_of_bands_apart_spans_the_gap():
    assert hull([Band(Fraction(3), Fraction(4)), Band(Fraction(1), Fraction(2))]) == Band(Fraction(1), Fraction(4))


def test_middle_of_the_band_of_a_printed_rate_is_the_rate():
    assert rate_band("0.00191").middle == Fraction(191, 10**5)


def test_ends_belong_to_the_band():
    band = Band(Fraction(1), Fraction(2))

    assert 1 in band
    assert 2 in band
    assert Fraction(999_999, 1_000_000) not in band
    assert Fraction(2_000_001, 1_000_000) not in band


def test_ends_in_the_wrong_order_are_refused():
    with pytest.raises(ValueError, match="above its upper end"):
        Band(Fraction(2), Fraction(1))


@pytest.mark.parametrize("lo", [Fraction(0), Fraction(-1)])
def test_inverse_around_zero_is_refused(lo):
    with pytest.raises(ValueError, match="above zero"):
        inverse(Band(lo, Fraction(1)))


@pytest.mark.parametrize(("base_lo", "quote_lo"), [(1, 0), (1, -1), (-1, 1)])
def test_cross_rate_not_above_zero_is_refused(base_lo, quote_lo):
    with pytest.raises(ValueError, match="above zero"):
        cross(Band(Fraction(base_lo), Fraction(2)), Band(Fraction(quote_lo), Fraction(2)))


def test_hull_of_nothing_is_refused():
    with pytest.raises(ValueError, match="no bands"):
        hull([])


@pytest.mark.parametrize(("rate", "change", "lo", "hi"), CASES["percentage_gives_the_band_of_the_earlier_rate"])
def test_percentage_gives_the_band_of_the_earlier_rate(rate, change, lo, hi):
    assert previous_rate(rate, change) == Band(Fraction(lo), Fraction(hi))


@pytest.mark.parametrize(("rate", "change"), CASES["percentage_that_no_earlier_rate_gives_is_inconsistent"])
def test_percentage_that_no_earlier_rate_gives_is_inconsistent(rate, change):
    assert previous_rate(rate, change) is None


@pytest.mark.parametrize(("rate", "change"), [("0", "0%"), ("0.1", "0"), ("0.1", "x%")])
def test_earlier_rate_of_an_invalid_number_is_refused(rate, change):
    with pytest.raises(InvalidNumber):
        previous_rate(rate, change)


@st.composite
def rate_and_base(draw):
    """A rate as printed, and any earlier rate of the site."""
    decimals = draw(st.integers(2, 7))
    rate = Fraction(draw(st.integers(1, 60_000)), 10**decimals)
    near = st.integers(-3000, 3000).map(lambda steps: rate + Fraction(steps, 10**6))
    scaled = st.fractions(Fraction(1, 100), 100).map(lambda factor: rate * factor)
    base = draw((near | scaled | st.fractions(Fraction(1, 10**6), 10**4)).filter(lambda value: value > 0))
    return rate, as_printed(rate, decimals), base


@given(rate_and_base(), ROUNDINGS)
@example((Fraction(8, 10**5), "0.00008", Fraction(13, 10**5)), half_even)
@example((Fraction(8, 10**5), "0.00008", Fraction(13, 10**5)), half_up)
@example((Fraction(1, 10**5), "0.00001", Fraction(6, 10**5)), half_up)
@example((Fraction(1, 10**5), "0.00001", Fraction(6, 10**4)), half_even)
@example((Fraction(1144, 10**5), "0.01144", Fraction(1144, 10**5)), half_even)
@example((Fraction(500), "500.00", Fraction(50_001, 100)), half_even)
@law(200)
def test_any_earlier_rate_lies_in_the_band_of_the_percentage_it_gives(case, rounded):
    rate, rate_text, base = case

    band = previous_rate(rate_text, site_percentage(rate, base, rounded))

    assert band is not None
    assert base in band


@pytest.mark.parametrize(("rate", "base", "expected"), CASES["formula_of_this_file_prints_as_the_site"])
def test_formula_of_this_file_prints_as_the_site(rate, base, expected):
    assert site_percentage(Fraction(rate), Fraction(base), half_even) == expected


def test_every_nonzero_percentage_of_the_captures_is_consistent():
    printed = {
        (tick.rate_text, tick.change_text)
        for capture in read_captures()
        for tick in capture.ticks
        if tick.change_text not in {"0%", "-0%"}
    }

    assert len(printed) > 50
    assert [(rate, change) for rate, change in printed if previous_rate(rate, change) is None] == []


@pytest.mark.parametrize(
    ("text", "lo", "hi"),
    [("0.37%", "0.365", "0.375"), ("-0%", "-0.005", "0"), ("0%", "-0.005", "0.005"), ("0.1%", "0.095", "0.105")],
)
def test_band_of_a_percentage_is_half_a_step_to_each_side(text, lo, hi):
    assert percent_band(text) == Band(Fraction(lo), Fraction(hi))


RATES = st.decimals("0.00001", "99999", places=5)


@example(Decimal("0.00198"), Decimal("0.00008"), Decimal("24.75"))
@example(Decimal(1), Decimal("0.00008"), Decimal(12500))
@law(200)
@given(RATES, RATES, RATES)
def test_quotient_that_is_a_short_decimal_is_the_double_of_it(dividend, divisor, short):
    """A product of two printed numbers, divided by one of them, is the other; any quotient stays within its error."""
    product = Fraction(short) * Fraction(divisor)
    exact = Fraction(dividend) / Fraction(divisor)
    dividends = np.array([float(product), float(Fraction(dividend))])
    [back, other] = quotient(dividends, np.full(2, float(Fraction(divisor)))).tolist()
    assert back == float(Fraction(short))
    assert abs(Fraction(other) - exact) <= exact * Fraction(8, 2**52)


def test_quotient_of_nothing_is_nothing():
    assert quotient(np.empty(0), np.ones(1)).tolist() == []
    assert np.isnan(quotient(np.array([np.nan]), np.ones(1)))
