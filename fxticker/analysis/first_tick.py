"""First tick: what an answer adds if nothing is stored up to the instant of a lookup."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pandas as pd

from fxticker.analysis.source_quotes import Ticks, source_quotes
from fxticker.analysis.value_dates import in_force, official_ticks
from fxticker.errors import NotDerivable
from fxticker.model.days import Lookup
from fxticker.model.pairs import COMMON, currencies_of
from fxticker.model.records import TimeBasis
from fxticker.model.selection import Selection
from fxticker.model.timestamps import EPOCH, exact_text
from fxticker.sources.age_limits import TICKER

_DAY = timedelta(days=1)


def first_after(ticks: Ticks, at: Lookup, selection: Selection) -> str:
    """Return the rest of a sentence: of when the first tick is that a lookup does not reach; empty if there is none.

    Parameters
    ----------
    ticks
        A store, or a frame of ticks.
    at
        The instants of the lookup, which found nothing.
    selection
        Pairs in any direction, sources, and `as_of`; a span is ignored.
    """
    return _text(_first(ticks, at, selection))


def first_in_force_after(ticks: Ticks, pair: str, at: Lookup, selection: Selection) -> str:
    """Return what `first_after` does, of rates that count from their value dates on: those of all but the ticker.

    A cross rate may be of two sources: its first tick is the later one of the first ticks of its legs.
    """
    currencies = currencies_of(pair)
    legs = [pair] if COMMON in currencies else [f"{currency}/{COMMON}" for currency in currencies]
    of_ticker = (TICKER,) if selection.sources is None or TICKER in selection.sources else ()
    dated = in_force(official_ticks(ticks, replace(selection, pairs=None), ticker=TICKER))
    firsts = []
    for leg in legs:
        of_leg = (
            _first(ticks, at, replace(selection, pairs=(leg,), sources=of_ticker)),
            _first(dated, replace(at, upto=at.dated_upto), Selection(pairs=(leg,))),
        )
        firsts.append(min(filter(None, of_leg), default=None))
    return "" if None in firsts else _text(max(filter(None, firsts)))


def _first(ticks: Ticks, at: Lookup, selection: Selection) -> pd.Timestamp | None:
    """Return the first instant of a tick that a lookup does not reach; a date counts from the end of its day."""
    # an instant and a date that are not reached lie no more than a day and a zone's offset before
    near = replace(selection, start=max(at.upto, EPOCH) - 2 * _DAY, end=None, tz=None)
    try:
        rows = source_quotes(ticks, near)
    except NotDerivable:
        return None
    is_date = rows["time_basis"] == TimeBasis.DATE
    is_later = rows["observed_at"] > at.upto
    found = rows.loc[is_later.where(~is_date, rows["observed_at"] + _DAY > at.dated_upto), "observed_at"]
    return found.min() if len(found) else None


def _text(first: pd.Timestamp | None) -> str:
    if first is None:
        return ""
    text = f"{first:%Y-%m-%d}" if first == first.floor("D") else f"{exact_text(first)} UTC"
    return f"; the first one after that is of {text}"
