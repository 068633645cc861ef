"""Tables of an export: ticks as stored or derived, one column per pair, or open, high, low and close of periods."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

import pandas as pd

from fxticker.analysis.periods import Freq
from fxticker.analysis.quotes import quotes
from fxticker.analysis.resample import resample
from fxticker.errors import NoData
from fxticker.frames.dates_in_zone import one_each_in_zone
from fxticker.frames.load import load
from fxticker.frames.now_and_zone import zone_of
from fxticker.frames.one_per_instant import one_per_instant
from fxticker.frames.pairs import StorePath, pairs_by_source
from fxticker.frames.polls import load_polls
from fxticker.model.bands import width_pct
from fxticker.model.invalid import InvalidArgument
from fxticker.model.selection import Selection

_WIDE_PCT = 1.0
"""Width of a band from which on a rate is not to be read without it: twice that of the tenge."""


def ticks_table(store: StorePath, selection: Selection) -> pd.DataFrame:
    """Return ticks with their bands: as stored (`fxticker.load`), or `fxticker.quotes` if a source has a pair derived.

    Raises
    ------
    NoData
        If nothing matches.
    """
    if selection.pairs is None or _are_stored(store, selection.pairs, selection.sources):
        return _some(load(store, bands=True, **selection.given()))
    return _some(quotes(store, **selection.given()))


def _are_stored(store: StorePath, pairs: Collection[str], sources: Collection[str] | None) -> bool:
    """Return whether no selected source has a pair that must be derived: no cross rate, nor an inverse one."""
    by_source = pairs_by_source(store, sources)
    codes = {source: {code for pair in stored for code in pair.split("/")} for source, stored in by_source.items()}
    asked = [(pair, source) for pair in pairs for source in by_source if {*pair.split("/")} <= codes[source]]
    return bool(asked) and all(pair in by_source[source] for pair, source in asked)


def periods_table(store: StorePath, selection: Selection, every: Freq) -> pd.DataFrame:
    """Return `fxticker.resample`.

    Raises
    ------
    NoData
        If nothing matches.
    """
    return _some(resample(store, every, **selection.given()))


def wide_rates(rows: pd.DataFrame) -> pd.DataFrame:
    """Return the rates of a `one_each` of one source by `observed_at`, with a column per pair.

    Raises
    ------
    ValueError
        If there are several sources.
    """
    return _wide(rows, "observed_at", "rate")


def widest_bands(rows: pd.DataFrame, lo: str, hi: str) -> dict[str, float]:
    """Return the width of each pair's widest band in percent, given the columns of the bounds; above 1 % only."""
    widths = (
        pd.Series(width_pct(rows[lo].to_numpy(), rows[hi].to_numpy()), rows["pair"].astype(str)).groupby(level=0).max()
    )
    return {str(pair): float(width) for pair, width in widths[widths > _WIDE_PCT].items()}


def wide_closes(periods: pd.DataFrame) -> pd.DataFrame:
    """Return the closes of a `periods_table` of one source, a column per pair (``KZT/USD close``), and `whole` last.

    The instant of a row, `start_at`, is that at which its period begins, not that of the closes.

    Raises
    ------
    ValueError
        If there are several sources.
    """
    closes = _wide(periods, "start_at", "close").rename(columns=lambda name: f"{name} close" if "/" in name else name)
    whole = periods.drop_duplicates("start_at").set_index("start_at")["whole"]
    return closes.assign(whole=closes["start_at"].map(whole).astype("boolean"))


def _wide(rows: pd.DataFrame, index: str, values: str) -> pd.DataFrame:
    names = sorted(rows["source"].astype(str).unique())
    if len(names) > 1:
        raise InvalidArgument(
            f"a column per pair needs one source, and there are several: {', '.join(names)}; choose with --source"
        )
    rows = rows.assign(pair=rows["pair"].astype(str))
    return rows.pivot(index=index, columns="pair", values=values).rename_axis(columns=None).reset_index()


def one_each(store: StorePath, selection: Selection) -> pd.DataFrame:
    """Return one rate per source, pair and instant with its band, as stored unless it must be derived.

    Raises
    ------
    NoData
        If nothing matches.
    """
    rows = ticks_table(store, selection)
    return one_each_in_zone(one_per_instant(rows) if "origin" in rows.columns else rows, zone_of(selection.tz))


def polls_table(store: StorePath, selection: Selection) -> pd.DataFrame:
    """Return the outcomes of the polls of the same sources and span; whole numbers are Int64."""
    polls = load_polls(store, **replace(selection, pairs=None).given())
    return polls.astype(dict.fromkeys(polls.columns[polls.dtypes == "float64"], "Int64"))


def _some(frame: pd.DataFrame) -> pd.DataFrame:
    if frame.empty:
        raise NoData("no stored tick matches")
    return frame
