"""Rate lines: what each source, or two sources together, have as the rate of a pair at the instants of a grid."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import product

import numpy as np
import pandas as pd

from fxticker.analysis.cross_rates import Rates, SettledTicks, rates_of
from fxticker.analysis.line_ticks import LineTicks
from fxticker.analysis.rate_grid import DAY_US, Grid
from fxticker.analysis.series import may_close
from fxticker.analysis.source_quotes import Ticks, settled_ticks
from fxticker.analysis.value_dates import official_ticks
from fxticker.frames.single_values import SingleValues
from fxticker.model.bands import cross_bounds
from fxticker.model.pairs import COMMON, currencies_of, legs_of
from fxticker.model.records import TimeBasis
from fxticker.model.selection import Selection
from fxticker.model.timestamps import EPOCH, MICROSECOND
from fxticker.sources.age_limits import TICKER, AgeLimit
from fxticker.sources.rate_order import Leg, kind_of
from fxticker.store.arrow import instant_of

_DAY = timedelta(days=1)
_NEVER = np.iinfo(np.int64).min


@dataclass(frozen=True, slots=True)
class RateLine:
    """Rates of a pair at the instants of a grid.

    Attributes
    ----------
    pair
        ``"KZT/UZS"``.
    legs
        What each source contributes: one, or two that a cross rate is made of.
    printed
        The pairs that the sources print and the rate follows from, each behind its source: ``("nbk", "USD/KZT")``.
    rate, lo, hi
        Quote per one unit of base, and its band; NaN where there is none.
    observed_at
        Instant of the tick, the older one of two, in microseconds since 1970; of all but the ticker 00:00 UTC of the
        value date. Without meaning where there is no rate.
    age
        Age of that tick in microseconds; that of a date counts from its end.
    is_young
        There is a rate, and it is within the limit of age of its source.
    count
        Number of values of one date that the rate is the middle of, 1 of most; of a cross rate the combinations.
    parts
        The lines of the two legs; empty for a line of one source.
    ticks
        The ticks behind a line of one source, if they were asked for.
    """

    pair: str
    legs: tuple[Leg, ...]
    printed: tuple[tuple[str, str], ...]
    rate: np.ndarray
    lo: np.ndarray
    hi: np.ndarray
    observed_at: np.ndarray
    age: np.ndarray
    is_young: np.ndarray
    count: np.ndarray
    parts: tuple[RateLine, ...] = ()
    ticks: LineTicks | None = None

    @property
    def source(self) -> str:
        """The id of its source, or both, ``"nbk+cbu"``."""
        return "+".join(leg.source for leg in self.legs)

    @property
    def kind(self) -> str:
        """The kind of its source, or both, ``"official+peg"``, if they differ."""
        return "+".join(dict.fromkeys(str(kind_of(leg.source)) for leg in self.legs))

    @property
    def has_rate(self) -> np.ndarray:
        """Whether there is a rate, of any age."""
        return np.asarray(~np.isnan(self.rate))


@dataclass(frozen=True, slots=True)
class _Series:
    """Rates of a pair by one source, by instant, which have a date only, and from when they and their ages count.

    A date-only rate of the ticker counts from the end of its day, an official one from the beginning of its value date.
    """

    rates: Rates
    is_date: np.ndarray
    counts_from: np.ndarray
    aged_from: np.ndarray

    def places(self, grid: Grid) -> np.ndarray:
        """Return the place of the rate that is known at each instant, the later one of both bases; -1 for none."""
        places = np.full(len(grid), -1)
        for kept, upto in ((~self.is_date, grid.upto), (self.is_date, grid.dated_upto)):
            rows = np.flatnonzero(kept)
            if len(rows):
                last = np.searchsorted(self.counts_from[rows], upto, side="right") - 1
                places = np.maximum(places, np.where(last < 0, -1, rows[last]))  # rows are in the order of instants
        return places


def rate_lines(
    ticks: Ticks,
    pairs: Iterable[str],
    grid: Grid,
    selection: Selection,
    limit: AgeLimit,
    *,
    is_far: bool = False,
    with_ticks: bool = False,
) -> dict[str, list[RateLine]]:
    """Return the lines of each pair, at least one rate each, in no meant order.

    Parameters
    ----------
    ticks
        A store, or a frame of ticks.
    pairs
        Pairs in any direction.
    grid
        At least one instant.
    selection
        Sources and `as_of`, resolved; pairs and a span are ignored.
    limit
        The limit of age.
    is_far
        Read ticks of any age: lines have rates beyond the limit too.
    with_ticks
        Lines keep the ticks that they follow from, which take memory as long as they live.
    """
    asked = {pair: [pair, *_against_common(pair)] for pair in pairs}
    wanted = {leg for legs in asked.values() for leg in legs}
    stored = tuple(sorted({leg for pair in wanted for leg in legs_of(pair)}))
    chosen = replace(selection, pairs=stored, start=None if is_far else _reach(grid, limit), end=None)
    found = _lines_by_source(ticks, wanted, grid, chosen, limit)
    if not with_ticks:
        found = {key: replace(line, ticks=None) for key, line in found.items()}
    return {pair: _with_crosses(pair, legs, found) for pair, *legs in asked.values()}


def _against_common(pair: str) -> list[str]:
    currencies = currencies_of(pair)
    return [] if COMMON in currencies else [f"{currency}/{COMMON}" for currency in currencies]


def _with_crosses(pair: str, legs: list[str], found: Mapping[tuple[str, str], RateLine]) -> list[RateLine]:
    """Return the lines of each source, and those of two sources."""
    lines = [line for (_, name), line in found.items() if name == pair]
    if not legs:
        return lines
    bases, quotes = ({source: line for (source, name), line in found.items() if name == leg} for leg in legs)
    # where a source has both legs, its rate is derived from another currency only if one of its legs is
    alone = [
        replace(line, legs=(Leg(source, any(part.legs[0].is_derived for part in (bases[source], quotes[source]))),))
        if (source := line.source) in bases and source in quotes and line.legs[0].is_derived
        else line
        for line in lines
    ]
    crosses = [
        _cross(pair, base, quote)
        for base, quote in product(bases.values(), quotes.values())
        if base.source != quote.source
    ]
    return [line for line in (*alone, *crosses) if line.has_rate.any()]


def _cross(pair: str, base: RateLine, quote: RateLine) -> RateLine:
    lo, hi = cross_bounds(base.lo, base.hi, quote.lo, quote.hi)
    has_rate = base.has_rate & quote.has_rate
    return RateLine(
        pair,
        base.legs + quote.legs,
        base.printed + quote.printed,
        base.rate / quote.rate,
        lo,
        hi,
        np.minimum(base.observed_at, quote.observed_at),
        np.where(has_rate, np.maximum(base.age, quote.age), 0),
        base.is_young & quote.is_young,
        base.count * quote.count,
        (base, quote),
    )


def _lines_by_source(
    ticks: Ticks, pairs: Collection[str], grid: Grid, selection: Selection, limit: AgeLimit
) -> dict[tuple[str, str], RateLine]:
    """Return the lines of one source, by source and pair; the ticker counts by instants, all others by value dates."""
    lines = {}
    for rows, is_dated in ((_ticker_rows(ticks, grid, selection), False), (_dated_rows(ticks, selection), True)):
        settled = SettledTicks.of(rows)
        names = rows["source"].cat.categories
        is_date = (rows["time_basis"] == TimeBasis.DATE).to_numpy()
        for pair in sorted(pairs):
            for rates in rates_of(settled, pair):
                source = str(names[settled.source[rates.left[0]]])
                has_date = is_date[rates.left] | is_date[rates.right]
                day_end = rates.instants + (DAY_US - 1) * has_date
                counts_from, aged_from = (rates.instants, rates.instants + DAY_US) if is_dated else (day_end, day_end)
                series = _Series(rates, has_date | is_dated, counts_from, aged_from)
                behind = LineTicks(rows, rates, series.places(grid))
                lines[source, pair] = _line(pair, source, _printed(settled, rates), series, behind, grid, limit)
    return {key: line for key, line in lines.items() if line.has_rate.any()}


def _reach(grid: Grid, limit: AgeLimit) -> datetime | None:
    """Return how far back a tick of the ticker may answer at the first instant."""
    longest, first = limit.of_source(TICKER), instant_of(int(grid.upto[0]))
    return None if longest is None or first - EPOCH < longest + 2 * _DAY else first - longest - 2 * _DAY


def _ticker_rows(ticks: Ticks, grid: Grid, selection: Selection) -> pd.DataFrame:
    is_wanted = selection.sources is None or TICKER in selection.sources
    last = instant_of(int(grid.upto[-1]))
    chosen = replace(selection, sources=(TICKER,) if is_wanted else (), end=last + MICROSECOND)
    rows = settled_ticks(ticks, chosen)
    return rows[may_close(rows)].reset_index(drop=True)


def _dated_rows(ticks: Ticks, selection: Selection) -> pd.DataFrame:
    chosen = replace(selection, start=None)
    if isinstance(ticks, pd.DataFrame) and (ticks["source"] == TICKER).all():  # may have no column of value dates
        return settled_ticks(ticks, replace(chosen, sources=()))
    return settled_ticks(official_ticks(ticks, chosen, ticker=TICKER), Selection())


def _printed(settled: SettledTicks, rates: Rates) -> tuple[str, ...]:
    """Return the stored pairs that the last rate follows from."""
    return tuple(dict.fromkeys(settled.pairs[settled.pair[rows[-1]]] for rows in (rates.left, rates.right)))


def _line(
    pair: str,
    source: str,
    printed: tuple[str, ...],
    series: _Series,
    ticks: LineTicks,
    grid: Grid,
    limit: AgeLimit,
) -> RateLine:
    """Return what was in force at each instant of a grid."""
    rates, place = series.rates, ticks.place
    has_rate = place >= 0
    age = np.where(has_rate, np.maximum(grid.upto - series.aged_from[place], 0), 0)
    longest = limit.of_source(source)
    rate, lo, hi = (np.where(has_rate, column[place], np.nan) for column in (rates.rate, rates.lo, rates.hi))
    counts = SingleValues.of(ticks.rows).count
    left, right = rates.left[place], rates.right[place]
    count = counts[left] * np.where(left == right, 1, counts[right])
    return RateLine(
        pair=pair,
        legs=(Leg(source, bool((rates.left != rates.right).any())),),
        printed=tuple((source, name) for name in printed),
        rate=rate,
        lo=lo,
        hi=hi,
        observed_at=np.where(has_rate, rates.instants[place], _NEVER),
        age=age,
        count=np.where(has_rate, count, 1).astype(np.int32),
        is_young=has_rate if longest is None else has_rate & (age <= longest // MICROSECOND),
        ticks=ticks,
    )
