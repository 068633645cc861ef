"""The shape of Fixer: rates by currency with ``success``, of now, of a day, or of a range of days."""

from __future__ import annotations

import re
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from fxticker.model.days import Lookup
from fxticker.web.answers import Answer, Keep, json_answer
from fxticker.web.errors import Refused, invalid, not_found
from fxticker.web.iso4217 import name_of
from fxticker.web.objects_by_day import objects_answer
from fxticker.web.open_exchange_rates import INVALID_BASE, number, question_of, timestamp
from fxticker.web.parameters import amount_of, code_of, day_of, lookup_of_day, refuse_limits
from fxticker.web.ranges import days_of
from fxticker.web.rows import newest
from fxticker.web.snapshots import Question, snapshot
from fxticker.web.view import View

_CODES = {
    INVALID_BASE: (201, "invalid_base_currency"),
    "invalid date": (302, "invalid_date"),
    "invalid amount": (403, "invalid_amount"),
    HTTPStatus.NOT_FOUND: (106, "no_rates_available"),
    HTTPStatus.UNPROCESSABLE_ENTITY: (202, "invalid_currency_codes"),
}
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")


def error_body(error: Refused) -> dict[str, Any]:
    """Return the body of an error."""
    code, name = _CODES.get(error.message) or _CODES.get(HTTPStatus(error.status), (error.status, "error"))
    return {"success": False, "error": {"code": code, "type": name, "info": error.detail or error.message}}


def latest(view: View, fields: Mapping[str, str]) -> Answer:
    """Answer ``/fixer/latest``."""
    return _snapshot(view, fields, view.present, Keep.LATEST, {})


def on(view: View, fields: Mapping[str, str], day: str) -> Answer:
    """Answer ``/fixer/2025-11-14``."""
    if not _DAY.fullmatch(day):
        raise not_found("there are latest, a date, timeseries, convert and symbols")
    return _snapshot(view, fields, lookup_of_day(day_of(day), view.now), Keep.REVALIDATED, {"historical": True})


def _snapshot(view: View, fields: Mapping[str, str], by: Lookup, keep: Keep, head: Mapping[str, Any]) -> Answer:
    question = question_of(fields, None)
    found = snapshot(view, question, by)
    content = {
        "success": True,
        **head,
        "timestamp": timestamp(found, by),
        "base": found.base,
        "date": found.day.isoformat(),
        "rates": {row.quote: number(row) for row in found.rows},
        **found.facts(question),
    }
    return json_answer(content, keep=keep, modified=newest(found.rows))


def time_series(view: View, fields: Mapping[str, str]) -> Answer:
    """Answer ``/fixer/timeseries``."""
    if not {"start_date", "end_date"} <= {*fields}:
        raise invalid("invalid date", "a time series has start_date and end_date")
    days = days_of(view, day_of(fields["start_date"]), day_of(fields["end_date"]))
    return objects_answer(view, question_of(fields, None), days, {"success": True, "timeseries": True})


def symbols(view: View) -> Answer:
    """Answer ``/fixer/symbols``."""
    return json_answer(
        {"success": True, "symbols": {code: name_of(code) for code in sorted(view.catalogue.currencies)}}
    )


def convert(view: View, fields: Mapping[str, str]) -> Answer:
    """Answer ``/fixer/convert``."""
    if not {"from", "to", "amount"} <= {*fields}:
        raise invalid("invalid parameter", "a conversion has from, to and amount")
    refuse_limits(fields)
    value = amount_of(fields["amount"])
    question = Question(base=code_of(fields["from"]), quotes=(code_of(fields["to"]),))
    by = lookup_of_day(day_of(fields["date"]), view.now) if "date" in fields else view.present
    found = snapshot(view, question, by)
    row = found.rows[0]
    content = {
        "success": True,
        "query": {"from": row.base, "to": row.quote, "amount": float(value)},
        "info": {"timestamp": timestamp(found, by), "rate": row.rate},
        "date": row.day.isoformat(),
        "result": row.times(value),
    }
    return json_answer(content, keep=Keep.REVALIDATED if "date" in fields else Keep.LATEST, modified=newest(found.rows))
