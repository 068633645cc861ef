"""Lookup: finds the last rate of a pair not later than an instant, exactly, with the ticks it is derived from."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, time, timedelta, tzinfo
from fractions import Fraction

import numpy as np
import pandas as pd

from fxticker.analysis.source_quotes import Ticks, check_derivable, ticks_of
from fxticker.frames.dates_in_zone import dated_upto
from fxticker.frames.load import last_by
from fxticker.frames.one_per_instant import bands_of, effective_rows
from fxticker.frames.tick_columns import require_columns
from fxticker.model.bands import Band, cross, hull, inverse
from fxticker.model.days import Lookup
from fxticker.model.pairs import THROUGH, currencies_of, directed, legs_of
from fxticker.model.records import TimeBasis
from fxticker.model.selection import Selection
from fxticker.model.single_bands import SingleBands
from fxticker.model.timestamps import END_OF_TIME, MICROSECOND, Moment, instant, minute_text

_NEEDED = ("source", "pair", "observed_at", "time_basis", "rate", "rate_text", "nominal", "recorded_at")
_REST_OF_DAY = pd.Timedelta(days=1) - pd.Timedelta(MICROSECOND)


@dataclass(frozen=True, slots=True)
class Observation:
    """The rate of one stored pair that one source showed at one instant.

    Attributes
    ----------
    source, pair, observed_at
        Source id, pair, and instant.
    rate_text
        As printed; ``None`` where several texts of one day count.
    nominal
        Units of base that the text is for; 1 where there is none.
    band
        Bounds that the printed digits allow; of several texts of one day their hull.
    single
        The bands of the single texts.
    counts_from
        The instant itself; for a date-only rate the end of its day, the latest time at which it can have been shown.
    """

    source: str
    pair: str
    observed_at: datetime
    rate_text: str | None
    nominal: int
    band: Band
    single: SingleBands
    counts_from: datetime

    @property
    def when(self) -> str:
        """The instant or date as part of a sentence."""
        if self.counts_from != self.observed_at:
            return f"on {self.observed_at.astimezone(UTC):%Y-%m-%d}"
        return f"at {minute_text(self.observed_at)} {self.observed_at.tzinfo}"


@dataclass(frozen=True, slots=True)
class Rate:
    """The rate of a pair at one instant.

    Attributes
    ----------
    observed_at
        Instant of the rate.
    value
        Quote per one unit of base, as printed or derived from printed rates; of a hull the middle.
    band
        Bounds that the printed digits allow.
    single
        The bands of the single values that a hull is of.
    rate_text
        As printed; ``None`` where the rate is derived or several texts of one day count.
    legs
        Observations it is derived from: one stored pair, or two.
    """

    observed_at: datetime
    value: Fraction
    band: Band
    single: SingleBands
    rate_text: str | None
    legs: tuple[Observation, ...]

    @property
    def nominal(self) -> int:
        """Units of base that the text is for; 1 where there is none."""
        return 1 if self.rate_text is None else self.legs[0].nominal

    def stands_at(self, zone: tzinfo) -> datetime:
        """Return its instant, aware UTC; of a rate of which only the date is known the zone's midnight of that date."""
        is_date = any(leg.observed_at == self.observed_at != leg.counts_from for leg in self.legs)
        return instant(datetime.combine(self.observed_at.date(), time(), zone)) if is_date else self.observed_at

    def age(self, at: datetime) -> timedelta:
        """Return the age of its older tick at an instant; that of a date-only one counts from the end of its day."""
        return max(at - min(leg.counts_from for leg in self.legs), timedelta(0))


def rates_by(ticks: Ticks, at: Lookup, selection: Selection) -> dict[tuple[str, str], Rate]:
    """Return the last rate of each source and pair, stored, inverse or cross, as of an instant, whatever its age.

    Only the newest segments of a store are read, unless the two legs of a cross rate were last shown at different
    instants: then all ticks of both are read to find the last instant with both.

    Parameters
    ----------
    ticks
        A store, or a frame of ticks.
    at
        The instants of the lookup, included. A date-only tick of the ticker counts from the end of its day, unless it
        has a tick of the pair with an instant on that day (see `fxticker.analysis.series.may_close`), that of any other
        source from the beginning of its value date.
    selection
        Pairs as for `fxticker.quotes`, sources, and `as_of`; a span is ignored.

    Raises
    ------
    ValueError
        If a pair is neither stored nor derivable.
    """
    wanted = None if selection.pairs is None else sorted({*selection.pairs})
    legs = None if wanted is None else tuple(sorted({leg for pair in wanted for leg in legs_of(pair)}))
    last_shown = _shown(_last_rows(ticks, at, replace(selection, pairs=legs)))
    if wanted is None:
        return _in_one_direction(last_shown, per_usd=bool(selection.per_usd))
    rates = {}
    for source in sorted({source for source, _ in last_shown}):
        for pair in wanted:
            ways = [
                *_direct(last_shown, source, *currencies_of(pair)),
                *_crossed(last_shown, source, pair, ticks, at, selection.as_of),
            ]
            if ways:
                rates[source, pair] = max(ways, key=lambda rate: rate.observed_at)
    check_derivable(ticks, {*wanted} - {pair for _, pair in rates}, selection.sources)
    return rates


