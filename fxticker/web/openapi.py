"""OpenAPI: the document of this API, version 3.1, with an example for every parameter."""

from __future__ import annotations

from functools import cache
from importlib.metadata import version
from typing import Any

from fxticker.model.records import Outcome
from fxticker.web.answers import Answer, json_answer
from fxticker.web.groups import GROUPS
from fxticker.web.iso4217 import currencies
from fxticker.web.openapi_schemas import DAY, SCHEMAS, TEXT, Schema, array, ref
from fxticker.web.parameters import LEAST_AMOUNT, MOST_AMOUNT
from fxticker.web.tables import NDJSON

_JSON = "application/json"
_ANY_CODE = "|".join(currencies())
_ISO_CODE: Schema = {"enum": list(currencies()), "description": "ISO 4217, in any case"}
_ISO_CODES: Schema = {"type": "string", "pattern": f"^({_ANY_CODE})(,({_ANY_CODE}))*$"}
_ISO_CODE_OR_NONE: Schema = {"enum": ["", *currencies()], "description": "ISO 4217, in any case"}
_ISO_CODES_OR_NONE: Schema = {"type": "string", "pattern": f"^(({_ANY_CODE})(,({_ANY_CODE}))*)?$"}
_SOURCES: Schema = {"type": "string", "pattern": "^[a-z][a-z0-9_-]{0,63}(,[a-z][a-z0-9_-]{0,63})*$"}
_AMOUNT: Schema = {"type": "number", "minimum": float(LEAST_AMOUNT), "maximum": float(MOST_AMOUNT)}
_DURATION: Schema = {"type": "string", "pattern": "^(any|[0-9]{1,6}(s|min|h|d|w))$"}
_MOMENT: Schema = {"type": "string", "format": "date-time"}
_ERRORS = {
    "400": "The request is malformed",
    "404": "Nothing stored answers, and why",
    "414": "The path or the query is too long",
    "421": "The server does not have this name",
    "422": "A parameter is unknown or invalid",
    "503": "The store cannot be read, the answer takes too long, or too many wait",
}


def _parameter(name: str, schema: Schema, example: Any, text: str) -> Schema:
    shown = {} if example is None else {"example": example}
    return {"name": name, "in": "query", "schema": schema, **shown, "description": text}


_PARAMETERS = {
    "base": _parameter("base", _ISO_CODE, "USD", "Base; without it EUR, if there are rates of it"),
    "quotes": _parameter("quotes", _ISO_CODES, "KZT,UZS", "Only these quotes, separated by commas"),
    "any_base": _parameter("base", TEXT, "USD", "Base; without it EUR, if there are rates of it"),
    "any_symbols": _parameter("symbols", TEXT, "KZT,UZS", "Only these currencies; unknown ones are ignored"),
    "any_from": _parameter("from", TEXT, "USD", "Base; wins over `base`"),
    "any_to": _parameter("to", TEXT, "KZT", "Only these currencies; wins over `symbols`"),
    "base_or_none": _parameter("base", _ISO_CODE_OR_NONE, "USD", "Base"),
    "symbols": _parameter("symbols", _ISO_CODES_OR_NONE, "KZT,UZS", "Only these currencies, separated by commas"),
    "from_base": _parameter("from", _ISO_CODE, "USD", "From this currency"),
    "to_quote": _parameter("to", _ISO_CODE, "KZT", "To this currency"),
    "amount": _parameter("amount", _AMOUNT, 100, "What the rates are multiplied by"),
    "date": _parameter("date", DAY, "2025-12-10", "The rates by the end of this day, UTC"),
    "at": _parameter("at", _MOMENT, "2025-12-10T12:00:00Z", "The rates at this instant; not beside `date`"),
    "from": _parameter("from", DAY, "2025-12-07", "First day of a range; not beside `date` or `at`"),
    "to": _parameter("to", DAY, "2025-12-10", "Last day of a range, included; without it today"),
    "providers": _parameter("providers", _SOURCES, "timesca", "Only these sources, separated by commas"),
    "group": _parameter("group", {"enum": list(GROUPS)}, "week", "A row for each period instead of each day"),
    "expand": _parameter("expand", {"enum": ["providers", "band"]}, "providers", "What a row has in addition"),
    "max_width": _parameter(
        "max_width", {"type": "string", "pattern": "^[0-9]{1,6}(\\.[0-9]{1,9})?%$"}, "13%", "The widest band"
    ),
    "max_age": _parameter("max_age", _DURATION, "30d", "The greatest age of a rate; `any` for none"),
    "as_of": _parameter("as_of", _MOMENT, None, "What the store had recorded by then"),
    "start": _parameter("start", DAY, "2025-12-07", "First day"),
    "end": _parameter("end", DAY, "2025-12-10", "Last day, included"),
    "start_date": _parameter("start_date", DAY, "2025-12-07", "First day"),
    "end_date": _parameter("end_date", DAY, "2025-12-10", "Last day, included"),
    "outcome": _parameter("outcome", {"enum": sorted(Outcome)}, "ok", "Only polls with this outcome"),
    "any_providers": _parameter("providers", TEXT, "timesca", "Only of these sources; unknown ones are ignored"),
    "scope": _parameter("scope", TEXT, "all", "Changes nothing"),
}
_RECORD = ("from", "to", "providers", "as_of")
_OF_PATH = {
    "base": (_ISO_CODE, "USD"),
    "quote": (_ISO_CODE, "KZT"),
    "code": (_ISO_CODE, "TMT"),
    "day": (DAY, "2025-12-10"),
    "days": (
        {"type": "string", "pattern": r"^\d{4}-\d{2}-\d{2}(\.\.(\d{4}-\d{2}-\d{2})?)?$"},
        "2025-12-07..2025-12-10",
    ),
    "amount": (_AMOUNT, 1500),
    "name": (TEXT, "ticks/source=timesca/month=2025-12/00000.parquet"),
}


