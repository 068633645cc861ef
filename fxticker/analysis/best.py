"""Best rate: selects the source whose rounding band for a pair at an instant is the narrowest."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import combinations, product
from typing import Any

import pandas as pd

from fxticker.analysis.first_tick import first_in_force_after
from fxticker.analysis.lookup import Rate, rates_by
from fxticker.analysis.quotes import quotes
from fxticker.analysis.source_quotes import Ticks
from fxticker.analysis.value_dates import official_ticks
from fxticker.errors import NoData, NotDerivable
from fxticker.frames.now_and_zone import present, resolved, zone_of
from fxticker.model.bands import cross_bounds, outward, width_pct
from fxticker.model.days import Lookup, lookup
from fxticker.model.durations import OTHER_LIMIT
from fxticker.model.pairs import COMMON, currencies_of, pair_of
from fxticker.model.selection import Selection, Zone
from fxticker.model.timestamps import Moment
from fxticker.sources.age_limits import TICKER, AgeLimit, MaxAge

_DAY = timedelta(days=1)


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
        Time from the tick to the requested instant, of a date its end, and at most now; of two ticks the longer one. Of
        an official rate, and of a tick of which only the date is known, from the end of its day.
    legs
        The statements of both sources that a cross rate of two is made of; none of one source.
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
    legs: tuple[RateStatement, ...] = field(default=())

    @property
    def contradictions(self) -> tuple[tuple[RateStatement, RateStatement], ...]:
        """Pairs of statements, this one included, with disjoint bands, so that at least one of the two is wrong."""
        pairs = combinations((self, *self.others), 2)
        return tuple((left, right) for left, right in pairs if left.hi < right.lo or right.hi < left.lo)

    @property
    def width_pct(self) -> float:
        """Width of the band in percent of its middle."""
        return width_pct(self.lo, self.hi)


def best(
    ticks: Ticks,
    pair: str,
    *,
    at: Moment | None = None,
    max_age: MaxAge = None,
    sources: Iterable[str] | None = None,
    as_of: Moment | None = None,
    tz: Zone = "UTC",
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
        Older ticks are ignored: ``"14D"``, ``"12h"`` or a timedelta; ``None`` for the limit of each source (7 days for
        the ticker, its longest holidays for a bank), ``any`` for no limit. Ticks of sources that publish only changed
        rates, and fixed rates, hold until the next one.
    sources
        Use only these sources; ``None`` for all.
    as_of
        Use only rows that were recorded by then.
    tz
        Whose days `at` and `as_of` are, as ``Asia/Tashkent``; the instants of the result are in UTC.

    Returns
    -------
    RateStatement
        The one with the narrowest band relative to its middle; of equally narrow ones the youngest.

    Raises
    ------
    NoData
        If no source has a usable tick of the pair: the message names the ages of those that are too old.
    ValueError
        If `pair` is not a pair, `max_age` is not a duration, or `at` is after now.
    """
    by, limit = lookup("now" if at is None else at, present(), zone_of(tz)), AgeLimit.of(max_age)
    pair = pair_of(pair)
    base, quote = currencies_of(pair)
    selection = replace(resolved(Selection.of(sources=sources, as_of=as_of, tz=tz)), tz=None)
    official = official_ticks(ticks, selection, ticker=TICKER)
    official = official[official["observed_at"] <= pd.Timestamp(by.dated_upto)]

    def known(wanted: str) -> list[RateStatement]:
        return [*_of_ticker(ticks, wanted, by, selection), *_official(official, wanted, by)]

    asked = [pair] if COMMON in (base, quote) else [pair, f"{base}/{COMMON}", f"{quote}/{COMMON}"]
    found = [known(wanted) for wanted in asked]
    young = [[each for each in part if limit.excess(each.source, each.age) is None] for part in found]
    statements, *legs = young
    if legs:
        statements += [_cross(pair, *both) for both in product(*legs) if both[0].source != both[1].source]
    if not statements:
        known_ages = [each for part in found for each in part]
        first_one = "" if known_ages else first_in_force_after(ticks, pair, by, selection)
        raise NoData(_none(pair, known_ages, by, limit) + first_one)
    first, *others = sorted(statements, key=lambda statement: (statement.width_pct, statement.age, statement.source))
    return replace(first, others=tuple(others))


def _of_ticker(ticks: Ticks, pair: str, by: Lookup, selection: Selection) -> list[RateStatement]:
    """Return the statement of the ticker's last tick, if it has one."""
    if selection.sources is not None and TICKER not in selection.sources:
        return []
    try:
        rates = rates_by(ticks, by, replace(selection, pairs=(pair,), sources=(TICKER,)))
    except NotDerivable:
        return []
    return [
        RateStatement(pair, *_bounds(rate), source, rate.observed_at, rate.age(by.upto))
        for (source, _), rate in rates.items()
    ]


def _bounds(rate: Rate) -> tuple[float, float]:
    lo, hi = float(rate.band.lo), float(rate.band.hi)
    if rate.rate_text is not None or lo == hi:
        return lo, hi
    outer_lo, outer_hi = outward(lo, hi)  # of a derived rate, as in `quotes`
    return float(outer_lo), float(outer_hi)


def _official(dated: pd.DataFrame, pair: str, by: Lookup) -> list[RateStatement]:
    """Return one statement per official source that has a tick of the pair, from its last one."""
    try:
        frame = quotes(dated, pairs=[pair])
    except NotDerivable:
        return []
    return [_statement(row, by.upto) for row in frame.drop_duplicates("source", keep="last").itertuples()]


def _statement(row: Any, upto: datetime) -> RateStatement:
    observed_at = row.observed_at.to_pydatetime()
    age = max(upto - observed_at - _DAY, timedelta(0))
    return RateStatement(str(row.pair), row.rate_lo, row.rate_hi, str(row.source), observed_at, age)


def _none(pair: str, found: list[RateStatement], by: Lookup, limit: AgeLimit) -> str:
    """Return that nothing answers, with the ages of what is too old."""
    ages = [
        f"{each.pair} of {each.source}: {excess}" for each in found if (excess := limit.excess(each.source, each.age))
    ]
    return f"no source has a rate of {pair} at {by.upto:%Y-%m-%d %H:%M} UTC" + "".join(
        f"; {text}" for text in ([*ages, OTHER_LIMIT] if ages else ())
    )


def _cross(pair: str, base: RateStatement, quote: RateStatement) -> RateStatement:
    """Divide the statements of two sources about the legs of a cross rate."""
    lo, hi = cross_bounds(base.lo, base.hi, quote.lo, quote.hi)
    at, age = min(base.at, quote.at), max(base.age, quote.age)
    return RateStatement(pair, lo, hi, f"{base.source}+{quote.source}", at, age, legs=(base, quote))
