"""Drift: relative change of rates, with bands that show whether the printed digits prove it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

import numpy as np
import pandas as pd

from fxticker.analysis.lookup import Rate, rates_by
from fxticker.analysis.periods import Freq, every_period, period_of, start_of
from fxticker.analysis.quotes import Ticks, quotes
from fxticker.analysis.series import change_pct, in_series, may_close
from fxticker.errors import NoData
from fxticker.frames.settle import typed
from fxticker.model.bands import Band, drift_pct, drift_pct_of
from fxticker.model.records import TimeBasis
from fxticker.model.selection import Selection
from fxticker.model.timestamps import Moment, last_instant

FIRST = "first"
"""Default base of a drift: the rate at its start."""
COLUMNS = {
    "source": "str",
    "pair": "str",
    "start_at": "datetime64[us, UTC]",
    "end_at": "datetime64[us, UTC]",
    "rate_start": "float64",
    "rate_end": "float64",
    "rate_text_start": "str",
    "rate_text_end": "str",
    "drift_pct": "float64",
    "drift_lo_pct": "float64",
    "drift_hi_pct": "float64",
    "significant": "bool",
    "base_at": "datetime64[us, UTC]",
}
_QUOTE = {"observed_at": "datetime64[us, UTC]", "rate": "float64", "rate_lo": "float64", "rate_hi": "float64"}
"""Columns of a quote that a change is computed from."""


def drift(
    ticks: Ticks,
    *,
    start: Moment,
    end: Moment,
    base: Moment = FIRST,
    pairs: Iterable[str] | None = None,
    sources: Iterable[str] | None = None,
    as_of: Moment | None = None,
) -> pd.DataFrame:
    """Return the relative change of each rate between two instants, with its band.

    Each end is looked up as of its instant: the last ticks not later than it; a date stands for the last ticks of that
    day. A date-only tick counts from the end of its day, unless its source also has a tick of the pair with an instant
    on that day, which is then the day's last. `start_at` and `end_at` are the instants that were found. A pair that is
    in none of the source's last twelve months with ticks by then has none.

    Parameters
    ----------
    ticks
        A store, or a frame of ticks.
    start, end
        The two instants.
    base
        Base of the percentages: ``first`` is the rate at `start`, an instant or a date the rate as of it.
    pairs
        Stored (``KZT/USD``), inverse (``USD/KZT``) or cross pairs (``KZT/UZS``); ``None`` for all stored ones.
    sources
        Use only these sources; ``None`` for all.
    as_of
        Use only rows that were recorded by then.

    Returns
    -------
    pandas.DataFrame
        One row per source and pair, sorted by both: ``source``, ``pair``, ``start_at``, ``end_at``, ``rate_start``,
        ``rate_end``, ``rate_text_start`` and ``rate_text_end`` as printed, ``drift_pct`` = 100 (rate_end - rate_start)
        / rate_base, its band ``drift_lo_pct`` and ``drift_hi_pct``, ``significant``: the band excludes 0, and
        ``base_at``, the instant of the base. A pair without a tick by `start` or `base`, or with the same one at both
        ends, has no drift (NaN) and is not significant. Where several values share a date, the rate is the middle of
        their hull and its text is null, as it is where the rate is derived. Bounds are the doubles nearest to the exact
        ones.

    Raises
    ------
    NoData
        If no pair has two different ticks at the two ends, or none has a tick by `base`.
    ValueError
        If `start` is after `end`, or a pair is neither stored nor derivable.
    """
    first, last = last_instant(start), last_instant(end)
    if first > last:
        raise ValueError(f"start {start} is after end {end}")
    selection = Selection.of(pairs=pairs, sources=sources, as_of=as_of)
    bases_at = first if base == FIRST else last_instant(base)
    instants = {first, last, bases_at}
    rates_at = {instant: rates_by(ticks, instant, selection) for instant in instants}
    bases = rates_at[bases_at]
    if not bases and rates_at[last]:
        raise NoData(_no_base(bases_at))
    rows = [
        (*key, *_drift(rates_at[first].get(key), rate, bases.get(key))) for key, rate in sorted(rates_at[last].items())
    ]
    result = typed(rows, COLUMNS)
    if result["drift_pct"].isna().all():
        span = f"by {first:%Y-%m-%d %H:%M} and again by {last:%Y-%m-%d %H:%M} UTC"
        raise NoData(f"no pair has a tick {span}: there are no two polls to compare")
    return result


def _no_base(instant: datetime) -> str:
    return f"no pair has a tick by {instant:%Y-%m-%d %H:%M} UTC, the base of its change"


def _drift(start: Rate | None, end: Rate, base: Rate | None) -> tuple[Any, ...]:
    nan = float("nan")
    facts = (
        *(start.observed_at if start else pd.NaT, end.observed_at),
        *(float(start.value) if start else nan, float(end.value)),
        *(start.rate_text if start else None, end.rate_text),
    )
    base_at = base.observed_at if base else pd.NaT
    if start is None or base is None or start.observed_at == end.observed_at:
        return (*facts, nan, nan, nan, False, base_at)
    change = 100 * (end.value - start.value) / base.value
    band = _band(start, end, base)
    return (*facts, float(change), float(band.lo), float(band.hi), 0 not in band, base_at)


def _band(start: Rate, end: Rate, base: Rate) -> Band:
    # with the base at one end numerator and denominator share a rate, so the band is narrower
    if base.observed_at == start.observed_at:
        return drift_pct(start.band, end.band)
    if base.observed_at == end.observed_at:
        back = drift_pct(end.band, start.band)
        return Band(-back.hi, -back.lo)
    return drift_pct_of(start.band, end.band, base.band)


def drift_series(
    ticks: Ticks,
    *,
    base: Moment = FIRST,
    pairs: Iterable[str] | None = None,
    sources: Iterable[str] | None = None,
    start: Moment | None = None,
    end: Moment | None = None,
    as_of: Moment | None = None,
) -> pd.DataFrame:
    """Return the relative change of each rate since a base, instant by instant, with its band.

    Parameters
    ----------
    ticks
        A store, or a frame of ticks.
    base
        ``first`` is the first quote of each pair in the span, an instant or a date the last ticks as of it.
    pairs
        Stored, inverse or cross pairs; ``None`` for all stored ones.
    sources
        Use only these sources; ``None`` for all.
    start, end
        Half-open span of `observed_at`.
    as_of
        Use only rows that were recorded by then.

    Returns
    -------
    pandas.DataFrame
        One row per quote, sorted by observed_at, pair and source: ``observed_at``, ``source``, ``pair`` (categories),
        ``drift_pct`` = 100 (rate / rate_base - 1), its band ``drift_lo_pct`` and ``drift_hi_pct``, ``significant``: the
        band excludes 0, and ``base_at``. The drift of the base itself is exactly 0. A pair without a base has no drift:
        NaN, ``base_at`` NaT. The bounds contain the exact ones and are wider by a few units in the last place, see
        `fxticker.model.bands.outward`. Empty if the span has no quotes.

    Raises
    ------
    NoData
        If no pair of the span has a tick by `base`.
    ValueError
        If a pair is neither stored nor derivable.
    """
    selection = Selection.of(pairs=pairs, sources=sources, as_of=as_of)
    rows = quotes(ticks, pairs=selection.pairs, sources=selection.sources, start=start, end=end, as_of=as_of)
    order, first = in_series(rows)
    bases = rows.iloc[order[first]]
    if base != FIRST:
        shown = None if selection.pairs is None else tuple(rows["pair"].cat.categories)
        bases = _in_place(bases, rates_by(ticks, last_instant(base), replace(selection, pairs=shown)))
        if len(rows) and bases["observed_at"].isna().all():
            raise NoData(_no_base(last_instant(base)))
    number = np.empty(len(rows), np.intp)
    number[order] = np.repeat(np.arange(len(first)), np.diff(np.append(first, len(rows))))
    since = bases[[*_QUOTE]].iloc[number].reset_index(drop=True)
    return pd.concat([rows[["observed_at", "source", "pair"]], _changes(rows, since)], axis=1).assign(
        base_at=since["observed_at"]
    )


def drift_by_period(
    ticks: Ticks,
    freq: Freq,
    *,
    pairs: Iterable[str] | None = None,
    sources: Iterable[str] | None = None,
    start: Moment | None = None,
    end: Moment | None = None,
    as_of: Moment | None = None,
) -> pd.DataFrame:
    """Return the relative change of each rate from one period's close to the next one's, with its band.

    The close is the last quote of the period. A date-only tick closes its day if its source has no tick of the pair
    with an instant on that day; hourly periods ignore date-only ticks.

    Parameters
    ----------
    ticks
        A store, or a frame of ticks.
    freq
        ``hour``, ``day``, ``week`` (from Monday) or ``month``, in UTC.
    pairs
        Stored, inverse or cross pairs; ``None`` for all stored ones.
    sources
        Use only these sources; ``None`` for all.
    start, end
        Half-open span of `observed_at`.
    as_of
        Use only rows that were recorded by then.

    Returns
    -------
    pandas.DataFrame
        One row per source, pair and period, sorted by these, from the pair's first period with a quote to its last:
        ``source``, ``pair`` (categories), ``start_at`` (the period's first instant), ``drift_pct`` = 100 (close / close
        before - 1), where the close before is that of the last period that has one, its band ``drift_lo_pct`` and
        ``drift_hi_pct``, as in `drift_series`, ``significant``: the band excludes 0, ``from_at`` and ``to_at``: the
        instants of the two closes. NaN and NaT where there is none: in a period without quotes, and in the first.

    Raises
    ------
    ValueError
        If `freq` is none of those, or a pair is neither stored nor derivable.
    """
    rows = quotes(ticks, pairs=pairs, sources=sources, start=start, end=end, as_of=as_of)
    rows = rows[rows["time_basis"] != TimeBasis.DATE if freq == "hour" else may_close(rows)]
    order, first = in_series(rows)
    number = period_of(rows["observed_at"].to_numpy("M8[us]")[order], freq)
    is_close = np.ones(len(order), bool)
    is_close[:-1] = number[1:] != number[:-1]
    is_close[first[1:] - 1] = True
    closes, number = rows.iloc[order[is_close]].reset_index(drop=True), number[is_close]
    begins = np.searchsorted(np.flatnonzero(is_close), first)
    places_before = np.arange(len(closes)) - 1
    places_before[begins] = -1  # a label that no row has
    before = closes[[*_QUOTE]].reindex(places_before).reset_index(drop=True)
    moved = _changes(closes, before).assign(from_at=before["observed_at"], to_at=closes["observed_at"])
    of_series, every, places = every_period(number, begins)
    series = closes[["source", "pair"]].iloc[begins].iloc[of_series].reset_index(drop=True)
    start_at = pd.Series(start_of(every, freq)).dt.tz_localize("UTC")
    result = pd.concat([series.assign(start_at=start_at), moved.set_index(places).reindex(series.index)], axis=1)
    return result.assign(significant=result["significant"].eq(True))


def _in_place(series: pd.DataFrame, rates: Mapping[tuple[str, str], Rate]) -> pd.DataFrame:
    """Return the rate of each series, one row each; nulls where there is none."""
    found_rates = [
        rates.get((str(source), str(pair))) for source, pair in zip(series["source"], series["pair"], strict=True)
    ]
    return typed(
        [
            (rate.observed_at, float(rate.value), float(rate.band.lo), float(rate.band.hi))
            if rate
            else (pd.NaT, *[np.nan] * 3)
            for rate in found_rates
        ],
        _QUOTE,
    )


def _changes(rows: pd.DataFrame, since: pd.DataFrame) -> pd.DataFrame:
    """Return the changes of quotes since the quotes of the same rows of `since`."""
    rate, lo, hi = (rows[name].to_numpy() for name in ("rate", "rate_lo", "rate_hi"))
    base, base_lo, base_hi = (since[name].to_numpy() for name in ("rate", "rate_lo", "rate_hi"))
    drift_lo, drift_hi = change_pct(lo, hi, base_lo, base_hi)
    result = pd.DataFrame(
        {"drift_pct": 100 * (rate / base - 1), "drift_lo_pct": drift_lo, "drift_hi_pct": drift_hi}, index=rows.index
    )
    is_base = (rows["observed_at"] == since["observed_at"]).to_numpy()
    result[is_base] = 0.0  # the change of a rate from itself is exactly 0, whatever its band
    return result.assign(significant=(result["drift_lo_pct"] > 0) | (result["drift_hi_pct"] < 0))
