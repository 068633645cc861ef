"""Change of quotes since other quotes: its band, whether that proves a move, and whether single values would."""

from __future__ import annotations

import numpy as np
import pandas as pd

from fxticker.analysis.series import change_pct
from fxticker.frames.single_values import COLUMNS as SINGLE_VALUES
from fxticker.frames.single_values import SingleValues

_QUOTE = ("observed_at", "rate", "rate_lo", "rate_hi")


def columns_of_change(quotes: pd.DataFrame) -> pd.DataFrame:
    """Return the columns of quotes that a change is computed from."""
    return quotes[[*_QUOTE, *(name for name in SINGLE_VALUES if name in quotes.columns)]]


def changes_since(rows: pd.DataFrame, since: pd.DataFrame) -> pd.DataFrame:
    """Return the changes of quotes since the quotes of the same rows of `since`.

    Returns
    -------
    pandas.DataFrame
        ``drift_pct``, its band ``drift_lo_pct`` and ``drift_hi_pct``, ``significant``: the band excludes 0, and
        ``several_values``: it does not, but only because several values of one date count, of which the last one is not
        known (`decides_by_order`).
    """
    rate, lo, hi = (rows[name].to_numpy() for name in ("rate", "rate_lo", "rate_hi"))
    base, base_lo, base_hi = (since[name].to_numpy() for name in ("rate", "rate_lo", "rate_hi"))
    result = pd.DataFrame({"drift_pct": 100 * (rate / base - 1)}, index=rows.index)
    result["drift_lo_pct"], result["drift_hi_pct"] = change_pct(lo, hi, base_lo, base_hi)
    is_base = (rows["observed_at"] == since["observed_at"]).to_numpy()
    result[is_base] = 0.0  # the change of a rate from itself is exactly 0, whatever its band
    significant = (result["drift_lo_pct"] > 0) | (result["drift_hi_pct"] < 0)
    by_order = decides_by_order(rows, since) & ~is_base & ~significant.to_numpy()
    return result.assign(significant=significant, several_values=by_order)


def decides_by_order(rows: pd.DataFrame, since: pd.DataFrame) -> np.ndarray:
    """Return where any two of the single values at both ends prove a change, or the middles of hulls are alike.

    Then rounding alone explains no change whose band includes 0: it does for some orders of the values at most, and
    which order they had is not known. Of single values at both ends this is whether the band excludes 0.
    """
    if SINGLE_VALUES[0] not in rows.columns and SINGLE_VALUES[0] not in since.columns:
        return np.zeros(len(rows), bool)
    ends = SingleValues.of(rows), SingleValues.of(since)
    lo, hi = change_pct(ends[0].highest_lo, ends[0].lowest_hi, ends[1].highest_lo, ends[1].lowest_hi)
    is_alike = rows["rate"].to_numpy() == since["rate"].to_numpy()
    result: np.ndarray = (ends[0].is_several | ends[1].is_several) & ((lo > 0) | (hi < 0) | is_alike)
    return result
