"""Volatility of real official rates: by all their digits, and rounded to the five decimals of the ticker."""

from pathlib import Path

import pandas as pd
import pytest
from walks import frame

import fxticker as fx

PAYLOADS = Path(__file__).parent / "payloads"


def rates_of(currency, file, first, last):
    """USD per unit of the currency, by day."""
    rates = pd.read_csv(PAYLOADS / f"imf_{file}.csv", index_col="date", parse_dates=True)[currency]
    return 1 / rates.loc[first:last].dropna()


def volatility_of(currency, rates, decimals):
    days = rates.index.tz_localize("UTC").as_unit("us")
    texts = [f"{rate:.{decimals}f}" for rate in rates]
    return fx.volatility(frame(f"{currency}/USD", texts, days, time_basis="date")).iloc[0]


def both(currency, file, first, last):
    rates = rates_of(currency, file, first, last)
    whole, rounded = (volatility_of(currency, rates, decimals) for decimals in (12, 5))
    print(
        f"| {currency}, {first} to {last} | {rounded['step_pct'] / whole['volatility_pct']:.2f} |"
        f" {whole['volatility_pct']:.4f} | {rounded['volatility_pct']:.4f} |"
        f" {rounded['volatility_lo_pct']:.4f} to {rounded['volatility_hi_pct']:.4f} | {rounded['naive_pct']:.4f} |"
        f" {rounded['reason']}"
    )
    assert rounded["volatility_lo_pct"] <= whole["volatility_pct"] <= rounded["volatility_hi_pct"]
    return whole, rounded


def holds(currency, file, first, last):
    whole, rounded = both(currency, file, first, last)
    assert rounded["volatility_pct"] == pytest.approx(whole["volatility_pct"], rel=0.07)


@pytest.mark.parametrize(
    "year", ["2010", *(pytest.param(str(year), marks=pytest.mark.slow) for year in range(2011, 2019))]
)
def test_year_of_the_tenge_has_the_volatility_of_its_official_rate(year):
    holds("KZT", "kzt_2010_2018", year, year)


@pytest.mark.parametrize(
    ("currency", "first", "last"),
    [
        ("KGS", "2013", "2024"),
        pytest.param("TJS", "2013", "2024", marks=pytest.mark.slow),
        ("KZT", "2019", "2024"),
        ("UZS", "2013", "2018"),
    ],
)
def test_month_ends_have_the_volatility_of_their_official_rates(currency, first, last):
    holds(currency, "month_ends_2013_2024", first, last)


def test_month_ends_of_uzs_are_not_told_where_a_step_is_12_percent():
    whole, rounded = both("UZS", "month_ends_2013_2024", "2019", "2024")
    assert whole["volatility_pct"] == pytest.approx(0.28, rel=0.05)
    assert rounded["reason"] == "cannot be told: an interval is more than 32 daily moves wide"
