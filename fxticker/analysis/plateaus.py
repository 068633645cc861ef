"""Plateaus: whether a pegged currency came back to a level on which its source showed it before.

The site's supplier shows the manat at one of a few levels around its peg, in turn: of 47 changes of TMT in the packaged
history 42 come back to a level that was shown before. Such a change is more than rounding and no move of the rate; it
is a hop (`fxticker.model.pegs.is_hop`). A level that was not shown in the year before may be a new peg.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

import numpy as np
import pandas as pd

from fxticker.analysis.lookup import Rate
from fxticker.analysis.quotes import quotes_of
from fxticker.analysis.series import in_series
from fxticker.analysis.source_quotes import Ticks
from fxticker.frames.now_and_zone import resolved
from fxticker.frames.single_values import SingleValues
from fxticker.model.pegs import is_hop, peg_on, pegs_of
from fxticker.model.selection import Selection
from fxticker.model.timestamps import EPOCH, Moment

_SPANS = (timedelta(days=31), timedelta(days=335))
"""Spans in which a store is searched, one after the other backwards: most levels come back within days."""
_SAME = 1e-9
"""Relative difference below which two bounds are one."""
_DIGITS = 9
"""Significant digits by which levels are told apart: an inverse that is computed in doubles has 15."""


class EarlierLevels:
    """The levels on which a source showed a pair before an instant, the last one first, read only as they are needed.

    Parameters
    ----------
    ticks
        A store, or a frame of ticks.
    source, pair
        Which; the pair in any direction.
    before
        The instant, not included.
    as_of
        Use only rows that were recorded by then.
    """

    def __init__(self, ticks: Ticks, source: str, pair: str, before: datetime, as_of: Moment | None) -> None:
        self._known: list[str] = []
        self._more = _backwards(ticks, source, pair, before, as_of)

    def has(self, level: str, *, beyond_current: bool) -> bool:
        """Return whether the level is among them; if `beyond_current`, before a different one."""
        is_beyond = not beyond_current
        for known in self._levels():
            if known == level and is_beyond:
                return True
            is_beyond |= known != level
        return False

    def _levels(self) -> Iterator[str]:
        yield from self._known
        for level in self._more:
            self._known.append(level)
            yield level


def came_back(ticks: Ticks, rows: pd.DataFrame, as_of: Moment | None) -> np.ndarray:
    """Return for each quote whether its source showed the pegged pair on that level before, with another in between.

    Parameters
    ----------
    ticks
        Where the quotes are from; earlier levels are looked up there.
    rows
        A frame of `fxticker.quotes`, all of its span.
    as_of
        Use only rows that were recorded by then.
    """
    result = np.zeros(len(rows), bool)
    order, first = in_series(rows)
    for positions in np.split(order, first[1:]) if len(rows) else ():
        source, pair = (str(rows[name].iloc[positions[0]]) for name in ("source", "pair"))
        if pegs_of(pair):
            part = rows.iloc[positions]
            earlier = EarlierLevels(ticks, source, pair, part["observed_at"].iloc[0].to_pydatetime(), as_of)
            result[positions] = _in_series(pair, part, earlier)
    return result


def peg_hops(rows: pd.DataFrame, since: pd.DataFrame, returned: np.ndarray) -> np.ndarray:
    """Return which changes of quotes since others are hops: proven, to a level that came back, under one peg.

    Parameters
    ----------
    rows, since
        Quotes, and those that they are compared with, row by row; nulls where there is none.
    returned
        What `came_back` says of `rows`.
    """
    result = returned & since["observed_at"].notna().to_numpy()
    (lo, hi), (since_lo, since_hi) = (
        [frame[name].to_numpy(np.float64) for name in ("rate_lo", "rate_hi")] for frame in (rows, since)
    )
    result &= (lo > since_hi * (1 + _SAME)) | (hi < since_lo * (1 - _SAME))
    for pair in rows["pair"].cat.categories if result.any() else ():
        begins = np.array([peg.since for peg, _ in pegs_of(str(pair))], "M8[us]")
        numbers = [np.searchsorted(begins, frame["observed_at"].to_numpy("M8[us]"), "right") for frame in (rows, since)]
        result &= (numbers[0] == numbers[1]) | (rows["pair"] != pair).to_numpy()
    return result


def is_peg_hop(ticks: Ticks, key: tuple[str, str], start: Rate, end: Rate, as_of: Moment | None) -> bool:
    """Return whether the change of a source's pair between two lookups is a hop: see `peg_hops`."""
    source, pair = key
    days = [rate.observed_at.date() for rate in (start, end)]
    levels = [{level_of(float(each)) for each in (rate.single.lowest, rate.single.highest)} for rate in (start, end)]
    if levels[0] == levels[1] or peg_on(pair, days[0]) is None or peg_on(pair, days[0]) is not peg_on(pair, days[1]):
        return False
    earlier = EarlierLevels(ticks, source, pair, end.observed_at, as_of)
    known = [level for level in levels[1] if earlier.has(level, beyond_current=True)]
    return all(is_hop(pair, days[1], level, known) for level in levels[1])


