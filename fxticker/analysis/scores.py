"""Scores: how often official rates lie in the ticker's band, beside what the width of the band and chance would give.

UZS is printed as 0.00008: 12.5 % wide, so that no official rate of a year can lie outside, and the share inside is
100 % whether or not the two have anything to do with each other. KZT, 0.5 % wide, can fail. So each pair has a score of
its own, beside the share that the official rates of other days would have.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from fxticker.errors import NoData
from fxticker.model.bands import width_pct


def scores(compared: pd.DataFrame) -> pd.DataFrame:
    """Return how well the ticker and each official source agree, pair by pair.

    Parameters
    ----------
    compared
        A frame of `fxticker.compare`; rows that are not compared do not count.

    Returns
    -------
    pandas.DataFrame
        One row per source and pair, sorted by both: ``source``, ``pair``, ``ticks`` (int64), ``days`` (int64; days with
        a tick that is compared), ``inside`` (share of the ticks whose band intersects the official one, 0 to 1),
        ``chance`` (the same share if each tick were compared with the official rates of all ticks in turn, whatever
        their day: an agreement that is no more than this says nothing), ``width_pct`` (median width of the ticker's
        band in percent of its middle), ``distance_pct`` (mean, ticker minus official in percent of the official rate)
        and ``beyond_pct`` (mean of the percent by which the two bands lie apart; 0 where they intersect).

    Raises
    ------
    NoData
        If no row is compared.
    """
    return scores_by(compared, ["source", "pair"])


def scores_by(compared: pd.DataFrame, keys: Sequence[str]) -> pd.DataFrame:
    """Return `scores` with a row for each group of rows of equal `keys`, sorted by these."""
    rows = compared.dropna(subset=["official"])
    if rows.empty:
        raise NoData("there is no comparison to score")
    groups = rows.groupby([*keys], observed=True, sort=True)
    return pd.DataFrame(
        [dict(zip(keys, key, strict=True)) | _score(part) for key, part in groups]  # a key for each of `keys`
    ).astype(dict.fromkeys({"source", "pair"} & {*keys}, "str"))


def _score(rows: pd.DataFrame) -> dict[str, float]:
    lo, hi = (rows[f"ticker_{end}"].to_numpy(np.float64) for end in ("lo", "hi"))
    apart = np.maximum(rows["distance_lo_pct"].to_numpy(np.float64), -rows["distance_hi_pct"].to_numpy(np.float64))
    return {
        "ticks": len(rows),
        "days": int(rows["day"].nunique()),
        "inside": float(rows["inside"].astype("bool").mean()),
        "chance": _chance(rows, lo, hi),
        "width_pct": float(np.median(width_pct(lo, hi))),
        "distance_pct": float(rows["distance_pct"].mean()),
        "beyond_pct": float(np.maximum(apart, 0.0)[~rows["inside"].astype("bool").to_numpy()].sum() / len(rows)),
    }


def _chance(rows: pd.DataFrame, lo: np.ndarray, hi: np.ndarray) -> float:
    """Return the share of all pairings of a tick with an official rate of the rows that intersect."""
    official_lo, official_hi = (np.sort(rows[f"official_{end}"].to_numpy(np.float64)) for end in ("lo", "hi"))
    # those that begin by the end of the tick's band, without those that end before its begin
    meeting = np.searchsorted(official_lo, hi, "right") - np.searchsorted(official_hi, lo, "left")
    return float(meeting.mean() / len(rows))
