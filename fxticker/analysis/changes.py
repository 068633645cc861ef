"""Changes: reduces the ticks of all polls to runs of one printed value."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pandas as pd

from fxticker.analysis.quotes import Ticks, quotes
from fxticker.analysis.series import runs
from fxticker.model.selection import Zone
from fxticker.model.timestamps import Moment

_OF_VALUE = ["source", "pair", "rate_text", "nominal", "rate", "rate_lo", "rate_hi"]


def changes(
    ticks: Ticks,
    *,
    pairs: Iterable[str] | None = None,
    sources: Iterable[str] | None = None,
    start: Moment | None = None,
    end: Moment | None = None,
    as_of: Moment | None = None,
    tz: Zone = "UTC",
    per_usd: bool = False,
) -> pd.DataFrame:
    """Return the runs of one printed value.

    A value that returns after another one starts a new run. A run extends over instants without a poll; a different
    value in between cannot be excluded (`fxticker.gaps` lists the periods without a poll).

    Parameters
    ----------
    ticks
        A store's folder, an open store, or a frame of `fxticker.load`.
    pairs
        Stored (``KZT/USD``), inverse (``USD/KZT``) or cross pairs (``KZT/UZS``); ``None`` for all stored ones.
    sources
        Use only these sources; ``None`` for all.
    start, end
        Span of `observed_at`, as for `fxticker.load`.
    as_of
        Use only rows that were recorded by then.
    tz
        Whose days are meant, as ``Asia/Tashkent``, and the zone of the instants that are returned.
    per_usd
        Units per USD (``USD/KZT``), in place of the direction of the ticker, for pairs against USD.

    Returns
    -------
    pandas.DataFrame
        One row per run, by source, pair and time: ``source`` and ``pair`` (category), ``rate_text`` (category; as
        printed; null where the rate is derived, or the hull of several values of one date), ``nominal`` (int32, units
        of base that the text is printed for; 1 without a text), ``rate``, ``rate_lo`` and ``rate_hi`` (float64, quote
        per one unit of base, with its band), ``first_at`` and ``last_at`` (datetime64[us, UTC], the first and the last
        instant that showed the value), ``polls`` (int64, instants that showed it).

    Raises
    ------
    ValueError
        If a pair is neither stored nor derivable from stored ones.
    """
    rows = quotes(ticks, pairs=pairs, sources=sources, start=start, end=end, as_of=as_of, tz=tz, per_usd=per_usd)
    order, begins = runs(rows)
    count = np.diff(np.append(begins, len(order)))
    first, last = order[begins], order[begins + count - 1]
    seen_at = rows["observed_at"]
    result = rows[_OF_VALUE].take(first).reset_index(drop=True)
    return result.assign(
        first_at=seen_at.take(first).array, last_at=seen_at.take(last).array, polls=count.astype(np.int64)
    )
