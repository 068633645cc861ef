"""One source's pair is a series: where each begins in a frame of many, where its value becomes another, and how far."""

from __future__ import annotations

import numpy as np
import pandas as pd

from fxticker.model.bands import outward
from fxticker.model.records import TimeBasis


def in_series(frame: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """The rows of a frame, series by series.

    Returns
    -------
    tuple of numpy.ndarray
        The positions of the rows by source and pair and, within these, in the frame's order; and where in them a
        series begins.
    """
    if frame.empty:
        return np.empty(0, np.intp), np.empty(0, np.intp)
    sources, pairs = (frame[name].astype("category").cat for name in ("source", "pair"))
    count = len(sources.categories) * len(pairs.categories)
    # an integer of 8 or 16 bits is put in order ten times as fast as a wider one
    dtype = np.min_scalar_type(count)
    source_ranks, pair_ranks = (np.argsort(np.argsort(held.categories)).astype(dtype) for held in (sources, pairs))
    key = source_ranks[sources.codes] * dtype.type(len(pairs.categories)) + pair_ranks[pairs.codes]
    order = np.argsort(key, kind="stable")
    return order, np.flatnonzero(_is_other(key[order]))


def runs(quotes: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """The runs of one value in a frame as `fxticker.quotes` gives it.

    A value is what was printed, or, for a derived rate that was never printed, its band.

    Returns
    -------
    tuple of numpy.ndarray
        The positions of the rows as `in_series` has them; and where in them a run begins.
    """
    order, first = in_series(quotes)
    begins = np.zeros(len(order), bool)
    begins[first] = True
    for values in (quotes["rate_text"].cat.codes, quotes["rate_lo"], quotes["rate_hi"]):
        begins |= _is_other(values.to_numpy()[order])
    return order, np.flatnonzero(begins)


def may_close(quotes: pd.DataFrame) -> np.ndarray:
    """Of a frame as `fxticker.quotes` gives it, which quotes may be the last of their day.

    One of which only the day is known counts from the end of its day on; where its source shows the pair at an instant
    of that day too, that one is the day's last, and the other neither opens nor closes any span of time. At one instant
    `fxticker.frames.settle.one_per_instant` chooses likewise.
    """
    has_instant = (quotes["time_basis"] != TimeBasis.DATE).to_numpy()
    if has_instant.all():
        return has_instant
    order, first = in_series(quotes)
    begins = _is_other(quotes["observed_at"].to_numpy("M8[us]")[order].astype("M8[D]"))
    begins[first] = True
    begins = np.flatnonzero(begins)
    of_day = np.logical_or.reduceat(has_instant[order], begins)
    may = np.empty(len(order), bool)
    may[order] = has_instant[order] | ~np.repeat(of_day, np.diff(np.append(begins, len(order))))
    return may


def change_pct(
    lo: np.ndarray, hi: np.ndarray, from_lo: np.ndarray, from_hi: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """The bands of relative changes in percent: `fxticker.model.bands.drift_pct` for doubles, around the exact band."""
    ratio_lo, ratio_hi = outward(lo / from_hi, hi / from_lo)
    # once more: far below 1 a ratio loses more digits to the subtraction than it was moved by
    return outward(100 * (ratio_lo - 1), 100 * (ratio_hi - 1))


def _is_other(values: np.ndarray) -> np.ndarray:
    """Whether each value is another than the one before; the first is."""
    other = np.ones(len(values), bool)
    np.not_equal(values[1:], values[:-1], out=other[1:])
    return other