def _operation(
    path: str,
    text: str,
    schema: Schema,
    *parameters: str,
    needed: tuple[str, ...] = (),
    media_type: str = _JSON,
    error: str = "Error",
) -> tuple[str, Schema]:
    """Return a path with its one operation."""
    named = [name for name in _OF_PATH if f"{{{name}}}" in path]
    in_path = [
        {"name": name, "in": "path", "required": True, "schema": _OF_PATH[name][0], "example": _OF_PATH[name][1]}
        for name in named
    ]
    in_query = [
        {**_PARAMETERS[name], **({"required": True} if name in needed else {})} for name in (*needed, *parameters)
    ]
    shape = ref(error)
    bodies = {"400": {"anyOf": [ref("Error"), shape]}, "404": shape, "414": ref("Error"), "421": ref("Error")}
    responses = {"200": {"description": text, "content": {media_type: {"schema": schema}}}} | {
        status: {"description": meaning, "content": {_JSON: {"schema": bodies.get(status, shape)}}}
        for status, meaning in _ERRORS.items()
    }
    return path, {"get": {"summary": text, "parameters": [*in_path, *in_query], "responses": responses}}


_V2 = ("base", "quotes", "date", "at", "from", "to", "providers", "group", "expand", "max_width", "max_age", "as_of")
_OXR, _FIXER = "OpenExchangeRatesError", "FixerError"
_TEXT = "text/plain"


