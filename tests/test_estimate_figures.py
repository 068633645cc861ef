"""Figures of the documentation about estimates: simulated walks and real official rates, with seeds. Slow."""

import math
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from walks import PER_DAY, START, frame, moves_within_a_day, official, polls, printed, together, walk

import fxticker as fx
from fxticker.analysis.interval_rows import known_of
from fxticker.analysis.move_bounds import contradiction, move_bounds

pytestmark = pytest.mark.slow
ECB = Path(__file__).parent / "payloads" / "ecb_reference_2022_2024.csv"


def started(seed, rate):
    """A rate near this one, so that the printed steps fall differently."""
    return rate * math.exp(np.random.default_rng(5000 + seed).uniform(-0.02, 0.02))


def estimated(pair, rate, daily_pct, seeds):
    """Of each simulation: the mean errors of the printed number and of the median, the band's width and coverage."""
    rows = []
    for seed in seeds:
        true = walk(seed, started(seed, rate), daily_pct)
        ticks = printed(pair, true)
        found = fx.estimate(ticks, max_move_pct=100 * math.expm1(moves_within_a_day(true)) * 1.0001)
        lo, hi = found["probable_lo"], found["probable_hi"]
        inside = (found["conditional_lo"] <= true) & (true <= found["conditional_hi"])
        rows.append(
            {
                "printed": 100 * np.abs(ticks["rate"].to_numpy() / true - 1).mean(),
                "median": 100 * np.abs(found["probable"] / true - 1).mean(),
                "width": 100 * ((hi - lo) / found["probable"]).mean(),
                "covers": ((lo <= true) & (true <= hi)).mean(),
                "conditional": inside.mean(),
            }
        )
    print(pair, pd.DataFrame(rows).describe().loc[["mean", "min", "max"]].round(4), sep="\n")
    return pd.DataFrame(rows)


def test_error_of_kzt_is_halved_and_its_band_covers():
    found = estimated("KZT/USD", 0.00191, 0.35, range(30))
    assert found["median"].mean() < found["printed"].mean() / 2
    assert found["width"].max() < 0.35
    assert found["covers"].min() > 0.9
    assert found["conditional"].min() == 1


@pytest.mark.parametrize(("pair", "rate", "daily_pct"), [("TJS/USD", 0.1084, 0.2), ("KGS/USD", 0.01144, 0.1)])
def test_fine_digits_take_no_harm(pair, rate, daily_pct):
    found = estimated(pair, rate, daily_pct, range(30))
    assert (found["median"] <= found["printed"]).all()
    assert found["covers"].min() > 0.9
    assert found["conditional"].min() == 1


def test_uzs_by_the_ticker_alone_is_hardly_known():
    found = estimated("UZS/USD", 1 / 12200, 0.2, range(30))
    assert found["covers"].mean() > 0.9
    assert found["width"].mean() > 8
    assert found["conditional"].min() == 1


def bounded(seed, most_pct, days):
    """A walk of UZS/USD that moves by at most so many percent within a day."""
    true = walk(seed, started(seed, 1 / 12200), 0.2, days)
    scale = min(1.0, math.log1p(most_pct / 100) / moves_within_a_day(true)) * (1 - 1e-9)
    return true[0] * (true / true[0]) ** scale


def test_uzs_with_an_official_rate_a_day_is_known_to_twice_the_move_and_the_basis():
    widths = []
    for seed in range(30):
        true, random = bounded(seed, 0.6, 90), np.random.default_rng(seed)
        shown = np.arange(90) * PER_DAY + random.integers(0, PER_DAY, 90)  # some time of each day
        bank = 1 / (true[shown] * 1.003 ** random.uniform(-1, 1, 90))
        days = pd.date_range(START, periods=90).as_unit("us")
        ticks = together(printed("UZS/USD", true), official("USD/UZS", [f"{rate:.2f}" for rate in bank], days))
        found = fx.estimate(ticks, max_move_pct=0.6, basis_pct=0.3)
        lo, hi = found["conditional_lo"], found["conditional_hi"]
        assert ((lo <= true) & (true <= hi)).all()
        widths.append((200 * (hi - lo) / (hi + lo)).max())
    print("widest", max(widths))
    assert max(widths) <= 1.2 + 2 * 0.3


