"""Currencies in the shape of Frankfurter's version 2: which have rates, from when to when, by whom, and pegs."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from fxticker.model.pairs import currencies_of
from fxticker.model.pegs import PEGS
from fxticker.web.answers import Answer, json_answer
from fxticker.web.errors import not_found
from fxticker.web.iso4217 import currencies as iso_currencies
from fxticker.web.iso4217 import name_of
from fxticker.web.parameters import names_of
from fxticker.web.stored_days import PairDays, stored_days
from fxticker.web.view import View


def currencies(view: View, fields: Mapping[str, str]) -> Answer:
    """Answer ``/v2/currencies``, which never refuses a parameter: ``scope=all`` changes nothing, others are ignored."""
    sources = names_of(fields["providers"].lower()) if "providers" in fields else None
    days = [found for found in stored_days(view) if sources is None or found.source in sources]
    codes = sorted({code for found in days for code in currencies_of(found.pair)})
    return json_answer([_currency(code) | _span(code, days) for code in codes])


def currency(view: View, code: str) -> Answer:
    """Answer ``/v2/currency/KZT``: its names, who has rates of it, and its peg if it has one."""
    code = code.upper()
    if code not in view.catalogue.currencies:
        raise not_found(f"nothing is stored for {code[:20]}")
    providers = [source for source, stored in view.catalogue.sources.items() if code in stored.currencies]
    return json_answer(_currency(code) | {"providers": providers} | _peg(code, view.now.date()))


def _currency(code: str) -> dict[str, Any]:
    known = iso_currencies().get(code)
    return {
        "iso_code": code,
        "iso_numeric": None if known is None else known.number,
        "name": name_of(code),
        "symbol": None if known is None else known.sign,
    }


def _span(code: str, days: list[PairDays]) -> dict[str, Any]:
    own = [found for found in days if code in currencies_of(found.pair)]
    return {
        "start_date": min(found.first for found in own).isoformat(),
        "end_date": max(found.last for found in own).isoformat(),
    }


def _peg(code: str, day: date) -> dict[str, Any]:
    for peg in PEGS:
        if peg.currency == code and peg.since <= day and (peg.until is None or day < peg.until):
            return {
                "peg": {
                    "base": peg.anchor,
                    "rate": float(peg.units),
                    "authority": peg.authority,
                    "since": peg.since.isoformat(),
                    "stated": peg.stated,
                }
            }
    return {}
