"""Drift of a month: the change of each rate from the close of the month before, or from the first tick of the month.

The last tick of November 2025 in the recorded history is 19 days older than the end of that month: a change from there
would be one of six weeks that reads as one of December. So the close of the month before is the start only where it is
no older than its source allows, and else the first tick of the month is; each row names its own start.
"""

from __future__ import annotations

from datetime import date, timedelta

import pandas as pd

from fxticker.analysis.drift import drift, drift_series
from fxticker.errors import NoData
from fxticker.frames.pairs import StorePath
from fxticker.model.records import TimeBasis
from fxticker.model.timestamps import Moment, instant
from fxticker.report.period import Period
from fxticker.sources.age_limits import ANY, AgeLimit

_HOUR = timedelta(hours=1)


def month_drift(store: StorePath, period: Period, rates: pd.DataFrame) -> pd.DataFrame:
    """Return the change of each rate over a month.

    Parameters
    ----------
    store
        The store.
    period
        The month.
    rates
        Quotes of the month, as `fxticker.quotes` returns them.

    Returns
    -------
    pandas.DataFrame
        The columns of `fxticker.drift`, and ``from_close`` (bool; from the close of the month before). One row per pair
        and source with two different ticks. Empty, without columns, if there is none.
    """
    parts = [part for part in (_from_close(store, period, rates), *_from_first(store, period, rates)) if len(part)]
    if not parts:
        return pd.DataFrame()
    both = pd.concat(parts, ignore_index=True)  # a pair that has a close has no need of its first tick
    both = both.sort_values("from_close", ascending=False, kind="stable").drop_duplicates(["source", "pair"])
    return both.sort_values(["pair", "source"], kind="stable", ignore_index=True)


def month_path(store: StorePath, period: Period, drifts: pd.DataFrame, source: str) -> pd.DataFrame:
    """Return `fxticker.drift_series` of a source over a month, each pair from the start that `month_drift` gave it."""
    parts = []
    for from_close, rows in drifts[drifts["source"] == source].groupby("from_close"):
        base: dict[str, Moment] = {"base": period.day_before} if from_close else {}
        parts.append(
            drift_series(
                store,
                pairs=[*rows["pair"].astype(str)],
                sources=[source],
                start=period.first_day,
                end=period.last_day,
                as_of=period.as_of,
                tz=period.zone,
                **base,  # type: ignore[arg-type]
            )
        )
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame()


def _from_close(store: StorePath, period: Period, rates: pd.DataFrame) -> pd.DataFrame:
    found = _drift(store, period, period.day_before, rates)
    if found.empty:
        return found
    limit = AgeLimit()
    is_young = [
        limit.excess(str(source), age * _HOUR) is None
        for source, age in zip(found["source"], found["start_age_h"], strict=True)
    ]
    return found[is_young].assign(from_close=True)


def _from_first(store: StorePath, period: Period, rates: pd.DataFrame) -> list[pd.DataFrame]:
    first = rates.drop_duplicates(["source", "pair"])
    last = rates.groupby(["source", "pair"], observed=True)["observed_at"].transform("max")
    first = first[first["observed_at"] < last[first.index]]  # a pair with one instant has no change
    groups = [rows for _, rows in first.groupby(["source", "observed_at", "time_basis"], observed=True)]
    return [_drift(store, period, _moment(rows.iloc[0]), rows).assign(from_close=False) for rows in groups]


def _moment(row: pd.Series) -> date:
    observed_at: pd.Timestamp = row["observed_at"]
    is_date = row["time_basis"] == TimeBasis.DATE
    return observed_at.tz_convert("UTC").date() if is_date else instant(observed_at.to_pydatetime())


def _drift(store: StorePath, period: Period, start: Moment, rates: pd.DataFrame) -> pd.DataFrame:
    """Return the drifts from a start to the end of the month of pairs and sources that have a tick in the month."""
    pairs, sources = ([*rates[name].astype(str).unique()] for name in ("pair", "source"))
    chosen = {"pairs": pairs, "sources": sources, "as_of": period.as_of, "tz": period.zone, "max_age": ANY}
    try:
        found = drift(store, start=start, end=period.last_day, **chosen)  # type: ignore[arg-type]
    except NoData:
        return pd.DataFrame()
    is_of_month = found["end_at"] >= period.begin
    return found[found["reason"].isna() & is_of_month]
