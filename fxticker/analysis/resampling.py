"""Resampling: open, high, low and close of a period, with their bands, and how much of it was looked at."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pandas as pd

from fxticker.analysis.covering import coverage
from fxticker.analysis.periods import Freq, period_of, start_of
from fxticker.analysis.quotes import Ticks, quotes
from fxticker.analysis.series import in_series
from fxticker.instants import Moment
from fxticker.loading import load_polls
from fxticker.models import TimeBasis

_RATES = {"": "rate", "_lo": "rate_lo", "_hi": "rate_hi"}
_REST_OF_DAY = pd.Timedelta(days=1) - pd.Timedelta(microseconds=1)


def resample(
    ticks: Ticks,
    freq: Freq,
    *,
    polls: pd.DataFrame | None = None,
    pairs: Iterable[str] | None = None,
    sources: Iterable[str] | None = None,
    start: Moment | None = None,
    end: Moment | None = None,
    as_of: Moment | None = None,
) -> pd.DataFrame:
    """The rates of each hour, day, week or month of UTC.

    A tick of which only the date is known counts at the end of its day; by the hour it does not count.

    Parameters
    ----------
    ticks
        A store's folder, an open store, or a frame of `fxticker.load`.
    freq
        ``hour``, ``day``, ``week`` (from Monday) or ``month``.
    polls
        A frame of `fxticker.load_polls`, for the coverage; if null, the store's own are read, if `ticks` is a store.
    pairs
        Only these, stored (``KZT/USD``), inverse (``USD/KZT``) or cross (``KZT/UZS``); all stored ones if null.
    sources
        Only these.
    start, end
        Half-open span of `observed_at`, and of the polls' slots. Periods at its ends may be cut.
    as_of
        Only rows that were recorded by then.

    Returns
    -------
    pandas.DataFrame
        One row per source, pair and period, by these, from the source's first period with a quote to its last:
        ``source`` and ``pair`` (category), ``start_at`` (datetime64[us, UTC], the period's first instant), ``open``,
        ``high``, ``low`` and ``close`` (float64, quote per one unit of base), each followed by its band (``open_lo``,
        ``open_hi``; the true highest rate lies between the highest lower and the highest upper bound, the lowest
        likewise), ``count`` (int64, instants with a quote), ``coverage`` (float64, as in `fxticker.coverage`; NaN
        where no poll is known). Of a period without quotes nothing is filled in: NaN, with `count` 0.

    Raises
    ------
    ValueError
        If `freq` is none of those, or a pair is neither stored nor to be derived.
    """
    held = _by_known_time(quotes(ticks, pairs=pairs, sources=sources, start=start, end=end, as_of=as_of), freq)
    if polls is None and not isinstance(ticks, pd.DataFrame):
        polls = load_polls(ticks, sources=sources, start=start, end=end)
    order, first = in_series(held)
    number = period_of(held["observed_at"].to_numpy("M8[us]")[order], freq)
    begins = np.union1d(first, np.flatnonzero(np.diff(number)) + 1).astype(np.intp)
    grid, places = _grid(held.iloc[order[first]], number[begins], np.searchsorted(begins, first))
    grid = grid.assign(start_at=pd.Series(start_of(grid["start_at"].to_numpy(), freq)).dt.tz_localize("UTC"))
    for name, values in _summary(held, order, begins).items():
        column = np.full(len(grid), 0 if name == "count" else np.nan, values.dtype)
        column[places] = values
        grid[name] = column
    return grid.assign(coverage=np.nan if polls is None else _coverage(grid, polls, freq, sources, start, end))


def _by_known_time(held: pd.DataFrame, freq: Freq) -> pd.DataFrame:
    """The quotes in the order in which they count."""
    is_date = (held["time_basis"] == TimeBasis.DATE).to_numpy()
    if not is_date.any():
        return held
    if freq == "hour":
        return held[~is_date]
    counts_at = held["observed_at"].where(~is_date, held["observed_at"] + _REST_OF_DAY)
    return held.iloc[np.argsort(counts_at.to_numpy(), kind="stable")]


def _summary(held: pd.DataFrame, order: np.ndarray, begins: np.ndarray) -> dict[str, np.ndarray]:
    """The columns of the periods that have quotes."""
    count = np.diff(np.append(begins, len(order))).astype(np.int64)
    rates = {suffix: held[name].to_numpy()[order] for suffix, name in _RATES.items()}
    found: dict[str, np.ndarray] = {}
    for column in ("open", "high", "low", "close"):
        for suffix, values in rates.items():
            if column in {"open", "close"} or not len(begins):
                found[column + suffix] = values[begins if column == "open" else begins + count - 1]
            else:
                found[column + suffix] = (np.maximum if column == "high" else np.minimum).reduceat(values, begins)
    return {**found, "count": count}


def _grid(series: pd.DataFrame, number: np.ndarray, first: np.ndarray) -> tuple[pd.DataFrame, np.ndarray]:
    """All periods of all series, and which of them the found ones are.

    Parameters
    ----------
    series
        A row of each.
    number
        Of each period that has quotes.
    first
        Where in these a series begins.
    """
    source = series["source"].cat.codes.to_numpy()
    ends = np.append(first[1:], len(number))
    lowest, highest = number[first], number[ends - 1] if len(number) else number
    for one in np.unique(source):
        lowest[source == one] = lowest[source == one].min()
        highest[source == one] = highest[source == one].max()
    length = highest - lowest + 1
    offset = np.append(0, np.cumsum(length)).astype(np.intp)
    grid = series[["source", "pair"]].take(np.repeat(np.arange(len(series)), length)).reset_index(drop=True)
    of_series = np.repeat(np.arange(len(series)), ends - first)
    every = np.arange(len(grid)) - np.repeat(offset[:-1] - lowest, length)
    return grid.assign(start_at=every), offset[of_series] + number - lowest[of_series]


def _coverage(
    grid: pd.DataFrame,
    polls: pd.DataFrame,
    freq: Freq,
    sources: Iterable[str] | None,
    start: Moment | None,
    end: Moment | None,
) -> np.ndarray:
    """The share of sound polls in each period of the grid."""
    found = coverage(polls, freq, sources=sources, start=start, end=end).set_index(["source", "start_at"])["coverage"]
    wanted = pd.MultiIndex.from_arrays([grid["source"].astype("str"), grid["start_at"]])
    return found.reindex(wanted).to_numpy(np.float64)
