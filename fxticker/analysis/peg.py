"""Pegs: distance of printed rates from a currency's official peg, and where they switch between constant levels."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pandas as pd

from fxticker.analysis.distance import distances
from fxticker.analysis.peg_hops import ShownLevels, peg_hops
from fxticker.analysis.series import in_series, runs
from fxticker.analysis.source_quotes import Ticks, source_quotes
from fxticker.frames.dates_in_zone import by_instant, instants_in_zone
from fxticker.frames.now_and_zone import resolved, zone_of
from fxticker.frames.single_values import SingleValues
from fxticker.model.invalid import InvalidArgument
from fxticker.model.pegs import pegs_of
from fxticker.model.selection import Selection, Zone
from fxticker.model.timestamps import Moment

_KEPT = ["pair", "observed_at", "rate", "rate_lo", "rate_hi", "source"]


def peg(
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
    """Return the distance of each rate from the official peg of its currency.

    The pegs are those of `fxticker.model.pegs`. The ticker's rates of a pegged currency hop between plateaus: noise of
    the site's supplier, which is marked and never removed.

    Parameters
    ----------
    ticks
        A store's folder, an open store, or a frame of `fxticker.load`.
    pairs
        Stored (``TMT/USD``) or inverse pairs (``USD/TMT``); ``None`` for all stored ones that have a peg.
    sources
        Use only these sources; ``None`` for all.
    start, end
        Span of `observed_at`, as for `fxticker.load`.
    as_of
        Use only rows that were recorded by then.
    tz
        Whose days are meant, as ``Asia/Tashkent``, and the zone of the instants that are returned; where only the date
        of a tick is known, its instant is the midnight of that date there.
    per_usd
        Units per USD (``USD/KZT``), in place of the direction of the ticker, for pairs against USD.

    Returns
    -------
    pandas.DataFrame
        One row per source, pair and instant, by observed_at, pair and source: ``pair`` and ``source`` (category),
        ``observed_at`` (datetime64[us, UTC]), ``rate``, ``rate_lo``, ``rate_hi`` and ``peg_rate`` (float64, quote per
        one unit of base), ``distance_pct`` = 100 (rate / peg_rate - 1) with its band ``distance_lo_pct`` and
        ``distance_hi_pct`` (float64), ``at_peg`` (boolean; the band contains the peg: the printed digits do not prove a
        distance), ``plateau`` (int64; the number of the run of one printed value, from 0 in each source's pair),
        ``hop`` (bool; the first instant of a plateau that is a peg hop, as in `fxticker.changes`: back to a level that
        the source showed in the year before; not at the first instant of the span), ``values`` (int32; values of one
        date that the rate is the middle of, else 1). Where no peg is in force, the peg, the
        distance and `at_peg` are null.

    Raises
    ------
    ValueError
        If one of `pairs` has no peg, or is neither stored nor derivable.
    """
    selection = Selection.of(pairs=pairs, sources=sources, start=start, end=end, as_of=as_of, tz=tz, per_usd=per_usd)
    rows = _pegged(ticks, selection)
    rate = _peg_rates(rows)
    lo, hi = (rows[name].to_numpy() for name in ("rate_lo", "rate_hi"))
    plateau, begins = _plateaus(rows)
    result = rows[_KEPT].assign(
        observed_at=instants_in_zone(rows, zone_of(tz)),
        peg_rate=rate,
        **distances((rows["rate"].to_numpy(), lo, hi), (rate, rate, rate)),
        at_peg=pd.arrays.BooleanArray((lo <= rate) & (rate <= hi), np.isnan(rate)),
        plateau=plateau,
        hop=_hops(ticks, rows, begins, as_of),
        values=SingleValues.of(rows).count,
    )
    return by_instant(result)


def _pegged(ticks: Ticks, selection: Selection) -> pd.DataFrame:
    """Return the quotes of pairs that have a peg."""
    for pair in selection.pairs or ():
        if not pegs_of(pair):
            raise InvalidArgument(f"{pair} has no peg")
    rows = source_quotes(ticks, resolved(selection))
    known = [pair for pair in rows["pair"].cat.categories if pegs_of(pair)]
    kept = rows[rows["pair"].isin(known)].reset_index(drop=True)
    return kept.assign(pair=kept["pair"].cat.remove_unused_categories())


def _peg_rates(rows: pd.DataFrame) -> np.ndarray:
    """Return the peg in force at each row, in the orientation of its pair; NaN where none is in force."""
    rates = np.full(len(rows), np.nan)
    observed_at, codes = rows["observed_at"].to_numpy("M8[us]"), rows["pair"].cat.codes.to_numpy()
    for code, pair in enumerate(rows["pair"].cat.categories):
        for official, rate in pegs_of(pair):
            since, until = (np.datetime64(limit or "9999-12-31") for limit in (official.since, official.until))
            rates[(codes == code) & (observed_at >= since) & (observed_at < until)] = float(rate)
    return rates


def _plateaus(rows: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """Return the number of each row's plateau in its series, and which rows begin a plateau after the first, in order.

    These are pairs of positions, of the row and of the one before it in its series.
    """
    order, begins = runs(rows)
    _, first = in_series(rows)
    number = np.zeros(len(rows), np.int64)
    number[begins] = 1
    number = np.cumsum(number)
    number -= np.repeat(number[first], np.diff(np.append(first, len(rows))))
    plateau = np.empty_like(number)
    plateau[order] = number
    changed = np.setdiff1d(begins, first)
    return plateau, np.column_stack([order[changed], order[changed - 1]])


def _hops(ticks: Ticks, rows: pd.DataFrame, begins: np.ndarray, as_of: Moment | None) -> np.ndarray:
    """Return which rows are the first of a plateau to which the source came back."""
    at, before = begins.T
    hops = np.zeros(len(rows), bool)
    quoted, since = (rows.iloc[part].reset_index(drop=True) for part in (at, before))
    hops[at] = peg_hops(quoted, since, ShownLevels.of(ticks, rows, as_of).take(at))
    return hops
