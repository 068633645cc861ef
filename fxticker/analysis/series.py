"""Series of one source and pair in a frame of many: where each begins, where its value changes, and by how much."""

from __future__ import annotations

import numpy as np
import pandas as pd

from fxticker.model.bands import outward
from fxticker.model.records import TimeBasis

_TOUCHING_PCT = 1e-12
"""A bound in percent that lies closer to 0 than this is 0: two bands that touch, whose doubles differ in their last
place. Printed numbers that differ, by one unit of their tenth digit, are 1e-8 percent apart."""


def in_series(frame: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """Return the rows of a frame, series by series.

    Returns
    -------
    tuple of numpy.ndarray
        Positions of the rows by source and pair and, within these, in the order of the frame; and the places in this
        sequence at which a series begins.
    """
    if frame.empty:
        return np.empty(0, np.intp), np.empty(0, np.intp)
    sources, pairs = (frame[name].astype("category").cat for name in ("source", "pair"))
    count = len(sources.categories) * len(pairs.categories)
    # numpy sorts integers of 8 or 16 bits ten times as fast as wider ones
    dtype = np.min_scalar_type(count)
    source_ranks, pair_ranks = (np.argsort(np.argsort(texts.categories)).astype(dtype) for texts in (sources, pairs))
    key = source_ranks[sources.codes] * dtype.type(len(pairs.categories)) + pair_ranks[pairs.codes]
    order = np.argsort(key, kind="stable")
    return order, np.flatnonzero(_differs_from_previous(key[order]))


def runs(quotes: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """Return the runs of one value in a frame of `fxticker.quotes`.

    A value is the printed text, or the band of a derived rate.

    Returns
    -------
    tuple of numpy.ndarray
        Positions of the rows as from `in_series`; and the places in this sequence at which a run begins.
    """
    order, first = in_series(quotes)
    begins = np.zeros(len(order), bool)
    begins[first] = True
    for values in (quotes["rate_text"].cat.codes, quotes["rate_lo"], quotes["rate_hi"]):
        begins |= _differs_from_previous(values.to_numpy()[order])
    return order, np.flatnonzero(begins)


def may_close(quotes: pd.DataFrame, times: np.ndarray | None = None) -> np.ndarray:
    """Return for each row of a frame of `fxticker.quotes` whether it can be the last quote of its day.

    A date-only quote counts from the end of its day; where its source also has a quote of the pair with an instant on
    that day, the latter is the day's last, and the date-only one neither opens nor closes any period.
    `fxticker.frames.one_per_instant.one_per_instant` chooses by the same rule at one instant. Days are those of
    `times`, in their order, as `fxticker.analysis.periods.in_local_order` returns them; by default those of UTC.
    """
    has_instant = (quotes["time_basis"] != TimeBasis.DATE).to_numpy()
    if has_instant.all():
        return has_instant
    times = quotes["observed_at"].to_numpy("M8[us]") if times is None else times
    order, first = in_series(quotes)
    begins = _differs_from_previous(times[order].astype("M8[D]"))
    begins[first] = True
    begins = np.flatnonzero(begins)
    of_day = np.logical_or.reduceat(has_instant[order], begins)
    may = np.empty(len(order), bool)
    may[order] = has_instant[order] | ~np.repeat(of_day, np.diff(np.append(begins, len(order))))
    return may


def change_pct(
    lo: np.ndarray, hi: np.ndarray, from_lo: np.ndarray, from_hi: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return bands of relative changes in percent: `fxticker.model.bands.drift_pct` for doubles, rounded outward."""
    ratio_lo, ratio_hi = outward(lo / from_hi, hi / from_lo)
    # outward a second time: a ratio far below 1 loses more digits in the subtraction than the first step added
    bounds = outward(100 * (ratio_lo - 1), 100 * (ratio_hi - 1))
    lo_pct, hi_pct = (np.where(np.abs(bound) < _TOUCHING_PCT, 0.0, bound) for bound in bounds)
    return lo_pct, hi_pct


def _differs_from_previous(values: np.ndarray) -> np.ndarray:
    """Return for each value whether it differs from the previous one; true for the first."""
    differs = np.ones(len(values), bool)
    np.not_equal(values[1:], values[:-1], out=differs[1:])
    return differs
