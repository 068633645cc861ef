"""Volatility: how much a rate moves in a day, from intervals, where printed digits alone would tell too much."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import tzinfo
from typing import Any

import numpy as np
import pandas as pd

from fxticker.analysis.interval_rows import (
    intervals_of,
    known_of,
    microseconds,
    official_quotes,
    walk_problem,
    without_repeated_days,
)
from fxticker.analysis.move_bounds import DAY_US
from fxticker.analysis.quotes import quotes
from fxticker.analysis.sigma import sigma_of
from fxticker.analysis.source_quotes import Ticks
from fxticker.errors import NoData, NotDerivable
from fxticker.frames.dates_in_zone import instants_in_zone
from fxticker.frames.now_and_zone import in_zone, resolved, zone_of
from fxticker.frames.one_per_instant import typed
from fxticker.model.selection import Selection, Zone
from fxticker.model.timestamps import Moment
from fxticker.sources.age_limits import TICKER

COLUMNS = {
    "source": "str",
    "pair": "str",
    "start_at": "datetime64[us, UTC]",
    "end_at": "datetime64[us, UTC]",
    "ticks": "int64",
    "step_pct": "float64",
    "volatility_pct": "float64",
    "volatility_lo_pct": "float64",
    "volatility_hi_pct": "float64",
    "naive_pct": "float64",
    "reason": "str",
}
_CANNOT = "cannot be told"


def volatility(
    ticks: Ticks,
    *,
    pairs: Iterable[str] | None = None,
    sources: Iterable[str] | None = None,
    start: Moment | None = None,
    end: Moment | None = None,
    as_of: Moment | None = None,
    tz: Zone = "UTC",
    per_usd: bool = False,
) -> pd.DataFrame:
    """Return the standard deviation of each rate's daily change, from the intervals that its printed digits allow.

    The changes of printed rates show too much: a rate near the border between two printed numbers hops from one to the
    other, each time by a whole step (Ball 1988; Li and Mykland 2015). Here the logarithm of the rate is a Gaussian
    random walk of which only the last interval of each day is known, and sigma is the likeliest one, with its 95 %
    interval from the profile of the likelihood (`fxticker.analysis.sigma`). All intervals of a day would tell more of a
    walk, and mislead about a ticker that stands still between a few updates a day. Where one printed step is many times
    the daily move, sigma cannot be told; nor of a cross rate, or where a peg is in force: hops between a few levels
    about it are no moves.

    Parameters
    ----------
    ticks
        A store, or a frame of ticks.
    pairs
        Stored, inverse or cross pairs; ``None`` for all stored ones.
    sources
        Use only these sources; ``None`` for all. Fixed rates have no volatility and are left out. Rates of official
        sources count by value date.
    start, end
        Span of `observed_at`, as for `fxticker.load`; of official rates, of the polls that showed them.
    as_of
        Use only rows that were recorded by then.
    tz
        Whose days are meant by `start` and `end`, as ``Asia/Tashkent``, and the zone of the instants that are returned.
        The last rate of a day is that of a day of UTC.
    per_usd
        Name pairs against USD as ``USD/KZT``; the volatility is the same.

    Returns
    -------
    pandas.DataFrame
        One row per source and pair, by these: ``source``, ``pair``, ``start_at`` and ``end_at`` (first and last tick),
        ``ticks`` (int64), ``step_pct`` (median width of the printed intervals, percent of the rate), ``volatility_pct``
        (standard deviation of the change of the logarithm in 24 hours, percent; NaN where it cannot be told),
        ``volatility_lo_pct`` and ``volatility_hi_pct`` (its 95 % interval; 0 if the digits allow a rate at rest; NaN of
        cross and pegged rates),
        ``naive_pct`` (what the printed numbers alone would give: the root of the sum of their squared changes per day),
        and ``reason``, why it cannot be told, null if it can.

    Raises
    ------
    NoData
        If no source has two ticks of a pair in the span.
    ValueError
        If `start` is later than now, or a pair is neither stored nor derivable.
    """
    given = Selection.of(pairs=pairs, sources=sources, start=start, end=end, as_of=as_of, tz=tz, per_usd=per_usd)
    selection, zone = resolved(given), zone_of(tz)
    rows = [
        _row(str(source), str(pair), part.reset_index(drop=True), ticks, zone)
        for found in _quotes(ticks, selection)
        for (source, pair), part in found.groupby(["source", "pair"], observed=True, sort=True)
        if len(part) > 1
    ]
    if not rows:
        raise NoData("no source has two ticks of a pair in the span")
    return in_zone(typed(sorted(rows, key=lambda row: row[:2]), COLUMNS), tz)


def _quotes(ticks: Ticks, selection: Selection) -> list[pd.DataFrame]:
    """Return the quotes of the ticker and those of official sources."""
    found, missing = [], None
    if selection.sources is None or TICKER in selection.sources:
        given = selection.given() | {"sources": [TICKER]}
        try:
            found.append(without_repeated_days(in_zone(quotes(ticks, **given), "UTC")))
        except NotDerivable as error:
            missing = error
    official = official_quotes(ticks, selection.pairs, selection, ticker=TICKER)
    if missing is not None and official.empty:
        raise missing
    return [*found, official]


def _row(source: str, pair: str, rows: pd.DataFrame, ticks: Ticks, zone: tzinfo) -> tuple[Any, ...]:
    problem = walk_problem(pair, rows["observed_at"].iloc[-1].date(), ticks)
    at = microseconds(rows["observed_at"])
    known = known_of(rows, move=0.0)
    sigma = sigma_of(intervals_of(known).daily()) if problem is None else None
    middle = (known.lo + known.hi) / 2
    days = (at[-1] - at[0]) / DAY_US
    likeliest, lo, hi = np.nan, np.nan, np.nan
    reason: str | None = f"{_CANNOT}: {problem or 'fewer than 10 days with rates'}"
    if sigma is not None:
        lo, hi = 100 * sigma.lo, 100 * sigma.hi
        likeliest = 100 * sigma.likeliest if sigma.problem is None else np.nan
        reason = None if sigma.problem is None else f"{_CANNOT}: {sigma.problem}"
    return (
        source,
        pair,
        *instants_in_zone(rows, zone).iloc[[0, -1]].dt.tz_convert("UTC"),
        len(rows),
        100 * float(np.median(known.hi - known.lo)),
        likeliest,
        lo,
        hi,
        100 * float(np.sqrt((np.diff(middle) ** 2).sum() / days)),
        reason,
    )
