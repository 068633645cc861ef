"""Parameters: reads the query of a request, strictly, into values with a meaning."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from datetime import date, datetime
from decimal import Decimal
from fractions import Fraction
from urllib.parse import parse_qsl

from fxticker.model.days import Lookup, closing
from fxticker.model.timestamps import instant
from fxticker.sources.age_limits import AgeLimit
from fxticker.web.errors import Refused, invalid, not_found
from fxticker.web.iso4217 import currencies

MAX_FIELDS = 40
"""Parameters of a request: there are a dozen."""
LEAST_AMOUNT, MOST_AMOUNT = Decimal("1e-12"), Decimal("1e15")
"""Amounts that are converted."""
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_CODE = re.compile(r"[A-Z]{3}")
_NUMBER = re.compile(r"\d{1,40}(?:\.\d{1,40})?(?:[eE][+-]?\d{1,3})?", re.ASCII)
_PERCENT = re.compile(r"(\d{1,6}(?:\.\d{1,9})?)%", re.ASCII)
_BAD_REQUEST = 400
LIMITS = ("providers", "max_width", "max_age", "at", "as_of", "asOf")
"""Parameters that only version 2 has, and whose neglect would be a wider, older or other figure than was asked for."""
_SPANS = ("date", "from", "to", "start", "end", "start_date", "end_date", "group")
_ONCE = frozenset((*LIMITS, *_SPANS, "base", "quotes", "symbols", "amount", "expand", "outcome"))
"""Parameters that have one value; a name that no endpoint knows may be repeated."""


def fields_of(query: bytes) -> dict[str, str]:
    """Return the parameters of a query string.

    Raises
    ------
    Refused
        If it is no text, has too many parameters, or one with several values: one of them would be another question.
    """
    try:
        text = query.decode("ascii")
        pairs = parse_qsl(text, keep_blank_values=True, errors="strict", max_num_fields=MAX_FIELDS)
    except ValueError as error:
        raise Refused(_BAD_REQUEST, "invalid query", "a query is percent-encoded UTF-8 of a few parameters") from error
    fields = dict(pairs)
    if several := sorted({name for name, value in pairs if name in _ONCE and fields[name] != value}):
        raise invalid("conflicting params", f"{', '.join(several)} has several values; a list has commas")
    return fields


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


def refuse_limits(fields: Mapping[str, str]) -> None:
    """Refuse what version 2 alone understands, where unknown parameters are ignored.

    Raises
    ------
    Refused
        422, with their names.
    """
    if named := [name for name in LIMITS if name in fields]:
        raise invalid(f"unknown parameter: {', '.join(named)}", "/v2/rates understands it")


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
        422, if it is none; 404, if it is later than now.
    """
    return closing(_moment("at", text, now), now)


def known_by(fields: Mapping[str, str], now: datetime) -> datetime | None:
    """Return the instant by which rows must have been recorded; of a day its end, at most now; None if none is given.

    Raises
    ------
    Refused
        422, if it is none, or there are two; 404, if it is later than now.
    """
    given = {fields[name] for name in ("as_of", "asOf") if name in fields}
    if not given:
        return None
    if len(given) > 1:
        raise invalid("conflicting params", "as_of and asOf are the same parameter")
    text = given.pop()
    return closing(_moment("as_of", text, now), now).upto


def _moment(name: str, text: str, now: datetime) -> str:
    """Return a date or an instant; a plus that stands for itself in a query was read as a space."""
    moment = re.sub(r" (\d{2}:?\d{2})$", r"+\1", text) if "T" in text else text
    try:
        begin = instant(moment)
    except ValueError as error:
        raise invalid(f"invalid {name}", error) from error
    if begin > now:
        raise not_found(f"{moment[:40]} is later than now, {now:%Y-%m-%d %H:%M} UTC")
    return moment


def code_of(text: str) -> str:
    """Return a currency's code in upper case.

    Raises
    ------
    Refused
        422, if ISO 4217 has no such currency, or if there are several: the first alone would be another question.
    """
    codes = codes_of(text)
    if len(codes) != 1:
        raise invalid(f"invalid currency: {','.join(codes)[:200]}", "one currency is meant here")
    return codes[0]


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
    return tuple(dict.fromkeys(name.strip() for name in text.split(",")))


def amount_of(text: str) -> Fraction:
    """Return an amount, from `LEAST_AMOUNT` to `MOST_AMOUNT`.

    Raises
    ------
    Refused
        422, if it is none.
    """
    amount = Decimal(text) if _NUMBER.fullmatch(text) else Decimal(0)
    if not LEAST_AMOUNT <= amount <= MOST_AMOUNT:
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
