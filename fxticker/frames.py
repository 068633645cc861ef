"""Frames of ticks: bands beside rates, and one value where an instant has several."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from fxticker.bands import Band, hull, rate_band
from fxticker.models import TimeBasis


def typed(rows: Sequence[tuple[Any, ...]], columns: Mapping[str, str]) -> pd.DataFrame:
    """A frame of rows with the given columns and types; instants may be missing, none or all of them."""
    frame = pd.DataFrame(rows, columns=list(columns))
    for name, dtype in columns.items():
        if dtype.startswith("datetime64"):
            frame[name] = pd.to_datetime(frame[name], utc=True)
    return frame.astype(dict(columns))


def with_bands(frame: pd.DataFrame) -> pd.DataFrame:
    """A copy with `rate_lo` and `rate_hi`: the band of each printed rate, per one unit of base.

    Both are the doubles nearest to the exact bounds, so a double that prints as the text lies between them.
    """
    texts = frame["rate_text"].astype("category")
    printed, inverse = np.unique(
        np.stack([texts.cat.codes, frame["nominal"]], axis=1, dtype=np.int64), axis=0, return_inverse=True
    )
    found = [rate_band(texts.cat.categories[code], int(nominal)) for code, nominal in printed]
    lo = np.array([float(band.lo) for band in found], np.float64)
    hi = np.array([float(band.hi) for band in found], np.float64)
    return frame.assign(rate_lo=lo[inverse], rate_hi=hi[inverse])


def settled(frame: pd.DataFrame) -> pd.DataFrame:
    """One row per source, pair and instant, with its band.

    Rows of basis ``date`` at one instant are values of some time on that day: their band is the hull of all and
    their rate its middle. Otherwise the last recorded row counts; a row that has an instant counts before rows
    that have a date only. Where a hull holds several texts, `rate_text` is null; so are `change_text` and `change_pct`.

    Returns
    -------
    pandas.DataFrame
        The columns of `frame` with `rate_lo` and `rate_hi`, sorted by observed_at and pair.
    """
    banded = with_bands(frame)
    key = ["source", "pair", "observed_at"]
    several = banded.duplicated(key, keep=False)
    if not several.any():
        return banded
    rows = [_settle(group) for _, group in banded[several].groupby(key, observed=True, sort=False)]
    whole = pd.concat([banded[~several], pd.DataFrame(rows).astype(banded.dtypes)])
    return whole.sort_values(["observed_at", "pair"], kind="stable", ignore_index=True)


def hull_of(rows: pd.DataFrame) -> Band:
    """The smallest band that holds those of all rows, exactly."""
    return hull(rate_band(text, int(nominal)) for text, nominal in zip(rows["rate_text"], rows["nominal"], strict=True))


def counting_rows(rows: pd.DataFrame) -> pd.DataFrame:
    """Of all rows of one source and pair at one instant, those that count: see `settled`."""
    exact = rows[rows["time_basis"] != TimeBasis.DATE]
    if exact.empty:
        return rows
    return exact.astype({"rate_text": "str"}).sort_values(["recorded_at", "rate_text"], kind="stable").tail(1)


def _settle(rows: pd.DataFrame) -> pd.Series:
    counted = counting_rows(rows)
    last = counted.sort_values("recorded_at", kind="stable").iloc[-1].copy()
    if len(counted) > 1:
        band = hull_of(counted)
        last["rate"], last["rate_lo"], last["rate_hi"] = float(band.middle), float(band.lo), float(band.hi)
        if len(counted["rate_text"].unique()) > 1:
            last["rate_text"] = None
        if len(counted["change_text"].unique()) > 1:
            last["change_text"], last["change_pct"] = None, np.nan
    return last
