"""Frankfurter's version 2: rates as a flat array, a row for each pair and day, and lines of JSON or CSV of it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from fxticker.web.absent import Absent, missing_headers
from fxticker.web.answers import JSON, Answer, Keep, is_long, json_answer
from fxticker.web.errors import Refused
from fxticker.web.groups import grouped, periods_in
from fxticker.web.honest_number import honest_number
from fxticker.web.parameters import code_of
from fxticker.web.ranges import Days, daily, version_of_days
from fxticker.web.rates_query import RATE, RatesQuery
from fxticker.web.rows import Newest, RateRow, newest
from fxticker.web.snapshots import base_of, pairs_of, reasons_text, snapshot
from fxticker.web.tables import CSV, NDJSON, table_answer
from fxticker.web.view import View

_COLUMNS = ("date", "base", "quote", "rate")
_BAND = ("rate_lo", "rate_hi", "rate_text", "nominal", "observed_at", "source")
_GROUP = ("start_at", "looks", "coverage", "whole")
_VARY = (("vary", "Accept"),)


def rates(view: View, fields: Mapping[str, str], accept: str) -> Answer:
    """Answer ``/v2/rates``."""
    is_lines = NDJSON in accept.lower()
    return _rates(view, RatesQuery.of(view, fields), NDJSON if is_lines else JSON, _VARY)


def rates_csv(view: View, fields: Mapping[str, str]) -> Answer:
    """Answer ``/v2/rates.csv``."""
    return _rates(view, RatesQuery.of(view, fields), CSV, ())


def rate(view: View, fields: Mapping[str, str], base: str, quote: str) -> Answer:
    """Answer ``/v2/rate/KZT/USD``: the row of one pair."""
    base, quote = code_of(base), code_of(quote)
    query = RatesQuery.of(view, fields, RATE).of_pair(base, quote)
    assert query.by is not None
    found = snapshot(view, query.question, query.by)
    content = _fields(found.rows[0], query)
    return json_answer(content, keep=_keep(query), modified=newest(found.rows))


def not_as_csv(_view: View) -> Answer:
    """Refuse CSV of what has none."""
    raise Refused(406, "not acceptable", "only /v2/rates.csv is CSV")


def _rates(view: View, query: RatesQuery, media_type: str, headers: Sequence[tuple[str, str]]) -> Answer:
    if query.days is None:
        return _of_snapshot(view, query, media_type, headers)
    return _of_range(view, query, query.days, media_type, headers)


def _of_snapshot(view: View, query: RatesQuery, media_type: str, headers: Sequence[tuple[str, str]]) -> Answer:
    assert query.by is not None
    modified, found = Newest(), snapshot(view, query.question, query.by)
    return table_answer(
        _as_fields(modified.noting([found.rows]), query, media_type),
        media_type=media_type,
        is_long=False,
        columns=_columns(query),
        version=str,
        modified=modified,
        keep=_keep(query),
        headers=(*headers, *_missing(found.missing, query)),
    )


def _of_range(view: View, query: RatesQuery, days: Days, media_type: str, headers: Sequence[tuple[str, str]]) -> Answer:
    modified, absent = Newest(), Absent(view, query.question, days)
    base = base_of(view, query.question)
    parts: Iterator[list[dict[str, Any]]]
    if query.group is None:
        found = daily(view, query.question, days, absent.keeps)
        parts = _as_fields(modified.noting(found), query, media_type)
    else:
        periods = grouped(view, query.question, days, query.group, absent.keeps)
        parts = ([row.fields() for row in part] for part in periods)
    is_streamed = is_long(_rows_in(view, query, days), len(days))
    early = _missing(absent.unknown, query) if is_streamed else ()
    return table_answer(
        parts,
        media_type=media_type,
        is_long=is_streamed,
        columns=_columns(query),
        version=lambda: _version(view, query, days, media_type),
        modified=modified,
        why_empty=lambda: reasons_text(base, absent.reasons()),
        keep=_keep(query),
        headers=(*headers, *early),
        late_headers=lambda: _missing(absent.reasons(), query),
    )


def _version(view: View, query: RatesQuery, days: Days, media_type: str) -> str:
    """Return what differs whenever the rows of a range do, or their form."""
    if query.group is None:
        return version_of_days(view, query.question, days, media_type)
    hour = view.now.replace(minute=0, second=0, microsecond=0)  # a period is whole when it has passed
    return view.version_of(view.catalogue.version, hour, days, media_type)  # polls count here too


def _rows_in(view: View, query: RatesQuery, days: Days) -> int:
    """Return how many rows a range has at most, about."""
    periods = len(days) if query.group is None else periods_in(days, query.group)
    return periods * (len(pairs_of(view, query.question)) + 1)


def _columns(query: RatesQuery) -> list[str]:
    """Return the columns of CSV: Frankfurter's, and what was asked for beside them."""
    columns = [*_COLUMNS, *(_BAND if "band" in query.expand else ())]
    if query.group is not None and query.days is not None:
        return [*columns, *(_GROUP if "band" in query.expand else ())]
    return [*columns, *(["providers"] if "providers" in query.expand else ())]


def _keep(query: RatesQuery) -> Keep:
    return Keep.LATEST if query.is_latest else Keep.REVALIDATED


def _missing(reasons: Mapping[str, str], query: RatesQuery) -> tuple[tuple[str, str], ...]:
    return () if query.question.quotes is None else missing_headers(reasons)


def _as_fields(parts: Iterable[list[RateRow]], query: RatesQuery, media_type: str) -> Iterator[list[dict[str, Any]]]:
    for part in parts:
        yield [_fields(row, query, is_csv=media_type == CSV) for row in part]


def _fields(row: RateRow, query: RatesQuery, *, is_csv: bool = False) -> dict[str, Any]:
    fields = row.fields()
    if "providers" in query.expand and row.source is not None:
        fields["providers"] = _providers_text(row) if is_csv else _providers(row)
    return fields


def _providers(row: RateRow) -> list[dict[str, Any]]:
    """Return what each source has; all but the one that answers are marked as not part of the rate."""
    own = {"key": row.source, "date": row.day.isoformat(), "rate": row.rate}
    others = [
        {"key": source, "date": day.isoformat(), "rate": honest_number(lo, hi), "excluded": True}
        for source, day, lo, hi in row.others
    ]
    return [own, *others]


def _providers_text(row: RateRow) -> str:
    return "|".join(
        f"{entry['key'].upper()}:{entry['rate']}" + ("*" if "excluded" in entry else "") for entry in _providers(row)
    )
