"""Looked-up rates in a chart: rates of `fxticker.rate` as quotes at the instants of their look-ups, and their ticks.

A look-up repeats the last tick. Where no tick follows that one for longer than a line spans (`fxticker.charts.steps`),
repetitions would draw a rate that rested where nothing is known: they are left out, and the line breaks.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import numpy as np
import pandas as pd

from fxticker.analysis.compare import OPEN_END
from fxticker.charts.causes import instants, local_instants
from fxticker.charts.steps import longest_span
from fxticker.model.records import TimeBasis
from fxticker.model.timestamps import MICROSECOND, instant
from fxticker.sources.age_limits import TICKER, AgeLimit
from fxticker.sources.rate_order import is_market

_DAY_US = 86_400_000_000
_WEEKEND_US = OPEN_END / pd.Timedelta(microseconds=1)
"""Time for which the last stored rate of a bank is taken to be in force, a weekend with a holiday, in microseconds."""
_TICK_AT, _TICK_DAY = "tick_at", "tick_day"


@dataclass(frozen=True, slots=True)
class Lookups:
    """The ticks behind the look-ups of a line.

    Attributes
    ----------
    is_drawn
        Which look-ups are drawn.
    ticks
        Number of ticks behind all of them.
    days
        The days within the look-ups that have such a tick, in the zone of the chart; of a bank its value dates, and of
        rates that hold until the next one all days.
    last_day
        The day of the last one of these ticks: days since 1970.
    """

    is_drawn: np.ndarray
    ticks: int
    days: np.ndarray
    last_day: int

    @property
    def hidden(self) -> int:
        """Number of look-ups that are not drawn."""
        return int((~self.is_drawn).sum())

    @property
    def breaks(self) -> np.ndarray:
        """Positions among the drawn look-ups after which one is not drawn."""
        places = np.flatnonzero(self.is_drawn)
        return np.flatnonzero(np.diff(places) > 1)


def is_of_rate(frame: pd.DataFrame) -> bool:
    """Return whether a frame is of `fxticker.rate`."""
    return "legs" in frame.columns


def as_quotes(rates: pd.DataFrame) -> pd.DataFrame:
    """Return rates of `fxticker.rate` as quotes at the instants of their look-ups, with those of their ticks."""
    rows = rates[rates["rate"].notna()]
    no_text = pd.Categorical([None] * len(rows))
    named = rows[["pair", "source", "rate", "rate_lo", "rate_hi", "values"]]
    tick_at = rows["observed_at"].dt.tz_convert(rows["at"].dt.tz)
    local = pd.Series(local_instants(tick_at) // _DAY_US, rows.index)
    dated = pd.Series(instants(rows["value_date"]) // _DAY_US, rows.index)
    return named.assign(
        observed_at=rows["at"],
        rate_text=no_text,
        nominal=1,
        time_basis=TimeBasis.CLOCK.value,
        **{_TICK_AT: tick_at, _TICK_DAY: local.where(rows["source"] == TICKER, dated)},
    )


def span_of_lookups(rates: pd.DataFrame) -> tuple[datetime, datetime]:
    """Return the first instant and the end, excluded, of the look-ups of a frame of `fxticker.rate`."""
    first, last = (instant(end.to_pydatetime()) for end in (rates["at"].min(), rates["at"].max()))
    return first, last + MICROSECOND


def lookups_of(frame: pd.DataFrame, rows: np.ndarray, local: np.ndarray, source: str) -> Lookups | None:
    """Return the ticks behind the rows of a line, in the order of their instants; ``None`` of ticks and quotes.

    Parameters
    ----------
    frame
        What is drawn.
    rows
        Positions of the rows of the line.
    local
        Their instants as the clocks of the chart's zone show them, in microseconds.
    source
        Id of the line's source. Rates of one that publishes only changes hold until the next one, and those of banks
        over weekends.
    """
    if _TICK_AT not in frame.columns:
        return None
    ticks, looked_up = instants(frame[_TICK_AT])[rows], instants(frame["observed_at"])[rows]
    behind, number = np.unique(ticks, return_inverse=True)
    of_ticks = frame[_TICK_DAY].to_numpy(np.int64)[rows]
    last_day, days = int(of_ticks[-1]), np.unique(of_ticks)
    days = days[(days >= local[0] // _DAY_US) & (days <= local[-1] // _DAY_US)]
    limits = [AgeLimit().of_source(each) for each in source.split("+")]
    if None in limits:
        return Lookups(np.ones(len(rows), bool), len(behind), np.unique(local // _DAY_US), last_day)
    distances = np.diff(behind)
    longest = longest_span(distances) if len(distances) else float(_DAY_US)
    if not is_market(source):
        longest = max(longest, _WEEKEND_US)
    following = np.append(behind[1:], looked_up[-1])[number]
    is_repeated = np.append(False, ticks[1:] == ticks[:-1])
    return Lookups(~(is_repeated & (following - ticks > longest)), len(behind), days, last_day)
