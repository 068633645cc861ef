"""The last rate of a pair by an instant, exactly, with the ticks that it is made of."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from fractions import Fraction

import numpy as np
import pandas as pd

from fxticker.analysis.quotes import Ticks, check_derivable, ticks_of
from fxticker.frames.load import last_by
from fxticker.frames.settle import effective_rows, hull_of
from fxticker.model.bands import Band, cross, inverse
from fxticker.model.pairs import THROUGH, currencies_of, legs_of
from fxticker.model.records import TimeBasis
from fxticker.model.selection import Selection
from fxticker.model.timestamps import END_OF_TIME, MICROSECOND, Moment, instant

_REST_OF_DAY = pd.Timedelta(days=1) - pd.Timedelta(MICROSECOND)


@dataclass(frozen=True, slots=True)
class Observation:
    """What one source showed of one stored pair at one instant.

    Attributes
    ----------
    source, pair, observed_at
        Of which source, which pair, when.
    rate_text
        As printed; null where several texts of one day count.
    band
        What the printed digits allow.
    counts_from
        The instant itself; the end of its day if only that is known, for then it may have been shown as late.
    """

    source: str
    pair: str
    observed_at: datetime
    rate_text: str | None
    band: Band
    counts_from: datetime

    @property
    def when(self) -> str:
        """When it was shown, as a sentence says it."""
        if self.counts_from != self.observed_at:
            return f"on {self.observed_at:%Y-%m-%d}"
        return f"at {self.observed_at:%Y-%m-%d %H:%M} UTC"


@dataclass(frozen=True, slots=True)
class Rate:
    """The rate of a pair at one instant.

    Attributes
    ----------
    at
        When.
    value
        Quote per one unit of base, as printed or derived from what is printed; of a hull the middle.
    band
        What the printed digits allow.
    rate_text
        As printed; null where the rate is derived or several texts of one day count.
    legs
        What it is made of: one stored pair, or two.
    """

    at: datetime
    value: Fraction
    band: Band
    rate_text: str | None
    legs: tuple[Observation, ...]


def rates_by(ticks: Ticks, upto: datetime, selection: Selection) -> dict[tuple[str, str], Rate]:
    """The last rate of each source's pair, stored, inverse or cross, that is not later than an instant.

    Of a store only the newest segments are read, unless the two legs of a cross rate were last shown at different
    instants: then all ticks of both are, to find when they were last shown together.

    Parameters
    ----------
    ticks
        A store, or a frame of ticks.
    upto
        The instant, included. A tick of which only the date is known counts from the end of its day on, unless the
        source shows the pair at an instant of that day: see `fxticker.analysis.series.may_close`.
    selection
        Pairs as for `fxticker.quotes`, sources, and `as_of`; a span is not looked at.

    Raises
    ------
    ValueError
        If a pair is neither stored nor derivable.
    """
    wanted = None if selection.pairs is None else sorted({*selection.pairs})
    legs = None if wanted is None else tuple(sorted({leg for pair in wanted for leg in legs_of(pair)}))
    shown = _shown(_last_rows(ticks, upto, replace(selection, pairs=legs)))
    if wanted is None:
        return {key: _stored(leg) for key, leg in shown.items()}
    found = {}
    for source in sorted({source for source, _ in shown}):
        for pair in wanted:
            ways = [
                *_direct(shown, source, *currencies_of(pair)),
                *_crossed(shown, source, pair, ticks, upto, selection.as_of),
            ]
            if ways:
                found[source, pair] = max(ways, key=lambda rate: rate.at)
    check_derivable(ticks, {*wanted} - {pair for _, pair in found})
    return found


def _last_rows(ticks: Ticks, upto: datetime, selection: Selection) -> pd.DataFrame:
    """All rows of each source's pair at its last instant."""
    if not isinstance(ticks, pd.DataFrame):
        return last_by(ticks, upto, selection)
    held = _known(ticks_of(ticks, selection), upto)
    last = held.groupby(["source", "pair"], observed=True)["observed_at"].transform("max")
    return held[held["observed_at"] == last]


def _known(ticks: pd.DataFrame, upto: datetime) -> pd.DataFrame:
    # as of one day, the later `observed_at` is that of a tick with an instant: a date is written as its first one
    is_date = ticks["time_basis"] == TimeBasis.DATE
    at = ticks["observed_at"]
    return ticks[at.where(~is_date, at + _REST_OF_DAY) <= upto] if is_date.any() else ticks[at <= upto]


def _shown(rows: pd.DataFrame) -> dict[tuple[str, str], Observation]:
    """What counts of each source's pair, given all its rows at one instant."""
    found = {}
    for (source, pair), held in rows.groupby(["source", "pair"], observed=True):
        counting = effective_rows(held)
        texts = counting["rate_text"].astype(str).unique()
        at = instant(counting["observed_at"].iloc[0])
        text = texts[0] if len(texts) == 1 else None
        is_date = bool((counting["time_basis"] == TimeBasis.DATE).all())
        known_at = at + _REST_OF_DAY.to_pytimedelta() if is_date else at
        found[str(source), str(pair)] = Observation(str(source), str(pair), at, text, hull_of(counting), known_at)
    return found


def _stored(leg: Observation) -> Rate:
    return Rate(leg.observed_at, leg.band.middle, leg.band, leg.rate_text, (leg,))


def _direct(shown: dict[tuple[str, str], Observation], source: str, base: str, quote: str) -> Iterator[Rate]:
    """The rate as stored, and as the inverse of what is stored."""
    leg = shown.get((source, f"{base}/{quote}"))
    if leg:
        yield _stored(leg)
    turned = shown.get((source, f"{quote}/{base}"))
    if turned:
        yield Rate(turned.observed_at, 1 / turned.band.middle, inverse(turned.band), None, (turned,))


def _crossed(
    shown: dict[tuple[str, str], Observation],
    source: str,
    pair: str,
    ticks: Ticks,
    upto: datetime,
    as_of: Moment | None,
) -> Iterator[Rate]:
    """The rates through each common currency, of the last instant at which both legs were shown."""
    currencies = currencies_of(pair)
    for common in THROUGH:
        ways = [list(_direct(shown, source, currency, common)) for currency in currencies]
        if all(ways) and len({rate.at for rates in ways for rate in rates}) > 1:
            together = _shown(_last_together(ticks, source, currencies, common, upto, as_of))
            ways = [list(_direct(together, source, currency, common)) for currency in currencies]
        if all(ways):
            base, quote = ways[0][0], ways[1][0]
            yield Rate(base.at, base.value / quote.value, cross(base.band, quote.band), None, base.legs + quote.legs)


def _last_together(
    ticks: Ticks, source: str, currencies: tuple[str, str], common: str, upto: datetime, as_of: Moment | None
) -> pd.DataFrame:
    """The rows of both legs at the last instant that has both."""
    legs = [[f"{currency}/{common}", f"{common}/{currency}"] for currency in currencies]
    end = upto + MICROSECOND if upto < END_OF_TIME else None
    selection = Selection.of(pairs=[*legs[0], *legs[1]], sources=[source], end=end, as_of=as_of)
    held = _known(ticks_of(ticks, selection), upto)
    at = held["observed_at"].to_numpy("M8[us]")
    base, quote = (at[held["pair"].isin(leg).to_numpy()] for leg in legs)
    both = np.intersect1d(base, quote)
    return held[at == both[-1]] if len(both) else held[:0]