def _paths() -> Schema:
    v1 = ("any_base", "any_symbols", "any_from", "any_to", "amount")
    found = dict(
        [
            _operation("/", "What the server is, and its present", ref("Root")),
            _operation("/healthz", "Whether all sources are healthy", TEXT, media_type=_TEXT),
            _operation("/metrics", "Metrics for Prometheus", TEXT, media_type=_TEXT),
            _operation("/openapi.json", "This document", {"type": "object"}),
            _operation("/v1/latest", "Rates of now", ref("RatesOfDay"), *v1),
            _operation(
                "/v1/{days}",
                "Rates of a day, or of two days with `..` between them",
                {"anyOf": [ref("RatesOfDay"), ref("RatesByDay")]},
                *v1,
            ),
            _operation("/v1/currencies", "Names of the currencies that have rates", ref("Names")),
            _operation("/v2/rates", "Rates of now, of a day or instant, or of a range", array("Rate"), *_V2),
            _operation("/v2/rates.csv", "The same as CSV", TEXT, *_V2, media_type="text/csv"),
            _operation(
                "/v2/rate/{base}/{quote}",
                "One rate",
                ref("Rate"),
                "date",
                "at",
                "providers",
                "expand",
                "max_width",
                "max_age",
                "as_of",
            ),
            _operation("/v2/currencies", "Currencies and their days", array("Currency"), "scope", "any_providers"),
            _operation("/v2/currency/{code}", "A currency, its sources and its peg", ref("CurrencyDetail")),
            _operation("/v2/providers", "Sources", array("Provider")),
            _operation("/v2/gaps", "Periods without a successful poll", array("Gap"), *_RECORD),
            _operation("/v2/coverage", "Share of successful polls", array("Coverage"), *_RECORD, "group"),
            _operation("/v2/polls", "Outcome of each planned poll", array("Poll"), *_RECORD, "outcome"),
            _operation(
                "/v2/drift",
                "Change between two days in percent, with its band",
                array("Drift"),
                "to",
                "base",
                "quotes",
                "providers",
                "max_age",
                "as_of",
                needed=("from",),
            ),
            _operation("/parquet/manifest.json", "The store's files", ref("Manifest")),
            _operation(
                "/parquet/{name}",
                "A file, or a range of it",
                {"type": "string", "contentMediaType": "application/vnd.apache.parquet"},
                media_type="application/vnd.apache.parquet",
            ),
            _operation("/latest.json", "Rates of now", ref("OpenExchangeRates"), "base_or_none", "symbols", error=_OXR),
            _operation(
                "/historical/{day}.json",
                "Rates of a day",
                ref("OpenExchangeRates"),
                "base_or_none",
                "symbols",
                error=_OXR,
            ),
            _operation(
                "/time-series.json",
                "Rates of a range",
                ref("OpenExchangeRatesSeries"),
                "base_or_none",
                "symbols",
                needed=("start", "end"),
                error=_OXR,
            ),
            _operation("/currencies.json", "Names of the currencies", ref("Names"), error=_OXR),
            _operation("/convert/{amount}/{base}/{quote}", "An amount", ref("OpenExchangeRatesResult"), error=_OXR),
            _operation(
                "/convert.json",
                "The same",
                ref("OpenExchangeRatesResult"),
                needed=("from_base", "to_quote", "amount"),
                error=_OXR,
            ),
            _operation("/fixer/latest", "Rates of now", ref("Fixer"), "base_or_none", "symbols", error=_FIXER),
            _operation("/fixer/{day}", "Rates of a day", ref("Fixer"), "base_or_none", "symbols", error=_FIXER),
            _operation(
                "/fixer/timeseries",
                "Rates of a range",
                ref("FixerSeries"),
                "base_or_none",
                "symbols",
                needed=("start_date", "end_date"),
                error=_FIXER,
            ),
            _operation(
                "/fixer/convert",
                "An amount",
                ref("FixerResult"),
                "date",
                needed=("from_base", "to_quote", "amount"),
                error=_FIXER,
            ),
            _operation("/fixer/symbols", "Names of the currencies", ref("FixerSymbols"), error=_FIXER),
        ]
    )
    found["/live"] = _live()
    found["/parquet/{name}"]["get"]["responses"] |= {
        "206": {"description": "The range of the file that `Range` names"},
        "304": {"description": "The client has this version of the file"},
        "412": {"description": "The file is no longer the version of `If-Match`"},
        "416": {"description": "The file has no such range"},
    }
    for path in ("/healthz",):
        found[path]["get"]["responses"]["503"]["content"] = {_TEXT: {"schema": TEXT}}
    lines = {NDJSON: {"schema": {"type": "string", "description": "A row in each line"}}}
    found["/v2/rates"]["get"]["responses"]["200"]["content"] |= lines
    return found


def _live() -> Schema:
    """Return the path of the events, which have no schema of their own: each is a text of several lines."""
    text = "New polls as server-sent events, without an end: `poll` with a `LivePoll`, `reset` with a `LiveReset`"
    _, item = _operation("/live", text, TEXT, media_type="text/event-stream")
    came_back = {
        "name": "Last-Event-ID",
        "in": "header",
        "schema": TEXT,
        "example": "timesca=2026-02-25T10:00:00Z",
        "description": "The id of the last event that was received",
    }
    item["get"]["parameters"] = [came_back]
    item["get"]["responses"]["200"]["content"]["text/event-stream"]["x-events"] = {
        "poll": ref("LivePoll"),
        "reset": ref("LiveReset"),
    }
    return item


@cache
def document() -> Schema:
    """Return the document."""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "fxticker",
            "version": version("fxticker"),
            "description": "Rates of Central Asian currencies as they were printed, with their rounding error: "
            "in the shapes of Frankfurter's versions 1 and 2, of Open Exchange Rates and of Fixer, and what is added.",
        },
        "paths": _paths(),
        "components": {"schemas": SCHEMAS},
    }


def openapi() -> Answer:
    """Answer ``/openapi.json``."""
    return json_answer(document())
