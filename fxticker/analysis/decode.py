"""Decoding: derives the band of the site's own earlier rate from each printed percentage, and when it changed."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pandas as pd

from fxticker.analysis.series import change_pct, in_series
from fxticker.analysis.source_quotes import Ticks, ticks_of
from fxticker.frames.dates_in_zone import by_instant, instants_in_zone
from fxticker.frames.now_and_zone import zone_of
from fxticker.frames.one_per_instant import one_per_instant
from fxticker.frames.pairs import require_stored
from fxticker.frames.tick_columns import require_columns
from fxticker.model.bands import percent_band, previous_rate
from fxticker.model.selection import Selection, Zone
from fxticker.model.timestamps import Moment
from fxticker.sources.timesca.page import SOURCE

_KEPT = ["source", "pair", "observed_at", "rate_text", "nominal", "change_text"]
_SERIES = ["source", "pair"]
_TEXTS = dict.fromkeys(["source", "pair", "rate_text", "change_text"], "category")


def decode(
    ticks: Ticks,
    *,
    pairs: Iterable[str] | None = None,
    start: Moment | None = None,
    end: Moment | None = None,
    as_of: Moment | None = None,
    tz: Zone = "UTC",
) -> pd.DataFrame:
    """Return the band of the site's earlier rate for each percentage of the ticker.

    The site prints ``round(100 * round(rate - base, 4) / base, 2)``, where `base` is some earlier rate of its own (this
    holds for all 117 distinct percentages other than 0 of 371 captures). Each percentage therefore corresponds to an
    interval of `base`: see `fxticker.model.bands.previous_rate`. Percentages of other sources follow other rules; only
    those of the ticker are decoded.

    Parameters
    ----------
    ticks
        A store's folder, an open store, or a frame of `fxticker.load`.
    pairs
        Pairs as stored; ``None`` for all.
    start, end
        Span of `observed_at`, as for `fxticker.load`. Ticks before `start` are not used.
    as_of
        Use only rows that were recorded by then.
    tz
        Whose days are meant, as ``Asia/Tashkent``, and the zone of the instants that are returned.

    Returns
    -------
    pandas.DataFrame
        One row per pair and instant of the ticker (several rows of one instant settled as
        `fxticker.frames.one_per_instant.one_per_instant` says), by observed_at and pair: ``source``,
        ``pair``, ``observed_at``, ``rate_text`` and ``change_text`` as
        printed (category), ``nominal`` (int32, units of base that the rate is printed for), and

        - ``base_lo``, ``base_hi`` (float64): bounds of the site's earlier rate; NaN where no percentage is printed or
          no earlier rate gives it.
        - ``consistent`` (boolean): whether some earlier rate gives the percentage; null where none is printed, or
          several texts share the instant.
        - ``base_run`` (int64): counts from 0 in each pair and increases where no single earlier rate gives all
          percentages since the last increase: the site has changed its base.
        - ``seen_from_at`` (datetime64[us, UTC]): the pair's last instant on the last earlier UTC day that has one;
          NaT if there is none. It may be long ago.
        - ``seen_lo_pct``, ``seen_hi_pct`` (float64): the band of the change since then by the printed rates; NaN if
          there is none.
        - ``agrees`` (boolean): whether the band of the percentage, 0.005 to each side, intersects that band; null where
          one of the two is missing. Where it does not, the percentage has another base, or the rounding of the change
          hides what the rates show.
    """
    selection = Selection.of(pairs=pairs, sources=SOURCE.id, start=start, end=end, as_of=as_of, tz=tz)
    if isinstance(ticks, pd.DataFrame):
        require_columns(ticks, _KEPT)
    selected = ticks_of(ticks, selection)
    require_stored(selection.pairs, selected["pair"].unique(), ticks, selection.sources)
    rows = one_per_instant(selected).astype(_TEXTS)
    order, first = in_series(rows)
    kind, of_kind = _kinds(rows)
    base_lo, base_hi, low_pct, high_pct = _bands_of_kinds(of_kind)[:, kind]
    printed = ~np.isnan(low_pct)
    run = np.empty(len(rows), np.int64)
    run[order] = _base_runs(kind[order], base_lo[order], base_hi[order], first)
    before = np.empty(len(rows), np.intp)
    before[order] = _last_of_earlier_day(rows["observed_at"].to_numpy("M8[us]")[order], order, first)
    seen_lo, seen_hi = _observed_change(rows, before)
    at = instants_in_zone(rows, zone_of(tz))
    decoded = rows[_KEPT].assign(
        observed_at=at,
        base_lo=base_lo,
        base_hi=base_hi,
        consistent=pd.arrays.BooleanArray(~np.isnan(base_lo), ~printed),
        base_run=run,
        seen_from_at=at.take(before).where(before >= 0).array,
        seen_lo_pct=seen_lo,
        seen_hi_pct=seen_hi,
        agrees=pd.arrays.BooleanArray((seen_lo <= high_pct) & (low_pct <= seen_hi), ~printed | np.isnan(seen_lo)),
    )
    return by_instant(decoded)


def rollovers(
    ticks: Ticks,
    *,
    pairs: Iterable[str] | None = None,
    start: Moment | None = None,
    end: Moment | None = None,
    as_of: Moment | None = None,
    tz: Zone = "UTC",
) -> pd.DataFrame:
    """Return the runs of percentages that a single earlier rate of the site gives, and when the base changed.

    The number of runs is the smallest possible: the site may have changed its base more often, where all percentages
    are compatible with the previous one. So `base_lo` and `base_hi` hold the base if it was constant during the run,
    while `rolled_after` and `rolled_before` need no such condition.

    Parameters
    ----------
    ticks, pairs, start, end, as_of, tz
        As in `decode`.

    Returns
    -------
    pandas.DataFrame
        One row per run, by source, pair and time: ``source`` and ``pair`` (category), ``base_run`` (int64, as in
        `decode`), ``first_at`` and ``last_at`` (datetime64[us, UTC], its first and last decoded percentage), ``polls``
        (int64, their number), ``base_lo`` and ``base_hi`` (float64, the intersection of their intervals),
        ``rolled_after`` and ``rolled_before`` (datetime64[us, UTC]): the site changed its base between the two. They
        are the last earlier percentage that is incompatible with the first one of the run, and that first one; NaT for
        the first run of a pair.
    """
    decoded = decode(ticks, pairs=pairs, start=start, end=end, as_of=as_of, tz=tz)
    decoded = decoded[decoded["base_lo"].notna()]
    order, first = in_series(decoded)
    rows = decoded.iloc[order].reset_index(drop=True)
    lo, hi = (rows[name].to_numpy() for name in ("base_lo", "base_hi"))
    instants = rows["observed_at"].to_numpy("M8[us]")
    begins = np.union1d(first, np.flatnonzero(np.diff(rows["base_run"])) + 1).astype(np.intp)
    count = np.diff(np.append(begins, len(rows)))
    after = np.full(len(begins), np.datetime64("NaT"), "M8[us]")
    for number in np.flatnonzero(~np.isin(begins, first)):
        earlier, here = slice(begins[number - 1], begins[number]), begins[number]
        excluded = np.flatnonzero((hi[earlier] < lo[here]) | (lo[earlier] > hi[here]))
        after[number] = instants[earlier][excluded[-1]]
    rolled_after = pd.Series(after).dt.tz_localize("UTC").dt.tz_convert(zone_of(tz))
    runs = rows.iloc[begins][[*_SERIES, "base_run"]].reset_index(drop=True)
    return runs.assign(
        first_at=rows["observed_at"].iloc[begins].array,
        last_at=rows["observed_at"].iloc[begins + count - 1].array,
        polls=count.astype(np.int64),
        base_lo=_reduced(np.maximum, lo, begins),
        base_hi=_reduced(np.minimum, hi, begins),
        rolled_after=rolled_after.array,
        rolled_before=lambda frame: frame["first_at"].where(frame["rolled_after"].notna()),
    )


def _reduced(function: np.ufunc, values: np.ndarray, begins: np.ndarray) -> np.ndarray:
    return function.reduceat(values, begins) if len(begins) else values


def _kinds(rows: pd.DataFrame) -> tuple[np.ndarray, list[tuple[str | None, str | None]]]:
    """Return for each row the number of its combination of printed rate and percentage, and these combinations."""
    rates, changes = rows["rate_text"].cat, rows["change_text"].cat
    width = len(changes.categories) + 1
    key = (rates.codes.to_numpy(np.int64) + 1) * width + changes.codes.to_numpy(np.int64) + 1
    kind, keys = pd.factorize(key)
    # a code of -1, which means null, selects the last element
    rate_texts, change_texts = ([*texts.categories, None] for texts in (rates, changes))
    return kind, [(rate_texts[code // width - 1], change_texts[code % width - 1]) for code in keys.tolist()]


def _bands_of_kinds(kinds: list[tuple[str | None, str | None]]) -> np.ndarray:
    """Return a column per kind: bounds of the base, bounds of the percentage; NaN where there are none.

    Rounding to the nearest double is monotonic, so intervals that intersect still do.
    """
    bands = np.full((4, len(kinds)), np.nan)
    for number, (rate_text, change_text) in enumerate(kinds):
        if rate_text is not None and change_text is not None:
            base, percent = previous_rate(rate_text, change_text), percent_band(change_text)
            bands[2:, number] = float(percent.lo), float(percent.hi)
            if base is not None:
                bands[:2, number] = float(base.lo), float(base.hi)
    return bands


def _base_runs(kind: np.ndarray, base_lo: np.ndarray, base_hi: np.ndarray, first: np.ndarray) -> np.ndarray:
    """Return the run number of each row, for the fewest runs whose intervals have a base in common."""
    blocks = np.union1d(first, np.flatnonzero(np.diff(kind)) + 1).astype(np.intp)
    is_first = np.isin(blocks, first)
    numbers = np.empty(len(blocks), np.int64)
    number, run_lo, run_hi = 0, -np.inf, np.inf
    every = zip(is_first.tolist(), base_lo[blocks].tolist(), base_hi[blocks].tolist(), strict=True)
    for block, (begins, lo, hi) in enumerate(every):
        if begins:
            number, run_lo, run_hi = 0, -np.inf, np.inf
        if lo > run_hi or hi < run_lo:
            number, run_lo, run_hi = number + 1, lo, hi
        elif lo == lo:  # noqa: PLR0124 - NaN does not constrain the base; a function call for each of millions is slow
            run_lo, run_hi = max(lo, run_lo), min(hi, run_hi)
        numbers[block] = number
    return np.repeat(numbers, np.diff(np.append(blocks, len(kind))))


def _last_of_earlier_day(instants: np.ndarray, order: np.ndarray, first: np.ndarray) -> np.ndarray:
    """Return for each row of the series the last row of the last earlier day; -1 if there is none."""
    places = np.arange(len(instants))
    begins = np.zeros(len(instants), bool)
    begins[first] = True
    series_begin = np.maximum.accumulate(np.where(begins, places, 0))
    begins[1:] |= np.diff(instants.astype("M8[D]")) != np.timedelta64(0)
    day_begin = np.maximum.accumulate(np.where(begins, places, 0))
    return np.where(day_begin > series_begin, order[day_begin - 1], -1)


def _observed_change(rows: pd.DataFrame, before: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the band in percent of the change from the rows `before` (-1 gives NaN) to each row."""
    lo, hi = (rows[name].to_numpy() for name in ("rate_lo", "rate_hi"))
    from_lo, from_hi = (np.where(before >= 0, values[before], np.nan) for values in (lo, hi))
    return change_pct(lo, hi, from_lo, from_hi)
