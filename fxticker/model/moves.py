"""Moves: whether a rate has certainly changed by more than a threshold within a span of time."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from fractions import Fraction

from fxticker.model.bands import Band, drift_pct, inverse, rate_band
from fxticker.model.invalid import InvalidArgument
from fxticker.model.pairs import pair_of
from fxticker.model.schedule import every

_LIMIT = re.compile(r"([0-9]{1,4}(?:\.[0-9]{1,6})?)\s*%\s+in\s+(\S.*)")
_PAIR = re.compile(r"[A-Z]{3}/[A-Z]{3}")


@dataclass(frozen=True, slots=True)
class MoveLimit:
    """The threshold of a pair.

    Attributes
    ----------
    pct
        Percent, above 0; a fall counts as a rise does.
    span
        Time over which the change is taken.
    text
        As it was written, ``"2% in 1d"``.
    """

    pct: Fraction
    span: timedelta
    text: str


def move_limit(text: str) -> MoveLimit:
    """Read ``"2% in 1d"``; units of the span are s, min, h and d.

    Raises
    ------
    ValueError
        If the text is no threshold above 0 with a span of at most 31 days.
    """
    match = _LIMIT.fullmatch(text.strip())
    if match is None or not Fraction(match[1]):
        raise InvalidArgument('must be a threshold above 0 with a span, such as "2% in 1d"')
    return MoveLimit(Fraction(match[1]), every(match[2], source="").interval, text.strip())


def limits_by_pair(limits: Mapping[str, MoveLimit]) -> dict[str, MoveLimit]:
    """Return thresholds by pair, whose names may be written as `fxticker.model.pairs.pair_of` reads them.

    Raises
    ------
    ValueError
        If a name is no pair of two currency codes, or two name the same pair.
    """
    result: dict[str, MoveLimit] = {}
    for name, limit in limits.items():
        pair = pair_of(name)
        if _PAIR.fullmatch(pair) is None:
            raise InvalidArgument(f'{name!r} is no pair of two currencies such as "KZT/USD"')
        if pair in result:
            raise InvalidArgument(f"{name!r} is {pair}, which has a limit already")
        result[pair] = limit
    return result


@dataclass(frozen=True, slots=True)
class RateRun:
    """Neighbouring ticks of a pair that print the same rate.

    Attributes
    ----------
    rate_text, nominal
        As printed, for so many units of base.
    first_at, last_at
        When it was first and last shown, aware UTC.
    """

    rate_text: str
    nominal: int
    first_at: datetime
    last_at: datetime


@dataclass(frozen=True, slots=True)
class Change:
    """The change of a rate over a span.

    Attributes
    ----------
    start, end
        The rates that are compared.
    band
        What the printed digits allow for the change, in percent.
    printed_pct
        The change of the printed numbers, in percent.
    """

    start: RateRun
    end: RateRun
    band: Band
    printed_pct: Fraction

    def direction(self, limit: MoveLimit) -> str:
        """``"up"`` or ``"down"`` if the whole band lies beyond the threshold, else empty."""
        if self.band.lo > limit.pct:
            return "up"
        return "down" if self.band.hi < -limit.pct else ""

    def is_below(self, limit: MoveLimit) -> bool:
        """Whether the change of the printed numbers is below the threshold."""
        return abs(self.printed_pct) < limit.pct


def change_over(runs: Sequence[RateRun], span: timedelta, *, is_inverse: bool) -> Change | None:
    """Return the change from the rate a span before the newest one to the newest one.

    The earlier rate is the one that was shown at that instant, or last before it, but not more than another span
    before; else the first one since: a change in less time is one in the span, too. After a longer silence it is not
    known when the rate moved, and nothing is taken for a move.

    Parameters
    ----------
    runs
        Of one pair, sorted by time.
    span
        The time.
    is_inverse
        Whether the change of 1/rate is asked for.

    Returns
    -------
    Change or None
        None if there is no rate.
    """
    if not runs:
        return None
    end = runs[-1]
    since = end.last_at - span
    earlier = [run for run in runs if run.first_at <= since]
    start = earlier[-1] if earlier and earlier[-1].last_at >= since - span else None
    if start is None:
        start = next(run for run in runs if run.first_at > since or run is end)
    if (start.rate_text, start.nominal) == (end.rate_text, end.nominal):
        return Change(start, end, Band(Fraction(0), Fraction(0)), Fraction(0))
    bands = [rate_band(run.rate_text, run.nominal) for run in (start, end)]
    printed = [Band(band.middle, band.middle) for band in bands]
    if is_inverse:
        bands, printed = [inverse(band) for band in bands], [inverse(band) for band in printed]
    return Change(start, end, drift_pct(*bands), drift_pct(*printed).middle)
