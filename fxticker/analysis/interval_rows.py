"""Interval rows: rates as bounds of their logarithm, each at an instant or throughout a day."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import replace
from datetime import date

import numpy as np
import pandas as pd

from fxticker.analysis.interval_walk import Intervals
from fxticker.analysis.move_bounds import DAY_US, Known
from fxticker.analysis.quotes import quotes
from fxticker.analysis.series import may_close
from fxticker.analysis.source_quotes import Ticks
from fxticker.analysis.value_dates import official_ticks
from fxticker.errors import NotDerivable
from fxticker.frames.pairs import pairs_in
from fxticker.model.pairs import inverse_of
from fxticker.model.pegs import peg_on
from fxticker.model.records import Origin, TimeBasis
from fxticker.model.selection import Selection

MINUTE_US = 60_000_000


def log_of(percent: float) -> float:
    """Return the logarithm of a ratio that is this many percent above 1."""
    return math.log1p(percent / 100)


def microseconds(instants: pd.Series | pd.DatetimeIndex) -> np.ndarray:
    """Return instants as microseconds since 1970 in UTC."""
    return instants.to_numpy("M8[us]").astype(np.int64)


def official_quotes(ticks: Ticks, pairs: Iterable[str] | None, selection: Selection, *, ticker: str) -> pd.DataFrame:
    """Return the quotes of official sources by value date, without fixed rates; of pairs that none has, nothing."""
    dated = official_ticks(ticks, replace(selection, pairs=None), ticker=ticker)
    dated = dated[dated["origin"] != Origin.CONSTANT].reset_index(drop=True)
    per_usd = bool(selection.per_usd)
    found = [quotes(dated, per_usd=per_usd)] if pairs is None else [quotes(dated[:0])]
    for pair in pairs or ():
        try:
            found.append(quotes(dated, pairs=[pair]))
        except NotDerivable:
            continue
    joined = pd.concat([rows.astype({"source": "str", "pair": "str"}) for rows in found], ignore_index=True)
    return joined.astype({"source": "category", "pair": "category"})


def walk_problem(pair: str, day: date, ticks: Ticks) -> str | None:
    """Return why what is printed of a pair is no coarsening of a random walk; ``None`` if it is.

    A printed number is one of a grid that does not depend on the rate. The interval of a cross rate moves with the
    finer of its two rates, and while the coarser one rests the rate stays at one place of the interval: all intervals
    together look like a rate that does not move. What is shown of a currency that is pegged on `day` hops from one of a
    few levels to another and back (`fxticker.model.pegs`), as large as the hops are.
    """
    if peg_on(pair, day) is not None:
        return f"{pair} is pegged, and hops between a few levels about the peg are no moves; `peg` has them"
    stored = pairs_in(ticks)
    if pair in stored or inverse_of(pair) in stored:
        return None
    return "a cross rate is not printed, so its intervals say nothing of a walk; its two rates can be asked for"


def known_of(rows: pd.DataFrame, *, move: float, basis: float = 0.0) -> Known:
    """Return what the quotes of a pair say about the logarithm of the rate.

    Parameters
    ----------
    rows
        Quotes of one pair. A date-only one was shown at some time of its day: it holds throughout the day, widened by
        the most that a day moves.
    move, basis
        The most that the logarithm moves in a day, and that it differs from what is printed.
    """
    begin = microseconds(rows["observed_at"])
    is_day = (rows["time_basis"] == TimeBasis.DATE).to_numpy()
    begin = np.where(is_day, begin // DAY_US * DAY_US, begin)
    wider = basis + np.where(is_day, move, 0.0)
    lo, hi = np.log(rows["rate_lo"].to_numpy()), np.log(rows["rate_hi"].to_numpy())
    return Known(begin, np.where(is_day, begin + DAY_US - 1, begin), lo - wider, hi + wider)


def joined(parts: Iterable[Known]) -> Known:
    """Return all parts as one."""
    columns = zip(*((part.begin, part.end, part.lo, part.hi) for part in parts), strict=True)
    return Known(*(np.concatenate(column) for column in columns))


def intervals_of(known: Known) -> Intervals:
    """Return the intervals of a walk: one a minute, the intersection of all of that minute.

    What holds for some time of a day is taken at its noon.
    """
    minute = (known.begin + (known.end - known.begin + 1) // 2) // MINUTE_US
    order = np.argsort(minute, kind="stable")
    lo, hi = known.lo[order], known.hi[order]
    minutes, first = np.unique(minute[order], return_index=True)
    if not len(minutes):
        return Intervals(minutes, lo, hi)
    inner_lo, inner_hi = np.maximum.reduceat(lo, first), np.minimum.reduceat(hi, first)
    is_sound = (inner_hi - inner_lo > 0) | (np.diff(first, append=len(lo)) == 1)
    return Intervals(minutes, np.where(is_sound, inner_lo, lo[first]), np.where(is_sound, inner_hi, hi[first]))


def without_repeated_days(rows: pd.DataFrame) -> pd.DataFrame:
    """Return quotes without date-only ones of days on which their source also has one with an instant."""
    return rows[may_close(rows)].reset_index(drop=True)
