"""Volatility: the likelihood of a walk known by intervals, its maximum, its interval, and when it cannot be told."""

import math

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner
from hypothesis import assume, example, given
from hypothesis import strategies as st
from laws import law
from walks import official, polls, printed, walk

import fxticker as fx
from fxticker.analysis.interval_walk import MOST_STEPS, Intervals, Walk
from fxticker.analysis.sigma import sigma_of
from fxticker.cli import app


def likelihood_of_two(lo, hi, next_lo, next_hi, step):
    """The probability of two intervals in closed form, by the integral of the normal distribution function."""

    def integral(x):
        return x * (1 + math.erf(x / math.sqrt(2))) / 2 + math.exp(-x * x / 2) / math.sqrt(2 * math.pi)

    corners = ((next_hi, lo, 1), (next_hi, hi, -1), (next_lo, lo, -1), (next_lo, hi, 1))
    return step * sum(sign * integral((end - begin) / step) for end, begin, sign in corners)


@law(100)
@given(
    st.floats(0.2, 40),
    st.floats(0.3, 3),
    st.floats(-2, 2),
    st.integers(1, 3000),
)
def test_likelihood_of_two_intervals_is_that_of_the_closed_form(ratio, other, distance, minutes):
    width, step = 0.005, 0.005 / ratio
    sigma = step / math.sqrt(minutes / 1440)
    begin, end = distance * step, distance * step + other * width
    intervals = Intervals(np.array([0, minutes]), np.array([0.0, begin]), np.array([width, end]))
    expected = likelihood_of_two(0, width, begin, end, step)
    assume(max(other, 1) * ratio < MOST_STEPS)
    assert Walk(intervals, sigma).log_likelihood() == pytest.approx(math.log(expected), abs=0.01)


def test_likelihood_of_many_equal_intervals_is_that_of_its_steps_one_by_one():
    minutes = np.cumsum([0, *[15] * 50, 30, *[15] * 50])
    intervals = Intervals(minutes, np.zeros(len(minutes)), np.full(len(minutes), 0.005))
    walked = Walk(intervals, 0.004)
    mass = walked._first
    for kind in walked._kind:
        mass = walked._matrices[kind] @ mass
    assert walked.log_likelihood() == pytest.approx(math.log(mass.sum()), rel=1e-9)


@law(12)
@given(st.integers(0, 10**6), st.floats(0.05, 2), st.floats(0.0001, 10))
@example(1794, 1.359375, 1.078125)  # the first, wide parabola has its maximum at its middle
def test_volatility_of_rates_with_all_digits_is_the_root_of_their_squared_changes(seed, daily_pct, rate):
    true = walk(seed, rate, daily_pct, days=40)[::96]
    ticks = printed("KZT/USD", true, pd.date_range("2025-06-02", periods=40, tz="UTC").as_unit("us"), decimals=12)
    [row] = fx.volatility(ticks).itertuples()
    assert row.volatility_pct == pytest.approx(100 * math.sqrt((np.diff(np.log(true)) ** 2).mean()), rel=0.01)
    assert row.volatility_pct == pytest.approx(row.naive_pct, rel=0.01)
    assert row.volatility_lo_pct < row.volatility_pct < row.volatility_hi_pct


@pytest.mark.slow
@law(20)
@given(st.integers(0, 10**6), st.floats(0.3, 2), st.integers(0, 6))
def test_interval_by_few_digits_meets_that_by_all_digits_of_the_same_path(seed, daily_pct, decimals):
    true = walk(seed, 0.00191, daily_pct, days=30)[::96]
    at = pd.date_range("2025-06-02", periods=30, tz="UTC").as_unit("us")
    coarse, fine = (fx.volatility(printed("KZT/USD", true, at, digits)).iloc[0] for digits in (5 + decimals, 12))
    assert coarse["volatility_lo_pct"] <= fine["volatility_hi_pct"]
    assert fine["volatility_lo_pct"] <= coarse["volatility_hi_pct"]
    assert np.isnan(coarse["volatility_pct"]) == isinstance(coarse["reason"], str)
    if not np.isnan(coarse["volatility_pct"]):
        assert coarse["volatility_lo_pct"] < coarse["volatility_pct"] < coarse["volatility_hi_pct"]


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_printed_hops_are_no_volatility(seed):
    [row] = fx.volatility(printed("KZT/USD", walk(seed, 0.00191, 0.35))).itertuples()
    assert row.naive_pct > 1.0
    assert row.volatility_pct == pytest.approx(0.35, rel=0.15)
    assert row.volatility_lo_pct < 0.35 < row.volatility_hi_pct
    assert row.step_pct == pytest.approx(0.52, abs=0.02)
    assert row.reason is None or pd.isna(row.reason)


def test_volatility_cannot_be_told_where_a_step_is_many_daily_moves():
    [row] = fx.volatility(printed("UZS/USD", walk(0, 1 / 12200, 0.2))).itertuples()
    assert math.isnan(row.volatility_pct)
    assert row.volatility_lo_pct == 0
    assert 0.2 < row.volatility_hi_pct < 2
    assert row.reason == "cannot be told: an interval is more than 32 daily moves wide"


