"""Exact rate: the printed numbers behind a rate line at one instant, in exact arithmetic."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pandas as pd

from fxticker.analysis.lookup import Rate, rates_by
from fxticker.analysis.quotes import Ticks
from fxticker.analysis.rate_lines import RateLine
from fxticker.analysis.value_dates import official_ticks
from fxticker.model.bands import cross
from fxticker.model.days import Lookup
from fxticker.model.pairs import legs_of
from fxticker.model.records import TimeBasis
from fxticker.model.selection import Selection
from fxticker.sources.age_limits import TICKER

_DAY = timedelta(days=1)


def exact_rate(ticks: Ticks, line: RateLine, by: Lookup, as_of: datetime | None = None) -> Rate:
    """Return the rate of a line that has one at the instant of a lookup.

    Parameters
    ----------
    ticks
        The store or frame that the line was read from.
    line
        A line of the grid of that lookup.
    by
        The instants of the lookup.
    as_of
        Only what was known then; None for now.

    Returns
    -------
    Rate
        That of one source, or the cross rate of two with the ticks of both; its instant is that of the older tick.
    """
    parts = [_of_one_source(ticks, part, by, as_of) for part in line.parts or (line,)]
    if len(parts) == 1:
        return parts[0]
    base, quote = parts
    older = min(base.observed_at, quote.observed_at)
    return Rate(older, base.value / quote.value, cross(base.band, quote.band), None, base.legs + quote.legs)


def _of_one_source(ticks: Ticks, line: RateLine, by: Lookup, as_of: datetime | None) -> Rate:
    key = (line.source, line.pair)
    wanted = Selection(pairs=(line.pair,), sources=(line.source,), as_of=as_of)
    if line.source == TICKER:
        return rates_by(ticks, by, wanted)[key]
    dated = official_ticks(ticks, replace(wanted, pairs=tuple(legs_of(line.pair))), ticker=TICKER)
    # a rate is in force from the beginning of its value date on, and its age counts from the end of that day
    in_force = dated.assign(time_basis=pd.Categorical([TimeBasis.CLOCK.value] * len(dated)))
    rate = rates_by(in_force, by, replace(wanted, as_of=None))[key]
    return replace(rate, legs=tuple(replace(leg, counts_from=leg.observed_at + _DAY) for leg in rate.legs))
