"""Decoding: what each printed percentage says of the site's own earlier rate, and when that rate became another."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pandas as pd

from fxticker.analysis.quotes import Ticks, ticks_of
from fxticker.analysis.series import change_pct, in_series
from fxticker.frames.settle import one_per_instant
from fxticker.model.bands import percent_band, previous_rate
from fxticker.model.selection import Selection
from fxticker.model.timestamps import Moment
from fxticker.sources.timesca.page import SOURCE

_KEPT = ["source", "pair", "observed_at", "rate_text", "change_text"]
_SERIES = ["source", "pair"]
_TEXTS = dict.fromkeys(["source", "pair", "rate_text", "change_text"], "category")


def decode(
    ticks: Ticks,
    *,
    pairs: Iterable[str] | None = None,
    start: Moment | None = None,
    end: Moment | None = None,
    as_of: Moment | None = None,
) -> pd.DataFrame:
    """What each percentage of the ticker says.

    The site prints ``round(100 * round(rate - base, 4) / base, 2)``, where `base` is some earlier rate of its own (so
    on all 117 distinct percentages other than 0 of 371 captures). Each percentage therefore stands for an interval of
    `base`: see `fxticker.model.bands.previous_rate`. Percentages of other sources follow other rules; only the ticker's
    are here.

    Parameters
    ----------
    ticks
        A store's folder, an open store, or a frame of `fxticker.load`.
    pairs
        Only these, as stored.
    start, end
        Half-open span of `observed_at`. What was seen before `start` is not looked at.
    as_of
        Only rows that were recorded by then.

    Returns
    -------
    pandas.DataFrame
        One row per pair and instant of the ticker (several rows of one instant settled as
        `fxticker.frames.settle.one_per_instant` says), by observed_at and pair: ``source``,
        ``pair``, ``observed_at``, ``rate_text`` and ``change_text`` as
        printed (category), and

        - ``base_lo``, ``base_hi`` (float64): where the site's earlier rate lies; NaN where no percentage is printed or
          no earlier rate gives it.
        - ``consistent`` (boolean): whether some earlier rate gives the percentage; null where none is printed, or not
          one for one rate.
        - ``base_run`` (int64): counts from 0 in each pair and grows where no one earlier rate gives all percentages
          since it last grew: the site's base is another then.
        - ``seen_from_at`` (datetime64[us, UTC]): the pair's last instant on the last earlier UTC day that has one;
          NaT if there is none. It may be long ago.
        - ``seen_lo_pct``, ``seen_hi_pct`` (float64): the band of the change from there on, that the printed rates
          themselves show; NaN if there is none.
        - ``agrees`` (boolean): whether what the percentage stands for, 0.005 to each side, meets that band; null where
          one of the two is missing. Where it does not, the percentage is of another base, or hides in the rounding of
          the change what the rates show.
    """
    selection = Selection.of(pairs=pairs, sources=SOURCE.id, start=start, end=end, as_of=as_of)
    selection = Selection.of(pairs=pairs, sources=SOURCE.id, start=start, end=end, as_of=as_of)
    held = one_per_instant(ticks_of(ticks, selection)).astype(_TEXTS)
    order, first = in_series(held)
    kind, of_kind = _kinds(held)
    base_lo, base_hi, low_pct, high_pct = _told(of_kind)[:, kind]
    printed = ~np.isnan(low_pct)
    run = np.empty(len(held), np.int64)
    run[order] = _base_runs(kind[order], base_lo[order], base_hi[order], first)
    before = np.empty(len(held), np.intp)
    before[order] = _last_of_earlier_day(held["observed_at"].to_numpy("M8[us]")[order], order, first)
    seen_lo, seen_hi = _seen(held, before)
    return held[_KEPT].assign(
        base_lo=base_lo,
        base_hi=base_hi,
        consistent=pd.arrays.BooleanArray(~np.isnan(base_lo), ~printed),
        base_run=run,
        seen_from_at=held["observed_at"].take(before).where(before >= 0).array,
        seen_lo_pct=seen_lo,
        seen_hi_pct=seen_hi,
        agrees=pd.arrays.BooleanArray((seen_lo <= high_pct) & (low_pct <= seen_hi), ~printed | np.isnan(seen_lo)),
    )


def rollovers(
    ticks: Ticks,
    *,
    pairs: Iterable[str] | None = None,
    start: Moment | None = None,
    end: Moment | None = None,
    as_of: Moment | None = None,
) -> pd.DataFrame:
    """The runs of percentages that one earlier rate of the site gives, and when it took another.

    The runs are as few as they can be: the site may have changed its base more often, where all percentages could go
    on with the one before. So `base_lo` and `base_hi` hold the base if it was one all through the run, while what
    `rolled_after` and `rolled_before` say needs no such condition.

    Parameters
    ----------
    ticks, pairs, start, end, as_of
        As in `decode`.

    Returns
    -------
    pandas.DataFrame
        One row per run, by source, pair and time: ``source`` and ``pair`` (category), ``base_run`` (int64, as in
        `decode`), ``first_at`` and ``last_at`` (datetime64[us, UTC], its first and last decoded percentage), ``polls``
        (int64, how many), ``base_lo`` and ``base_hi`` (float64, the intersection of their intervals), ``rolled_after``
        and ``rolled_before`` (datetime64[us, UTC]): the site changed its base after the one and not after the other,
        the first percentage of the run and the last one before it that excludes each other; NaT for a pair's first
        run.
    """
    decoded = decode(ticks, pairs=pairs, start=start, end=end, as_of=as_of)
    decoded = decoded[decoded["base_lo"].notna()]
    order, first = in_series(decoded)
    told = decoded.iloc[order].reset_index(drop=True)
    lo, hi = (told[name].to_numpy() for name in ("base_lo", "base_hi"))
    at = told["observed_at"].to_numpy("M8[us]")
    begins = np.union1d(first, np.flatnonzero(np.diff(told["base_run"])) + 1).astype(np.intp)
    count = np.diff(np.append(begins, len(told)))
    after = np.full(len(begins), np.datetime64("NaT"), "M8[us]")
    for number in np.flatnonzero(~np.isin(begins, first)):
        earlier, here = slice(begins[number - 1], begins[number]), begins[number]
        excluded = np.flatnonzero((hi[earlier] < lo[here]) | (lo[earlier] > hi[here]))
        after[number] = at[earlier][excluded[-1]]
    rolled_after = pd.Series(after).dt.tz_localize("UTC")
    runs = told.iloc[begins][[*_SERIES, "base_run"]].reset_index(drop=True)
    return runs.assign(
        first_at=told["observed_at"].iloc[begins].array,
        last_at=told["observed_at"].iloc[begins + count - 1].array,
        polls=count.astype(np.int64),
        base_lo=_reduced(np.maximum, lo, begins),
        base_hi=_reduced(np.minimum, hi, begins),
        rolled_after=rolled_after.array,
        rolled_before=lambda found: found["first_at"].where(found["rolled_after"].notna()),
    )


def _reduced(function: np.ufunc, values: np.ndarray, begins: np.ndarray) -> np.ndarray:
    return function.reduceat(values, begins) if len(begins) else values


def _kinds(held: pd.DataFrame) -> tuple[np.ndarray, list[tuple[str | None, str | None]]]:
    """The distinct pairs of printed rate and percentage, and of each row which of them it has."""
    rates, changes = held["rate_text"].cat, held["change_text"].cat
    width = len(changes.categories) + 1
    key = (rates.codes.to_numpy(np.int64) + 1) * width + changes.codes.to_numpy(np.int64) + 1
    kind, found = pd.factorize(key)
    # a code of -1, which stands for null, finds the last
    rate_texts, change_texts = ([*texts.categories, None] for texts in (rates, changes))
    return kind, [(rate_texts[one // width - 1], change_texts[one % width - 1]) for one in found.tolist()]


def _told(kinds: list[tuple[str | None, str | None]]) -> np.ndarray:
    """Per kind as columns: where base lies, and what the percentage stands for; NaN where there is no answer.

    Rounding to the nearest double keeps order, so intervals that meet still do.
    """
    told = np.full((4, len(kinds)), np.nan)
    for number, (rate_text, change_text) in enumerate(kinds):
        if rate_text is not None and change_text is not None:
            base, percent = previous_rate(rate_text, change_text), percent_band(change_text)
            told[2:, number] = float(percent.lo), float(percent.hi)
            if base is not None:
                told[:2, number] = float(base.lo), float(base.hi)
    return told


def _base_runs(kind: np.ndarray, base_lo: np.ndarray, base_hi: np.ndarray, first: np.ndarray) -> np.ndarray:
    """The number of the run of each row: as few runs as can be, each with a base that all its intervals hold."""
    blocks = np.union1d(first, np.flatnonzero(np.diff(kind)) + 1).astype(np.intp)
    is_first = np.isin(blocks, first)
    numbers = np.empty(len(blocks), np.int64)
    number, held_lo, held_hi = 0, -np.inf, np.inf
    every = zip(is_first.tolist(), base_lo[blocks].tolist(), base_hi[blocks].tolist(), strict=True)
    for block, (begins, lo, hi) in enumerate(every):
        if begins:
            number, held_lo, held_hi = 0, -np.inf, np.inf
        if lo > held_hi or hi < held_lo:
            number, held_lo, held_hi = number + 1, lo, hi
        elif lo == lo:  # noqa: PLR0124 - NaN tells nothing of the base, and a call for each of millions is slow
            held_lo, held_hi = max(lo, held_lo), min(hi, held_hi)
        numbers[block] = number
    return np.repeat(numbers, np.diff(np.append(blocks, len(kind))))


def _last_of_earlier_day(at: np.ndarray, order: np.ndarray, first: np.ndarray) -> np.ndarray:
    """For each row of the series the row that was last on the last earlier day; -1 if there is none."""
    places = np.arange(len(at))
    begins = np.zeros(len(at), bool)
    begins[first] = True
    series_begin = np.maximum.accumulate(np.where(begins, places, 0))
    begins[1:] |= np.diff(at.astype("M8[D]")) != np.timedelta64(0)
    day_begin = np.maximum.accumulate(np.where(begins, places, 0))
    return np.where(day_begin > series_begin, order[day_begin - 1], -1)


def _seen(held: pd.DataFrame, before: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The band in percent of the change from other rows (NaN where there is none) to each."""
    lo, hi = (held[name].to_numpy() for name in ("rate_lo", "rate_hi"))
    from_lo, from_hi = (np.where(before >= 0, values[before], np.nan) for values in (lo, hi))
    return change_pct(lo, hi, from_lo, from_hi)
