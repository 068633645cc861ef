"""One per instant: decides which row counts where several share an instant, and gives it its rounding band.

For columns (`one_per_instant`) and for one instant (`effective_rows`). `fxticker.latest` has no band: it takes the last
recorded of these rows instead of their hull.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction
from typing import Any

import numpy as np
import pandas as pd

from fxticker.frames.single_values import SingleValues, of_groups
from fxticker.model.bands import Band, rate_band
from fxticker.model.records import Origin, TimeBasis
from fxticker.sources.fixed import CONSTANTS

_NOMINAL_BITS = 32
_KEY_BITS = _NOMINAL_BITS + 1
"""Bits below the text's code in the number that identifies a band: the nominal, and above it whether it is constant."""


def typed(rows: Sequence[tuple[Any, ...]], columns: Mapping[str, str]) -> pd.DataFrame:
    """Return a frame of rows with the given columns and types; any instants may be null."""
    frame = pd.DataFrame(rows, columns=list(columns))
    for name, dtype in columns.items():
        if dtype.startswith("datetime64"):
            frame[name] = pd.to_datetime(frame[name], utc=True)
    return frame.astype(dict(columns))


def with_bands(frame: pd.DataFrame) -> pd.DataFrame:
    """Return a copy with `rate_lo` and `rate_hi`: the band of each printed rate, per one unit of base.

    A rate of origin ``constant`` is not rounded: both bounds are the rate. Without a column `origin` all rates are
    printed. The bounds are the doubles nearest to the exact ones, so a double that prints as the text lies between
    them.
    """
    code, bands = _printed(frame)
    return frame.assign(
        rate_lo=_doubles(band.lo for band in bands)[code], rate_hi=_doubles(band.hi for band in bands)[code]
    )


def one_per_instant(frame: pd.DataFrame, *, with_single_values: bool = False) -> pd.DataFrame:
    """Return one row per source, pair and instant, with its band.

    Date-only rows at one instant are values of any time on that day: their band is the hull of all and their rate its
    middle, which none of them printed. Otherwise the last recorded row counts; a row with an exact timestamp takes
    precedence over date-only rows. Where a hull has several texts, `rate_text` is null; so are `change_text` and
    `change_pct`.

    Returns
    -------
    pandas.DataFrame
        The columns of `frame` with `rate_lo` and `rate_hi`, sorted by observed_at, pair and source; if asked for, and
        there is any hull, also `fxticker.frames.single_values.COLUMNS`.
    """
    frame, is_first = _grouped(frame)
    if is_first.all():
        return with_bands(frame).reset_index(drop=True)
    is_alone = is_first & np.append(is_first[1:], [True])
    several, group = frame[~is_alone], np.cumsum(is_first[~is_alone]) - 1
    chosen = _effective(several, group)
    kept = np.concatenate([np.flatnonzero(is_alone), np.flatnonzero(~is_alone)[chosen]])
    is_hull = (several["time_basis"] == TimeBasis.DATE).to_numpy()[chosen]
    hulls = np.count_nonzero(is_alone) + np.flatnonzero(is_hull)
    in_hull = is_hull[group]
    settled = with_bands(frame.iloc[kept])
    if in_hull.any():
        begins = np.flatnonzero(np.append([True], np.diff(group[in_hull]) != 0))
        singles = _single_values(settled, hulls, several[in_hull], begins) if with_single_values else {}
        settled = _with_hulls(settled, hulls, several[in_hull], begins).assign(**singles)
    return settled.iloc[np.argsort(kept)].reset_index(drop=True)


def _grouped(frame: pd.DataFrame) -> tuple[pd.DataFrame, np.ndarray]:
    """Sort rows by instant, pair and source; mark the first row of each combination of these."""
    key = [_ranks(frame[name]) for name in ("source", "pair")] + [frame["observed_at"].to_numpy("M8[us]")]
    if not _is_sorted(key):
        order = np.lexsort(key)
        frame, key = frame.iloc[order], [column[order] for column in key]
    is_first = np.ones(len(frame), bool)
    is_first[1:] = np.logical_or.reduce([column[1:] != column[:-1] for column in key])
    return frame, is_first


def bands_of(rows: pd.DataFrame) -> list[Band]:
    """Return the bands of the distinct printed rates of rows, exactly."""
    return _printed(rows)[1]


def effective_rows(rows: pd.DataFrame) -> pd.DataFrame:
    """Return the rows that count, of all rows of one source and pair at one instant: see `one_per_instant`."""
    exact = rows[rows["time_basis"] != TimeBasis.DATE]
    if exact.empty:
        return rows
    return exact.astype({"rate_text": "str"}).sort_values(["recorded_at", "rate_text"], kind="stable").tail(1)


def _ranks(column: pd.Series) -> np.ndarray:
    """Return the position of each text in the sorted order of all texts."""
    texts = column.astype("category").cat
    codes = texts.codes.to_numpy()
    if texts.categories.is_monotonic_increasing:
        return codes
    places = np.empty(len(texts.categories), np.int64)
    places[texts.categories.argsort()] = np.arange(len(places))
    return places[codes]


