"""The most precise statement that the stored sources support for an instant."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from itertools import combinations
from typing import Any

import pandas as pd

from fxticker.analysis.durations import duration_of
from fxticker.analysis.quotes import Ticks, quotes, ticks_of
from fxticker.analysis.value_dates import NEEDED, TICKER, holds_days, official_ticks
from fxticker.errors import NoData, NotDerivable
from fxticker.model.bands import outward
from fxticker.model.pairs import COMMON, currencies_of
from fxticker.model.records import TimeBasis
from fxticker.model.selection import Selection
from fxticker.model.timestamps import END_OF_TIME, EPOCH, MICROSECOND, Moment, last_instant

MAX_AGE = "14D"
"""As long as an official rate may be in force over the longest holidays."""


@dataclass(frozen=True, slots=True)
class RateStatement:
    """What one source, or two together, say of a rate.

    Attributes
    ----------
    pair
        ``"UZS/USD"``: units of USD per one UZS.
    lo, hi
        Where the rate lies, by the printed digits.
    source
        Who says so; for a cross rate of two sources both, ``"nbk+cbu"``.
    at
        When it was seen; of an official rate 00:00 UTC of the day that it is for; the older one of two.
    age
        From then to the instant that was asked for.
    others
        What the other sources say, the most precise first.
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
        """Each two of this and the others whose bands have no point in common: not both are right."""
        everyone = (self, *self.others)
        return tuple((one, other) for one, other in combinations(everyone, 2) if one.hi < other.lo or other.hi < one.lo)

    @property
    def width_pct(self) -> float:
        """The band's width, in percent of its middle."""
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
    """The most precise statement about a rate that the stored sources support.

    Each source's last tick counts: nothing is averaged, and nothing is carried on beyond `max_age`, save fixed rates
    such as pegs, which hold until another comes. What the other sources say stands beside it, contradictions
    included.

    Parameters
    ----------
    ticks
        A store, or a frame of ticks.
    pair
        Stored, inverse or cross, ``"UZS/USD"``.
    at
        The instant; a date stands for its end; now if null.
    max_age
        Older ticks say nothing: ``"14D"``, ``"12h"`` or a timedelta. Those of sources that tell only of days with
        another rate, and fixed ones, hold until the next.
    sources
        Only these.
    as_of
        Only rows that were recorded by then.

    Returns
    -------
    Statement
        That with the narrowest band relative to its middle, of equal ones the youngest.

    Raises
    ------
    NoData
        If no source says anything of the pair.
    ValueError
        If `pair` is no pair, or `max_age` no length of time.
    """
    instant = datetime.now(UTC) if at is None else last_instant(at)
    limit = duration_of(max_age)
    base, quote = currencies_of(pair)
    held = _held(ticks, instant, limit, Selection.of(sources=sources, as_of=as_of))
    found = _said(held, pair, instant, limit)
    if COMMON not in (base, quote):
        legs = [_said(held, f"{currency}/{COMMON}", instant, limit) for currency in (base, quote)]
        found += [_crossed(pair, one, other) for one in legs[0] for other in legs[1] if one.source != other.source]
    if not found:
        raise NoData(f"no source says anything of {pair} at {instant:%Y-%m-%d %H:%M} UTC, or in the {limit} before it")
    first, *others = sorted(found, key=lambda said: (said.width_pct, said.age, said.source))
    return replace(first, others=tuple(others))


def _held(ticks: Ticks, instant: datetime, limit: timedelta, selection: Selection) -> pd.DataFrame:
    """All ticks that may say something: the ticker's as seen, official ones by the day that they are for."""
    dated = official_ticks(ticks, selection, ticker=TICKER)
    dated = dated[dated["observed_at"] <= pd.Timestamp(instant)]
    if selection.sources is not None and TICKER not in selection.sources:
        return dated
    begin = instant - limit if instant - EPOCH > limit else EPOCH
    end = instant + MICROSECOND if instant < END_OF_TIME else None
    seen = ticks_of(ticks, replace(selection, sources=(TICKER,), start=begin, end=end), columns=NEEDED)
    parts = [part for part in (seen, dated) if len(part)]
    return pd.concat(parts, ignore_index=True) if parts else dated


def _said(held: pd.DataFrame, pair: str, instant: datetime, limit: timedelta) -> list[RateStatement]:
    """What each source says of a pair, by its last tick."""
    try:
        found = quotes(held, pairs=[pair])
    except NotDerivable:
        return []
    known = found[(found["time_basis"] != TimeBasis.DATE) | (found["source"] != TICKER) | _is_over(found, instant)]
    said = [_statement(row, instant) for row in known.drop_duplicates("source", keep="last").itertuples()]
    return [each for each in said if each.age <= limit or holds_days(each.source) is None]


def _is_over(found: pd.DataFrame, instant: datetime) -> pd.Series:
    """Of ticks of which only the day is known: whether that day is over, for it is some time on it."""
    begun = (instant + MICROSECOND if instant < END_OF_TIME else instant).replace(
        hour=0, minute=0, second=0, microsecond=0
    )
    is_over: pd.Series = found["observed_at"] < pd.Timestamp(begun)
    return is_over


def _statement(row: Any, instant: datetime) -> RateStatement:
    at = row.observed_at.to_pydatetime()
    return RateStatement(str(row.pair), row.rate_lo, row.rate_hi, str(row.source), at, instant - at)


def _crossed(pair: str, base: RateStatement, quote: RateStatement) -> RateStatement:
    """A cross rate of what two sources say."""
    lo, hi = outward(base.lo / quote.hi, base.hi / quote.lo)
    older = min(base, quote, key=lambda said: said.at)
    return RateStatement(pair, lo, hi, f"{base.source}+{quote.source}", older.at, older.age)
