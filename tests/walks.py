"""Simulated rates: Gaussian random walks of the logarithm, printed as the site prints, in frames as of `load`."""

import math

import numpy as np
import pandas as pd
from drawn import ticks_of

PER_DAY = 96
"""Polls of a day, every 15 minutes."""
START = "2025-06-02T00:00Z"
TEXTS = ("source", "pair", "rate_text", "time_basis", "origin", "change_text")


def walk(seed, rate, daily_pct, days=90):
    """True rates at every poll."""
    steps = np.random.default_rng(seed).normal(0, daily_pct / 100 / math.sqrt(PER_DAY), days * PER_DAY - 1)
    return rate * np.exp(np.concatenate([[0.0], np.cumsum(steps)]))


def polls(number, start=START):
    return pd.date_range(start, periods=number, freq="15min").as_unit("us")


def printed(pair, rates, at=None, decimals=5):
    """Ticks of true rates."""
    at = polls(len(rates)) if at is None else at
    return frame(pair, [f"{rate:.{decimals}f}" for rate in rates], at)


def frame(pair, texts, at, **columns):
    ticks = ticks_of({"pair": pair, "observed_at": at, "rate_text": texts})
    return ticks.assign(source_date=pd.Series(pd.NaT, ticks.index, "datetime64[us]"), origin="live", **columns)


def official(pair, texts, days, source="cbu"):
    """Rates of a bank, one for each value date."""
    days = pd.DatetimeIndex(days)
    ticks = frame(pair, texts, days, time_basis="date")
    return ticks.assign(source=source, source_date=days.tz_localize(None))


def together(*frames):
    """Ticks of several frames in one."""
    plain = [each.astype(dict.fromkeys(TEXTS, "str")) for each in frames]
    return pd.concat(plain, ignore_index=True).astype(dict.fromkeys(TEXTS, "category"))


def moves_within_a_day(rates):
    """The largest ratio of two rates at most 24 hours apart, as a logarithm."""
    logs = np.log(rates)
    windows = np.lib.stride_tricks.sliding_window_view(logs, min(PER_DAY + 1, len(logs)))
    return float((windows.max(axis=1) - windows.min(axis=1)).max())