def test_volatility_cannot_be_told_from_few_rates():
    [row] = fx.volatility(printed("KZT/USD", [0.00191] * 5)).itertuples()
    assert math.isnan(row.volatility_hi_pct)
    assert row.reason == "cannot be told: fewer than 10 days with rates"


def test_single_tick_has_no_volatility():
    with pytest.raises(fx.NoData, match="no source has two ticks"):
        fx.volatility(printed("KZT/USD", [0.00191]))


def test_inverse_pair_has_the_same_volatility():
    ticks = printed("KZT/USD", walk(5, 0.00191, 0.35, days=10))
    both = [fx.volatility(ticks, pairs=[pair]).iloc[0] for pair in ("KZT/USD", "USD/KZT")]
    for name in ("volatility_lo_pct", "volatility_hi_pct", "naive_pct", "step_pct"):
        assert both[0][name] == pytest.approx(both[1][name], rel=1e-3)


def test_official_rates_count_once_for_each_value_date():
    days = pd.date_range("2025-01-01", periods=200, tz="UTC").as_unit("us")
    true = 12200 * np.exp(np.cumsum(np.random.default_rng(1).normal(0, 0.002, 200)))
    once = official("USD/UZS", [f"{rate:.2f}" for rate in true], days)
    again = once.assign(observed_at=once["observed_at"] - pd.Timedelta(hours=9), time_basis="clock").astype(
        {"time_basis": "category"}
    )
    repeated = pd.concat([again, again.assign(observed_at=again["observed_at"] + pd.Timedelta(hours=4))])
    for column in ("source", "pair", "rate_text", "time_basis", "origin", "change_text"):
        repeated[column] = repeated[column].astype("category")
    found = [fx.volatility(ticks).iloc[0] for ticks in (once, repeated.reset_index(drop=True))]
    assert found[0]["volatility_pct"] == pytest.approx(0.2, rel=0.15)
    assert found[1]["volatility_pct"] == pytest.approx(found[0]["volatility_pct"], rel=1e-9)
    assert found[1]["ticks"] == 200


def test_thinned_intervals_are_far_enough_apart_and_begin_with_the_first():
    intervals = Intervals(np.arange(0, 30000, 15), np.zeros(2000), np.full(2000, 0.12))
    thinned = intervals.thinned(0.004)
    steps = 0.004 * np.sqrt(np.diff(thinned.minutes) / 1440)
    assert thinned.minutes[0] == 0
    assert (0.12 / steps < 61).all()
    assert (0.12 / steps > 55).all()


def test_jump_that_no_small_sigma_allows_is_no_failure():
    texts = [0.00191] * 200 + [0.00250] * 200
    sigma = sigma_of_printed(texts)
    assert sigma.lo < sigma.likeliest < sigma.hi


@pytest.mark.parametrize("pair", ["TMT/USD", "USD/TMT"])
def test_hops_about_a_peg_are_no_volatility_and_the_frame_says_so(pair):
    ticks = printed("TMT/USD", ([0.28490] * 96 + [0.28615] * 96) * 20)
    [row] = fx.volatility(ticks, pairs=pair).to_dict("records")
    assert np.isnan([row[name] for name in ("volatility_pct", "volatility_lo_pct", "volatility_hi_pct")]).all()
    assert row["reason"].startswith(f"cannot be told: {pair} is pegged, and hops between a few levels")
    assert row["naive_pct"] > 0.4


@pytest.mark.parametrize(
    ("first", "second", "third"), [(0.28490, 0.28615, 0.28615), (0.0001, 5, 0.0001), (0.00191, 0.0025, 0.0033)]
)
def test_hop_of_a_rate_at_rest_leaves_a_band_everywhere(first, second, third):
    ticks = printed("KGS/USD", [first] * 5760 + [second] + [third] * 5760)
    found = fx.estimate(ticks, max_move_pct=1)
    assert found[["probable_lo", "probable", "probable_hi", "sigma_pct"]].notna().all(axis=None)
    assert (found["probable_lo"] <= found["probable_hi"]).all()


def sigma_of_printed(rates):
    at = (polls(len(rates)).to_numpy("M8[m]")).astype(np.int64)
    logs = [np.log(np.array(rates) + half) for half in (-5e-6, 5e-6)]
    return sigma_of(Intervals(at, *logs))


def test_command_prints_what_can_be_told_and_names_what_cannot(history_store):
    result = CliRunner().invoke(app, ["volatility", "--store", str(history_store), "--pair", "UZS", "--pair", "TJS"])
    assert result.exit_code == 0, result.output
    assert "cannot be told: an interval is more than 32 daily moves wide" in result.stderr
    lines = {line.split()[0]: line for line in result.stdout.splitlines() if "/USD" in line}
    assert "0.30 to 0.45" in lines["TJS/USD"]
    assert lines["UZS/USD"].split() == ["UZS/USD", "12.5", "0.00", "to", "0.67", "0"]
