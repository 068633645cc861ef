"""Value dates: moves official rates from the instant of observation to the day on which they come into force."""

from __future__ import annotations

from dataclasses import replace

import pandas as pd

from fxticker.analysis.source_quotes import Ticks, ticks_of
from fxticker.frames.tick_columns import require_columns
from fxticker.model.records import TimeBasis
from fxticker.model.selection import Selection
from fxticker.store.store import opened

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


def by_effective_day(ticks: pd.DataFrame) -> pd.DataFrame:
    """Return ticks of official sources at 00:00 UTC of the date that they print.

    Banks fix a rate in the afternoon and print the next day's date; the same rate is repeated by every poll and in
    the bank's history. The day is the bank's local day; its offset of five or six hours from UTC is ignored.

    Parameters
    ----------
    ticks
        A frame of `fxticker.load`, of sources that print a value date.

    Returns
    -------
    pandas.DataFrame
        The columns of `ticks`, with `observed_at` the value date and basis ``date``; one row per source, pair and day:
        the last recorded one, because banks revise rates. A rate without a printed date gets the day of observation.
    """
    seen = ticks["observed_at"].dt.floor("D")
    day = ticks["source_date"].astype("datetime64[us]").dt.tz_localize("UTC").fillna(seen)
    dated = ticks.assign(observed_at=day.astype(seen.dtype))
    last = dated.sort_values("recorded_at", kind="stable").drop_duplicates(
        ["source", "pair", "observed_at"], keep="last"
    )
    basis = pd.Categorical([TimeBasis.DATE.value] * len(last))
    return last.assign(time_basis=basis).sort_values(["observed_at", "pair"], kind="stable", ignore_index=True)


def official_ticks(ticks: Ticks, selection: Selection, *, ticker: str) -> pd.DataFrame:
    """Return the ticks of all sources but the ticker by value date: see `by_effective_day`."""
    if isinstance(ticks, pd.DataFrame):
        require_columns(ticks, NEEDED)
        stored = [str(name) for name in ticks["source"].unique()]
    else:
        stored = opened(ticks).ticks.sources()
    wanted = tuple(name for name in (stored if selection.sources is None else selection.sources) if name != ticker)
    return by_effective_day(ticks_of(ticks, replace(selection, sources=wanted), columns=NEEDED))


def in_force(dated: pd.DataFrame) -> pd.DataFrame:
    """Return ticks by value date as ticks that count from the beginning of that day, not from its end as dates do."""
    return dated.assign(time_basis=pd.Categorical([TimeBasis.CLOCK.value] * len(dated)))
