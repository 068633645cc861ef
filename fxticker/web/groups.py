"""Groups: the rates of a range by hours, days, weeks or months, with the looks at each and its coverage."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from fractions import Fraction
from typing import Any

import pandas as pd

from fxticker.analysis.periods import Freq, period_of
from fxticker.analysis.quotes import quotes
from fxticker.analysis.resample import resample
from fxticker.analysis.value_dates import official_ticks
from fxticker.frames.polls import load_polls
from fxticker.model.pairs import currencies_of
from fxticker.model.selection import Selection
from fxticker.model.timestamps import iso_text
from fxticker.sources.age_limits import TICKER
from fxticker.sources.rate_order import kind_of
from fxticker.web.range_source import source_of_range
from fxticker.web.ranges import Days, instants_of
from fxticker.web.rows import RateRow
from fxticker.web.snapshots import Question, pairs_of
from fxticker.web.thinned import Thinned
from fxticker.web.view import View

GROUPS: tuple[Freq, ...] = ("hour", "day", "week", "month")
"""A week begins on Monday; days are those of UTC."""
_DAY = timedelta(days=1)
_DAYS = {"hour": Fraction(1, 24), "day": Fraction(1), "week": Fraction(7), "month": Fraction(30)}


@dataclass(frozen=True, slots=True)
class GroupRow:
    """A pair in one period.

    Attributes
    ----------
    row
        The last rate of the period; its day is the first one of the period.
    start_at
        First instant of the period, aware UTC.
    looks
        Instants of the period at which its source showed the pair; of a bank its value dates.
    coverage
        Share of the planned polls that succeeded, 0 to 1; None where none is on record.
    whole
        The whole period is on record, and in the range; None where no poll is on record.
    """

    row: RateRow
    start_at: datetime
    looks: int
    coverage: float | None
    whole: bool | None

    def fields(self) -> dict[str, Any]:
        """Return the row as JSON has it."""
        return {
            **self.row.fields(),
            "start_at": iso_text(self.start_at),
            "looks": self.looks,
            "coverage": self.coverage,
            "whole": self.whole,
        }


def grouped(
    view: View, question: Question, days: Days, freq: Freq, keeps: Callable[[RateRow], bool]
) -> Iterator[list[GroupRow]]:
    """Yield the periods of a range, some at once, by their start and then by quote.

    Each pair is of one source throughout; cross rates of two sources, which have no looks of their own, are left out. A
    period without a look is absent. Periods at the ends of the range are cut there, and are then not whole.
    """
    answering: dict[str, list[str]] = {}
    for pair in pairs_of(view, question):
        candidate = source_of_range(view, question, pair, days.first, days.last)
        if candidate is not None and len(candidate.legs) == 1:
            answering.setdefault(candidate.sources[0], []).append(pair)
    for part in _parts(days, freq, is_ticker=TICKER in answering):
        rows = [
            row
            for source, pairs in answering.items()
            for row in _rows(view, question, source, pairs, part, freq)
            if keeps(row.row)
        ]
        if rows:
            yield sorted(rows, key=lambda row: (row.start_at, row.row.quote))


def periods_in(days: Days, freq: Freq) -> int:
    """Return about how many periods a range has."""
    return int(len(days) / _DAYS[freq]) + 1


def _parts(days: Days, freq: Freq, *, is_ticker: bool) -> Iterator[Days]:
    """Yield spans of days at whose borders periods begin: of the ticker a quarter at most, and of hours four weeks."""
    begin = days.first
    while begin <= days.last:
        if not is_ticker:
            following = days.last + _DAY
        elif freq == "month":
            following = (begin.replace(day=1) + 93 * _DAY).replace(day=1)
        else:
            following = begin + ((28 if freq == "hour" else 91) - begin.weekday()) * _DAY
        yield Days(begin, min(following - _DAY, days.last))
        begin = following


def _rows(
    view: View, question: Question, source: str, pairs: Sequence[str], days: Days, freq: Freq
) -> Iterator[GroupRow]:
    start, end = instants_of(days.first, days.last, view.now)
    polls = load_polls(view.store, sources=[source], start=start, end=end, as_of=question.as_of)
    if source == TICKER:
        thinned = Thinned(view.store, source, pairs, start, end, freq, question.as_of)
        looks = {pair: thinned.looks(pair) for pair in pairs}
        shown = [pair for pair in pairs if looks[pair]]
        ticks = thinned.frame
    else:
        ticks, looks = official_ticks(view.store, Selection(sources=(source,), as_of=question.as_of), ticker=TICKER), {}
        shown = list(pairs)
    if ticks.empty or not shown:
        return
    frame = resample(ticks, freq, pairs=shown, start=start, end=end, polls=polls)
    direct = [pair for pair in shown if pair in view.catalogue.sources[source].pairs]
    texts = _texts(quotes(ticks, pairs=direct, start=start, end=end)) if direct else {}
    frame = frame[frame["count"] > 0]
    numbers = period_of(frame["start_at"].to_numpy("M8[us]"), freq).tolist()
    for number, found in zip(numbers, frame.to_dict("records"), strict=True):
        count = looks[found["pair"]].get(number, 0) if looks else found["count"]
        yield _row(found, source, int(count), texts.get((found["pair"], found["close_at"].value)))


def _texts(shown: pd.DataFrame) -> dict[tuple[str, int], tuple[str, int]]:
    """Return text and nominal of printed rates by pair and instant, in nanoseconds since 1970."""
    shown = shown[shown["rate_text"].notna()]
    instants = shown["observed_at"].to_numpy("M8[ns]").view("i8").tolist()
    keys = zip(shown["pair"].astype("str"), instants, strict=True)
    return dict(zip(keys, zip(shown["rate_text"].astype("str"), shown["nominal"].tolist(), strict=True), strict=True))


def _row(found: dict[Any, Any], source: str, looks: int, printed: tuple[str, int] | None) -> GroupRow:
    base, quote = currencies_of(found["pair"])
    start_at: pd.Timestamp = found["start_at"]
    row = RateRow(
        day=start_at.date(),
        base=base,
        quote=quote,
        lo=found["close_lo"],
        hi=found["close_hi"],
        printed=printed,
        observed_at=found["close_at"].value // 1000,
        source=source,
        kind=str(kind_of(source)),
    )
    share, whole = found["coverage"], found["whole"]
    return GroupRow(
        row,
        start_at.to_pydatetime(),
        looks=looks,
        coverage=None if pd.isna(share) else float(share),
        whole=None if pd.isna(whole) else bool(whole),
    )
