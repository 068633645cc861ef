"""Answers: the present rates with their explanations, and the drift between month ends, computed by the functions."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta
from itertools import pairwise
from typing import Any

from fxticker.analysis.changes import changes
from fxticker.analysis.drift import drift
from fxticker.analysis.explain import explain
from fxticker.errors import NoData
from fxticker.model.durations import OTHER_LIMIT
from fxticker.model.formatting import format_with_band
from fxticker.model.pairs import COMMON, currencies_of
from fxticker.model.pegs import pegs_of
from fxticker.model.timestamps import MICROSECOND, iso_text
from fxticker.sources.age_limits import TICKER
from fxticker.store.read_span import month_of
from fxticker.store.store import Store

ORDER = ("ticker", "official", "market", "peg")
"""The page is about the ticker; all other sources that have a rate stand beside it."""
CHANGES_DAYS = 92
"""Days in which the last change of a rate is looked for."""


def present_rates(store: Store, pairs: Sequence[str], at: datetime) -> list[dict[str, Any]]:
    """Return for each pair its rate at an instant with its explanation, those of other sources, and its last change.

    Parameters
    ----------
    store
        The store.
    pairs
        Pairs of the store, in the direction of the ticker.
    at
        The instant.

    Returns
    -------
    list
        A mapping per pair: ``pair``; ``rate``, the facts of `fxticker.explain` and ``written``, or ``None`` with a
        ``reason``; ``beside``, the facts of each other source that has a rate; ``change``, the last change of the
        ticker, ``None`` if it had no two values in `CHANGES_DAYS`; ``unchanged_since``, the first look at its present
        value in these days, ``None`` if there is none.
    """
    changed = _last_changes(store, at)
    none = {"change": None, "unchanged_since": None}
    return [{"pair": pair, **_rate(store, pair, at), **changed.get(pair, none)} for pair in pairs]


def shown_pairs(objects: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return the pairs that the page is about, in the direction of the ticker, given entries of published segments.

    Those of the ticker; in a store without it, all against USD.
    """
    ticks = [each for each in objects if each["kind"] == "ticks"]
    about = [each for each in ticks if each["source"] == TICKER] or ticks
    stored = {pair for each in about for pair in each["pairs"] if COMMON in currencies_of(pair)}
    others = {code for pair in stored for code in currencies_of(pair)} - {COMMON}
    return [f"{code}/{COMMON}" for code in sorted(others)]


def pegs_in_force(pairs: Sequence[str]) -> list[dict[str, Any]]:
    """Return the pegs of pairs, each with the days from which and until which it is in force."""
    return [
        {"pair": pair, "since": plain(peg.since), "until": plain(peg.until)}
        for pair in pairs
        for peg, _ in pegs_of(pair)
    ]


def month_ends(months: Sequence[str], at: datetime) -> Iterator[tuple[str | datetime, str | datetime]]:
    """Yield the two ends of each drift: a month and the next one, the last one cut at an instant."""
    if not months:
        return
    ends: list[str | datetime] = [*_from_to(min(months), month_of(at))]
    ends[-1] = at
    yield from pairwise(ends)


def month_drift(store: Store, start: str | datetime, end: str | datetime) -> dict[str, Any]:
    """Return the drift of the ticker's rates between two month ends, with the reason where there is none."""
    records, reason = [], None
    try:
        rows = drift(store, start=start, end=end, sources=[TICKER])
        records = [_with_text(row) for row in rows.to_dict("records")]
    except NoData as error:
        reason = _why(error)
    return {"start": start, "end": plain(end), "rows": plain(records), "reason": reason}


def plain(value: Any) -> Any:
    """Return what JSON has for a value: instants in ISO 8601, null for what is missing."""
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if value is None or value != value:  # noqa: PLR0124  NaN and NaT
        return None
    if isinstance(value, datetime):
        return iso_text(value)
    if isinstance(value, date):
        return value.isoformat()
    item = value.item() if hasattr(value, "item") else value
    return None if isinstance(item, float) and not math.isfinite(item) else item


def _rate(store: Store, pair: str, at: datetime) -> dict[str, Any]:
    try:
        found = explain(store, pair, at=at, order=ORDER)
    except NoData as error:
        return {"rate": None, "reason": _why(error), "beside": []}
    verdicts = {other["source"]: other for other in found.others}
    beside = [
        {
            **_facts(explain(store, pair, at=at, order=[source], sources=[source])),
            "agrees": verdict["agrees"],
            "distance_pct": plain(verdict["distance_pct"]),
        }
        for source, verdict in verdicts.items()
        if "+" not in source
    ]
    return {"rate": _facts(found), "reason": None, "beside": beside}


def _why(error: NoData) -> str:
    """Return why there is no figure, without the option of the command line that the message ends with."""
    return str(error).removesuffix(f"; {OTHER_LIMIT}")


def _facts(found: Any) -> dict[str, Any]:
    facts = plain(found.facts())
    facts["written"] = format_with_band(facts["rate"], facts["rate_lo"], facts["rate_hi"])._asdict()
    return {name: value for name, value in facts.items() if name != "others"}


def _last_changes(store: Store, at: datetime) -> dict[str, dict[str, Any]]:
    """Return the last change of each pair of the ticker: from the last look at one value to the first at the next."""
    runs = changes(store, sources=[TICKER], start=at - timedelta(days=CHANGES_DAYS), end=at + MICROSECOND)
    found = {}
    for pair, rows in runs.groupby("pair", observed=True):
        before, after, change = rows.iloc[:-1].tail(1), rows.tail(1), None
        if len(before) and str(before["rate_text"].iloc[0]) != str(after["rate_text"].iloc[0]):
            ends = {"start": before["last_at"].iloc[0], "end": after["first_at"].iloc[0]}
            row = drift(store, pairs=[str(pair)], sources=[TICKER], max_age="any", **ends).iloc[0]
            change = plain(_with_text(row.to_dict()))
        found[str(pair)] = {"change": change, "unchanged_since": plain(after["first_at"].iloc[0])}
    return found


def _with_text(row: Mapping[Any, Any]) -> dict[str, Any]:
    """Return a row of a drift with its texts, each with the digits that its band supports."""
    if math.isnan(row["drift_pct"]):
        return {**row, "written": None}
    written = format_with_band(row["drift_pct"], row["drift_lo_pct"], row["drift_hi_pct"], signed=True)
    return {**row, "written": written._asdict()}


def _from_to(first: str, last: str) -> Iterator[str]:
    year, month = (int(part) for part in first.split("-"))
    while (name := f"{year:04}-{month:02}") <= last:
        yield name
        year, month = (year, month + 1) if month < 12 else (year + 1, 1)  # noqa: PLR2004
