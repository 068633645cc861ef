"""Facts of a month: every frame that the report is written from, read once and as of one instant."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import pandas as pd

from fxticker.analysis.changes import changes
from fxticker.analysis.compare import compare
from fxticker.analysis.coverage import gaps
from fxticker.analysis.quotes import quotes
from fxticker.analysis.resample import resample
from fxticker.errors import NoData
from fxticker.frames.load import load
from fxticker.frames.polls import load_polls
from fxticker.model.pairs import COMMON, directed
from fxticker.model.timestamps import instant
from fxticker.report.month_drift import month_drift, month_path
from fxticker.report.period import Period
from fxticker.report.printed_values import PrintedValues
from fxticker.sources.age_limits import TICKER
from fxticker.sources.rate_order import kind_of
from fxticker.sources.source import Kind
from fxticker.store.read_span import Span, read_span
from fxticker.store.store import Store

_LATER = timedelta(days=31)
"""Time after a month in which a source may still print a rate that is valid in it: twice a bank's longest holidays."""


@dataclass(frozen=True, slots=True)
class MonthFacts:
    """What a store has of a month.

    Attributes
    ----------
    period
        The month.
    main
        Id of the source whose rates the report is about: the ticker if it has a tick in the month, else the market
        source that is alphabetically first, else the official one; ``None`` if no source has a tick in it.
    others
        The other market sources of the month, of which nothing is reported.
    pairs
        Its pairs, in the direction of the ticker.
    ticks
        Its ticks of the month, as stored (`fxticker.load`).
    rates
        Quotes of all sources of the month in those pairs (`fxticker.quotes`).
    drifts, path
        `month_drift` of all sources, `month_path` of the main one.
    days, runs
        `fxticker.resample` by days and `fxticker.changes` of the main source.
    compared
        `fxticker.compare` of the main source with official rates and pegs; empty if there is nothing to compare.
    polls, gaps
        Outcomes of polls, and periods without a successful one, of all sources.
    printed
        The values of the dates of the main source, of those before the month from which a drift begins too.
    retracted
        Number of ticks of the month that were retracted.
    newest
        The latest instant at which a row that the report can depend on was written, aware UTC; ``None`` without any.
    last_before
        The instant of the last tick before the month, aware UTC; ``None`` if there is none.
    """

    period: Period
    main: str | None
    others: tuple[str, ...]
    pairs: tuple[str, ...]
    ticks: pd.DataFrame
    rates: pd.DataFrame
    drifts: pd.DataFrame
    path: pd.DataFrame
    days: pd.DataFrame
    runs: pd.DataFrame
    compared: pd.DataFrame
    polls: pd.DataFrame
    gaps: pd.DataFrame
    printed: PrintedValues
    retracted: int
    newest: datetime | None
    last_before: datetime | None

    @property
    def subject(self) -> str:
        """The main source as the subject of a sentence: the ticker, or its id."""
        return "the ticker" if self.main == TICKER else str(self.main)

    @property
    def own_drifts(self) -> pd.DataFrame:
        """The rows of `drifts` of the main source."""
        return self.drifts[self.drifts["source"] == self.main] if len(self.drifts) else self.drifts

    @property
    def official(self) -> pd.DataFrame:
        """The rows of `compared` that are compared."""
        return self.compared.dropna(subset=["official"]) if len(self.compared) else self.compared


