"""The shape of Open Exchange Rates: rates per USD by currency, of now, of a day, or of a range of days."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from fxticker.model.days import Lookup
from fxticker.model.pairs import COMMON
from fxticker.model.timestamps import EPOCH, MICROSECOND
from fxticker.web.answers import Answer, Keep, json_answer
from fxticker.web.errors import Refused, invalid
from fxticker.web.iso4217 import name_of
from fxticker.web.objects_by_day import objects_answer
from fxticker.web.parameters import amount_of, code_of, codes_of, day_of, lookup_of_day, refuse_limits
from fxticker.web.ranges import days_of
from fxticker.web.rows import RateRow, newest
from fxticker.web.snapshots import Question, Snapshot, snapshot
from fxticker.web.view import View

INVALID_BASE = "invalid base"
_INVALID_RANGE = "invalid date range"
_NAMES = {
    HTTPStatus.NOT_FOUND: "not_found",
    HTTPStatus.SERVICE_UNAVAILABLE: "service_unavailable",
}
_INVALID = {
    INVALID_BASE: "invalid_base",
    "invalid currency": "invalid_currency",
    "invalid date": "invalid_date",
    _INVALID_RANGE: "invalid_date_range",
}
"""Names of errors by what is invalid: programs tell them by these and by the status 400."""
_HEAD = {
    "disclaimer": "Rates as their sources printed them, one number for each rounding interval.",
    "license": "The terms of the sources hold: see /v2/providers.",
}


def error_body(error: Refused) -> dict[str, Any]:
    """Return the body of an error."""
    status, name = error.status, _NAMES.get(HTTPStatus(error.status), "error")
    if status == HTTPStatus.UNPROCESSABLE_ENTITY:
        status, name = HTTPStatus.BAD_REQUEST, _INVALID.get(error.message.partition(":")[0], "invalid_parameter")
    return {"error": True, "status": status, "message": name, "description": error.detail or error.message}


def latest(view: View, fields: Mapping[str, str]) -> Answer:
    """Answer ``/latest.json``."""
    return _snapshot(view, fields, view.present, Keep.LATEST)


def historical(view: View, fields: Mapping[str, str], day: str) -> Answer:
    """Answer ``/historical/2025-11-14.json``."""
    return _snapshot(view, fields, lookup_of_day(day_of(day), view.now), Keep.REVALIDATED)


def _snapshot(view: View, fields: Mapping[str, str], by: Lookup, keep: Keep) -> Answer:
    question = question_of(fields, COMMON)
    found = snapshot(view, question, by)
    content = {
        **_HEAD,
        "timestamp": timestamp(found, by),
        "base": found.base,
        "rates": {row.quote: number(row) for row in found.rows},
        **found.facts(question),
    }
    return json_answer(content, keep=keep, modified=newest(found.rows))


def time_series(view: View, fields: Mapping[str, str]) -> Answer:
    """Answer ``/time-series.json``."""
    if not {"start", "end"} <= {*fields}:
        raise invalid("invalid date", "a time series has start and end")
    start, end = day_of(fields["start"]), day_of(fields["end"])
    if start > end:
        raise invalid(_INVALID_RANGE, f"it begins after its end: {start} is later than {end}")
    days = days_of(view, start, end)
    return objects_answer(view, question_of(fields, COMMON), days, _HEAD)


def currencies(view: View) -> Answer:
    """Answer ``/currencies.json``."""
    return json_answer({code: name_of(code) for code in sorted(view.catalogue.currencies)})


def convert_query(view: View, fields: Mapping[str, str]) -> Answer:
    """Answer ``/convert.json?amount=1500&from=KZT&to=UZS``, as some programs ask."""
    if not {"amount", "from", "to"} <= {*fields}:
        raise invalid("invalid parameter", "a conversion has amount, from and to")
    refuse_limits(fields)
    return convert(view, fields["amount"], fields["from"], fields["to"])


def convert(view: View, amount: str, base: str, quote: str) -> Answer:
    """Answer ``/convert/1500/KZT/UZS``."""
    value, question = amount_of(amount), Question(base=code_of(base), quotes=(code_of(quote),))
    found = snapshot(view, question, view.present)
    row = found.rows[0]
    content = {
        **_HEAD,
        "request": {
            "query": f"/convert/{amount}/{base}/{quote}",
            "amount": float(value),
            "from": row.base,
            "to": row.quote,
        },
        "meta": {"timestamp": timestamp(found, view.present), "rate": row.rate},
        "response": row.times(value),
    }
    return json_answer(content, keep=Keep.LATEST, modified=newest(found.rows))


def question_of(fields: Mapping[str, str], default_base: str | None) -> Question:
    """Return the question of ``base`` and ``symbols``; other parameters, as the key of an account, are ignored.

    Raises
    ------
    Refused
        422, if one is no currency, or a limit of Frankfurter's version 2 is given.
    """
    refuse_limits(fields)
    return Question(
        base=_base_of(fields["base"]) if fields.get("base") else default_base,
        quotes=codes_of(fields["symbols"]) if fields.get("symbols") else None,
    )


def _base_of(text: str) -> str:
    try:
        return code_of(text)
    except Refused as error:
        raise invalid(INVALID_BASE, error.message) from None


def number(row: RateRow) -> float | int:
    """Return the number of a rate; that of an identity is whole."""
    return 1 if row.source is None else row.rate


def timestamp(found: Snapshot, by: Lookup) -> int:
    """Return when the newest rate was shown, in seconds since 1970."""
    instants = [row.observed_at for row in found.rows if row.observed_at is not None]
    return max(instants, default=(by.upto - EPOCH) // MICROSECOND) // 1_000_000
