"""Record: what the ledger of polls says, as gaps, coverage and polls; and how far rates moved."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING, Any

from fxticker.analysis.coverage import coverage as coverage_of
from fxticker.analysis.coverage import gaps as gaps_of
from fxticker.analysis.drift import drift as drift_of
from fxticker.frames.polls import load_polls
from fxticker.model.pairs import currencies_of
from fxticker.model.records import Outcome
from fxticker.sources.rate_order import RATE
from fxticker.store.read_span import month_of
from fxticker.web.absent import missing_headers
from fxticker.web.answers import JSON, LONG_ROWS, Answer, is_long, json_answer
from fxticker.web.errors import invalid, not_found
from fxticker.web.frame_rows import rows_of_frame
from fxticker.web.groups import periods_in
from fxticker.web.parameters import age_limit_of, code_of, codes_of, day_of, known_by, require_known
from fxticker.web.ranges import Days
from fxticker.web.rates_query import group_of, sources_of
from fxticker.web.snapshots import Question, base_of, pairs_of, unknown_quotes
from fxticker.web.tables import table_answer
from fxticker.web.view import View

if TYPE_CHECKING:
    import pandas as pd

DEFAULT_DAYS = 31
"""Days up to now that are meant where a request names none."""
MAX_PERIODS = 100_000
"""Rows of coverage that are answered, eleven years by hours: of all centuries there are 17 million."""
_PART_DAYS = 7
"""Days of polls that are read at once: at a poll a minute 10,000."""
_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Span:
    """The time that a request is about, aware UTC; its end is excluded and at most now."""

    start: datetime
    end: datetime

    @classmethod
    def of(cls, view: View, fields: Mapping[str, str]) -> Span:
        """Read ``from`` and ``to``, days that are both included.

        Raises
        ------
        Refused
            422, if one is no date; 404, if the span ends before it begins, or begins after now.
        """
        today = view.now.date()
        last = day_of(fields["to"]) if "to" in fields else today
        usual = date.fromordinal(max(min(last, today).toordinal() - DEFAULT_DAYS + 1, 1))
        first = day_of(fields["from"]) if "from" in fields else usual
        if first > min(last, today):
            raise not_found(f"there is nothing from {first} to {last}")
        return cls(_midnight(first), view.now if last >= today else _midnight(last + _DAY))


def gaps(view: View, fields: Mapping[str, str]) -> Answer:
    """Answer ``/v2/gaps``: periods without a successful poll, and why."""
    require_known(fields, ("from", "to", "providers", "as_of", "asOf"))
    span = Span.of(view, fields)
    found = gaps_of(
        view.store, sources=_polled(view, fields), start=span.start, end=span.end, as_of=known_by(fields, view.now)
    )
    return _answer(view, span, found)


def coverage(view: View, fields: Mapping[str, str]) -> Answer:
    """Answer ``/v2/coverage``: the share of successful polls by hours, days, weeks or months."""
    require_known(fields, ("from", "to", "providers", "group", "as_of", "asOf"))
    group = group_of(fields.get("group", "day"))
    span = Span.of(view, fields)
    if periods_in(Days(span.start.date(), span.end.date()), group) > MAX_PERIODS:
        raise invalid("invalid date", f"coverage is of {MAX_PERIODS} periods at most")
    found = coverage_of(
        view.store,
        group,
        sources=_polled(view, fields),
        start=span.start,
        end=span.end,
        as_of=known_by(fields, view.now),
    )
    return _answer(view, span, found)


def polls(view: View, fields: Mapping[str, str]) -> Answer:
    """Answer ``/v2/polls``: the outcome of each slot."""
    require_known(fields, ("from", "to", "providers", "outcome", "as_of", "asOf"))
    outcome, span = fields.get("outcome"), Span.of(view, fields)
    if outcome is not None and outcome not in {*Outcome}:
        raise invalid("invalid outcome", f"there are {', '.join(sorted(Outcome))}")
    sources, as_of = _polled(view, fields), known_by(fields, view.now)
    first = max(span.start, _first_of_record(view))

    def rows() -> Iterator[list[dict[str, Any]]]:
        begin = first
        while begin < span.end:
            until = min(begin + _PART_DAYS * _DAY, span.end)
            found = load_polls(view.store, sources=sources, start=begin, end=until, as_of=as_of)
            yield rows_of_frame(found if outcome is None else found[found["outcome"] == outcome])
            begin = until

    days = (span.end - span.start).days
    return _table(view, span, rows(), LONG_ROWS + 1 if days > DEFAULT_DAYS else _polls_in(view, first, span.end))


def _polls_in(view: View, start: datetime, end: datetime) -> int:
    """Return how many polls of all sources there are at most between two instants."""
    return sum(
        view.store.polls.summary(segment).rows
        for segment in view.store.polls.segments()
        if month_of(start) <= segment.month <= month_of(end)
    )


def _answer(view: View, span: Span, found: pd.DataFrame) -> Answer:
    """Answer with the rows of a frame."""
    firsts = range(0, len(found), LONG_ROWS)
    return _table(view, span, (rows_of_frame(found.iloc[first : first + LONG_ROWS]) for first in firsts), len(found))


def _table(view: View, span: Span, parts: Iterator[list[dict[str, Any]]], count: int) -> Answer:
    """Answer with so many rows at most; many are streamed, so that few of them wait for a client that takes none."""
    return table_answer(
        parts,
        media_type=JSON,
        version=lambda: view.version_of(view.catalogue.version, span),
        is_long=is_long(count, 0),
        is_empty_good=True,
    )


def _first_of_record(view: View) -> datetime:
    """Return when the first month with polls begins, of all sources; now, if there is none."""
    months = [segment.month for segment in view.store.polls.segments()]
    return _midnight(date.fromisoformat(f"{min(months)}-01")) if months else view.now


def drift(view: View, fields: Mapping[str, str]) -> Answer:
    """Answer ``/v2/drift``: the change of each rate between two days, its band, and whether that excludes zero."""
    require_known(fields, ("from", "to", "base", "quotes", "providers", "max_age", "as_of", "asOf"))
    if "from" not in fields:
        raise invalid("invalid date", "a drift has a day `from` which it is")
    first, last = day_of(fields["from"]), day_of(fields["to"]) if "to" in fields else view.now.date()
    if first > view.now.date() or first >= last:
        raise not_found(f"there is no drift from {first} to {last}, now is {view.now:%Y-%m-%d %H:%M} UTC")
    sources = sources_of(view, fields)
    question = Question(
        base=code_of(fields["base"]) if "base" in fields else None,
        quotes=codes_of(fields["quotes"]) if "quotes" in fields else None,
        sources=sources,
    )
    age_limit_of(fields.get("max_age"))
    pairs = pairs_of(view, question)
    if not pairs:
        raise not_found(f"nothing is stored for other currencies than {base_of(view, question)}")
    by_order = {"sources": [RATE], "order": view.order} if sources is None else {"sources": sources}
    found = drift_of(
        view.store,
        start=first,
        end=last if last < view.now.date() else view.now,
        pairs=pairs,
        max_age=fields.get("max_age"),
        as_of=known_by(fields, view.now),
        **by_order,
    )
    rows = rows_of_frame(found)
    content = [dict(zip(("base", "quote"), currencies_of(row["pair"]), strict=True)) | row for row in rows]
    return json_answer(content, headers=missing_headers(unknown_quotes(view, question)))


def _polled(view: View, fields: Mapping[str, str]) -> tuple[str, ...] | None:
    """Return the sources that `providers` names, None if it is not given; refuse where no poll of them is on record."""
    polled = set(view.store.polls.sources())
    known = polled | set(view.catalogue.sources)
    named = tuple(dict.fromkeys(fields.get("providers", ",".join(sorted(known))).lower().split(",")))
    if "providers" in fields and (unknown := [name for name in named if name not in known]):
        raise not_found(f"no provider {', '.join(unknown)[:200]}; there are {', '.join(sorted(known)) or 'none'}")
    if polled.isdisjoint(named):
        raise not_found(
            f"no poll of {', '.join(named) or 'any source'} is on record: when it was looked at is not known"
        )
    return named if "providers" in fields else None


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)
