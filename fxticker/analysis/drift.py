"""Drift: how far rates moved, and whether the printed digits can show it."""

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
"""What a drift is measured by if nothing else is said: the rate at its start."""
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
"""What a change is made of."""


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
    """The relative change of each rate between two instants, with its band.

    Each end is looked up as of its instant: the last ticks not later than it; a date stands for the last ticks of that
    day. A tick of which only the date is known counts from the end of its day on, unless its source shows the pair at
    an instant of that day: that one is the day's last. `start_at` and `end_at` say which instants those were. A pair
    that is in none of the source's last twelve months with ticks by then has none.

    Parameters
    ----------
    ticks
        A store, or a frame of ticks.
    start, end
        The two ends.
    base
        What the percents are of: ``first`` is the rate at `start`, an instant or a date the rate as of it.
    pairs
        Only these: stored (``KZT/USD``), inverse (``USD/KZT``) or cross (``KZT/UZS``); all stored ones if null.
    sources
        Only these.
    as_of
        Only rows that were recorded by then.

    Returns
    -------
    pandas.DataFrame
        One row per source and pair, sorted by both: ``source``, ``pair``, ``start_at``, ``end_at``, ``rate_start``,
        ``rate_end``, ``rate_text_start`` and ``rate_text_end`` as printed, ``drift_pct`` = 100 (rate_end - rate_start)
        / rate_base, its band ``drift_lo_pct`` and ``drift_hi_pct``, ``significant``: the band excludes 0, and
        ``base_at``, the instant of the base. A pair without a tick by `start` or `base`, or with the same one at both
        ends, has no drift (NaN) and is not significant. Where several values share a date, the rate is the middle of
        their hull and its text is null, as it is where the rate is derived. Bounds are worked out exactly and are the
        doubles nearest to that.

    Raises
    ------
    NoData
        If no pair has a tick at both ends, and not the same one, or none by `base`.
    ValueError
        If `start` is after `end`, or a pair is neither stored nor derivable.
    """
    first, last = last_instant(start), last_instant(end)
    if first > last:
        raise ValueError(f"start {start} is after end {end}")
    selection = Selection.of(pairs=pairs, sources=sources, as_of=as_of)
    bases_at = first if base == FIRST else last_instant(base)
    instants = {first, last, bases_at}
    by = {at: rates_by(ticks, at, selection) for at in instants}
    bases = by[bases_at]
    if not bases and by[last]:
        raise NoData(_no_base(bases_at))
    rows = [(*key, *_drift(by[first].get(key), rate, bases.get(key))) for key, rate in sorted(by[last].items())]
    found = typed(rows, COLUMNS)
    if found["drift_pct"].isna().all():
        span = f"by {first:%Y-%m-%d %H:%M} and again by {last:%Y-%m-%d %H:%M} UTC"
        raise NoData(f"no pair has a tick {span}: there are not two looks to compare")
    return found


def _no_base(at: datetime) -> str:
    return f"no pair has a tick by {at:%Y-%m-%d %H:%M} UTC, which its change is to be measured by"


def _drift(start: Rate | None, end: Rate, base: Rate | None) -> tuple[Any, ...]:
    nan = float("nan")
    facts = (
        *(start.at if start else pd.NaT, end.at),
        *(float(start.value) if start else nan, float(end.value)),
        *(start.rate_text if start else None, end.rate_text),
    )
    base_at = base.at if base else pd.NaT
    if start is None or base is None or start.at == end.at:
        return (*facts, nan, nan, nan, False, base_at)
    change = 100 * (end.value - start.value) / base.value
    band = _band(start, end, base)
    return (*facts, float(change), float(band.lo), float(band.hi), 0 not in band, base_at)


