"""Conversion: converts an amount by the last rate of a pair, with the bounds that the printed digits allow."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_EVEN, Context, Decimal, InvalidOperation
from fractions import Fraction
from typing import Any

from fxticker.analysis.lookup import Observation
from fxticker.analysis.notebook import facts_html
from fxticker.analysis.rate_choice import Choice, choices_of
from fxticker.analysis.rate_exact import exact_rate
from fxticker.analysis.rate_grid import grid_of
from fxticker.analysis.source_quotes import Ticks
from fxticker.errors import NoData, StaleRate
from fxticker.frames.now_and_zone import present, zone_of
from fxticker.model.days import Lookup, lookup
from fxticker.model.durations import age_text
from fxticker.model.formatting import format_with_band, printed_text
from fxticker.model.invalid import InvalidArgument
from fxticker.model.pairs import currencies_of, pair_of
from fxticker.model.selection import Selection, Zone
from fxticker.model.timestamps import Moment
from fxticker.sources.age_limits import AgeLimit, MaxAge
from fxticker.sources.rate_order import SourceOrder

MAX_DIGITS = 24
"""Digits allowed before and after the decimal point of an amount: above any sum of money; bounds the arithmetic."""


@dataclass(frozen=True, slots=True)
class Conversion:
    """An amount in another currency.

    Attributes
    ----------
    amount
        Exact product of the amount and the printed rates.
    amount_lo, amount_hi
        Exact bounds of the true amount that the printed digits of the rates allow.
    currency
        Currency of these amounts.
    at
        Instant as of which the rates were looked up.
    legs
        Ticks that were used: one, or two for a cross rate.
    kind
        What the rate is: ``official``, ``market``, ``peg``, or two with a plus.
    order
        The order that chose the source; ``None`` if the source was named.
    passed_over
        Why the sources that stand before in the order do not answer.
    """

    amount: Fraction
    amount_lo: Fraction
    amount_hi: Fraction
    currency: str
    at: datetime
    legs: tuple[Observation, ...]
    kind: str
    order: str | None
    passed_over: tuple[str, ...] = ()

    @property
    def age(self) -> timedelta:
        """Age of the older tick at that instant; that of a date is counted from its end."""
        return _age(self.legs, self.at)

    def facts(self) -> dict[str, Any]:
        """Return the conversion for a document: amounts as decimal text, the bounds rounded outward to two digits."""
        amount, lo, hi = self._rounded()
        return {
            "amount": amount,
            "amount_lo": lo,
            "amount_hi": hi,
            "currency": self.currency,
            "at": self.at,
            "age_s": self.age.total_seconds(),
            "kind": self.kind,
            "order": self.order,
            "legs": [
                {name: getattr(leg, name) for name in ("source", "pair", "rate_text", "observed_at", "nominal")}
                for leg in self.legs
            ],
        }

    def __str__(self) -> str:
        amount, lo, hi = self._rounded()
        several = len({(leg.source, leg.when) for leg in self.legs}) > 1
        last = self.legs[-1]
        ticks = " and ".join(
            f"{leg.pair} {_leg_text(leg)}" + (f" of {leg.source} {leg.when}" if several or leg is last else "")
            for leg in self.legs
        )
        return f"{amount} {self.currency}, between {lo} and {hi}: by {ticks}, {age_text(self.age)} old; {self._chosen}"

    def _repr_html_(self) -> str:
        amount, lo, hi = self._rounded()
        legs = [(leg.pair, f"{_leg_text(leg)} of {leg.source} {leg.when}") for leg in self.legs]
        bounds = [("between", f"{lo} and {hi} {self.currency}")]
        rate = [*legs, ("age", age_text(self.age)), ("by", self._chosen)]
        return facts_html([("amount", f"{amount} {self.currency}"), *bounds, *rate])

    @property
    def _chosen(self) -> str:
        chosen = f"{self.kind} rate" + ("" if self.order is None else f", by the order {self.order}")
        return "; passed over: ".join([chosen, *(["; ".join(self.passed_over)] if self.passed_over else [])])

    def _rounded(self) -> tuple[str, str, str]:
        if self.amount_lo == self.amount_hi:  # by a constant
            exact = (ROUND_HALF_EVEN, ROUND_FLOOR, ROUND_CEILING)
            amount, lo, hi = (_rounded(self.amount, None, rounding, digits=MAX_DIGITS) for rounding in exact)
            return amount, lo, hi
        # two digits of the band's width: further ones carry no information
        width = Decimal(_rounded(self.amount_hi - self.amount_lo, None, ROUND_HALF_EVEN))
        decimals = max(1 - width.adjusted(), 0)
        lo, hi = _rounded(self.amount_lo, decimals, ROUND_FLOOR), _rounded(self.amount_hi, decimals, ROUND_CEILING)
        return _rounded(self.amount, decimals, ROUND_HALF_EVEN), lo, hi


def _age(legs: Sequence[Observation], at: datetime) -> timedelta:
    return max(at - min(leg.counts_from for leg in legs), timedelta(0))


def convert(
    ticks: Ticks,
    amount: Decimal | str | int,
    from_currency: str,
    to_currency: str,
    *,
    at: Moment | None = None,
    max_age: MaxAge = None,
    source: str | None = None,
    order: Iterable[str] | None = None,
    tz: Zone = "UTC",
) -> Conversion:
    """Convert an amount to another currency by the rate that `fxticker.rate` states, or that of a named source.

    Parameters
    ----------
    ticks
        A store, or a frame of ticks.
    amount
        Amount above zero; a float is refused because it is rarely the intended decimal number.
    from_currency, to_currency
        Currency codes; the rate is a cross rate through USD or RUB where the pair is not stored.
    at
        Use the rates as of this instant; a date stands for its end; ``None`` for now.
    max_age
        Refuse ticks older than this at `at`, of a date its end and at most now: a duration, or text such as ``12h`` or
        ``1D``; ``None`` for the limit of the source (7 days for the ticker, its longest holidays for a bank), ``any``
        for no limit. A date-only tick of the ticker counts from the end of its day, a bank's from the beginning.
    source
        Source of the rate; ``None`` for the first one of `order` that has it, or two for a cross rate. A peg holds
        until it is changed, at any age, as do rates of sources that publish only changes.
    order
        Which source answers, as for `fxticker.rate`; ``None`` for ``official, ticker, peg``.
    tz
        Whose day `at` is, as ``Asia/Tashkent``, and the zone of the instants of the result.

    Returns
    -------
    Conversion
        The amount multiplied by the rate and by the bounds of its band, in exact arithmetic.

    Raises
    ------
    StaleRate
        If the last tick of the source that stands first is older than `max_age`, and no other one answers.
    NoData
        If there is no tick by then.
    ValueError
        If the amount is invalid, `at` is after now, `order` or `source` names something unknown, or the pair is neither
        stored nor derivable.
    """
    quantity, limit, now = _amount(amount), AgeLimit.of(max_age), present()
    by = lookup("now" if at is None else at, now, zone_of(tz))
    pair = pair_of(f"{from_currency}/{to_currency}")
    currency = currencies_of(pair)[1]
    if source is not None and order is not None:
        raise InvalidArgument("give either a source or an order, not both")
    wanted, entries = Selection.of(pairs=pair, sources=source), order if source is None else [source]
    [choice] = choices_of(ticks, wanted, grid_of([by]), limit, entries)
    if choice.line is None:
        raise _refusal(choice, ticks, by, limit)
    rate = exact_rate(ticks, choice.line, by)
    value, lo, hi = (quantity * number for number in (rate.value, rate.band.lo, rate.band.hi))
    stated = None if source is not None else str(SourceOrder.of(order, choice.line.source.split("+")))
    zone = zone_of(tz)
    legs = tuple(replace(leg, observed_at=leg.observed_at.astimezone(zone)) for leg in rate.legs)
    at_zone = by.upto.astimezone(zone)
    return Conversion(value, lo, hi, currency, at_zone, legs, choice.line.kind, stated, choice.passed_over)


def _refusal(choice: Choice, ticks: Ticks, by: Lookup, limit: AgeLimit) -> NoData:
    """Return why no source answers: of rates that are too old the one that stands first in the order."""
    for line in choice.passed:
        if line.has_rate[0]:
            legs = exact_rate(ticks, line, by).legs
            leg = min(legs, key=lambda leg: leg.counts_from)
            age = _age(legs, by.upto)
            longest = limit.of_source(leg.source)
            if longest is not None and age > longest:
                pair = leg.pair if line.parts else choice.pair
                return StaleRate(pair, leg.source, leg.when, age, longest)
    return NoData(choice.reason)


def _leg_text(leg: Observation) -> str:
    if leg.rate_text is not None:
        return printed_text(leg.rate_text, leg.nominal)
    lo, hi = float(leg.band.lo), float(leg.band.hi)
    return format_with_band((lo + hi) / 2, lo, hi).band


def _amount(given: Decimal | str | int) -> Fraction:
    if isinstance(given, bool) or not isinstance(given, Decimal | str | int):
        raise InvalidArgument(f"an amount is text, a Decimal or an int, not the {type(given).__name__} {given!r}")
    try:
        amount = Decimal(given)
    except InvalidOperation as error:
        raise InvalidArgument(f"{given!r} is not an amount such as 1500 or 1500.00") from error
    if not amount.is_finite() or amount <= 0:
        raise InvalidArgument(f"an amount is a number above zero, not {given!r}")
    if abs(amount.adjusted()) >= MAX_DIGITS or len(amount.as_tuple().digits) > 2 * MAX_DIGITS:
        raise InvalidArgument(f"an amount has at most {MAX_DIGITS} digits before and after its decimal point")
    return Fraction(amount)


def _rounded(value: Fraction, decimals: int | None, rounding: str, *, digits: int = 4 * MAX_DIGITS) -> str:
    """Return a value as decimal text without an exponent."""
    context = Context(prec=digits, rounding=rounding)
    exact = context.divide(Decimal(value.numerator), Decimal(value.denominator))
    return f"{exact if decimals is None else exact.quantize(Decimal(1).scaleb(-decimals), context=context):f}"
