"""Best rate: selects the source whose rounding band for a pair at an instant is the narrowest."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from itertools import combinations, product
from typing import Any

import pandas as pd

from fxticker.analysis.durations import duration_of
from fxticker.analysis.quotes import Ticks, quotes, ticks_of
from fxticker.analysis.value_dates import NEEDED, TICKER, holds_days, official_ticks
from fxticker.errors import NoData, NotDerivable
from fxticker.model.bands import outward
from fxticker.model.pairs import COMMON, currencies_of, pair_of
from fxticker.model.records import TimeBasis
from fxticker.model.selection import Selection
from fxticker.model.timestamps import END_OF_TIME, EPOCH, MICROSECOND, Moment, last_instant

MAX_AGE = "14D"
"""Default age limit of a tick: an official rate stays in force that long over the longest public holidays."""


@dataclass(frozen=True, slots=True)
class RateStatement:
    """The band of a rate by one source, or a cross rate of two sources.

    Attributes
    ----------
    pair
        ``"UZS/USD"``: units of USD per one UZS.
    lo, hi
        Bounds of the rate that its printed digits allow.
    source
        Id of the source; for a cross rate of two sources both ids, ``"nbk+cbu"``.
    at
        Instant of the tick; of an official rate 00:00 UTC of its value date; of two ticks the older one's.
    age
        Time from `at` to the requested instant.
    others
        Statements of the other sources, the narrowest band first.
    """

    pair: str
    lo: float
    hi: float
    source: str
    at: datetime
    age: timedelta
    others: tuple[RateStatement, ...] = field(default=())

    @property
    def contradictions(self) -> tuple[tuple[RateStatement, RateStatement], ...]:
        """Pairs of statements, this one included, whose bands are disjoint: at least one of the two is wrong."""
        pairs = combinations((self, *self.others), 2)
        return tuple((left, right) for left, right in pairs if left.hi < right.lo or right.hi < left.lo)

    @property
    def width_pct(self) -> float:
        """Width of the band in percent of its middle."""
        return 200 * (self.hi - self.lo) / (self.hi + self.lo)


def best(
    ticks: Ticks,
    pair: str,
    *,
    at: Moment | None = None,
    max_age: str | timedelta = MAX_AGE,
    sources: Iterable[str] | None = None,
    as_of: Moment | None = None,
) -> RateStatement:
    """Return the statement with the narrowest band about a rate.

    The last tick of each source counts. Nothing is averaged, and no tick older than `max_age` is used, except fixed
    rates such as pegs, which hold until the next one. The statements of the other sources, and contradictions among
    them, are attributes of the result.

    Parameters
    ----------
    ticks
        A store, or a frame of ticks.
    pair
        Stored, inverse or cross, ``"UZS/USD"``.
    at
        The instant; a date stands for its end; ``None`` for now.
    max_age
        Older ticks are ignored: ``"14D"``, ``"12h"`` or a timedelta. Ticks of sources that publish only changed rates,
        and fixed rates, hold until the next one.
    sources
        Use only these sources; ``None`` for all.
    as_of
        Use only rows that were recorded by then.

    Returns
    -------
    RateStatement
        The one with the narrowest band relative to its middle; of equally narrow ones the youngest.

    Raises
    ------
    NoData
        If no source has a usable tick of the pair.
    ValueError
        If `pair` is not a pair, or `max_age` is not a duration.
    """
    instant = datetime.now(UTC) if at is None else last_instant(at)
    limit = duration_of(max_age)
    pair = pair_of(pair)
    base, quote = currencies_of(pair)
    rows = _known_ticks(ticks, instant, limit, Selection.of(sources=sources, as_of=as_of))
    statements = _statements(rows, pair, instant, limit)
    if COMMON not in (base, quote):
        legs = [_statements(rows, f"{currency}/{COMMON}", instant, limit) for currency in (base, quote)]
        statements += [_cross(pair, *both) for both in product(*legs) if both[0].source != both[1].source]
    if not statements:
        raise NoData(
            f"no source has a rate of {pair} at {instant:%Y-%m-%d %H:%M} UTC "
            f"or in the {limit / timedelta(hours=1):g} h before"
        )
    first, *others = sorted(statements, key=lambda statement: (statement.width_pct, statement.age, statement.source))
    return replace(first, others=tuple(others))


def _known_ticks(ticks: Ticks, instant: datetime, limit: timedelta, selection: Selection) -> pd.DataFrame:
    """Return the usable ticks: the ticker's at the instant of observation, official ones at their value date."""
    dated = official_ticks(ticks, selection, ticker=TICKER)
    dated = dated[dated["observed_at"] <= pd.Timestamp(instant)]
    if selection.sources is not None and TICKER not in selection.sources:
        return dated
    begin = instant - limit if instant - EPOCH > limit else EPOCH
    end = instant + MICROSECOND if instant < END_OF_TIME else None
    seen = ticks_of(ticks, replace(selection, sources=(TICKER,), start=begin, end=end), columns=NEEDED)
    parts = [part for part in (seen, dated) if len(part)]
    return pd.concat(parts, ignore_index=True) if parts else dated


def _statements(rows: pd.DataFrame, pair: str, instant: datetime, limit: timedelta) -> list[RateStatement]:
    """Return one statement per source that has a usable tick of the pair, from its last one."""
    try:
        frame = quotes(rows, pairs=[pair])
    except NotDerivable:
        return []
    usable = frame[(frame["time_basis"] != TimeBasis.DATE) | (frame["source"] != TICKER) | _is_over(frame, instant)]
    statements = [_statement(row, instant) for row in usable.drop_duplicates("source", keep="last").itertuples()]
    return [statement for statement in statements if statement.age <= limit or holds_days(statement.source) is None]


def _is_over(frame: pd.DataFrame, instant: datetime) -> pd.Series:
    """Return for each row whether its day ended before the instant: a date-only tick is of any time on its day."""
    begun = (instant + MICROSECOND if instant < END_OF_TIME else instant).replace(
        hour=0, minute=0, second=0, microsecond=0
    )
    is_over: pd.Series = frame["observed_at"] < pd.Timestamp(begun)
    return is_over


def _statement(row: Any, instant: datetime) -> RateStatement:
    observed_at = row.observed_at.to_pydatetime()
    return RateStatement(str(row.pair), row.rate_lo, row.rate_hi, str(row.source), observed_at, instant - observed_at)


def _cross(pair: str, base: RateStatement, quote: RateStatement) -> RateStatement:
    """Divide the statements of two sources about the legs of a cross rate."""
    lo, hi = outward(base.lo / quote.hi, base.hi / quote.lo)
    older = min(base, quote, key=lambda statement: statement.at)
    return RateStatement(pair, lo, hi, f"{base.source}+{quote.source}", older.at, older.age)
