"""Currencies: their names in sentences."""

from __future__ import annotations

NAMES = {
    "KGS": "som",
    "KZT": "tenge",
    "RUB": "rouble",
    "TJS": "somoni",
    "TMT": "manat",
    "USD": "dollar",
    "UZS": "sum",
}
"""By the code of ISO 4217."""


def name_of(code: str) -> str:
    """Return the name of a currency; its code if it has none here."""
    return NAMES.get(code, code)
