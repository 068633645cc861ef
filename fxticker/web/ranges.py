"""Ranges: the rates of one base day by day, computed piece by piece so that memory does not grow with the range."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta

import numpy as np

from fxticker.analysis.rate_grid import DAY_US, grid_of
from fxticker.analysis.rate_lines import RateLine, rate_lines
from fxticker.analysis.source_quotes import Ticks
from fxticker.model.selection import Selection
from fxticker.model.timestamps import MICROSECOND
from fxticker.sources.age_limits import TICKER, AgeLimit, holds_days
from fxticker.web.errors import not_found
from fxticker.web.parameters import lookup_of_day
from fxticker.web.range_source import Candidate, source_of_range
from fxticker.web.rows import RateRow, identity, rows_of_line
from fxticker.web.snapshots import Question, base_of, pairs_of
from fxticker.web.thinned import Thinned
from fxticker.web.view import View

TICKER_DAYS = 91
"""Days of the ticker that are read at once: at a poll a minute 655,000 ticks, of which some 500 rows are kept."""
OTHER_DAYS = 3 * 366
"""Days of other sources that are read at once: they have a rate or two a day."""
_DAY = timedelta(days=1)
_EPOCH = date(1970, 1, 1)


@dataclass(frozen=True, slots=True)
class Days:
    """Days of a range, both included, that now and the first stored tick have cut."""

    first: date
    last: date

    def __len__(self) -> int:
        return (self.last - self.first).days + 1


def days_of(view: View, first: date, last: date | None) -> Days:
    """Return the days of a range between which something may be stored.

    Raises
    ------
    Refused
        404, if there are none: the range ends before it begins, begins after now, or ends before the first tick.
    """
    today = view.now.date()
    end = today if last is None else min(last, today)
    stored = [found.first.date() for found in view.catalogue.sources.values()]
    begin = max(first, min(stored)) if stored else first
    if first > (last or today) or begin > end or not stored:
        raise not_found(f"nothing is stored from {first} to {last or today}")
    return Days(begin, end)


def version_of_days(view: View, question: Question, days: Days, *facts: object) -> str:
    """Return what differs whenever the rates of a range do, or facts about the form of their answer.

    Under a limit of age of the request a rate of today becomes too old without any change of a file, and a file from
    long before the range may decide who answers it.
    """
    if question.limit == AgeLimit():
        return view.version_of(view.catalogue.version_of(days.first, days.last), days, *facts)
    return view.version_of(view.catalogue.version, view.now, days, *facts)


def daily(
    view: View, question: Question, days: Days, keeps: Callable[[RateRow], bool] = lambda _: True
) -> Iterator[list[RateRow]]:
    """Yield the rows of a range, some days at once, by day and then by quote.

    A day has a row of a pair if its source showed one on that day, the last one; the day of a bank is its value date.
    A source that states only changes has a row on every day from the first one on. Days without any rate are absent.

    Parameters
    ----------
    view, question
        The store and which of it is asked for.
    days
        The days.
    keeps
        Returns whether a row is part of the answer.
    """
    base = base_of(view, question)
    pairs = pairs_of(view, question)
    answering: dict[Candidate, list[str]] = {}
    for pair in pairs:
        candidate = source_of_range(view, question, pair, days.first, days.last)
        if candidate is not None:
            answering.setdefault(candidate, []).append(pair)
    is_ticker = any(TICKER in candidate.sources for candidate in answering)
    has_identity = question.quotes is None or base in question.quotes
    for part in _parts(days, TICKER_DAYS if is_ticker else OTHER_DAYS):
        rows = [row for candidate, named in answering.items() for row in _rows(view, question, candidate, named, part)]
        rows = [row for row in rows if keeps(row)]
        if has_identity:
            dates = {*part} if question.quotes == (base,) else {row.day for row in rows}
            rows += [identity(base, day) for day in dates]
        if rows:
            yield sorted(rows, key=lambda row: (row.day, row.quote))


def _parts(days: Days, length: int) -> Iterator[list[date]]:
    begin = days.first
    while begin <= days.last:
        count = min(length, (days.last - begin).days + 1)
        yield [begin + number * _DAY for number in range(count)]
        begin += count * _DAY


def _rows(
    view: View, question: Question, candidate: Candidate, pairs: Sequence[str], days: Sequence[date]
) -> Iterator[RateRow]:
    selection = Selection(sources=tuple(dict.fromkeys(candidate.sources)), as_of=question.as_of)
    grid = grid_of([lookup_of_day(day, view.now) for day in days])
    ticks: Ticks = view.store
    if candidate.sources == (TICKER,):  # of which a day has a row only if it was shown on that day
        start, end = instants_of(days[0], days[-1], view.now)
        ticks = Thinned(view.store, TICKER, pairs, start, end, "day", question.as_of).frame
        if ticks.empty:
            return
    found = rate_lines(ticks, pairs, grid, selection, question.limit, with_ticks=True)
    numbers = np.array([(day - _EPOCH).days for day in days])
    for lines in found.values():
        for line in lines:
            if tuple(leg.source for leg in line.legs) == candidate.sources:
                shown = _is_shown(line, numbers)
                for row, day, is_shown in zip(rows_of_line(line, days), days, shown, strict=True):
                    if row is not None and is_shown:
                        yield replace(row, day=day)


def instants_of(first: date, last: date, now: datetime) -> tuple[datetime, datetime]:
    """Return the instant at which days begin, and the one before which they end, at most now and that itself."""
    begin, end = (datetime.combine(day, time(), UTC) for day in (first, last + _DAY))
    return begin, min(end, now + MICROSECOND)


def _is_shown(line: RateLine, days: np.ndarray) -> np.ndarray:
    """Return on which days a leg of a line was shown, or is in force without being shown again."""
    shown = np.zeros(len(days), bool)
    for part in line.parts or (line,):
        shown |= (part.observed_at // DAY_US == days) | (holds_days(part.source) is None)
    return shown
