"""Objects by day: a range of days as one object with the rates of each day, as the older shapes have it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import date
from typing import Any

from fxticker.web.absent import Absent
from fxticker.web.answers import Answer, dumps, is_long, pieces_answer
from fxticker.web.errors import not_found
from fxticker.web.ranges import Days, daily, version_of_days
from fxticker.web.rows import Newest, RateRow
from fxticker.web.snapshots import Question, base_of, pairs_of, reasons_text
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
    """Return an object of the days with rates: a head, ``base``, ``start_date``, ``rates``, ``end_date``, ``sources``.

    Of currencies that were asked for and have no rate in these days ``missing`` says why.

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
        404, if no day has a rate; of a long answer when its first piece is computed.
    """
    noted = Newest()
    absent = Absent(view, question, days)
    rows_by_day = daily(view, question, days, absent.keeps)
    found = ([row for row in part if row.source is not None] for part in rows_by_day)
    parts = noted.noting(part for part in found if part)
    return pieces_answer(
        _pieces(
            {**head, "base": base_of(view, question)}, parts, absent, number, has_names=question.quotes is not None
        ),
        lambda: version_of_days(view, question, days),
        noted,
        is_long=is_long(len(days) * len(pairs_of(view, question)), len(days)),
    )


def _pieces(
    head: Mapping[str, Any], parts: Iterator[list[RateRow]], absent: Absent, number: Number, *, has_names: bool
) -> Iterator[bytes]:
    """Yield the object part by part; the last day is known at its end only."""
    day: date | None = None
    sources: dict[str, str | None] = {}
    for part in parts:
        sources |= {row.quote: row.source for row in part}
        by_day: dict[date, dict[str, float]] = {}
        for row in part:
            by_day.setdefault(row.day, {})[row.quote] = number(row)
        begin = b"," if day is not None else dumps({**head, "start_date": min(by_day).isoformat()})[:-1] + b',"rates":{'
        yield begin + dumps({found.isoformat(): rates for found, rates in by_day.items()})[1:-1]
        day = max(by_day)
    missing = absent.reasons()
    if day is None:
        raise not_found(reasons_text(head["base"], missing))
    facts = {"end_date": day.isoformat(), "sources": dict(sorted(sources.items()))}
    yield b"}," + dumps(facts | ({"missing": missing} if has_names and missing else {}))[1:]