def facts_of(store: Store, period: Period) -> MonthFacts:
    """Return the facts of a month."""
    span: dict[str, Any] = {
        "start": period.first_day,
        "end": period.last_day,
        "as_of": period.as_of,
        "tz": period.zone,
    }
    ticks = load(store, **span)
    names = [str(name) for name in ticks["source"].cat.categories]
    main = _main_source(names)
    own = ticks[ticks["source"] == main]
    pairs = tuple(sorted({directed(str(pair), per_usd=False) for pair in own["pair"].unique()}))
    pairs = tuple(pair for pair in pairs if pair.endswith(f"/{COMMON}"))
    rates = quotes(store, pairs=pairs, **span) if pairs else pd.DataFrame()
    drifts = month_drift(store, period, rates) if pairs else pd.DataFrame()
    one = {"pairs": pairs, "sources": [main], **span}
    return MonthFacts(
        period=period,
        main=main,
        others=tuple(name for name in names if name != main and kind_of(name) is Kind.MARKET),
        pairs=pairs,
        ticks=own,
        rates=rates,
        drifts=drifts,
        path=month_path(store, period, drifts, str(main)) if len(drifts) else pd.DataFrame(),
        days=resample(store, "day", **one) if pairs else pd.DataFrame(),
        runs=changes(store, **one) if pairs else pd.DataFrame(),
        compared=_compared(store, str(main), one) if pairs else pd.DataFrame(),
        polls=load_polls(store, **span),
        gaps=gaps(store, **span),
        printed=PrintedValues(pd.concat([_before(store, period, drifts, main), own])),
        retracted=_retracted(store, period),
        newest=_newest(store, period),
        last_before=_last_before(store, period),
    )


def _before(store: Store, period: Period, drifts: pd.DataFrame, main: str | None) -> pd.DataFrame:
    """Return the ticks of the main source from the start of its drifts to the month."""
    starts = drifts.loc[(drifts["source"] == main) & drifts["from_close"], "start_at"] if len(drifts) else drifts
    start = starts.min().date() if len(starts) else period.day_before
    rows = load(store, sources=[str(main)], start=start, end=period.day_before, as_of=period.as_of, tz=period.zone)
    return rows if len(starts) else rows[:0]


def _main_source(names: Sequence[str]) -> str | None:
    kinds = {name: kind_of(name) for name in names}
    order = (Kind.MARKET, Kind.OFFICIAL, Kind.PEG)
    ranked = sorted(names, key=lambda name: (name != TICKER, order.index(kinds[name]), name))
    return ranked[0] if ranked else None


def _compared(store: Store, main: str, one: dict[str, Any]) -> pd.DataFrame:
    """Return the comparison of a market source with official rates and pegs."""
    references = [name for name in store.ticks.sources() if kind_of(name) is not Kind.MARKET]
    if kind_of(main) is not Kind.MARKET or not references:
        return pd.DataFrame()
    try:
        return compare(store, ticker=main, **{**one, "sources": references})
    except NoData:
        return pd.DataFrame()


def _retracted(store: Store, period: Period) -> int:
    """Return the number of ticks of the month that readers leave out."""
    retracted = store.retracted(span=Span(period.begin, period.end), as_of=period.as_of)
    return sum(rows.num_rows for rows in retracted.identities.values())


def _newest(store: Store, period: Period) -> datetime | None:
    """Return when the last row was written of those up to the month's end, and of rates that are valid by then."""
    columns = ["observed_at", "source_date", "recorded_at"]
    ticks = load(store, end=period.last_day + _LATER, as_of=period.as_of, columns=columns)
    is_known = (ticks["observed_at"] < period.cut) | (ticks["source_date"] <= pd.Timestamp(period.last_day))
    polls = load_polls(store, end=period.last_day, as_of=period.as_of, tz=period.zone)
    retractions = read_span(store.retractions, span=Span(None, period.end)).column("retracted_at")
    written = [
        *(column.max() for column in (ticks.loc[is_known, "recorded_at"], polls["recorded_at"])),
        *(at for at in retractions.to_pylist() if period.as_of is None or at <= period.as_of),
    ]
    instants = [instant(pd.Timestamp(at).to_pydatetime()) for at in written if not pd.isna(at)]
    return max(instants, default=None)


def _last_before(store: Store, period: Period) -> datetime | None:
    last = load(store, end=period.day_before, as_of=period.as_of, tz=period.zone, columns=["observed_at"]).tail(1)
    return None if last.empty else instant(last["observed_at"].iloc[0].to_pydatetime())