def _is_sorted(key: Sequence[np.ndarray]) -> bool:
    """Return whether rows are in the order of ``np.lexsort(key)``."""
    is_tied = np.ones(max(len(key[0]) - 1, 0), bool)
    for column in reversed(key):
        if (is_tied & (column[1:] < column[:-1])).any():
            return False
        is_tied &= column[1:] == column[:-1]
    return True


def _printed(frame: pd.DataFrame) -> tuple[np.ndarray, list[Band]]:
    """Return for each row the number of its band, and the distinct bands of printed rates."""
    texts = frame["rate_text"].astype("category").cat
    key = (texts.codes.to_numpy(np.int64) << _KEY_BITS) + frame["nominal"].to_numpy(np.int64)
    if "origin" in frame.columns:
        origins = frame["origin"].astype("category").cat
        if Origin.CONSTANT in origins.categories:
            is_constant = origins.codes.to_numpy() == origins.categories.get_loc(Origin.CONSTANT)
            key += is_constant.astype(np.int64) << _NOMINAL_BITS
    code, printed = pd.factorize(key)
    kinds = [divmod(int(combined), 1 << _KEY_BITS) for combined in printed]
    return code, [_band(texts.categories[text] if text >= 0 else "", number) for text, number in kinds]


def _band(rate_text: str, number: int) -> Band:
    is_constant, nominal = divmod(number, 1 << _NOMINAL_BITS)
    band = rate_band(rate_text, nominal)
    return Band(band.middle, band.middle) if is_constant else band


def _doubles(bounds: Iterable[Fraction]) -> np.ndarray:
    return np.array([float(bound) for bound in bounds], np.float64)


def _effective(rows: pd.DataFrame, group: np.ndarray) -> np.ndarray:
    """Return for each group the position of the row that counts, or of any date-only row if it has no others."""
    is_exact = (rows["time_basis"] != TimeBasis.DATE).to_numpy()
    recorded = rows["recorded_at"].to_numpy("M8[us]")
    order = np.lexsort((_ranks(rows["rate_text"]), recorded, is_exact, group))
    return np.asarray(order[np.append(group[1:] != group[:-1], [True])])


def _single_values(
    settled: pd.DataFrame, places: np.ndarray, rows: pd.DataFrame, begins: np.ndarray
) -> dict[str, np.ndarray]:
    """Return the columns of the single values of a frame, whose rows at places are hulls of groups of rows."""
    number = np.zeros(len(settled), np.intp)
    number[places] = np.arange(len(places))
    is_hull = np.zeros(len(settled), bool)
    is_hull[places] = True
    code, bands = _printed(rows)
    lo, hi = (_doubles(getattr(band, bound) for band in bands)[code] for bound in ("lo", "hi"))
    groups = of_groups(rows, (lo, hi), begins).take(number)
    return groups.where(is_hull, SingleValues.of(settled)).columns()


def _with_hulls(settled: pd.DataFrame, places: np.ndarray, rows: pd.DataFrame, begins: np.ndarray) -> pd.DataFrame:
    """Replace rates, bands and texts at places of a frame by the hulls of groups of rows."""
    number, hulls = _hulls(rows, begins)
    for name, bound in (("rate", "middle"), ("rate_lo", "lo"), ("rate_hi", "hi")):
        values = settled[name].to_numpy(copy=True)
        values[places] = _doubles(getattr(band, bound) for band in hulls)[number]
        settled[name] = values
    for text, names in (("rate_text", ["rate_text"]), ("change_text", ["change_text", "change_pct"])):
        for name in {*names} & {*settled.columns}:
            texts = pd.factorize(rows[text])[0]
            differs = np.zeros(len(settled), bool)
            differs[places] = np.minimum.reduceat(texts, begins) != np.maximum.reduceat(texts, begins)
            settled[name] = settled[name].mask(differs)
    return settled


def _hulls(rows: pd.DataFrame, begins: np.ndarray) -> tuple[np.ndarray, list[Band]]:
    """Return for each group of rows the number of its hull, and the distinct hulls.

    Bounds are exact numbers, so the hull of a group is spanned by its row with the lowest lower bound and its row with
    the highest upper bound.
    """
    code, bands = _printed(rows)
    by_lo = sorted(range(len(bands)), key=lambda number: bands[number].lo)
    by_hi = sorted(range(len(bands)), key=lambda number: bands[number].hi)
    lowest = np.minimum.reduceat(np.argsort(by_lo)[code], begins)
    highest = np.maximum.reduceat(np.argsort(by_hi)[code], begins)
    number, spans = pd.factorize(lowest * len(bands) + highest)
    ends = (divmod(span, len(bands)) for span in spans)
    return number, [Band(bands[by_lo[lo]].lo, bands[by_hi[hi]].hi) for lo, hi in ends]


def without_constants(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the frame without fixed rates, whose one old tick would stretch a time axis; all rows if all are fixed."""
    is_constant = frame["source"].isin(CONSTANTS).to_numpy()
    return frame[~is_constant] if is_constant.any() and not is_constant.all() else frame
