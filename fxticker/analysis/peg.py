"""Pegs: how far printed rates are from what the central bank says, and where they hop."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pandas as pd

from fxticker.analysis.quotes import Ticks, quotes
from fxticker.analysis.series import change_pct, in_series, runs
from fxticker.model.pegs import pegs_of
from fxticker.model.selection import Selection
from fxticker.model.timestamps import Moment

_KEPT = ["source", "pair", "observed_at", "rate", "rate_lo", "rate_hi"]


def peg(
    ticks: Ticks,
    *,
    pairs: Iterable[str] | None = None,
    sources: Iterable[str] | None = None,
    start: Moment | None = None,
    end: Moment | None = None,
    as_of: Moment | None = None,
) -> pd.DataFrame:
    """The distance of each rate from the official peg of its currency.

    The pegs are those of `fxticker.model.pegs`. What the ticker prints for a pegged currency hops between plateaus:
    noise of the site's supplier, marked here and never removed.

    Parameters
    ----------
    ticks
        A store's folder, an open store, or a frame of `fxticker.load`.
    pairs
        Only these, stored (``TMT/USD``) or inverse (``USD/TMT``); all stored ones that have a peg if null.
    sources
        Only these.
    start, end
        Half-open span of `observed_at`.
    as_of
        Only rows that were recorded by then.

    Returns
    -------
    pandas.DataFrame
        One row per source, pair and instant, by observed_at, pair and source: ``source`` and ``pair`` (category),
        ``observed_at`` (datetime64[us, UTC]), ``rate``, ``rate_lo``, ``rate_hi`` and ``peg_rate`` (float64, quote per
        one unit of base), ``distance_pct`` = 100 (rate / peg_rate - 1) with its band ``distance_lo_pct`` and
        ``distance_hi_pct`` (float64), ``at_peg`` (boolean; the band holds the peg: the printed digits do not show a
        distance), ``plateau`` (int64; the number of the run of one printed value, from 0 in each source's pair),
        ``hop`` (bool; the value is another than at the instant before). Where no peg is in force, the peg, the
        distance and `at_peg` are null.

    Raises
    ------
    ValueError
        If one of `pairs` has no peg, or is neither stored nor to be derived.
    """
    held = _pegged(ticks, Selection.of(pairs=pairs, sources=sources, start=start, end=end, as_of=as_of))
    rate = _peg_rates(held)
    lo, hi = (held[name].to_numpy() for name in ("rate_lo", "rate_hi"))
    distance_lo, distance_hi = change_pct(lo, hi, rate, rate)
    plateau, hops = _plateaus(held)
    return held[_KEPT].assign(
        peg_rate=rate,
        distance_pct=100 * (held["rate"].to_numpy() / rate - 1),
        distance_lo_pct=distance_lo,
        distance_hi_pct=distance_hi,
        at_peg=pd.arrays.BooleanArray((lo <= rate) & (rate <= hi), np.isnan(rate)),
        plateau=plateau,
        hop=hops,
    )


def _pegged(ticks: Ticks, selection: Selection) -> pd.DataFrame:
    """Return the quotes of pairs that have a peg."""
    for pair in selection.pairs or ():
        if not pegs_of(pair):
            raise ValueError(f"{pair} has no peg")
    held = quotes(ticks, **selection.given())
    known = [pair for pair in held["pair"].cat.categories if pegs_of(pair)]
    kept = held[held["pair"].isin(known)].reset_index(drop=True)
    return kept.assign(pair=kept["pair"].cat.remove_unused_categories())


def _peg_rates(held: pd.DataFrame) -> np.ndarray:
    """The peg that is in force at each row, as its pair is oriented; NaN where none is."""
    rates = np.full(len(held), np.nan)
    at, codes = held["observed_at"].to_numpy("M8[us]"), held["pair"].cat.codes.to_numpy()
    for code, pair in enumerate(held["pair"].cat.categories):
        for one, rate in pegs_of(pair):
            upto = np.datetime64("9999-12-31" if one.until is None else one.until)
            rates[(codes == code) & (at >= np.datetime64(one.since)) & (at < upto)] = float(rate)
    return rates


def _plateaus(held: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """The number of each row's plateau in its series, and whether the row is the first of one that is not the first."""
    order, begins = runs(held)
    _, first = in_series(held)
    number = np.zeros(len(held), np.int64)
    hops = np.zeros(len(held), bool)
    number[begins] = 1
    number = np.cumsum(number)
    number -= np.repeat(number[first], np.diff(np.append(first, len(held))))
    hops[order[np.setdiff1d(begins, first)]] = True
    plateau = np.empty_like(number)
    plateau[order] = number
    return plateau, hops
