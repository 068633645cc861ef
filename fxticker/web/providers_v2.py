"""Providers in the shape of Frankfurter's version 2: the sources of a store, and how many publications were missed."""

from __future__ import annotations

from collections import Counter
from datetime import date, datetime, timedelta
from typing import Any

from fxticker.model.pairs import COMMON, currencies_of
from fxticker.model.records import Outcome
from fxticker.model.timestamps import EPOCH, MICROSECOND, iso_text
from fxticker.sources.fixed import CONSTANTS
from fxticker.sources.rate_order import kind_of
from fxticker.sources.registry import source_of
from fxticker.sources.source import Source
from fxticker.store.arrow import filter_rows, instant_of, is_in, to_int64
from fxticker.store.read_recent import MAX_SEGMENTS
from fxticker.web.answers import Answer, json_answer
from fxticker.web.stored_days import PairDays, stored_days
from fxticker.web.view import View

_DAY = timedelta(days=1)
_NAMES = {
    "cbr": ("Bank of Russia", "RU"),
    "cbu": ("Central Bank of Uzbekistan", "UZ"),
    "fawazahmed0": ("fawazahmed0 currency API, an aggregator", None),
    "nbk": ("National Bank of Kazakhstan", "KZ"),
    "nbkr": ("National Bank of the Kyrgyz Republic", "KG"),
    "nbt": ("National Bank of Tajikistan", "TJ"),
    "timesca": ("The Times of Central Asia, the ticker of its pages", None),
    "tmt-peg": ("Central Bank of Turkmenistan, the peg that it states", "TM"),
}
"""Names of the sources that come with the package, and their countries by ISO 3166."""


def providers(view: View) -> Answer:
    """Answer ``/v2/providers``."""
    by_source: dict[str, list[PairDays]] = {}
    for found in stored_days(view):
        by_source.setdefault(found.source, []).append(found)
    return json_answer([_provider(view, source, days) for source, days in sorted(by_source.items())])


def _provider(view: View, source: str, days: list[PairDays]) -> dict[str, Any]:
    name, country = _NAMES.get(source, (source, None))
    known = None if source in CONSTANTS else source_of(source)
    counts = Counter(code for found in days for code in currencies_of(found.pair))
    pivots = [code for code, count in counts.items() if count == len(days)]
    end = max(found.last for found in days)
    last_ok = _last_ok(view, source)
    return {
        "key": source,
        "name": name,
        "country_code": country,
        "rate_type": str(kind_of(source)),
        "pivot_currency": COMMON if COMMON in pivots else min(pivots, default=None),
        "data_url": None if known is None else known.url,
        "terms_url": None if known is None else known.terms_url,
        "start_date": min(found.first for found in days).isoformat(),
        "end_date": end.isoformat(),
        "publish_cadence": None if known is None else "daily",
        "publishes_missed": None if known is None else _missed(known, end if last_ok is None else last_ok.date(), view),
        "currencies": sorted(counts),
        "last_ok_at": None if last_ok is None else iso_text(last_ok),
    }


def _missed(source: Source, last: date, view: View) -> int:
    """Return on how many days since a source was last read, today left out, it publishes."""
    return source.publishing_days(last, view.now.date() - _DAY)


def _last_ok(view: View, source: str) -> datetime | None:
    """Return the slot of the last successful poll up to now; None if none is found in the newest segments."""
    now = (view.now - EPOCH) // MICROSECOND
    polls = view.store.polls
    for segment in reversed(polls.segments(source)[-MAX_SEGMENTS:]):
        rows = polls.open(segment).read(["slot", "outcome"])
        slots = to_int64(filter_rows(rows, is_in(rows.column("outcome"), [Outcome.OK])).column("slot"))
        if len(slots := slots[slots <= now]):
            return instant_of(int(slots.max()))
    return None
