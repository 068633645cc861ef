"""Bands: exact intervals that hold the true value, whatever is made of it."""

import math
from fractions import Fraction

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from fxticker.bands import Band, cross, drift_pct, hull, inverse, previous_rate, rate_band
from fxticker.demo.captures import read_captures
from fxticker.printed import BadFigure


def half_even(value, decimals):
    return Fraction(round(value * 10**decimals), 10**decimals)


def half_up(value, decimals):
    steps = math.floor(abs(value) * 10**decimals + Fraction(1, 2))
    return Fraction(steps if value >= 0 else -steps, 10**decimals)


def as_printed(value, decimals):
    steps = int(value * 10**decimals)
    whole, part = divmod(steps, 10**decimals)
    return f"{whole}.{part:0{decimals}d}" if decimals else str(whole)


def site_percentage(rate, base, rounded):
    """What the ticker prints, by the formula found in 371 captures."""
    percentage = rounded(100 * rounded(rate - base, 4) / base, 2)
    digits = as_printed(abs(percentage), 2).rstrip("0").rstrip(".")
    return f"{'-' if rate < base else ''}{digits}%"


ROUNDINGS = st.sampled_from([half_even, half_up])


@st.composite
def true_and_printed(draw):
    """A true rate and its printed text."""
    decimals = draw(st.integers(0, 9))
    least = Fraction(1, 10**decimals)
    step_halves = st.integers(2, 10**6).map(lambda halves: halves * least / 2)  # exactly between two printed rates too
    true = draw(st.fractions(least, 10**6) | st.fractions(least, 100 * least) | step_halves)
    return true, as_printed(draw(ROUNDINGS)(true, decimals), decimals)


PRINTED = true_and_printed()


@pytest.mark.parametrize(
    ("text", "nominal", "lo", "hi"),
    [
        ("0.00191", 1, Fraction(1905, 10**6), Fraction(1915, 10**6)),
        ("0.10840", 1, Fraction(108395, 10**6), Fraction(108405, 10**6)),
        ("0,1084", 1, Fraction(10835, 10**5), Fraction(10845, 10**5)),
        ("0.00001", 1, Fraction(5, 10**6), Fraction(15, 10**6)),
        ("87", 1, Fraction(173, 2), Fraction(175, 2)),
        ("5.25", 100, Fraction(5245, 10**5), Fraction(5255, 10**5)),
    ],
)
def test_band_of_a_printed_rate_is_half_a_step_to_each_side(text, nominal, lo, hi):
    assert rate_band(text, nominal) == Band(lo, hi)


@pytest.mark.parametrize("text", ["0", "-1", "", "0.00191%"])
def test_band_of_no_rate_is_refused(text):
    with pytest.raises(BadFigure):
        rate_band(text)


@given(PRINTED)
@settings(max_examples=200, deadline=None)
def test_band_holds_the_true_rate_and_stays_above_zero(printed):
    true, text = printed

    assert true in rate_band(text)
    assert rate_band(text).lo > 0


@given(PRINTED, st.sampled_from([1, 10, 100, 1000]))
@settings(max_examples=50, deadline=None)
def test_band_per_unit_holds_the_true_rate_per_unit(printed, nominal):
    true, text = printed

    assert true / nominal in rate_band(text, nominal)


@given(PRINTED)
@settings(max_examples=100, deadline=None)
def test_inverse_band_holds_the_true_inverse(printed):
    true, text = printed

    assert 1 / true in inverse(rate_band(text))
    assert inverse(inverse(rate_band(text))) == rate_band(text)


@given(PRINTED, PRINTED)
@settings(max_examples=100, deadline=None)
def test_cross_band_holds_the_true_cross_rate(base, quote):
    assert base[0] / quote[0] in cross(rate_band(base[1]), rate_band(quote[1]))


@given(PRINTED, PRINTED)
@settings(max_examples=100, deadline=None)
def test_drift_band_holds_the_true_drift(start, end):
    assert 100 * (end[0] / start[0] - 1) in drift_pct(rate_band(start[1]), rate_band(end[1]))


@given(st.lists(PRINTED, min_size=1, max_size=5))
@settings(max_examples=50, deadline=None)
def test_hull_holds_all_true_rates(printed):
    held = hull(rate_band(text) for _, text in printed)

    assert [true for true, _ in printed if true not in held] == []


@given(PRINTED, PRINTED)
@settings(max_examples=50, deadline=None)
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


def test_middle_of_a_printed_rates_band_is_the_figure():
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


@pytest.mark.parametrize(
    ("rate", "change", "lo", "hi"),
    [
        ("0.10840", "0.37%", Fraction(10795, 10**5), Fraction(10805, 10**5)),
        ("0.10840", "0,37%", Fraction(10795, 10**5), Fraction(10805, 10**5)),
        ("0.01144", "0%", Fraction(1139, 10**5), Fraction(1149, 10**5)),
        ("0.01144", "-0%", Fraction(1144, 10**5), Fraction(1149, 10**5)),
        ("0.01144", "\u22120%", Fraction(1144, 10**5), Fraction(1149, 10**5)),
        ("0.00008", "0%", Fraction(3, 10**5), Fraction(13, 10**5)),
        ("0.00008", "-0%", Fraction(8, 10**5), Fraction(13, 10**5)),
        ("0.00003", "0%", Fraction(0), Fraction(8, 10**5)),
    ],
)
def test_percentage_tells_where_the_sites_earlier_rate_lies(rate, change, lo, hi):
    assert previous_rate(rate, change) == Band(lo, hi)


@pytest.mark.parametrize(
    ("rate", "change"),
    [
        ("0.10840", "0.38%"),
        ("0.10840", "-0.38%"),
        ("0.01144", "0.5%"),
        ("0.01144", "0.01%"),
        ("0.28571", "0.02%"),
    ],
)
def test_percentage_that_no_earlier_rate_gives_is_inconsistent(rate, change):
    assert previous_rate(rate, change) is None


@pytest.mark.parametrize(("rate", "change"), [("0", "0%"), ("0.1", "0"), ("0.1", "x%")])
def test_earlier_rate_of_no_figure_is_refused(rate, change):
    with pytest.raises(BadFigure):
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
@settings(max_examples=200, deadline=None)
def test_any_earlier_rate_lies_in_the_band_of_the_percentage_it_gives(case, rounded):
    rate, rate_text, base = case

    band = previous_rate(rate_text, site_percentage(rate, base, rounded))

    assert band is not None
    assert base in band


@pytest.mark.parametrize(
    ("rate", "base", "expected"),
    [
        (Fraction(10840, 10**5), Fraction(10798, 10**5), "0.37%"),
        (Fraction(1144, 10**5), Fraction(1147, 10**5), "-0%"),
        (Fraction(1144, 10**5), Fraction(1142, 10**5), "0%"),
        (Fraction(8, 10**5), Fraction(6, 10**4), "-83.33%"),
        (Fraction(9, 10**5), Fraction(3, 10**5), "333.33%"),
        (Fraction(1188, 10**5), Fraction(1180, 10**5), "0.85%"),
    ],
)
def test_formula_of_this_file_prints_as_the_site(rate, base, expected):
    assert site_percentage(rate, base, half_even) == expected


def test_every_nonzero_percentage_of_the_captures_is_consistent():
    printed = {
        (tick.rate_text, tick.change_text)
        for capture in read_captures()
        for tick in capture.ticks
        if tick.change_text not in {"0%", "-0%"}
    }

    assert len(printed) > 50
    assert [(rate, change) for rate, change in printed if previous_rate(rate, change) is None] == []
