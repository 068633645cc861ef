"""Official rates by the day for which they are in force, instead of the instant at which they were seen."""

from __future__ import annotations

from dataclasses import replace

import pandas as pd

from fxticker.analysis.quotes import Ticks, ticks_of
from fxticker.model.records import TimeBasis
from fxticker.model.selection import Selection
from fxticker.sources.fixed import CONSTANTS
from fxticker.sources.registry import source_of
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
_HOLIDAYS_DAYS = 14
"""For sources that say nothing of it."""
TICKER = "timesca"
"""The source whose printed date is that of its page; the date that a bank prints is the day its rate is for."""


def by_effective_day(ticks: pd.DataFrame) -> pd.DataFrame:
    """Ticks of official sources, at 00:00 UTC of the day that they print.

    Banks fix a rate in the afternoon and print the next day's date; the same rate comes again with every poll and in
    the bank's history. The day is the bank's own: where it begins in UTC, five or six hours earlier, is not looked at.

    Parameters
    ----------
    ticks
        As `fxticker.load` gives them, of sources that print such a date.

    Returns
    -------
    pandas.DataFrame
        The columns of `ticks`, with `observed_at` the day and basis ``date``; of each source, pair and day the value
        that was recorded last: banks revise. A rate without a printed date is that of the day on which it was seen.
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
    """All ticks of all sources but the ticker, by the day that they are for: see `by_effective_day`."""
    if isinstance(ticks, pd.DataFrame):
        held = [str(name) for name in ticks["source"].unique()]
    else:
        held = opened(ticks).ticks.sources()
    wanted = tuple(name for name in (held if selection.sources is None else selection.sources) if name != ticker)
    return by_effective_day(ticks_of(ticks, replace(selection, sources=wanted), columns=NEEDED))


def holds_days(source: str) -> int | None:
    """How long a source's rate can be in force without a newer one; null where it is until the next one comes."""
    if source in CONSTANTS:
        return None
    found = source_of(source)
    return _HOLIDAYS_DAYS if found is None else found.holds_days
