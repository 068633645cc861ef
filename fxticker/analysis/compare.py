"""Comparison of the ticker with official rates: agreement, distance, and the lag in days with the best agreement."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import timedelta

import numpy as np
import pandas as pd

from fxticker.analysis.quotes import Ticks, quotes
from fxticker.analysis.value_dates import official_ticks
from fxticker.errors import NoData, NotDerivable
from fxticker.model.durations import age_text
from fxticker.model.selection import Selection
from fxticker.model.timestamps import Moment
from fxticker.sources.age_limits import TICKER, AgeLimit, MaxAge, limit_text

DAY = pd.Timedelta(days=1)
OPEN_END = pd.Timedelta(days=4)
"""Time for which the last stored rate of a bank counts: a long weekend, because a later rate may not be stored yet."""
_HOUR = timedelta(hours=1)
LAGS_DAYS = range(-5, 6)
"""Lags that `lags` compares, in days."""


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
    max_age: MaxAge = None,
    per_usd: bool = False,
) -> pd.DataFrame:
    """Compare the ticker of each day with the official rates in force on it.

    Parameters
    ----------
    ticks
        A store, or a frame of ticks.
    ticker
        Id of the source that is compared with the official ones.
    pairs
        Compare only these pairs; ``None`` for those of the ticker.
    sources
        Compare with only these official sources; ``None`` for all but the ticker.
    start, end
        Span of days, as for `fxticker.load`.
    as_of
        Use only rows that were recorded by then.
    lag_days
        Compare with the official rate of this many days earlier.
    max_age
        Do not compare with an official rate that is older than this at the end of the day: a duration, or text such as
        ``12h`` or ``14D``; ``None`` for the calendar of each source: its longest holidays, and for the last rate stored
        4 days, because a later one may not be stored yet; ``any`` for no limit. Fixed rates, and those of sources that
        publish only changes, hold until the next one.
    per_usd
        Units per USD (``USD/KZT``), in place of the direction of the ticker, for pairs against USD.

    Returns
    -------
    pandas.DataFrame
        One row per day, pair and official source that had a rate by then: ``day``, ``pair``, ``source``,
        ``official_at`` (value date of the official rate), ``official``, ``official_lo``, ``official_hi``,
        ``ticker_lo``, ``ticker_hi`` (the hull of the bands of the day's ticks), ``ticks`` (their number), ``inside``
        (boolean; the official band and the ticker's intersect), ``distance_pct``: distance between the nearest points
        of both bands in percent of the official rate; 0 if inside, above 0 where the official rate is the higher one,
        ``official_age_h`` (float64, hours from the end of the value date to that of the day), and ``reason``, why a day
        is not compared, null if it is: the official rate is too old, and the row has neither it nor what follows from
        it. Rates are quote per one unit of base of `pair`.

    Raises
    ------
    NoData
        If no day has both, or each official rate is too old: the message names the ages.
    ValueError
        If `max_age` is no duration, or a pair is neither stored nor derivable.
    """
    selection = Selection.of(pairs=pairs, sources=sources, start=start, end=end, as_of=as_of, per_usd=per_usd)
    days = _ticker_days(ticks, ticker, selection)
    official = _official_days(ticks, ticker, list(days["pair"].unique()), selection)
    compared = _side_by_side(days, official, lag_days, AgeLimit.of(max_age))
    if compared["reason"].notna().all():
        raise NoData(f"no day has both a tick of {ticker} and an official rate{_ages_text(compared)}")
    return compared


def _ages_text(compared: pd.DataFrame) -> str:
    """Return the least age of what is too old, by source and pair."""
    youngest = compared.sort_values("official_age_h", kind="stable").drop_duplicates(["source", "pair"])
    ages = [
        f"{row['pair']} of {row['source']}: {row['reason']}, the nearest {age_text(row['official_age_h'] * _HOUR)} old"
        for row in youngest.to_dict("records")
    ]
    return "; ".join(["", *ages])


def lags(
    ticks: Ticks,
    *,
    ticker: str = TICKER,
    pairs: Iterable[str] | None = None,
    sources: Iterable[str] | None = None,
    start: Moment | None = None,
    end: Moment | None = None,
    as_of: Moment | None = None,
    max_age: MaxAge = None,
    per_usd: bool = False,
) -> pd.DataFrame:
    """Measure the agreement of the ticker with official rates of earlier and later days.

    Parameters
    ----------
    ticks, ticker, pairs, sources, start, end, as_of, max_age, per_usd
        As for `compare`.

    Returns
    -------
    pandas.DataFrame
        One row per official source, pair and lag from -5 to 5 days (positive: the ticker follows the bank): ``source``,
        ``pair``, ``lag_days``, ``days`` (number of days compared: those with an official rate for every lag),
        ``inside`` (share of these days, 0 to 1), ``distance_pct`` (mean of the absolute distances), and ``best``: no
        other lag has a larger share inside, or an equal share with a smaller distance. Where the printed digits do not
        distinguish lags, several are best.

    Raises
    ------
    NoData
        If no day has both.
    """
    selection = Selection.of(pairs=pairs, sources=sources, start=start, end=end, as_of=as_of, per_usd=per_usd)
    days = _ticker_days(ticks, ticker, selection)
    official = _official_days(ticks, ticker, list(days["pair"].unique()), selection)
    limit = AgeLimit.of(max_age)
    compared = pd.concat([_side_by_side(days, official, lag, limit).assign(lag_days=lag) for lag in LAGS_DAYS])
    compared = compared[compared["reason"].isna()].astype({"inside": "bool"})
    # all lags are compared on the same days: a lag with other days than the rest could be best by chance
    count = compared.groupby(["source", "pair", "day"])["lag_days"].transform("size")
    compared = compared[count == len(LAGS_DAYS)].assign(size=lambda frame: frame["distance_pct"].abs())
    if compared.empty:
        raise NoData(f"no day has a tick of {ticker} and official rates for all lags from -5 to 5 days")
    result = (
        compared.groupby(["source", "pair", "lag_days"], observed=True, sort=True)
        .agg(days=("day", "size"), inside=("inside", "mean"), distance_pct=("size", "mean"))
        .reset_index()
    )
    group = result.groupby(["source", "pair"], observed=True)
    most = result["inside"] == group["inside"].transform("max")
    nearest = result["distance_pct"].where(most)
    result["best"] = nearest == nearest.groupby([result["source"], result["pair"]], observed=True).transform("min")
    return result


def _ticker_days(ticks: Ticks, ticker: str, selection: Selection) -> pd.DataFrame:
    """Return the hull of the ticker's bands per pair and day."""
    rows = quotes(ticks, **replace(selection, sources=(ticker,)).given())
    by_day = rows.assign(day=rows["observed_at"].dt.floor("D")).groupby(["pair", "day"], observed=True, sort=True)
    return by_day.agg(ticker_lo=("rate_lo", "min"), ticker_hi=("rate_hi", "max"), ticks=("rate", "size")).reset_index()


def _official_days(ticks: Ticks, ticker: str, pairs: list[str], selection: Selection) -> pd.DataFrame:
    """Return the official rates of the pairs, in their direction, by value date.

    Rates from before the span are included: a rate may be in force for months, and a source has one per day.
    """
    dated = official_ticks(ticks, Selection.of(sources=selection.sources, as_of=selection.as_of), ticker=ticker)
    parts = [_quoted(dated, pair) for pair in pairs]
    return pd.concat(parts, ignore_index=True) if parts else _quoted(dated[:0], "")


def _quoted(dated: pd.DataFrame, pair: str) -> pd.DataFrame:
    """Return the official rates of a pair; an empty frame if no official source has it."""
    try:
        rows = quotes(dated, pairs=[pair] if pair else None)
    except NotDerivable:
        rows = quotes(dated[:0])
    renamed = {"observed_at": "official_at", "rate": "official", "rate_lo": "official_lo", "rate_hi": "official_hi"}
    shown = rows.astype({"source": "str", "pair": "str"}).rename(columns=renamed)
    return shown[["source", "pair", *renamed.values()]]


def _side_by_side(days: pd.DataFrame, official: pd.DataFrame, lag_days: int, limit: AgeLimit) -> pd.DataFrame:
    parts = [
        _matched(days[days["pair"] == pair], rates, str(source), str(pair), lag_days, limit)
        for (source, pair), rates in official.groupby(["source", "pair"], sort=True)
    ]
    columns = ["day", "pair", "source", *(name for name in official.columns if name not in ("source", "pair"))]
    columns += ["ticker_lo", "ticker_hi", "ticks", "inside", "distance_pct", "official_age_h", "reason"]
    if not parts:
        return pd.DataFrame(columns=columns)
    return pd.concat(parts)[columns].sort_values(["day", "pair", "source"], kind="stable", ignore_index=True)


def _matched(
    days: pd.DataFrame, rates: pd.DataFrame, source: str, pair: str, lag_days: int, limit: AgeLimit
) -> pd.DataFrame:
    wanted = days.assign(value_date=days["day"] - lag_days * DAY).drop(columns="pair")
    in_force = rates.drop(columns=["source", "pair"]).sort_values("official_at")
    matched = pd.merge_asof(wanted, in_force, left_on="value_date", right_on="official_at", direction="backward")
    matched = matched[matched["official_at"].notna()]
    age = matched["value_date"] - matched["official_at"]
    longest = _limits(matched["official_at"] == in_force["official_at"].iloc[-1], source, limit)
    is_old = age > longest
    matched.loc[is_old, ["official", "official_lo", "official_hi"]] = np.nan
    above = (matched["official_lo"] - matched["ticker_hi"]).clip(lower=0)
    below = (matched["ticker_lo"] - matched["official_hi"]).clip(lower=0)
    return matched.assign(
        source=source,
        pair=pair,
        inside=((above == 0) & (below == 0)).astype("boolean").mask(is_old),
        distance_pct=np.asarray(100 * (above - below) / matched["official"], np.float64),
        official_age_h=age.to_numpy("m8[us]") / np.timedelta64(1, "h"),
        reason=longest.map(_too_old, na_action="ignore").astype("object").where(is_old, None),
    )


def _too_old(longest: pd.Timedelta) -> str:
    return f"official rate older than {limit_text(longest)}"


def _limits(is_last: pd.Series, source: str, limit: AgeLimit) -> pd.Series:
    """Return the greatest age of the official rate of each row; NaT for none."""
    own = limit.of_source(source)
    longest = pd.Series(pd.NaT if own is None else pd.Timedelta(own), index=is_last.index, dtype="timedelta64[us]")
    if own is None or limit.given is not None:
        return longest
    return longest.mask(is_last, min(pd.Timedelta(own), OPEN_END))
