"""Frankfurter's version 1: rates by currency in one object, of one day or of a range of days."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from typing import Any

from fxticker.model.days import Lookup
from fxticker.web.answers import Answer, Keep, json_answer
from fxticker.web.errors import invalid, not_found
from fxticker.web.iso4217 import name_of
from fxticker.web.objects_by_day import objects_answer
from fxticker.web.parameters import amount_of, day_of, lenient_codes, lookup_of_day, refuse_limits
from fxticker.web.ranges import days_of
from fxticker.web.rows import newest
from fxticker.web.snapshots import DEFAULT_BASE, Question, snapshot
from fxticker.web.view import View

_DAYS = re.compile(r"(\d{4}-\d{2}-\d{2})(\.\.(\d{4}-\d{2}-\d{2})?)?")


@dataclass(frozen=True, slots=True)
class Asked:
    """What a request asks for; parameters that version 1 does not have are ignored, as it does.

    Attributes
    ----------
    amount
        What the rates are multiplied by.
    question
        Base and quotes; the base is not among the quotes.
    """

    amount: Fraction
    question: Question

    @classmethod
    def of(cls, fields: Mapping[str, str]) -> Asked:
        """Read the parameters: ``from`` wins over ``base``, ``to`` over ``symbols``.

        Raises
        ------
        Refused
            422, if the amount is none, the base is the only quote, or a limit of version 2 is given.
        """
        refuse_limits(fields)
        amount = amount_of(fields["amount"]) if "amount" in fields else Fraction(1)
        named = fields.get("from", fields.get("base"))
        base = None if named is None else named.strip().upper()
        listed = fields.get("to", fields.get("symbols"))
        quotes = None if listed is None else lenient_codes(listed)
        if base is not None and quotes == (base,):
            raise invalid("bad currency pair")
        if quotes is not None:
            quotes = tuple(quote for quote in quotes if quote != (base or DEFAULT_BASE))
        return cls(amount, Question(base=base, quotes=quotes))


def latest(view: View, fields: Mapping[str, str]) -> Answer:
    """Answer ``/v1/latest`` and ``/v1/current``: the rates as they are now."""
    return _of_one_day(view, Asked.of(fields), view.present, keep=Keep.LATEST)


def on(view: View, fields: Mapping[str, str], days: str) -> Answer:
    """Answer ``/v1/2025-11-14``, the rates by the end of that day, and ``/v1/2025-11-01..2025-11-14``.

    Raises
    ------
    Refused
        404, if the path is neither; 422, if it names no day of the calendar.
    """
    match = _DAYS.fullmatch(days)
    if match is None:
        names = "latest, currencies, a date, or two dates with .. between them"
        raise not_found(f"there is no path {days[:100]}: after /v1/ come {names}")
    first = day_of(match[1])
    if match[2] is None:
        return _of_one_day(view, Asked.of(fields), lookup_of_day(first, view.now), keep=Keep.REVALIDATED)
    return _of_days(view, Asked.of(fields), first, day_of(match[3]) if match[3] else None)


def _of_one_day(view: View, asked: Asked, by: Lookup, *, keep: Keep) -> Answer:
    found = snapshot(view, asked.question, by)
    rows = [row for row in found.rows if row.source is not None]
    if not rows:
        raise not_found("no other currency than the base was asked for")
    content: dict[str, Any] = {
        "amount": float(asked.amount),
        "base": found.base,
        "date": max(row.day for row in rows).isoformat(),
        "rates": {row.quote: row.times(asked.amount) for row in rows},
        **found.facts(asked.question),
    }
    return json_answer(content, keep=keep, modified=newest(rows))


def _of_days(view: View, asked: Asked, first: date, last: date | None) -> Answer:
    """Answer with the rates of the days of a range that have any."""
    days = days_of(view, first, last)
    head = {"amount": float(asked.amount)}
    return objects_answer(view, asked.question, days, head, number=lambda row: row.times(asked.amount))


def currencies(view: View) -> Answer:
    """Answer ``/v1/currencies``: the names of the currencies that have rates."""
    return json_answer({code: name_of(code) for code in sorted(view.catalogue.currencies)})
