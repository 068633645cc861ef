"""Frankfurter's version 1: rates by currency in one object, of one day or of a range of days."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from itertools import chain
from typing import Any

from fxticker.model.days import Lookup
from fxticker.web.answers import Answer, Keep, dumps, json_answer, pieces_answer
from fxticker.web.errors import invalid, not_found
from fxticker.web.honest_number import honest_decimal
from fxticker.web.iso4217 import name_of
from fxticker.web.parameters import amount_of, day_of, lenient_codes, lookup_of_day
from fxticker.web.ranges import daily, days_of
from fxticker.web.rows import Newest, RateRow, newest
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
            422, if the amount is none, or the base is the only quote.
        """
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
    return _of_one_day(view, Asked.of(fields), Lookup(view.now, view.now), keep=Keep.LATEST)


def on(view: View, fields: Mapping[str, str], days: str) -> Answer:
    """Answer ``/v1/2025-11-14``, the rates by the end of that day, and ``/v1/2025-11-01..2025-11-14``.

    Raises
    ------
    Refused
        404, if the path is neither; 422, if it names no day of the calendar.
    """
    match = _DAYS.fullmatch(days)
    if match is None:
        raise not_found("after /v1/ comes latest, currencies, a date, or two dates with .. between them")
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
        "rates": {row.quote: _rate(row, asked.amount) for row in rows},
        "dates": {row.quote: row.day.isoformat() for row in rows},
        "sources": {row.quote: row.source for row in rows},
    }
    if asked.question.quotes is not None and found.missing:
        content["missing"] = found.missing
    return json_answer(content, keep=keep, modified=newest(rows))


def _of_days(view: View, asked: Asked, first: date, last: date | None) -> Answer:
    """Answer with the rates of the days of a range that have any."""
    days = days_of(view, first, last)
    newest_of_all = Newest()
    found = ([row for row in part if row.source is not None] for part in daily(view, asked.question, days))
    parts = newest_of_all.noting(part for part in found if part)
    begin = next(parts, None)
    if begin is None:
        raise not_found(f"no rate from {days.first} to {days.last}")
    return pieces_answer(
        _pieces(asked, begin[0].base, chain([begin], parts)),
        lambda: view.catalogue.version_of(days.first, days.last),
        newest_of_all,
    )


def _pieces(asked: Asked, base: str, parts: Iterator[list[RateRow]]) -> Iterator[bytes]:
    """Yield an object with the rates by day, part by part; the last day is known at its end only."""
    day: date | None = None
    for part in parts:
        by_day: dict[date, dict[str, float]] = {}
        for row in part:
            by_day.setdefault(row.day, {})[row.quote] = _rate(row, asked.amount)
        for found, rates in by_day.items():
            if day is None:
                head = dumps({"amount": float(asked.amount), "base": base, "start_date": found.isoformat()})
                yield head[:-1] + b',"rates":{'
            else:
                yield b","
            day = found
            yield dumps({found.isoformat(): rates})[1:-1]
    assert day is not None
    yield b'},"end_date":"%s"}' % day.isoformat().encode()


def currencies(view: View) -> Answer:
    """Answer ``/v1/currencies``: the names of the currencies that have rates."""
    return json_answer({code: name_of(code) for code in sorted(view.catalogue.currencies)})


def _rate(row: RateRow, amount: Fraction) -> float:
    return row.rate if amount == 1 else float(honest_decimal(Fraction(row.lo) * amount, Fraction(row.hi) * amount))
