"""Changes: reduces the ticks of all polls to runs of one printed value, with the size of each change."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pandas as pd

from fxticker.analysis.peg_hops import ShownLevels, peg_hops
from fxticker.analysis.quote_change import changes_since, columns_of_change
from fxticker.analysis.quotes import quotes_of
from fxticker.analysis.series import in_series, runs
from fxticker.analysis.source_quotes import Ticks
from fxticker.frames.dates_in_zone import instants_in_zone
from fxticker.frames.now_and_zone import resolved, zone_of
from fxticker.frames.single_values import SingleValues
from fxticker.model.selection import Selection, Zone
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
    order: Iterable[str] | None = None,
) -> pd.DataFrame:
    """Return the runs of one printed value, and how far each is from the one before.

    A value that returns after another one starts a new run. A run extends over instants without a tick; a different
    value in between cannot be excluded: `gap_h` is the longest of these times. A value changed some time after the last
    instant of the run before and by the first one of its own.

    Parameters
    ----------
    ticks
        A store's folder, an open store, or a frame of `fxticker.load`.
    pairs
        Stored (``KZT/USD``), inverse (``USD/KZT``) or cross pairs (``KZT/UZS``); ``None`` for all stored ones.
    sources
        Use only these sources; ``None`` for all; ``rate`` for one source of each pair throughout, the first of `order`
        that has it, as for `fxticker.quotes`.
    start, end
        Span of `observed_at`, as for `fxticker.load`.
    as_of
        Use only rows that were recorded by then.
    tz
        Whose days are meant, as ``Asia/Tashkent``, and the zone of the instants that are returned; where only the date
        of a tick is known, its instant is the midnight of that date there.
    per_usd
        Units per USD (``USD/KZT``), in place of the direction of the ticker, for pairs against USD.
    order
        Which source answers for ``rate``, as for `fxticker.rate`; ``None`` for ``official, ticker, peg``.

    Returns
    -------
    pandas.DataFrame
        One row per run, by source, pair and time: ``source`` and ``pair`` (category), ``rate_text`` (category; as
        printed; null where the rate is derived, or the hull of several values of one date), ``nominal`` (int32, units
        of base that the text is printed for; 1 without a text), ``rate``, ``rate_lo`` and ``rate_hi`` (float64, quote
        per one unit of base, with its band; of a hull its middle), ``first_at`` and ``last_at`` (datetime64[us, UTC],
        the first and the last instant that showed the value), ``polls`` (int64, instants that showed it), ``gap_h``
        (float64, hours; the longest time within the run without a tick; 0 if it has one tick), ``drift_pct`` = 100
        (rate / rate before - 1) with its band ``drift_lo_pct`` and ``drift_hi_pct`` (float64), as in
        `fxticker.drift_series`, ``significant`` (bool; the band excludes 0), ``several_values`` and ``peg_hop`` (bool;
        as in `fxticker.drift`), and ``values`` (int32; values of one date that the run is the hull of, else 1). The
        first run of a source's pair has no change: NaN.

    Raises
    ------
    NoData
        With ``rate``, if a pair has no source with a rate throughout.
    ValueError
        If a pair is neither stored nor derivable from stored ones.
    """
    given = Selection.of(pairs=pairs, sources=sources, start=start, end=end, as_of=as_of, tz=tz, per_usd=per_usd)
    rows = quotes_of(ticks, resolved(given), order)
    in_order, begins = runs(rows)
    count = np.diff(np.append(begins, len(in_order)))
    first, last = in_order[begins], in_order[begins + count - 1]
    seen_at = instants_in_zone(rows, zone_of(tz))
    result = rows[_OF_VALUE].take(first).reset_index(drop=True)
    return result.assign(
        first_at=seen_at.take(first).array,
        last_at=seen_at.take(last).array,
        polls=count.astype(np.int64),
        gap_h=_longest_h(rows["observed_at"].to_numpy("M8[us]")[in_order], begins),
        **_drifts(ticks, rows, first, as_of),
        values=SingleValues.of(rows).count[first],
    )


def _longest_h(instants: np.ndarray, begins: np.ndarray) -> np.ndarray:
    """Return the longest time between two consecutive instants of each run, in hours."""
    if not len(begins):
        return np.empty(0)
    since_previous = np.diff(instants, prepend=instants[:1]) / np.timedelta64(1, "h")
    since_previous[begins] = 0
    longest: np.ndarray = np.maximum.reduceat(since_previous, begins)
    return longest


def _drifts(ticks: Ticks, rows: pd.DataFrame, first: np.ndarray, as_of: Moment | None) -> dict[str, pd.Series]:
    """Return the change of each run, of which the first row is given, from the run before of its series."""
    quoted = rows.iloc[first].reset_index(drop=True)
    before = np.arange(len(quoted)) - 1
    before[in_series(quoted)[1]] = -1  # a label that no row has
    since = columns_of_change(quoted).reindex(before).reset_index(drop=True)
    moved = changes_since(quoted, since)
    by_order = moved.pop("several_values")
    moved = moved.assign(
        peg_hop=peg_hops(quoted, since, ShownLevels.of(ticks, rows, as_of).take(first)), several_values=by_order
    )
    return {str(name): moved[name] for name in moved.columns}