@pytest.mark.parametrize("daily_pct", [1.0, 0.52, 0.35, 0.27])
def test_volatility_of_walks_is_told_where_a_step_is_under_two_daily_moves(daily_pct):
    rows = [
        fx.volatility(printed("KZT/USD", walk(seed, started(seed, 0.00191), daily_pct))).iloc[0] for seed in range(100)
    ]
    found = pd.DataFrame(rows)
    error = (found["volatility_pct"] / daily_pct - 1).abs()
    covers = (found["volatility_lo_pct"] <= daily_pct) & (daily_pct <= found["volatility_hi_pct"])
    print(daily_pct, "error", error.median(), "covers", covers.mean(), "naive", found["naive_pct"].median())
    assert error.median() < 0.15
    assert covers.mean() >= 0.9


def five_updates_a_day(seed, daily_pct):
    """A rate that stands still between some five updates a day."""
    random = np.random.default_rng(seed)
    is_update = random.random(90 * PER_DAY) < 5 / PER_DAY
    steps = np.where(is_update, random.normal(0, daily_pct / 100 / math.sqrt(5), len(is_update)), 0)
    return started(seed, 0.00191) * np.exp(np.cumsum(steps))


def test_rate_with_few_updates_a_day_is_covered_less_by_the_model():
    covers, told = [], []
    for seed in range(30):
        true = five_updates_a_day(seed, 0.35)
        ticks = printed("KZT/USD", true)
        found, row = fx.estimate(ticks, max_move_pct=5), fx.volatility(ticks).iloc[0]
        covers.append(((found["probable_lo"] <= true) & (true <= found["probable_hi"])).mean())
        told.append(row["volatility_lo_pct"] <= 0.35 <= row["volatility_hi_pct"])
    print("probable band covers", np.mean(covers), "volatility", np.mean(told))
    assert 0.8 < np.mean(covers) < 0.93
    assert np.mean(told) > 0.85


@pytest.mark.parametrize("currency", ["HUF", "KRW"])
@pytest.mark.parametrize("year", [2022, 2023, 2024])
def test_volatility_of_real_official_rates_survives_rounding(currency, year):
    rates = 1 / pd.read_csv(ECB, index_col="date", parse_dates=True)[currency].loc[str(year)]
    days = rates.index.tz_localize("UTC").as_unit("us")
    whole, rounded = (
        fx.volatility(frame(f"{currency}/EUR", [f"{rate:.{digits}f}" for rate in rates], days, time_basis="date")).iloc[
            0
        ]
        for digits in (9, 5)
    )
    print(currency, year, whole["volatility_pct"], rounded.iloc[5:10].to_dict())
    assert rounded["volatility_pct"] == pytest.approx(whole["volatility_pct"], rel=0.15)
    assert rounded["volatility_lo_pct"] <= whole["volatility_pct"] <= rounded["volatility_hi_pct"]


PAIRS = {"KGS/USD": 0.01144, "KZT/USD": 0.00191, "TJS/USD": 0.1084, "TMT/USD": 0.28571, "UZS/USD": 1 / 12200}


def test_year_of_five_pairs_is_answered_in_time():
    at = polls(365 * PER_DAY)
    ticks = together(
        *(printed(pair, walk(seed, rate, 0.2, 365), at) for seed, (pair, rate) in enumerate(PAIRS.items()))
    ).sort_values(["observed_at", "pair"], ignore_index=True)
    assert seconds(lambda: fx.rate(ticks, [*PAIRS], start=at[0], end=at[-1], every="15min")) < 2
    assert seconds(lambda: conditional(ticks)) < 2
    assert seconds(lambda: fx.estimate(ticks, max_move_pct=2)) < 20
    assert seconds(lambda: fx.volatility(ticks)) < 60


def conditional(ticks):
    for _, rows in fx.quotes(ticks).groupby("pair", observed=True):
        known = known_of(rows, move=0.02)
        assert contradiction(known, 0.02) is None
        move_bounds(known, known.begin, 0.02)


def seconds(work):
    """Processor time, for other programs may run."""
    begin = time.process_time()
    work()
    print("seconds", time.process_time() - begin)
    return time.process_time() - begin
