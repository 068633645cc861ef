"""OpenAPI schemas: the rows and objects that are answered, as JSON Schema."""

from __future__ import annotations

from typing import Any

Schema = dict[str, Any]

DAY: Schema = {"type": "string", "format": "date"}
INSTANT: Schema = {"type": "string", "format": "date-time"}
CODE: Schema = {"type": "string", "pattern": "^[A-Z]{3}$", "description": "ISO 4217"}
TEXT: Schema = {"type": "string"}
COUNT: Schema = {"type": "integer", "minimum": 0}
RATE: Schema = {"type": "number", "exclusiveMinimum": 0}
BOUND: Schema = {"type": "string", "pattern": r"^[0-9]+(\.[0-9]+)?$", "description": "A decimal, as text"}


def nullable(schema: Schema) -> Schema:
    """Return a schema that allows null too."""
    kinds = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
    return {**schema, "type": [*kinds, "null"]}


def record(properties: Schema, optional: Schema | None = None) -> Schema:
    """Return the schema of an object that has all these properties, and may have others."""
    return {"type": "object", "properties": {**properties, **(optional or {})}, "required": list(properties)}


def array(name: str) -> Schema:
    """Return the schema of an array of a named schema."""
    return {"type": "array", "items": ref(name)}


def ref(name: str) -> Schema:
    """Return a reference to a named schema."""
    return {"$ref": f"#/components/schemas/{name}"}


def mapping(schema: Schema) -> Schema:
    """Return the schema of an object with a value for each currency or day."""
    return {"type": "object", "additionalProperties": schema}


_PAIR = {"base": CODE, "quote": CODE}
_BAND = {
    "rate_lo": BOUND,
    "rate_hi": BOUND,
    "rate_text": nullable({**TEXT, "description": "What was printed, for `nominal` units of base; null if derived"}),
    "nominal": {"type": "integer", "minimum": 1},
    "observed_at": nullable(INSTANT),
    "source": nullable(TEXT),
}
_BY_CURRENCY = {"dates": mapping(DAY), "sources": mapping(TEXT)}
_NOTES = {"missing": mapping({**TEXT, "description": "Why a currency that was asked for has no rate"})}
_SERIES = {
    "base": CODE,
    "start_date": DAY,
    "end_date": DAY,
    "rates": mapping(mapping(RATE)),
    "sources": mapping(TEXT),
}
_PEG = record({"base": CODE, "rate": RATE, "authority": TEXT, "since": DAY, "stated": TEXT})
_ISO = {"iso_code": CODE, "iso_numeric": nullable(TEXT), "name": TEXT, "symbol": nullable(TEXT)}
_SHARE = nullable({"type": "number", "minimum": 0, "maximum": 1})

SCHEMAS: Schema = {
    "Error": record({"message": TEXT}, {"status": COUNT, "detail": {**TEXT, "description": "Why, in one line"}}),
    "OpenExchangeRatesError": record({"error": {"const": True}, "status": COUNT, "message": TEXT, "description": TEXT}),
    "FixerError": record(
        {"success": {"const": False}, "error": record({"code": COUNT, "type": TEXT, "info": TEXT})},
    ),
    "RatesOfDay": record(
        {"amount": RATE, "base": CODE, "date": DAY, "rates": mapping(RATE), **_BY_CURRENCY},
        _NOTES,
    ),
    "RatesByDay": record({"amount": RATE, **_SERIES}, _NOTES),
    "Names": mapping(TEXT),
    "Rate": record(
        {"date": DAY, **_PAIR, "rate": RATE, **_BAND},
        {
            "providers": {
                "type": "array",
                "items": record({"key": TEXT, "date": DAY, "rate": RATE}, {"excluded": {"const": True}}),
            },
            "start_at": INSTANT,
            "looks": COUNT,
            "coverage": _SHARE,
            "whole": {"type": ["boolean", "null"]},
        },
    ),
    "Currency": record(_ISO | {"start_date": DAY, "end_date": DAY}),
    "CurrencyDetail": record(_ISO | {"providers": {"type": "array", "items": TEXT}}, {"peg": _PEG}),
    "Provider": record(
        {
            "key": TEXT,
            "name": TEXT,
            "country_code": nullable(TEXT),
            "rate_type": {"enum": ["official", "market", "peg"]},
            "pivot_currency": nullable(CODE),
            "data_url": nullable(TEXT),
            "terms_url": nullable(TEXT),
            "start_date": DAY,
            "end_date": DAY,
            "publish_cadence": {"enum": ["daily", None]},
            "publishes_missed": nullable(COUNT),
            "currencies": {"type": "array", "items": CODE},
            "last_ok_at": nullable(INSTANT),
        }
    ),
    "Gap": record({"source": TEXT, "start_at": INSTANT, "end_at": nullable(INSTANT), "slots": COUNT, "why": TEXT}),
    "Coverage": record(
        {"source": TEXT, "start_at": INSTANT, "slots": COUNT, "ok": COUNT, "coverage": _SHARE},
        {"outcome": nullable(TEXT), "whole": {"type": "boolean"}},
    ),
    "Poll": record({"source": TEXT, "slot": INSTANT, "outcome": TEXT, "ticks": COUNT}, {"detail": nullable(TEXT)}),
    "LivePoll": record(
        {"source": TEXT, "slot": INSTANT, "outcome": TEXT, "detail": nullable(TEXT), "rates": array("Rate")}
    ),
    "LiveReset": record({"reason": {**TEXT, "description": "Why events were missed, in one line"}}),
    "Drift": record(
        {
            **_PAIR,
            "source": nullable(TEXT),
            "pair": TEXT,
            "drift_pct": {"type": ["number", "null"]},
            "drift_lo_pct": {"type": ["number", "null"]},
            "drift_hi_pct": {"type": ["number", "null"]},
            "significant": {"type": "boolean"},
            "reason": nullable(TEXT),
        }
    ),
    "Manifest": record(
        {
            "version": {"const": 1},
            "files": {
                "type": "array",
                "items": record(
                    {
                        "file": TEXT,
                        "rows": COUNT,
                        "first_at": INSTANT,
                        "last_at": INSTANT,
                        "pairs": {"type": "array", "items": TEXT},
                        "sealed": {"type": "boolean"},
                        "bytes": COUNT,
                        "sha256": {"type": "string", "pattern": "^[0-9a-f]{64}$"},
                    }
                ),
            },
        }
    ),
    "OpenExchangeRates": record(
        {
            "disclaimer": TEXT,
            "license": TEXT,
            "timestamp": {"type": "integer"},
            "base": CODE,
            "rates": mapping(RATE),
            **_BY_CURRENCY,
        },
        _NOTES,
    ),
    "OpenExchangeRatesSeries": record({"disclaimer": TEXT, "license": TEXT, **_SERIES}),
    "OpenExchangeRatesResult": record({"request": {"type": "object"}, "meta": {"type": "object"}, "response": RATE}),
    "Fixer": record(
        {
            "success": {"const": True},
            "timestamp": {"type": "integer"},
            "base": CODE,
            "date": DAY,
            "rates": mapping(RATE),
            **_BY_CURRENCY,
        },
        _NOTES,
    ),
    "FixerSeries": record({"success": {"const": True}, "timeseries": {"const": True}, **_SERIES}),
    "FixerResult": record({"success": {"const": True}, "query": {"type": "object"}, "date": DAY, "result": RATE}),
    "FixerSymbols": record({"success": {"const": True}, "symbols": ref("Names")}),
    "Root": record({"name": TEXT, "version": TEXT, "now": INSTANT, "is_now_frozen": {"type": "boolean"}}),
}
"""By name."""
