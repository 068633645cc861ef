"""Official rates by the day for which they are in force, instead of the instant at which they were seen."""

from __future__ import annotations

from collections.abc import Collection

import pandas as pd

from fxticker.models import Origin, TimeBasis

NEEDED = [
    "source",
    "pair",
    "observed_at",
    "time_basis",
    "rate",
    "rate_text",
    "nominal",
    "source_date",
    "recorded_at",
    "origin",
]
TICKER = "timesca"
"""The source whose printed date is that of its page; the date that a bank prints is the day its rate is for."""


def by_effective_day(ticks: pd.DataFrame, *, tickers: Collection[str] = (TICKER,)) -> pd.DataFrame:
    """Ticks of official sources, at 00:00 UTC of the day that they print.

    Banks fix a rate in the afternoon and print the next day's date; the same rate comes again with every poll and in
    the bank's history.

    Parameters
    ----------
    ticks
        As `fxticker.load` gives them.
    tickers
        Sources that print no such date; their ticks are left out.

    Returns
    -------
    pandas.DataFrame
        The columns of `ticks`, with `observed_at` the day and basis ``date``; of each source, pair and day the value
        that was recorded last: banks revise. A rate without a printed date is that of the day on which it was seen.
    """
    official = ticks[~ticks["source"].isin(list(tickers))]
    seen = official["observed_at"].dt.floor("D")
    day = official["source_date"].astype("datetime64[us]").dt.tz_localize("UTC").fillna(seen)
    dated = official.assign(observed_at=day.astype(seen.dtype))
    last = dated.sort_values("recorded_at", kind="stable").drop_duplicates(
        ["source", "pair", "observed_at"], keep="last"
    )
    basis = pd.Categorical([TimeBasis.DATE.value] * len(last))
    return last.assign(time_basis=basis).sort_values(["observed_at", "pair"], kind="stable", ignore_index=True)


def is_constant(ticks: pd.DataFrame) -> pd.Series:
    """Which ticks are of fixed rates, in force from their day on until another comes."""
    return ticks["origin"] == Origin.CONSTANT.value
