"""Converting an amount by the last rate shown, with what the printed digits leave open."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_EVEN, Context, Decimal, InvalidOperation
from fractions import Fraction
from typing import Any

from fxticker.analysis.durations import duration_of
from fxticker.analysis.lookup import Observation, Rate, rates_by
from fxticker.analysis.quotes import Ticks
from fxticker.errors import NoData, StaleRate
from fxticker.model.selection import Selection
from fxticker.model.timestamps import Moment, last_instant
from fxticker.sources.fixed import CONSTANTS

MAX_DIGITS = 24
"""Digits of an amount before and behind its point: more than any sum of money has, and a bound to the arithmetic."""


@dataclass(frozen=True, slots=True)
class Conversion:
    """What an amount is worth in another currency.

    Attributes
    ----------
    amount
        By the rates as printed, exactly.
    amount_lo, amount_hi
        Between these the true amount lies, exactly: what the printed digits of the rates allow.
    currency
        Of these amounts.
    at
        The instant as of which the rates were looked up.
    legs
        The ticks that were used: one, or two for a cross rate.
    """

    amount: Fraction
    amount_lo: Fraction
    amount_hi: Fraction
    currency: str
    at: datetime
    legs: tuple[Observation, ...]

    @property
    def age(self) -> timedelta:
        """How old the ticks were at that instant, those of a day without an instant counted from its end."""
        return self.at - self.legs[0].counts_from

    def facts(self) -> dict[str, Any]:
        """The same for a document: amounts as decimal text, the band rounded outward to two of its digits."""
        amount, lo, hi = self._rounded()
        return {
            "amount": amount,
            "amount_lo": lo,
            "amount_hi": hi,
            "currency": self.currency,
            "at": self.at,
            "age_s": self.age.total_seconds(),
            "legs": [
                {"source": leg.source, "pair": leg.pair, "rate_text": leg.rate_text, "observed_at": leg.observed_at}
                for leg in self.legs
            ],
        }

    def __str__(self) -> str:
        amount, lo, hi = self._rounded()
        ticks = " and ".join(
            f"{leg.pair} {leg.rate_text or f'{float(leg.band.lo):.6g} to {float(leg.band.hi):.6g}'}"
            for leg in self.legs
        )
        shown = f"{ticks} of {self.legs[0].source} {self.legs[0].when}"
        return f"{amount} {self.currency}, between {lo} and {hi}: by {shown}, {age_text(self.age)} old"

    def _rounded(self) -> tuple[str, str, str]:
        if self.amount_lo == self.amount_hi:  # by a constant
            exact = (ROUND_HALF_EVEN, ROUND_FLOOR, ROUND_CEILING)
            amount, lo, hi = (_rounded(self.amount, None, rounding, digits=MAX_DIGITS) for rounding in exact)
            return amount, lo, hi
        # two digits of the band's width: further ones would say nothing
        width = Decimal(_rounded(self.amount_hi - self.amount_lo, None, ROUND_HALF_EVEN))
        decimals = max(1 - width.adjusted(), 0)
        lo, hi = _rounded(self.amount_lo, decimals, ROUND_FLOOR), _rounded(self.amount_hi, decimals, ROUND_CEILING)
        return _rounded(self.amount, decimals, ROUND_HALF_EVEN), lo, hi


def convert(
    ticks: Ticks,
    amount: Decimal | str | int,
    from_currency: str,
    to_currency: str,
    *,
    at: Moment | None = None,
    max_age: timedelta | str = "1D",
    source: str | None = None,
) -> Conversion:
    """What an amount is worth in another currency, by the last rate that one source showed.

    Parameters
    ----------
    ticks
        A store, or a frame of ticks.
    amount
        How much, above zero; not a float, which is seldom the number that was meant.
    from_currency, to_currency
        Of what and into what, as in ``KZT/USD``; through USD, or RUB, if need be.
    at
        By the rates as of this instant, a date standing for its end; null for now.
    max_age
        Refuse ticks that were shown earlier before `at`: a duration, or text such as ``12h`` or ``1D``. A tick of which
        only the date is known counts from the end of its day on.
    source
        Whose rates; may be left out if only one source has them. An official peg counts only where it is named or
        nobody else has the rate; it holds until it is changed, whatever its age.

    Returns
    -------
    Conversion
        The amount times the rate, and times the bounds of its band, in exact arithmetic.

    Raises
    ------
    StaleRate
        If the last tick is older than `max_age`.
    NoData
        If there is no tick by then.
    ValueError
        If the amount is none, several sources have the rate and none is named, or the pair is neither stored nor
        derivable.
    """
    given, limit = _amount(amount), duration_of(max_age)
    asked = datetime.now(UTC) if at is None else last_instant(at)
    pair = f"{from_currency}/{to_currency}"
    found = rates_by(ticks, asked, Selection.of(pairs=pair, sources=source))
    rate = _only(found, pair, asked)
    band, leg = rate.band, rate.legs[0]
    worth = Conversion(given * rate.value, given * band.lo, given * band.hi, to_currency, asked, rate.legs)
    if worth.age > limit and leg.source not in CONSTANTS:
        raise StaleRate(pair, leg.source, leg.when, worth.age, limit)
    return worth


def age_text(age: timedelta) -> str:
    """An age in its largest two units."""
    minutes = age // timedelta(minutes=1)
    days, hours = divmod(minutes // 60, 24)
    if days:
        return f"{days} d {hours} h"
    return f"{hours} h {minutes % 60} min" if hours else f"{minutes} min"


def _only(found: dict[tuple[str, str], Rate], pair: str, asked: datetime) -> Rate:
    if not found:
        raise NoData(f"nobody has shown {pair} by {asked:%Y-%m-%d %H:%M} UTC")
    # A peg is what a rate should be: it counts where it is named, or nobody shows what the rate is.
    found = {key: rate for key, rate in found.items() if key[0] not in CONSTANTS} or found
    if len(found) > 1:
        sources = ", ".join(sorted(source for source, _ in found))
        raise ValueError(f"several sources have {pair}, name one: {sources}")
    return next(iter(found.values()))


def _amount(given: Decimal | str | int) -> Fraction:
    if isinstance(given, bool) or not isinstance(given, Decimal | str | int):
        raise ValueError(f"an amount is text, a Decimal or an int, not the {type(given).__name__} {given!r}")  # noqa: TRY004  one error for whatever is no amount
    try:
        amount = Decimal(given)
    except InvalidOperation as error:
        raise ValueError(f"{given!r} is no amount such as 1500 or 1500.00") from error
    if not amount.is_finite() or amount <= 0:
        raise ValueError(f"an amount is a number above zero, not {given!r}")
    if abs(amount.adjusted()) >= MAX_DIGITS or len(amount.as_tuple().digits) > 2 * MAX_DIGITS:
        raise ValueError(f"an amount has at most {MAX_DIGITS} digits before and behind its point")
    return Fraction(amount)


def _rounded(value: Fraction, decimals: int | None, rounding: str, *, digits: int = 4 * MAX_DIGITS) -> str:
    """A value as decimal text, plainly written."""
    context = Context(prec=digits, rounding=rounding)
    exact = context.divide(Decimal(value.numerator), Decimal(value.denominator))
    return f"{exact if decimals is None else exact.quantize(Decimal(1).scaleb(-decimals), context=context):f}"
