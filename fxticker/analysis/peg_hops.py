"""Peg hops: whether a pegged currency came back to a level on which its source showed it before.

The site's supplier shows the manat at one of a few levels around its peg, in turn: of 47 changes of TMT in the packaged
history 42 come back to a level that was shown before. Such a change is more than rounding and no move of the rate; it
is a hop: both of its levels are shown in turn. A level that was not shown before the other one was shown last may be a
new peg.
"""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import accumulate

import numpy as np
import pandas as pd

from fxticker.analysis.lookup import Rate
from fxticker.analysis.quotes import quotes_of
from fxticker.analysis.series import in_series
from fxticker.analysis.source_quotes import Ticks
from fxticker.frames.now_and_zone import resolved
from fxticker.frames.single_values import SingleValues
from fxticker.model.pegs import peg_on, pegs_of
from fxticker.model.selection import Selection
from fxticker.model.timestamps import EPOCH, Moment

_SPANS = (timedelta(days=31), timedelta(days=335))
"""Spans in which a store is searched, one after the other backwards: most levels come back within days."""
NEVER, ON_RECORD_BEFORE = np.iinfo(np.int64).max, np.iinfo(np.int64).min
"""Instants of levels that are not known, and of those that were shown before the first quote."""
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
    since
        Go back to a year before this instant, and not before `before` alone.
    """

    def __init__(
        self,
        ticks: Ticks,
        source: str,
        pair: str,
        before: datetime,
        as_of: Moment | None,
        since: datetime | None = None,
    ) -> None:
        self._known: list[str] = []
        self._more = _backwards(ticks, source, pair, before, as_of, since or before)

    def has(self, level: str, earlier_than: Container[str] | None = None) -> bool:
        """Return whether the level is among them; with `earlier_than`, before one of these was shown last."""
        is_earlier = earlier_than is None
        for known in self._levels():
            if known == level and is_earlier:
                return True
            is_earlier |= earlier_than is not None and known in earlier_than
        return False

    def _levels(self) -> Iterator[str]:
        yield from self._known
        for level in self._more:
            self._known.append(level)
            yield level


@dataclass(frozen=True, slots=True)
class ShownLevels:
    """When the levels of the pegged pairs in some quotes were shown.

    Attributes
    ----------
    first
        For each quote when its level was first shown, int64 microseconds since 1970; `ON_RECORD_BEFORE` where that was
        in the year before the quotes, and `NEVER` where the pair has no peg that day, or the level is not known. Where
        several values of one date count it is the last of their levels.
    times
        By source and pair the instants of each level in order.
    earlier
        By source and pair the levels before the first quote.
    """

    first: np.ndarray
    times: Mapping[tuple[str, str], Mapping[str, np.ndarray]]
    earlier: Mapping[tuple[str, str], EarlierLevels]

    @classmethod
    def of(cls, ticks: Ticks, rows: pd.DataFrame, as_of: Moment | None) -> ShownLevels:
        """Return those of a frame of `fxticker.quotes`, all of its span; earlier levels are looked up in `ticks`."""
        first, times, earlier = np.full(len(rows), NEVER), {}, {}
        order, begins = in_series(rows)
        for positions in np.split(order, begins[1:]) if len(rows) else ():
            source, pair = (str(rows[name].iloc[positions[0]]) for name in ("source", "pair"))
            if pegs_of(pair):
                part = rows.iloc[positions]
                begin = part["observed_at"].iloc[0].to_pydatetime()
                earlier[source, pair] = before = EarlierLevels(ticks, source, pair, begin, as_of)
                first[positions], times[source, pair] = _in_series(pair, part, before)
        return cls(first, times, earlier)

    def take(self, rows: np.ndarray) -> ShownLevels:
        """Return those of the chosen quotes, with the instants of all."""
        return ShownLevels(self.first[rows], self.times, self.earlier)

    def in_turn(self, rows: pd.DataFrame, since: pd.DataFrame) -> np.ndarray:
        """Return which quotes have a level that was shown before that of `since` was shown last, by then.

        Of a quote before its `since` it is what was shown before the quote itself.
        """
        at = rows["observed_at"].to_numpy("M8[us]").astype(np.int64)
        result: np.ndarray = self.first < np.minimum(self.last_before(rows, since), at)
        since_at = since["observed_at"].to_numpy("M8[us]").astype(np.int64)
        for (source, pair), earlier in self.earlier.items():
            of_series = ((rows["source"] == source) & (rows["pair"] == pair)).to_numpy()
            begin = min(shown[0] for shown in self.times[source, pair].values())
            # both were shown before the quotes: in which order
            is_open = of_series & result & (self.first == ON_RECORD_BEFORE) & (since_at < begin)
            levels = [_levels_of(frame["rate"].to_numpy()[is_open]) for frame in (rows, since)]
            for level, other in {*zip(*levels, strict=True)}:
                if not earlier.has(level, earlier_than=[other]):
                    result[np.flatnonzero(is_open)[(levels[0] == level) & (levels[1] == other)]] = False
        return result

    def last_before(self, rows: pd.DataFrame, since: pd.DataFrame) -> np.ndarray:
        """Return when the level of `since` was last shown before each of some quotes: at `since` or after it."""
        at, last = (frame["observed_at"].to_numpy("M8[us]").astype(np.int64) for frame in (rows, since))
        for (source, pair), times in self.times.items():
            of_series = ((rows["source"] == source) & (rows["pair"] == pair)).to_numpy()
            for rate in since["rate"][of_series].dropna().unique():
                shown = times.get(level_of(rate), np.zeros(0, np.int64))
                places = np.flatnonzero(of_series & (since["rate"] == rate).to_numpy())
                before = np.searchsorted(shown, at[places]) - 1
                is_shown = before >= 0
                last[places[is_shown]] = np.maximum(last[places[is_shown]], shown[before[is_shown]])
        return last


def peg_hops(rows: pd.DataFrame, since: pd.DataFrame, shown: ShownLevels) -> np.ndarray:
    """Return which changes of quotes since others are hops: proven, between levels shown in turn, under one peg.

    So the level of the quote was shown before that of the other one was shown last. A level that was first shown after
    that is new: whether the peg moved to it is not known.

    Parameters
    ----------
    rows, since
        Quotes, and those that they are compared with, row by row; nulls where there is none.
    shown
        Levels of `rows`.
    """
    result: np.ndarray = since["observed_at"].notna().to_numpy() & shown.in_turn(rows, since)
    (lo, hi), (since_lo, since_hi) = (
        [frame[name].to_numpy(np.float64) for name in ("rate_lo", "rate_hi")] for frame in (rows, since)
    )
    is_proven: np.ndarray = (lo > since_hi * (1 + _SAME)) | (hi < since_lo * (1 - _SAME))
    result &= is_proven
    for pair in rows["pair"].cat.categories if result.any() else ():
        begins = np.array([peg.since for peg, _ in pegs_of(str(pair))], "M8[us]")
        numbers = [np.searchsorted(begins, frame["observed_at"].to_numpy("M8[us]"), "right") for frame in (rows, since)]
        result &= (numbers[0] == numbers[1]) | (rows["pair"] != pair).to_numpy()
    return result


def is_peg_hop(ticks: Ticks, key: tuple[str, str], start: Rate, end: Rate, as_of: Moment | None) -> bool:
    """Return whether the proven change of a source's pair between two lookups is a hop: see `peg_hops`."""
    source, pair = key
    peg, peg_at_end = (peg_on(pair, rate.observed_at.date()) for rate in (start, end))
    if peg is None or peg is not peg_at_end:
        return False
    starts, ends = (
        [level_of(float(each)) for each in (rate.single.lowest, rate.single.highest)] for rate in (start, end)
    )
    earlier = EarlierLevels(ticks, source, pair, end.observed_at, as_of, since=start.observed_at)
    return all(earlier.has(level, earlier_than=starts) for level in ends)


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


