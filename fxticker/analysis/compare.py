"""Comparison of the ticker with official rates, tick by tick, and the lag in days with the best agreement."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, timedelta, tzinfo
from functools import partial

import numpy as np
import pandas as pd

from fxticker.analysis.distance import distances
from fxticker.analysis.periods import local_times
from fxticker.analysis.quotes import quotes
from fxticker.analysis.scores import scores_by
from fxticker.analysis.source_quotes import Ticks
from fxticker.analysis.value_dates import official_ticks
from fxticker.errors import NoData, NotDerivable
from fxticker.frames.now_and_zone import in_zone, resolved, zone_of
from fxticker.model.durations import age_text, limit_text
from fxticker.model.pegs import pegs_of
from fxticker.model.selection import Selection, Zone
from fxticker.model.timestamps import Moment
from fxticker.sources.age_limits import TICKER, AgeLimit, MaxAge
from fxticker.sources.rate_order import is_market

DAY = pd.Timedelta(days=1)
OPEN_END = pd.Timedelta(days=4)
"""Time for which the last stored rate of a bank counts: a long weekend, because a later rate may not be stored yet."""
_HOUR = timedelta(hours=1)
_NONE_STORED = "; no official rate of these is stored: configure a bank, or backfill its past days"
LAGS_DAYS = range(-5, 6)
"""Lags that `lags` compares, in days."""
_SAME = 1e-12
"""Width of a band that is the error of doubles, as a share of its rate."""
_SAME_PCT = 1e-9
"""Difference of two mean distances that is rounding of doubles, in percent."""
_COLUMNS = [
    *("day", "observed_at", "pair", "source", "official_at", "official", "official_lo", "official_hi"),
    *("ticker", "ticker_lo", "ticker_hi", "inside", "distance_pct", "distance_lo_pct", "distance_hi_pct"),
    *("official_age_h", "reason", "ticker_text", "ticker_nominal", "ticker_values"),
]


def compare(
    ticks: Ticks,
    *,
    ticker: str = TICKER,
    pairs: Iterable[str] | None = None,
    sources: Iterable[str] | None = None,
    start: Moment | None = None,
    end: Moment | None = None,
    as_of: Moment | None = None,
    tz: Zone = "UTC",
    lag_days: int = 0,
    max_age: MaxAge = None,
    per_usd: bool = False,
) -> pd.DataFrame:
    """Compare each tick of the ticker with the official rates in force on its day.

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
    tz
        Whose days are meant, as ``Asia/Tashkent``, and the zone of the instants that are returned.
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
        One row per tick, pair and official source that had a rate by then, sorted by ``observed_at``, pair and source:
        ``day``, ``observed_at``, ``pair``, ``source``, ``official_at`` (value date of the official rate), ``official``,
        ``official_lo``, ``official_hi``, ``ticker``, ``ticker_lo``, ``ticker_hi`` (the tick's rate and its band),
        ``inside`` (boolean; the official band and the ticker's intersect), ``distance_pct`` = 100 (ticker / official -
        1) with its band ``distance_lo_pct`` and ``distance_hi_pct``, above 0 where the ticker is the higher one, as in
        `fxticker.peg`, ``official_age_h`` (float64, hours from the end of the value date to that of the day), and
        ``reason``, why a tick is not compared, null if it is: the official rate is too old, and the row has neither it
        nor what follows from it, ``ticker_text`` (category, the tick's rate as printed; null if it is derived),
        ``ticker_nominal`` (int32, units of base that the text is for), ``ticker_values`` (int32; values of one date
        that the ticker's rate is the middle of, else 1). Rates are quote per one unit of base of `pair`.
        `fxticker.scores` sums up.

    Raises
    ------
    NoData
        If no day has both, or each official rate is too old: the message names the ages.
    ValueError
        If `max_age` is no duration, or a pair is neither stored nor derivable.
    """
    given = Selection.of(pairs=pairs, sources=sources, start=start, end=end, as_of=as_of, tz=tz, per_usd=per_usd)
    selection = resolved(given)
    shown = _ticker_rates(ticks, ticker, selection)
    official = _official_days(ticks, ticker, list(shown["pair"].unique()), selection)
    compared = _side_by_side(shown, official, lag_days, AgeLimit.of(max_age))
    if compared["reason"].notna().all():
        none = _NONE_STORED if len(shown) and official.empty else ""
        raise NoData(f"no day has both a tick of {ticker} and an official rate{none}{_ages_text(compared)}")
    return _in_days_of(compared, zone_of(tz))


def _in_days_of(compared: pd.DataFrame, zone: tzinfo) -> pd.DataFrame:
    """Return days and value dates, which begin at 00:00 UTC, as those that begin at 00:00 in a zone."""
    if zone is UTC:
        return compared
    dates = {name: compared[name].dt.tz_localize(None).dt.tz_localize(zone) for name in ("day", "official_at")}
    return compared.assign(**dates, observed_at=compared["observed_at"].dt.tz_convert(zone))


def _ages_text(compared: pd.DataFrame) -> str:
    """Return the least age of what is too old, by source and pair."""
    youngest = compared.sort_values("official_age_h", kind="stable").drop_duplicates(["source", "pair"])
    ages = [
        f"{row['pair']} of {row['source']}: {row['reason']}, the nearest {age_text(row['official_age_h'] * _HOUR)} old"
        for row in youngest.to_dict("records")
    ]
    return "; ".join(["", *ages])


def is_of_peg(compared: pd.DataFrame) -> pd.Series:
    """Return which official rates of compared rows are pegs, whose exact rates have no width and are of no day."""
    is_pegged = compared["pair"].map(lambda pair: bool(pegs_of(str(pair)))).astype(bool)
    return is_pegged & ((compared["official_hi"] - compared["official_lo"]) < _SAME * compared["official"]).astype(bool)


def lags(
    ticks: Ticks,
    *,
    ticker: str = TICKER,
    pairs: Iterable[str] | None = None,
    sources: Iterable[str] | None = None,
    start: Moment | None = None,
    end: Moment | None = None,
    as_of: Moment | None = None,
    tz: Zone = "UTC",
    max_age: MaxAge = None,
    per_usd: bool = False,
) -> pd.DataFrame:
    """Measure the agreement of the ticker with official rates of earlier and later days.

    Parameters
    ----------
    ticks, ticker, pairs, sources, start, end, as_of, tz, max_age, per_usd
        As for `compare`.

    Returns
    -------
    pandas.DataFrame
        One row per official source, pair and lag from -5 to 5 days (positive: the ticker follows the bank):
        ``lag_days`` and the columns of `fxticker.scores`, of the ticks that have an official rate for every lag;
        ``best``: the share inside is larger than for all other lags, or as large with the bands less far apart; and
        ``tied``: the printed digits do not distinguish it from another lag that is as good, and none is best.

    Raises
    ------
    NoData
        If no day has both.
    """
    given = Selection.of(pairs=pairs, sources=sources, start=start, end=end, as_of=as_of, tz=tz, per_usd=per_usd)
    selection = resolved(given)
    shown = _ticker_rates(ticks, ticker, selection)
    official = _official_days(ticks, ticker, list(shown["pair"].unique()), selection)
    limit = AgeLimit.of(max_age)
    compared = pd.concat([_side_by_side(shown, official, lag, limit).assign(lag_days=lag) for lag in LAGS_DAYS])
    compared = compared[compared["reason"].isna()]
    # all lags are compared on the same ticks: a lag with other ticks than the rest could be best by chance
    count = compared.groupby(["source", "pair", "observed_at"])["lag_days"].transform("size")
    compared = compared[count == len(LAGS_DAYS)]
    if compared.empty:
        raise NoData(f"no day has a tick of {ticker} and official rates for all lags from -5 to 5 days")
    result = scores_by(compared, ["source", "pair", "lag_days"])
    group = [result["source"], result["pair"]]
    most = result["inside"] == result["inside"].groupby(group).transform("max")
    beyond = result["beyond_pct"].where(most)
    is_top = most & (beyond <= beyond.groupby(group).transform("min") + _SAME_PCT)
    is_alone = is_top.groupby(group).transform("sum") == 1
    return result.assign(best=is_top & is_alone, tied=is_top & ~is_alone)


def _ticker_rates(ticks: Ticks, ticker: str, selection: Selection) -> pd.DataFrame:
    """Return the ticker's rates with their days."""
    rows = in_zone(quotes(ticks, **replace(selection, sources=(ticker,)).given()), "UTC")
    days = pd.Series(local_times(rows, zone_of(selection.tz))).dt.tz_localize("UTC").dt.floor("D")
    names = {"rate": "ticker", "rate_lo": "ticker_lo", "rate_hi": "ticker_hi"}
    names |= {"rate_text": "ticker_text", "nominal": "ticker_nominal", "values": "ticker_values"}
    return rows[["pair", "observed_at", *names]].rename(columns=names).assign(day=days)


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


def _side_by_side(shown: pd.DataFrame, official: pd.DataFrame, lag_days: int, limit: AgeLimit) -> pd.DataFrame:
    parts = [
        _matched(shown[shown["pair"] == pair], rates, str(source), str(pair), lag_days, limit)
        for (source, pair), rates in official.groupby(["source", "pair"], sort=True)
    ]
    if not parts:
        return pd.DataFrame(columns=_COLUMNS)
    return pd.concat(parts)[_COLUMNS].sort_values(["observed_at", "pair", "source"], kind="stable", ignore_index=True)


def _matched(
    shown: pd.DataFrame, rates: pd.DataFrame, source: str, pair: str, lag_days: int, limit: AgeLimit
) -> pd.DataFrame:
    wanted = shown.assign(value_date=shown["day"] - lag_days * DAY).drop(columns="pair")
    in_force = rates.drop(columns=["source", "pair"]).sort_values("official_at")
    matched = pd.merge_asof(wanted, in_force, left_on="value_date", right_on="official_at", direction="backward")
    matched = matched[matched["official_at"].notna()]
    age = matched["value_date"] - matched["official_at"]
    longest = _limits(matched["official_at"] == in_force["official_at"].iloc[-1], source, limit)
    is_old = age > longest
    matched.loc[is_old, ["official", "official_lo", "official_hi"]] = np.nan
    rate, reference = (
        tuple(matched[name + end].to_numpy(np.float64) for end in ("", "_lo", "_hi")) for name in ("ticker", "official")
    )
    inside = pd.Series((reference[1] <= rate[2]) & (rate[1] <= reference[2]), index=matched.index, dtype="boolean")
    return matched.assign(
        source=source,
        pair=pair,
        inside=inside.mask(is_old),
        **distances(rate, reference),
        official_age_h=age.to_numpy("m8[us]") / np.timedelta64(1, "h"),
        reason=longest.map(partial(_too_old, source), na_action="ignore").astype("object").where(is_old, None),
    )


def _too_old(source: str, longest: pd.Timedelta) -> str:
    rate = "rate" if is_market(source) else "official rate"
    return f"{rate} older than {limit_text(longest)}"


def _limits(is_last: pd.Series, source: str, limit: AgeLimit) -> pd.Series:
    """Return the greatest age of the official rate of each row; NaT for none."""
    own = limit.of_source(source)
    longest = pd.Series(pd.NaT if own is None else pd.Timedelta(own), index=is_last.index, dtype="timedelta64[us]")
    if own is None or limit.given is not None:
        return longest
    return longest.mask(is_last, min(pd.Timedelta(own), OPEN_END))
