"""The ticker beside the official rates: do they agree, by how much not, and with which lag best."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import numpy as np
import pandas as pd

from fxticker.analysis.quotes import Ticks, quotes
from fxticker.analysis.value_dates import TICKER, holds_days, official_ticks
from fxticker.errors import NoData, NotDerivable
from fxticker.model.selection import Selection
from fxticker.model.timestamps import Moment

DAY = pd.Timedelta(days=1)
OPEN_END = pd.Timedelta(days=4)
"""The last stored rate of a bank is taken over a long weekend: that there was none after it is not known."""
LAGS_DAYS = range(-5, 6)


def compare(
    ticks: Ticks,
    *,
    ticker: str = TICKER,
    pairs: Iterable[str] | None = None,
    sources: Iterable[str] | None = None,
    start: Moment | None = None,
    end: Moment | None = None,
    as_of: Moment | None = None,
    lag_days: int = 0,
) -> pd.DataFrame:
    """The ticker of each day beside the official rate that was in force.

    Parameters
    ----------
    ticks
        A store, or a frame of ticks.
    ticker
        The source that is compared.
    pairs
        Only these; those that the ticker has if null.
    sources
        Only these official sources; all others if null.
    start, end
        Half-open span of days (UTC).
    as_of
        Only rows that were recorded by then.
    lag_days
        Compare with the official rate of so many days before.

    Returns
    -------
    pandas.DataFrame
        One row per day, pair and official source that had a rate in force: ``day``, ``pair``, ``source``,
        ``official_at`` (the day for which the official rate was printed: a rate is in force until the next one, but
        no longer than its source's longest holidays, and the last one stored no longer than 4 days, unless the source
        tells only of days with another rate), ``official``,
        ``official_lo``, ``official_hi``, ``ticker_lo``, ``ticker_hi`` (the hull of the bands of the day's ticks),
        ``ticks`` (how many), ``inside`` (the official band and the ticker's have a point in common) and
        ``distance_pct``: how far the nearest points of both bands lie apart, in percent of the official rate; 0 if
        inside, above 0 where the official rate is the higher one. Rates are quote per one unit of base of `pair`.

    Raises
    ------
    NoData
        If no day has both.
    ValueError
        If a pair is neither stored nor derivable.
    """
    selection = Selection.of(pairs=pairs, sources=sources, start=start, end=end, as_of=as_of)
    days = _ticker_days(ticks, ticker, selection)
    official = _official_days(ticks, ticker, list(days["pair"].unique()), selection)
    found = _side_by_side(days, official, lag_days)
    if found.empty:
        raise NoData(f"no day has both a tick of {ticker} and an official rate")
    return found


def lags(
    ticks: Ticks,
    *,
    ticker: str = TICKER,
    pairs: Iterable[str] | None = None,
    sources: Iterable[str] | None = None,
    start: Moment | None = None,
    end: Moment | None = None,
    as_of: Moment | None = None,
) -> pd.DataFrame:
    """How well the ticker agrees with the official rate of some days before or after.

    Parameters
    ----------
    ticks, ticker, pairs, sources, start, end, as_of
        As for `compare`.

    Returns
    -------
    pandas.DataFrame
        One row per official source, pair and lag from -5 to 5 days (positive: the ticker follows the bank): ``source``,
        ``pair``, ``lag_days``, ``days`` compared (those that have an official
        rate for every lag), ``inside`` (the share of these days, 0 to 1), ``distance_pct`` (the
        mean of the distances' sizes), and ``best``: no other lag has a larger share inside, nor an equal one with a
        smaller distance. Where the printed digits cannot tell, several lags are best.

    Raises
    ------
    NoData
        If no day has both.
    """
    selection = Selection.of(pairs=pairs, sources=sources, start=start, end=end, as_of=as_of)
    days = _ticker_days(ticks, ticker, selection)
    official = _official_days(ticks, ticker, list(days["pair"].unique()), selection)
    compared = pd.concat([_side_by_side(days, official, lag).assign(lag_days=lag) for lag in LAGS_DAYS])
    # a lag that is compared on other days than the rest could be best by their luck
    count = compared.groupby(["source", "pair", "day"])["lag_days"].transform("size")
    compared = compared[count == len(LAGS_DAYS)].assign(size=lambda frame: frame["distance_pct"].abs())
    if compared.empty:
        raise NoData(f"no day has a tick of {ticker} and official rates for all lags from -5 to 5 days")
    found = (
        compared.groupby(["source", "pair", "lag_days"], observed=True, sort=True)
        .agg(days=("day", "size"), inside=("inside", "mean"), distance_pct=("size", "mean"))
        .reset_index()
    )
    group = found.groupby(["source", "pair"], observed=True)
    most = found["inside"] == group["inside"].transform("max")
    nearest = found["distance_pct"].where(most)
    found["best"] = nearest == nearest.groupby([found["source"], found["pair"]], observed=True).transform("min")
    return found


def _ticker_days(ticks: Ticks, ticker: str, selection: Selection) -> pd.DataFrame:
    """By pair and day, the hull of what the ticker's digits allowed."""
    found = quotes(ticks, **replace(selection, sources=(ticker,)).given())
    by_day = found.assign(day=found["observed_at"].dt.floor("D")).groupby(["pair", "day"], observed=True, sort=True)
    return by_day.agg(ticker_lo=("rate_lo", "min"), ticker_hi=("rate_hi", "max"), ticks=("rate", "size")).reset_index()


def _official_days(ticks: Ticks, ticker: str, pairs: list[str], selection: Selection) -> pd.DataFrame:
    """The official rates of the pairs, in their direction, by effective day.

    All of them: a rate may be in force for months, and a source has one a day.
    """
    dated = official_ticks(ticks, Selection.of(sources=selection.sources, as_of=selection.as_of), ticker=ticker)
    parts = [_quoted(dated, pair) for pair in pairs]
    return pd.concat(parts, ignore_index=True) if parts else _quoted(dated[:0], "")


def _quoted(dated: pd.DataFrame, pair: str) -> pd.DataFrame:
    """A pair's official rates; none where no official source gives it."""
    try:
        found = quotes(dated, pairs=[pair] if pair else None)
    except NotDerivable:
        found = quotes(dated[:0])
    renamed = {"observed_at": "official_at", "rate": "official", "rate_lo": "official_lo", "rate_hi": "official_hi"}
    shown = found.astype({"source": "str", "pair": "str"}).rename(columns=renamed)
    return shown[["source", "pair", *renamed.values()]]


def _side_by_side(days: pd.DataFrame, official: pd.DataFrame, lag_days: int) -> pd.DataFrame:
    parts = [
        _matched(days[days["pair"] == pair], rates, str(source), str(pair), lag_days)
        for (source, pair), rates in official.groupby(["source", "pair"], sort=True)
    ]
    columns = ["day", "pair", "source", *(name for name in official.columns if name not in ("source", "pair"))]
    columns += ["ticker_lo", "ticker_hi", "ticks", "inside", "distance_pct"]
    if not parts:
        return pd.DataFrame(columns=columns)
    return pd.concat(parts)[columns].sort_values(["day", "pair", "source"], kind="stable", ignore_index=True)


def _matched(days: pd.DataFrame, rates: pd.DataFrame, source: str, pair: str, lag_days: int) -> pd.DataFrame:
    wanted = days.assign(at=days["day"] - lag_days * DAY).drop(columns="pair")
    in_force = rates.drop(columns=["source", "pair"]).sort_values("official_at")
    found = pd.merge_asof(wanted, in_force, left_on="at", right_on="official_at", direction="backward")
    found = found[_is_in_force(found, in_force["official_at"].iloc[-1], holds_days(source))]
    above = (found["official_lo"] - found["ticker_hi"]).clip(lower=0)
    below = (found["ticker_lo"] - found["official_hi"]).clip(lower=0)
    return found.assign(
        source=source,
        pair=pair,
        inside=(above == 0) & (below == 0),
        distance_pct=np.asarray(100 * (above - below) / found["official"], np.float64),
    )


def _is_in_force(found: pd.DataFrame, last: pd.Timestamp, limit_days: int | None) -> pd.Series:
    if limit_days is None:
        return found["official_at"].notna()
    age = found["at"] - found["official_at"]
    return (age <= limit_days * DAY) & ((found["official_at"] < last) | (age <= OPEN_END))
