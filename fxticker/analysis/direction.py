"""Direction: turns the rates of pairs against USD one way, so that what is compared or drawn together moves alike.

The ticker prints KZT/USD, a central bank USD/KZT. Where the dollar rises by 1 %, the one falls and the other rises:
side by side they look like opposite moves. A pair without USD keeps the direction that was asked for, or is stored.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pandas as pd

from fxticker.frames.single_values import SingleValues
from fxticker.model.bands import outward, quotient
from fxticker.model.pairs import directed, inverse_of


def in_one_direction(quotes: pd.DataFrame, *, per_usd: bool) -> pd.DataFrame:
    """Return quotes with all pairs against USD in one direction.

    Parameters
    ----------
    quotes
        As `fxticker.quotes` returns them.
    per_usd
        Units per USD, in place of the direction of the ticker.

    Returns
    -------
    pandas.DataFrame
        The same rows, by observed_at, pair and source. A turned rate is the inverse, with the inverse band moved
        outward (`fxticker.model.bands.outward`) and without a printed text. Where a source has both directions at an
        instant, the one that is not turned counts.
    """
    names = [str(name) for name in quotes["pair"].cat.categories]
    ways = [directed(name, per_usd=per_usd) for name in names]
    if ways == names:
        return quotes
    kinds = sorted(set(ways))
    codes = quotes["pair"].cat.codes.to_numpy()
    is_turned = np.array([way != name for way, name in zip(ways, names, strict=True)])[codes]
    pair = np.array([kinds.index(way) for way in ways], np.int64)[codes]
    rate, lo, hi = (quotes[name].to_numpy() for name in ("rate", "rate_lo", "rate_hi"))
    turned_lo, turned_hi = outward(1 / hi, 1 / lo)
    singles = SingleValues.of(quotes)
    turned = quotes.assign(
        pair=pd.Categorical.from_codes(pair, categories=pd.Index(kinds, dtype="str")),
        rate=np.where(is_turned, quotient(1.0, rate), rate),
        rate_lo=np.where(is_turned, turned_lo, lo),
        rate_hi=np.where(is_turned, turned_hi, hi),
        rate_text=quotes["rate_text"].mask(is_turned),
        nominal=quotes["nominal"].mask(is_turned, 1),
        **(singles.inverse().where(is_turned, singles).columns() if singles.is_several.any() else {}),
    )
    source = quotes["source"].cat.codes.to_numpy()
    order = np.lexsort((is_turned, source, pair, quotes["observed_at"].to_numpy("M8[us]")))
    kept = turned.iloc[order].drop_duplicates(["observed_at", "pair", "source"])
    return kept.reset_index(drop=True)


def are_both_ways(pairs: Iterable[str]) -> bool:
    """Return whether a pair is among these in both directions."""
    names = {*pairs}
    return any(inverse_of(name) in names for name in names)
