"""Drift: how far rates moved between two dates, and whether the printed digits can show it."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import pandas as pd

from fxticker.bands import Band, drift_pct
from fxticker.errors import NoData
from fxticker.frames import counting_rows, hull_of, typed
from fxticker.instants import Moment, last_instant
from fxticker.loading import StorePath, last_by

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
    day. A tick of which only the date is known counts from the end of its day on. `start_at` and `end_at` say which
    instants those were. A pair that is in none of the source's last twelve months with ticks by then has none.

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
        ``rate_end``, ``rate_text_start`` and ``rate_text_end`` as printed, ``drift_pct`` = 100 (rate_end / rate_start
        - 1), its band ``drift_lo_pct`` and ``drift_hi_pct``, and ``significant``: the band excludes 0. A pair without
        a tick by `start`, or with the same one at both ends, has no drift (NaN) and is not significant. Where several
        values share a date, the rate is the middle of their hull and its text is null.

    Raises
    ------
    NoData
        If no pair has a tick at both ends, and not the same one.
    ValueError
        If `start` is after `end`.
    """
    first, last = last_instant(start), last_instant(end)
    if first > last:
        raise ValueError(f"start {start} is after end {end}")
    starts, ends = (_ends(last_by(store, at, pairs=pairs, sources=sources, as_of=as_of)) for at in (first, last))
    rows = [(*key, *_drift(starts.get(key), end)) for key, end in sorted(ends.items())]
    found = typed(rows, COLUMNS)
    if found["drift_pct"].isna().all():
        span = f"by {first:%Y-%m-%d %H:%M} and again by {last:%Y-%m-%d %H:%M} UTC"
        raise NoData(f"no pair has a tick {span}: there are not two looks to compare")
    return found


@dataclass(frozen=True, slots=True)
class _End:
    at: pd.Timestamp
    band: Band
    text: str | None

    @classmethod
    def of(cls, ticks: pd.DataFrame) -> _End:
        rows = counting_rows(ticks)
        texts = rows["rate_text"].astype(str).unique()
        return cls(rows["observed_at"].iloc[0], hull_of(rows), texts[0] if len(texts) == 1 else None)


def _ends(ticks: pd.DataFrame) -> dict[Any, _End]:
    """What counts of each source's pair, given all its rows at one instant."""
    return {key: _End.of(rows) for key, rows in ticks.groupby(["source", "pair"], observed=True)}


def _drift(start: _End | None, end: _End) -> tuple[Any, ...]:
    nothing = (float("nan"), float("nan"), float("nan"), False)
    rate_end = float(end.band.middle)
    if start is None:
        return (pd.NaT, end.at, float("nan"), rate_end, None, end.text, *nothing)
    facts = (start.at, end.at, float(start.band.middle), rate_end, start.text, end.text)
    if start.at == end.at:
        return (*facts, *nothing)
    band = drift_pct(start.band, end.band)
    change = 100 * (end.band.middle / start.band.middle - 1)
    return (*facts, float(change), float(band.lo), float(band.hi), 0 not in band)


def band_decimals(width_pct: float) -> int:
    """Decimals that show a band of this width in percent with two digits, at least one."""
    return min(max(1 - math.floor(math.log10(width_pct)), 1), 9) if width_pct > 0 else 4
