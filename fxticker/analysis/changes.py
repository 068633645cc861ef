"""Changes: of every poll, only where the printed value became another."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pandas as pd

from fxticker.analysis.quotes import Ticks, quotes
from fxticker.analysis.series import runs
from fxticker.model.timestamps import Moment

_OF_VALUE = ["source", "pair", "rate_text", "rate", "rate_lo", "rate_hi"]


def changes(
    ticks: Ticks,
    *,
    pairs: Iterable[str] | None = None,
    sources: Iterable[str] | None = None,
    start: Moment | None = None,
    end: Moment | None = None,
    as_of: Moment | None = None,
) -> pd.DataFrame:
    """The runs of one printed value.

    A value that is seen again after another makes a new run. A run reaches over instants at which nobody looked: that
    the value was another in between cannot be excluded (`fxticker.gaps` says when nobody looked).

    Parameters
    ----------
    ticks
        A store's folder, an open store, or a frame of `fxticker.load`.
    pairs
        Only these, stored (``KZT/USD``), inverse (``USD/KZT``) or cross (``KZT/UZS``); all stored ones if null.
    sources
        Only these.
    start, end
        Half-open span of `observed_at`.
    as_of
        Only rows that were recorded by then.

    Returns
    -------
    pandas.DataFrame
        One row per run, by source, pair and time: ``source`` and ``pair`` (category), ``rate_text`` (category; as
        printed; null where the rate is derived, or the hull of several values of one date), ``rate``, ``rate_lo`` and
        ``rate_hi`` (float64, quote per one unit of base, with its band), ``first_at`` and ``last_at``
        (datetime64[us, UTC], the first and the last instant that showed the value), ``polls`` (int64, instants that
        showed it).

    Raises
    ------
    ValueError
        If a pair is neither stored nor to be derived from stored ones.
    """
    held = quotes(ticks, pairs=pairs, sources=sources, start=start, end=end, as_of=as_of)
    order, begins = runs(held)
    count = np.diff(np.append(begins, len(order)))
    first, last = order[begins], order[begins + count - 1]
    seen_at = held["observed_at"]
    found = held[_OF_VALUE].take(first).reset_index(drop=True)
    return found.assign(
        first_at=seen_at.take(first).array, last_at=seen_at.take(last).array, polls=count.astype(np.int64)
    )
