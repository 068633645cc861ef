"""Parameters: reads the query of a request, strictly, into values with a meaning."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from fractions import Fraction
from urllib.parse import parse_qsl

from fxticker.model.days import Lookup, closing, lookup
from fxticker.model.timestamps import is_date, last_instant
from fxticker.sources.age_limits import AgeLimit
from fxticker.web.errors import Refused, invalid, not_found
from fxticker.web.iso4217 import currencies

MAX_FIELDS = 40
"""Parameters of a request: there are a dozen."""
MAX_NAMES = 200
"""Entries of a list with commas: ISO 4217 has fewer currencies."""
_MAX_AMOUNT = Decimal(10) ** 15
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
_CODE = re.compile(r"[A-Z]{3}")
_PERCENT = re.compile(r"(\d{1,6}(?:\.\d{1,9})?)%")
_BAD_REQUEST = 400


def fields_of(query: bytes) -> dict[str, str]:
    """Return the parameters of a query string; of one that is repeated the last value.

    Raises
    ------
    Refused
        If it is no text, has control characters, or too many parameters.
    """
    try:
        text = query.decode("ascii")
        pairs = parse_qsl(text, keep_blank_values=True, errors="strict", max_num_fields=MAX_FIELDS)
    except ValueError as error:
        raise Refused(_BAD_REQUEST, "invalid query", "a query is percent-encoded UTF-8 of a few parameters") from error
    if not all(part.isprintable() for pair in pairs for part in pair):
        raise Refused(_BAD_REQUEST, "invalid query", "a control character is in it")
    return dict(pairs)


def require_known(fields: Mapping[str, str], known: Collection[str]) -> None:
    """Refuse parameters that an endpoint does not have: one that is ignored would be an answer to another question.

    Raises
    ------
    Refused
        422, with their names.
    """
    unknown = [name for name in fields if name not in known]
    if unknown:
        raise invalid(f"unknown parameter: {', '.join(unknown)[:200]}")


def day_of(text: str) -> date:
    """Return a day of the form ``2025-11-14``.

    Raises
    ------
    Refused
        422, if it is none.
    """
    try:
        if _DATE.fullmatch(text):
            return date.fromisoformat(text)
    except ValueError:
        pass
    raise invalid("invalid date")


def lookup_of_day(day: date, now: datetime) -> Lookup:
    """Return the instants of a lookup by the end of a day, which now cuts.

    Raises
    ------
    Refused
        404, if the day is later than today.
    """
    if day > now.date():
        raise not_found(f"{day} is later than now, {now:%Y-%m-%d %H:%M} UTC")
    return closing(day, now)


def lookup_of_instant(text: str, now: datetime) -> Lookup:
    """Return the instants of a lookup at an instant, or by the end of a day.

    Raises
    ------
    Refused
        422, if it is none, or later than now.
    """
    try:
        return lookup(_moment(text), now)
    except ValueError as error:
        raise invalid("invalid at", error) from error


def known_by(text: str, now: datetime) -> datetime:
    """Return the instant by which rows must have been recorded, at most now; of a day its end.

    Raises
    ------
    Refused
        422, if it is none.
    """
    try:
        moment = _moment(text)
        return min(last_instant(moment), now) if is_date(moment) else lookup(moment, now).upto
    except ValueError as error:
        raise invalid("invalid as_of", error) from error


def _moment(text: str) -> str:
    """Return a date or an instant; a plus that stands for itself in a query was read as a space."""
    return re.sub(r" (\d{2}:?\d{2})$", r"+\1", text) if "T" in text else text


def code_of(text: str) -> str:
    """Return a currency's code in upper case.

    Raises
    ------
    Refused
        422, if ISO 4217 has no such currency.
    """
    return codes_of(text)[0]


def codes_of(text: str) -> tuple[str, ...]:
    """Return codes that are separated by commas, in upper case, once each.

    Raises
    ------
    Refused
        422, with those that are no currencies of ISO 4217.
    """
    codes = names_of(text.upper())
    wrong = [code for code in codes if code not in currencies()]
    if wrong or not codes:
        raise invalid(f"invalid currency: {','.join(wrong)[:200]}")
    return codes


def lenient_codes(text: str) -> tuple[str, ...]:
    """Return what may be codes, in upper case; anything else is left out, as version 1 ignores it."""
    return tuple(code for code in names_of(text.upper()) if _CODE.fullmatch(code))


def names_of(text: str) -> tuple[str, ...]:
    """Return the names of a list with commas, once each."""
    return tuple(dict.fromkeys(name.strip() for name in text.split(",")[:MAX_NAMES]))


def amount_of(text: str) -> Fraction:
    """Return an amount above zero.

    Raises
    ------
    Refused
        422, if it is none.
    """
    try:
        amount = Decimal(text)
    except InvalidOperation:
        amount = Decimal(0)
    if not (amount.is_finite() and 0 < amount < _MAX_AMOUNT and amount.adjusted() > -_MAX_AMOUNT.adjusted()):
        raise invalid("invalid amount")
    return Fraction(amount)


def width_of(text: str) -> float:
    """Return the width of a band in percent of its middle: ``1%``.

    Raises
    ------
    Refused
        422, if it is none.
    """
    match = _PERCENT.fullmatch(text)
    if match is None:
        raise invalid("invalid max_width", f"a width is a percentage such as 1%, not {text!r}")
    return float(match[1])


def age_limit_of(text: str | None) -> AgeLimit:
    """Return a limit of age: ``24h``, ``any``; None for that of each source.

    Raises
    ------
    Refused
        422, if it is none.
    """
    try:
        return AgeLimit.of(text)
    except ValueError as error:
        raise invalid("invalid max_age", error) from error