def _band(start: Rate, end: Rate, base: Rate) -> Band:
    # a rate is not independent of itself: with the base at an end the band is narrower
    if base.at == start.at:
        return drift_pct(start.band, end.band)
    if base.at == end.at:
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
    """The relative change of each rate since a base, instant by instant, with its band.

    Parameters
    ----------
    ticks
        A store, or a frame of ticks.
    base
        Since when: ``first`` is each pair's first quote in the span, an instant or a date the last ticks as of it.
    pairs
        Only these: stored, inverse or cross; all stored ones if null.
    sources
        Only these.
    start, end
        Half-open span of `observed_at`.
    as_of
        Only rows that were recorded by then.

    Returns
    -------
    pandas.DataFrame
        One row per quote, sorted by observed_at, pair and source: ``observed_at``, ``source``, ``pair`` (categories),
        ``drift_pct`` = 100 (rate / rate_base - 1), its band ``drift_lo_pct`` and ``drift_hi_pct``, ``significant``: the
        band excludes 0, and ``base_at``. The base itself has moved by exactly 0. A pair without a base has no drift:
        NaN, ``base_at`` NaT. The bounds are those of exact arithmetic moved apart by a few units in the last place,
        see `fxticker.model.bands.outward`; empty if the span is.

    Raises
    ------
    NoData
        If no pair of the span has a tick by `base`.
    ValueError
        If a pair is neither stored nor derivable.
    """
    selection = Selection.of(pairs=pairs, sources=sources, as_of=as_of)
    held = quotes(ticks, pairs=selection.pairs, sources=selection.sources, start=start, end=end, as_of=as_of)
    order, first = in_series(held)
    bases = held.iloc[order[first]]
    if base != FIRST:
        shown = None if selection.pairs is None else tuple(held["pair"].cat.categories)
        bases = _in_place(bases, rates_by(ticks, last_instant(base), replace(selection, pairs=shown)))
        if len(held) and bases["observed_at"].isna().all():
            raise NoData(_no_base(last_instant(base)))
    number = np.empty(len(held), np.intp)
    number[order] = np.repeat(np.arange(len(first)), np.diff(np.append(first, len(held))))
    since = bases[[*_QUOTE]].iloc[number].reset_index(drop=True)
    return pd.concat([held[["observed_at", "source", "pair"]], _changes(held, since)], axis=1).assign(
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
    """The relative change of each rate from one period's close to the next one's, with its band.

    The close is the period's last quote. A tick of which only the date is known closes its day if its source does not
    show the pair at an instant of that day; by the hour it does not count.

    Parameters
    ----------
    ticks
        A store, or a frame of ticks.
    freq
        ``hour``, ``day``, ``week`` (from Monday) or ``month``, in UTC.
    pairs
        Only these: stored, inverse or cross; all stored ones if null.
    sources
        Only these.
    start, end
        Half-open span of `observed_at`.
    as_of
        Only rows that were recorded by then.

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
    held = quotes(ticks, pairs=pairs, sources=sources, start=start, end=end, as_of=as_of)
    held = held[held["time_basis"] != TimeBasis.DATE if freq == "hour" else may_close(held)]
    order, first = in_series(held)
    number = period_of(held["observed_at"].to_numpy("M8[us]")[order], freq)
    is_close = np.ones(len(order), bool)
    is_close[:-1] = number[1:] != number[:-1]
    is_close[first[1:] - 1] = True
    closes, number = held.iloc[order[is_close]].reset_index(drop=True), number[is_close]
    begins = np.searchsorted(np.flatnonzero(is_close), first)
    places_before = np.arange(len(closes)) - 1
    places_before[begins] = -1  # no row has this label
    before = closes[[*_QUOTE]].reindex(places_before).reset_index(drop=True)
    moved = _changes(closes, before).assign(from_at=before["observed_at"], to_at=closes["observed_at"])
    of_series, every, places = every_period(number, begins)
    series = closes[["source", "pair"]].iloc[begins].iloc[of_series].reset_index(drop=True)
    start_at = pd.Series(start_of(every, freq)).dt.tz_localize("UTC")
    found = pd.concat([series.assign(start_at=start_at), moved.set_index(places).reindex(series.index)], axis=1)
    return found.assign(significant=found["significant"].eq(True))


def _in_place(series: pd.DataFrame, rates: Mapping[tuple[str, str], Rate]) -> pd.DataFrame:
    """The rate of each series, one row each; missing where there is none."""
    found = [rates.get((str(source), str(pair))) for source, pair in zip(series["source"], series["pair"], strict=True)]
    return typed(
        [
            (rate.at, float(rate.value), float(rate.band.lo), float(rate.band.hi)) if rate else (pd.NaT, *[np.nan] * 3)
            for rate in found
        ],
        _QUOTE,
    )


def _changes(held: pd.DataFrame, since: pd.DataFrame) -> pd.DataFrame:
    """The changes of quotes since others, row by row."""
    rate, lo, hi = (held[name].to_numpy() for name in ("rate", "rate_lo", "rate_hi"))
    base, base_lo, base_hi = (since[name].to_numpy() for name in ("rate", "rate_lo", "rate_hi"))
    drift_lo, drift_hi = change_pct(lo, hi, base_lo, base_hi)
    found = pd.DataFrame(
        {"drift_pct": 100 * (rate / base - 1), "drift_lo_pct": drift_lo, "drift_hi_pct": drift_hi}, index=held.index
    )
    is_base = (held["observed_at"] == since["observed_at"]).to_numpy()
    found[is_base] = 0.0  # whatever it is, a rate has not moved from itself
    return found.assign(significant=(found["drift_lo_pct"] > 0) | (found["drift_hi_pct"] < 0))
