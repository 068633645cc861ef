"""The most precise statement that the stored sources support for an instant."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pandas as pd

from fxticker.analysis.effective import NEEDED, TICKER, by_effective_day, is_constant
from fxticker.analysis.quotes import COMMON, Ticks, currencies_of, quotes, ticks_of
from fxticker.bands import outward
from fxticker.errors import NoData
from fxticker.instants import Moment, last_instant
from fxticker.models import Origin

MAX_AGE = "14D"
"""As long as an official rate may be in force over the longest holidays."""


@dataclass(frozen=True, slots=True)
class Statement:
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
    others: tuple[Statement, ...] = field(default=())

    @property
    def contradictions(self) -> tuple[Statement, ...]:
        """Those of the others whose bands have no point in common with this one: not both are right."""
        return tuple(other for other in self.others if other.hi < self.lo or other.lo > self.hi)

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
) -> Statement:
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
        Older ticks say nothing: ``"14D"``, ``"12h"`` or a timedelta.
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
    instant = pd.Timestamp(datetime.now(UTC) if at is None else last_instant(at))
    oldest = instant - pd.Timedelta(max_age)
    base, quote = currencies_of(pair)
    held = _held(ticks, oldest, instant, sources, as_of)
    found = _said(held, pair, instant)
    if COMMON not in (base, quote):
        legs = [_said(held, f"{currency}/{COMMON}", instant) for currency in (base, quote)]
        found += [_crossed(pair, one, other) for one in legs[0] for other in legs[1] if one.source != other.source]
    if not found:
        raise NoData(f"no source says anything of {pair} from {oldest:%Y-%m-%d %H:%M} to {instant:%Y-%m-%d %H:%M} UTC")
    first, *others = sorted(found, key=lambda said: (said.width_pct, said.age, said.source))
    return replace(first, others=tuple(others))


def _held(
    ticks: Ticks, oldest: pd.Timestamp, instant: pd.Timestamp, sources: Iterable[str] | None, as_of: Moment | None
) -> pd.DataFrame:
    """All ticks that may say something: the ticker's as seen, official ones by the day that they are for."""
    # a bank's rate may be seen a few days before it is in force, or be printed for days long past
    reach = pd.Timedelta(days=1) + (instant - oldest)
    near = ticks_of(ticks, sources=sources, start=oldest - reach, end=instant + reach, as_of=as_of, columns=NEEDED)
    fixed = _constants(ticks, instant, sources, as_of)
    dated = by_effective_day(near[~is_constant(near)])
    dated = dated[(dated["observed_at"] >= oldest) & (dated["observed_at"] <= instant)]
    seen = near[(near["source"] == TICKER) & (near["observed_at"] >= oldest) & (near["observed_at"] <= instant)]
    parts = [part for part in (seen, dated, fixed) if len(part)]
    return pd.concat(parts, ignore_index=True) if parts else near[:0]


def _constants(
    ticks: Ticks, instant: pd.Timestamp, sources: Iterable[str] | None, as_of: Moment | None
) -> pd.DataFrame:
    from fxticker.sources.constants import CONSTANTS

    wanted = [*CONSTANTS] if sources is None else [name for name in CONSTANTS if name in sources]
    found = ticks_of(ticks, sources=wanted, as_of=as_of, columns=NEEDED)
    return found[(found["observed_at"] <= instant) & (found["origin"] == Origin.CONSTANT.value)]


def _said(held: pd.DataFrame, pair: str, instant: pd.Timestamp) -> list[Statement]:
    """What each source says of a pair, by its last tick."""
    try:
        found = quotes(held, pairs=[pair])
    except ValueError:
        return []
    known = found[(found["time_basis"] != "date") | (found["source"] != TICKER) | _is_over(found, instant)]
    last = known.drop_duplicates("source", keep="last")
    return [_statement(row, instant) for row in last.itertuples()]


def _is_over(found: pd.DataFrame, instant: pd.Timestamp) -> pd.Series:
    """Of ticks of which only the day is known: whether that day is over, for it is some time on it."""
    return found["observed_at"] + pd.Timedelta(days=1) <= instant + pd.Timedelta(microseconds=1)


def _statement(row: Any, instant: pd.Timestamp) -> Statement:
    at = row.observed_at.to_pydatetime()
    return Statement(str(row.pair), row.rate_lo, row.rate_hi, str(row.source), at, instant.to_pydatetime() - at)


def _crossed(pair: str, base: Statement, quote: Statement) -> Statement:
    """A cross rate of what two sources say."""
    lo, hi = outward(base.lo / quote.hi, base.hi / quote.lo)
    older = min(base, quote, key=lambda said: said.at)
    return Statement(pair, lo, hi, f"{base.source}+{quote.source}", older.at, older.age)
