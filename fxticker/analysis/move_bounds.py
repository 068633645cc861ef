"""Move bounds: what values known within bounds allow for all other instants, if the value moves by at most w(dt).

Set-membership filtering (Schweppe 1968; Milanese and Novara 2004): noise is known by its bounds alone, and the answer
is the set of all values that agree with every bound. With ``w(dt) = move * ceil(dt / 1 day)``, the most that can happen
in dt if no day moves by more than `move`, ``max(lo_i - w) <= x(t) <= min(hi_i + w)``. Every value in between is reached
by some path that agrees with all bounds (McShane 1934), so no narrower band is sound.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

DAY_US = 86_400_000_000
"""Microseconds of a day."""
_SLACK = 1e-12
"""Rounding of logarithms in doubles: bounds that cross by less touch."""


@dataclass(frozen=True, slots=True)
class Known:
    """Bounds that hold at an instant, or throughout a day.

    Attributes
    ----------
    begin, end
        First and last instant at which they hold, microseconds since 1970 in UTC, int64; the same for a single instant.
    lo, hi
        Bounds of the logarithm, float64.
    """

    begin: np.ndarray
    end: np.ndarray
    lo: np.ndarray
    hi: np.ndarray


def move_bounds(known: Known, at: np.ndarray, move: float) -> tuple[np.ndarray, np.ndarray]:
    """Return the lower and the upper bound at other instants.

    Parameters
    ----------
    known
        At least one.
    at
        Instants, microseconds since 1970 in UTC, int64.
    move
        The most that the logarithm moves within a day, and within any part of one.

    Returns
    -------
    tuple of numpy.ndarray
        float64. A lower bound above its upper one means that no path agrees with everything known.
    """
    return _lower(known, known.lo, at, move), -_lower(known, -known.hi, at, move)


def contradiction(known: Known, move: float) -> tuple[int, int] | None:
    """Return the positions of two of the known bounds that no path agrees with; ``None`` if one agrees with all."""
    at = np.unique(np.concatenate([known.begin, known.end]))
    lower, upper = move_bounds(known, at, move)
    worst = int(np.argmax(lower - upper))
    if lower[worst] - upper[worst] <= _SLACK:
        return None
    instant = at[worst]
    allowed = move * -(-np.maximum(np.maximum(known.begin - instant, instant - known.end), 0) // DAY_US)
    return int(np.argmax(known.lo - allowed)), int(np.argmin(known.hi + allowed))


def _lower(known: Known, lo: np.ndarray, at: np.ndarray, move: float) -> np.ndarray:
    """Return the greatest of all ``lo - w``: from what ended before, what begins later, and what holds at the time."""
    before = _from_earlier(known.end, lo, at, move)
    after = _from_earlier(-known.begin, lo, -at, move)
    highest: np.ndarray = np.maximum(np.maximum(before, after), _within(known, lo, at))
    return highest


def _within(known: Known, lo: np.ndarray, at: np.ndarray) -> np.ndarray:
    """Return the greatest lower bound of the days that contain each instant; minus infinity if none does."""
    result = np.full(len(at), -np.inf)
    spans = np.flatnonzero(known.end > known.begin)
    if len(spans) and len(at):
        days = known.begin[spans] // DAY_US
        first = days.min()
        best = np.full(int(days.max() - first) + 1, -np.inf)
        np.maximum.at(best, days - first, lo[spans])
        place = at // DAY_US - first
        inside = (place >= 0) & (place < len(best))
        result[inside] = best[place[inside]]
    return result


def _from_earlier(when: np.ndarray, value: np.ndarray, at: np.ndarray, move: float) -> np.ndarray:
    """Return ``max(value - move * ceil((at - when) / day))`` over all that is not later than each instant.

    With both instants written as a day and the time within it, the ceiling is the difference of the days, and one more
    if the time of the later is beyond that of the earlier. So two maxima of ``value + move * day`` are enough: of all
    earlier ones, less one more move, and of those of earlier days whose time of day is not before. The latter are kept
    as a staircase, for of two with equal values only the one with the later time counts.
    """
    result = np.full(len(at), -np.inf)
    order = np.argsort(when, kind="stable")
    when, value = when[order], value[order]
    origin = when[0] - 1
    day, time = np.divmod(when - origin, DAY_US)
    key = value + move * day
    at_day, at_time = np.divmod(at - origin, DAY_US)
    count = np.searchsorted(when, at, side="right")
    later = np.flatnonzero(count)
    highest = np.maximum.accumulate(key)
    result[later] = highest[count[later] - 1] - move * (at_day[later] + 1)
    same, begins = np.unique(when, return_index=True)  # an instant itself is no move away
    of_instant = np.maximum.reduceat(value, begins)
    place = np.minimum(np.searchsorted(same, at), len(same) - 1)
    hits = same[place] == at
    result[hits] = np.maximum(result[hits], of_instant[place[hits]])
    for asked, times, keys in _by_day(day, time, key, at_day):
        step = np.searchsorted(times, at_time[asked])
        rows = asked[step < len(times)]
        result[rows] = np.maximum(result[rows], keys[step[step < len(times)]] - move * at_day[rows])
    return result


def _by_day(
    day: np.ndarray, time: np.ndarray, key: np.ndarray, at_day: np.ndarray
) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Yield the positions of each day's instants, and the staircase of what was known on earlier days."""
    order = np.argsort(at_day, kind="stable")
    asked, starts = np.unique(at_day[order], return_index=True)
    ends = [*starts[1:].tolist(), len(order)][: len(asked)]
    given, begins = np.unique(day, return_index=True)
    closes = np.append(begins[1:], len(day))
    times, keys, taken = np.empty(0, np.int64), np.empty(0), 0
    for number, start, end in zip(asked.tolist(), starts.tolist(), ends, strict=True):
        while taken < len(given) and given[taken] < number:
            rows = slice(begins[taken], closes[taken])
            times, keys = _staircase(np.concatenate([times, time[rows]]), np.concatenate([keys, key[rows]]))
            taken += 1
        if len(times):
            yield order[start:end], times, keys


def _staircase(time: np.ndarray, key: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return times in order, each with the greatest key of it and all later ones, without those that repeat it."""
    order = np.argsort(time, kind="stable")
    time, key = time[order], key[order]
    key = np.maximum.accumulate(key[::-1])[::-1]
    kept = np.append(key[1:] < key[:-1], True)
    return time[kept], key[kept]
