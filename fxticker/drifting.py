"""Drift: how far rates moved between two dates, and whether the printed digits can show it."""

from __future__ import annotations

import math
from collections.abc import Iterable
from datetime import datetime

import pandas as pd

from fxticker.bands import Band, drift_pct
from fxticker.errors import NoData
from fxticker.frames import band_at, typed
from fxticker.instants import Moment, last_instant
from fxticker.loading import StorePath, load

COLUMNS = {
    "source": "str",
    "pair": "str",
    "start_at": "datetime64[us, UTC]",
    "end_at": "datetime64[us, UTC]",
    "rate_start": "float64",
    "rate_end": "float64",
    "drift_pct": "float64",
    "drift_lo_pct": "float64",
    "drift_hi_pct": "float64",
    "significant": "bool",
}


def drift(
    store: StorePath,
    *,
    start: Moment,
    end: Moment,
    pairs: Iterable[str] | None = None,
    sources: Iterable[str] | None = None,
    as_of: Moment | None = None,
) -> pd.DataFrame:
    """The relative change of each rate between two instants, with its band.

    Each end is looked up as of its instant: the last ticks not later than it; a date stands for the last ticks of that
    day. `start_at` and `end_at` say which instants those were.

    Parameters
    ----------
    store
        The store's folder, or an open store.
    start, end
        The two ends.
    pairs, sources
        Only these.
    as_of
        Only rows that were recorded by then.

    Returns
    -------
    pandas.DataFrame
        One row per source and pair, sorted by both: ``source``, ``pair``, ``start_at``, ``end_at``, ``rate_start``,
        ``rate_end``, ``drift_pct`` = 100 (rate_end / rate_start - 1), its band ``drift_lo_pct`` and ``drift_hi_pct``,
        and ``significant``: the band excludes 0. A pair that has no tick by `start` has NaT and NaN there and is not
        significant. Where several values share a date, the rate is the middle of their hull.

    Raises
    ------
    NoData
        If no pair has a tick at both ends.
    ValueError
        If `start` is after `end`.
    """
    first, last = last_instant(start), last_instant(end)
    if first > last:
        raise ValueError(f"start {start} is after end {end}")
    frame = load(store, pairs=pairs, sources=sources, as_of=as_of)
    return drift_of(frame, first, last)


def drift_of(frame: pd.DataFrame, first: datetime, last: datetime) -> pd.DataFrame:
    """`drift` over a frame of ticks, between two aware UTC instants, each included."""
    rows = []
    upto_end = frame[frame["observed_at"] <= last]
    for (source, pair), ticks in upto_end.groupby(["source", "pair"], observed=True):
        end_at, end = _as_of(ticks)
        before = ticks[ticks["observed_at"] <= first]
        if before.empty:
            rows.append((source, pair, pd.NaT, end_at, float("nan"), float(end.middle), *[float("nan")] * 3, False))
            continue
        start_at, start = _as_of(before)
        band = drift_pct(start, end)
        change = 100 * (end.middle / start.middle - 1)
        rates = (float(start.middle), float(end.middle))
        rows.append(
            (source, pair, start_at, end_at, *rates, float(change), float(band.lo), float(band.hi), 0 not in band)
        )
    found = typed(rows, COLUMNS).sort_values(["source", "pair"], ignore_index=True)
    if found["drift_pct"].isna().all():
        raise NoData(f"no pair has a tick by {first:%Y-%m-%d %H:%M} and by {last:%Y-%m-%d %H:%M} UTC")
    return found


def band_decimals(width_pct: float) -> int:
    """Decimals that show a band of this width in percent with two digits, at least one."""
    return min(max(1 - math.floor(math.log10(width_pct)), 1), 9) if width_pct > 0 else 4


def _as_of(ticks: pd.DataFrame) -> tuple[pd.Timestamp, Band]:
    at = ticks["observed_at"].max()
    return at, band_at(ticks[ticks["observed_at"] == at])