def _last_rows(ticks: Ticks, at: Lookup, selection: Selection) -> pd.DataFrame:
    """Return all rows of each source and pair at its last instant."""
    if not isinstance(ticks, pd.DataFrame):
        return last_by(ticks, at, selection)
    require_columns(ticks, _NEEDED)
    rows = _known(ticks_of(ticks, selection), at)
    last = rows.groupby(["source", "pair"], observed=True)["observed_at"].transform("max")
    return rows[rows["observed_at"] == last]


def _known(ticks: pd.DataFrame, at: Lookup) -> pd.DataFrame:
    # within a day a tick with an instant has the later `observed_at`: a date is stored as 00:00 UTC
    is_date = ticks["time_basis"] == TimeBasis.DATE
    is_known = ticks["observed_at"] <= at.upto
    if is_date.any():
        until = ticks["source"].map({source: dated_upto(at, str(source)) for source in ticks["source"].unique()})
        is_known = is_known.where(~is_date, ticks["observed_at"] + _REST_OF_DAY <= pd.to_datetime(until, utc=True))
    return ticks[is_known]


def _shown(rows: pd.DataFrame) -> dict[tuple[str, str], Observation]:
    """Return the effective observation of each source and pair, given all its rows at one instant."""
    observations = {}
    for (source, pair), pair_rows in rows.groupby(["source", "pair"], observed=True):
        effective = effective_rows(pair_rows)
        texts = effective["rate_text"].astype(str).unique()
        observed_at = instant(effective["observed_at"].iloc[0])
        text = texts[0] if len(texts) == 1 else None
        nominal = 1 if text is None else int(effective["nominal"].iloc[0])
        is_date = bool((effective["time_basis"] == TimeBasis.DATE).all())
        counts_from = observed_at + _REST_OF_DAY.to_pytimedelta() if is_date else observed_at
        bands = bands_of(effective)
        observations[str(source), str(pair)] = Observation(
            str(source), str(pair), observed_at, text, nominal, hull(bands), SingleBands.of(bands), counts_from
        )
    return observations


def _stored(leg: Observation) -> Rate:
    return Rate(leg.observed_at, leg.band.middle, leg.band, leg.single, leg.rate_text, (leg,))


def _inverse(leg: Observation) -> Rate:
    return Rate(leg.observed_at, 1 / leg.band.middle, inverse(leg.band), leg.single.inverse(), None, (leg,))


def crossed(base: Rate, quote: Rate) -> Rate:
    """Return the cross rate of two rates against a common currency, at the instant of the older one."""
    return Rate(
        min(base.observed_at, quote.observed_at),
        base.value / quote.value,
        cross(base.band, quote.band),
        base.single.crossed(quote.single),
        None,
        base.legs + quote.legs,
    )


def _in_one_direction(shown: dict[tuple[str, str], Observation], *, per_usd: bool) -> dict[tuple[str, str], Rate]:
    """Return the stored rates, those against USD in one direction; of a source's both directions the later one."""
    rates: dict[tuple[str, str], Rate] = {}
    for (source, pair), leg in shown.items():
        way = directed(pair, per_usd=per_usd)
        rate, known = _stored(leg) if way == pair else _inverse(leg), rates.get((source, way))
        # at one instant the direction that is not turned counts
        if known is None or (rate.observed_at, way == pair) > (known.observed_at, known.legs[0].pair == way):
            rates[source, way] = rate
    return rates


def _direct(shown: dict[tuple[str, str], Observation], source: str, base: str, quote: str) -> Iterator[Rate]:
    """Yield the stored rate, and the inverse of the rate stored in the other direction."""
    leg = shown.get((source, f"{base}/{quote}"))
    if leg:
        yield _stored(leg)
    turned = shown.get((source, f"{quote}/{base}"))
    if turned:
        yield _inverse(turned)


def _crossed(
    shown: dict[tuple[str, str], Observation],
    source: str,
    pair: str,
    ticks: Ticks,
    at: Lookup,
    as_of: Moment | None,
) -> Iterator[Rate]:
    """Yield the rate through each common currency at the last instant with both legs."""
    currencies = currencies_of(pair)
    for common in THROUGH:
        ways = [list(_direct(shown, source, currency, common)) for currency in currencies]
        if all(ways) and len({rate.observed_at for rates in ways for rate in rates}) > 1:
            together = _shown(_last_together(ticks, source, currencies, common, at, as_of))
            ways = [list(_direct(together, source, currency, common)) for currency in currencies]
        if all(ways):
            yield crossed(ways[0][0], ways[1][0])


def _last_together(
    ticks: Ticks, source: str, currencies: tuple[str, str], common: str, at: Lookup, as_of: Moment | None
) -> pd.DataFrame:
    """Return the rows of both legs at the last instant with both."""
    legs = [[f"{currency}/{common}", f"{common}/{currency}"] for currency in currencies]
    upto = max(at.upto, at.dated_upto)
    end = upto + MICROSECOND if upto < END_OF_TIME else None
    selection = Selection.of(pairs=[*legs[0], *legs[1]], sources=[source], end=end, as_of=as_of)
    rows = _known(ticks_of(ticks, selection), at)
    instants = rows["observed_at"].to_numpy("M8[us]")
    base, quote = (instants[rows["pair"].isin(leg).to_numpy()] for leg in legs)
    both = np.intersect1d(base, quote)
    return rows[instants == both[-1]] if len(both) else rows[:0]