def _levels_of(rates: np.ndarray) -> np.ndarray:
    distinct, numbers = np.unique(rates, return_inverse=True)
    texts: np.ndarray = np.array([level_of(rate) for rate in distinct], object)[numbers]
    return texts


def _in_series(pair: str, rows: pd.DataFrame, earlier: EarlierLevels) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    single = SingleValues.of(rows)  # of several values of one date each is a level, and their middle none
    at = rows["observed_at"].to_numpy("M8[us]").view(np.int64)
    codes, rates = pd.factorize(np.concatenate([single.lowest, single.highest]))
    levels, texts = pd.factorize(np.array([level_of(rate) for rate in rates], object))
    of_value = np.append(levels, len(texts))[codes].reshape(2, -1)  # the last one is of levels that are not known
    times = {str(text): at[(of_value == number).any(axis=0)] for number, text in enumerate(texts)}
    known = [ON_RECORD_BEFORE if earlier.has(text) else shown[0] for text, shown in times.items()]
    first: np.ndarray = np.array([*known, NEVER], np.int64)[of_value].max(axis=0)
    return np.where(_has_peg(pair, at), first, NEVER), times


def _has_peg(pair: str, times: np.ndarray) -> np.ndarray:
    """Return at which instants a peg of the pair is in force."""
    in_force = np.zeros(len(times), bool)
    for peg, _ in pegs_of(pair):
        since, until = (np.datetime64(day or "9999-12-31", "us").view(np.int64) for day in (peg.since, peg.until))
        in_force |= (times >= since) & (times < until)
    return in_force


def _backwards(
    ticks: Ticks, source: str, pair: str, before: datetime, as_of: Moment | None, since: datetime
) -> Iterator[str]:
    """Yield the level of each run of a pair, the last one first, to a year before `since`."""
    last, end = None, before
    starts = [*(before - span for span in accumulate(_SPANS)), since - sum(_SPANS, timedelta())]
    for start in (max(each, EPOCH) for each in starts):
        if start >= end:
            continue
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
