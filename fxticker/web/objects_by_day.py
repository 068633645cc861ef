"""Objects by day: a range of days as one object with the rates of each day, as the older shapes have it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import date
from itertools import chain
from typing import Any

from fxticker.web.answers import LONG_ROWS, Answer, dumps, pieces_answer
from fxticker.web.errors import not_found
from fxticker.web.ranges import Days, daily
from fxticker.web.rows import Newest, RateRow
from fxticker.web.snapshots import Question, pairs_of
from fxticker.web.view import View

Number = Callable[[RateRow], float]


def objects_answer(
    view: View,
    question: Question,
    days: Days,
    head: Mapping[str, Any],
    *,
    number: Number = lambda row: row.rate,
) -> Answer:
    """Return ``{…head, "base", "start_date", "rates": {day: {currency: number}}, "end_date"}`` of the days with rates.

    Parameters
    ----------
    view, question, days
        What is asked for; an identity is left out.
    head
        The first members of the object.
    number
        Returns the number of a rate.

    Raises
    ------
    Refused
        404, if no day has a rate.
    """
    noted = Newest()
    found = ([row for row in part if row.source is not None] for part in daily(view, question, days))
    parts = noted.noting(part for part in found if part)
    begin = next(parts, None)
    if begin is None:
        raise not_found(f"no rate from {days.first} to {days.last}")
    pieces = _pieces({**head, "base": begin[0].base}, chain([begin], parts), number)
    is_long = len(days) * len(pairs_of(view, question)) > LONG_ROWS
    return pieces_answer(pieces, lambda: view.catalogue.version_of(days.first, days.last), noted, is_long=is_long)


def _pieces(head: Mapping[str, Any], parts: Iterator[list[RateRow]], number: Number) -> Iterator[bytes]:
    """Yield the object part by part; the last day is known at its end only."""
    day: date | None = None
    for part in parts:
        by_day: dict[date, dict[str, float]] = {}
        for row in part:
            by_day.setdefault(row.day, {})[row.quote] = number(row)
        for found, rates in by_day.items():
            if day is None:
                yield dumps({**head, "start_date": found.isoformat()})[:-1] + b',"rates":{'
            else:
                yield b","
            day = found
            yield dumps({found.isoformat(): rates})[1:-1]
    assert day is not None
    yield b'},"end_date":"%s"}' % day.isoformat().encode()