def is_new_level(ticks: Ticks, run: pd.Series, as_of: Moment | None) -> bool:
    """Return whether a row of `fxticker.changes` is proven to differ from the last rate of a pegged pair before it.

    That is so at a level that was not shown in the year before. Values of one date of which `rate` is the middle are no
    level, and not new.
    """
    source, pair, at = run["source"], run["pair"], run["first_at"].to_pydatetime()
    if run["values"] > 1 or not pegs_of(pair):
        return False
    chosen = Selection.of(
        pairs=[pair], sources=[source], start=max(at - sum(_SPANS, timedelta()), EPOCH), end=at, as_of=as_of
    )
    before = quotes_of(ticks, resolved(chosen))
    if before.empty or level_of(run["rate"]) in {level_of(rate) for rate in before["rate"].unique()}:
        return False
    return bool(run["rate_lo"] > before["rate_hi"].iloc[-1] or run["rate_hi"] < before["rate_lo"].iloc[-1])


def level_of(rate: float) -> str:
    """Return a text that is the same for rates of the same printed level."""
    return f"{rate:.{_DIGITS}g}"


def _in_series(pair: str, rows: pd.DataFrame, earlier: EarlierLevels) -> np.ndarray:
    single = SingleValues.of(rows)  # of several values of one date each is a level, and their middle none
    codes, rates = pd.factorize(np.concatenate([single.lowest, single.highest]))
    levels, ends = [level_of(rate) for rate in rates], codes.reshape(2, -1)
    begins = np.flatnonzero(np.append(True, (ends[:, 1:] != ends[:, :-1]).any(axis=0)))
    result = np.zeros(len(rows), bool)
    shown: set[str] = set()
    days = rows["observed_at"].iloc[begins].dt.date
    for begin, end, day in zip(begins, np.append(begins[1:], len(rows)), days, strict=True):
        of_run = {levels[code] for code in ends[:, begin]}
        shown.update(level for level in of_run - shown if earlier.has(level, beyond_current=begin == 0))
        result[begin:end] = all(is_hop(pair, day, level, shown) for level in of_run)
        shown |= of_run
    return result


def _backwards(ticks: Ticks, source: str, pair: str, before: datetime, as_of: Moment | None) -> Iterator[str]:
    """Yield the level of each run of a pair, the last one first."""
    last, end = None, before
    for span in _SPANS:
        start = max(end - span, EPOCH)
        if start >= end:
            return
        chosen = Selection.of(pairs=[pair], sources=[source], start=start, end=end, as_of=as_of)
        single = SingleValues.of(quotes_of(ticks, resolved(chosen)))
        # of each instant the lowest and the highest value
        rates = np.column_stack([single.lowest, single.highest]).ravel()
        is_new = np.append(rates[:-1] != rates[1:], True) if len(rates) else np.zeros(0, bool)
        for rate in rates[is_new][::-1]:
            level = level_of(rate)
            if level != last:
                yield level
            last = level
        end = start
