"""Holes of the record: which periods are on record from their beginning to their end."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from pandas.api.indexers import BaseIndexer

from fxticker.model.timestamps import instant

if TYPE_CHECKING:
    from pandas.api.typing import Rolling

GAP_CADENCES = 3
"""Limit of the distance between two polls, in usual distances: a longer one is a gap and not a late poll."""
BESIDE = timedelta(days=31)
"""How far from a period polls bear on it: the longest distance that may be none of its holes, and the polls beside."""
_MOST_CADENCE_US = 86_400_000_000
"""The most that is taken for a usual distance: polls days apart are no record of what a week's highest rate was."""
_LONE_CADENCE_US = _MOST_CADENCE_US // GAP_CADENCES
"""The usual distance where no other poll is near: the limit is a day then, as in `fxticker.gaps`."""
_MOST_DUE_US = 3_600_000_000
"""How long after a poll nothing is missing yet, at most."""
_LATE = 1.5
"""Usual distances up to which a poll is late and none is missing, where they are too long to be no holes."""
_NEIGHBOURS = 9
"""Distances of which the usual one is taken on either side, at most: schedules change over the years."""
_NEIGHBOURHOOD_US = 28 * 86_400_000_000
"""How far away they reach at most."""
_EVER = np.array(["0001-01-01", "9999-12-31"], "M8[us]")


def holds(start_at: np.ndarray, end_at: np.ndarray, begin: datetime | None, until: datetime) -> np.ndarray:
    """Return which periods a span holds from their first instant to their last.

    Parameters
    ----------
    start_at, end_at
        First instant of each period and the one after its last, ``datetime64[us]`` in UTC.
    begin, until
        The span, its end excluded, at most now; ``None`` is open.
    """
    held: np.ndarray = end_at <= _utc(until)
    return held if begin is None else held & (start_at >= _utc(begin))


def is_whole(slots: np.ndarray, start_at: np.ndarray, end_at: np.ndarray, until: datetime) -> np.ndarray:
    """Return which periods a source's polls record from their first instant to their last.

    A period without a slot is never whole. The record begins with the first slot, and ends with `until` if the last one
    is as near as usual. It has a hole where two slots lie more than three times as far apart as the shorter of the
    usual distances before and after, a day at most, and further than the longer one, which is the first or last
    distance of a slower schedule. A hole begins when the missing poll was due, one usual distance after the poll before
    it, an hour at most: a lone poll a day is no record of the rest of it.

    Parameters
    ----------
    slots
        Slots with an outcome, in any order, at least one.
    start_at, end_at
        As for `holds`.
    until
        The time until when all slots are given. Periods that lie within the given slots by `BESIDE` or more are judged
        as with all slots that there are.
    """
    slots = np.sort(slots.astype("M8[us]"))
    has_slot = np.searchsorted(slots, start_at) < np.searchsorted(slots, end_at)
    hole_starts, hole_ends = _holes(slots, until)
    whole: np.ndarray = has_slot & (hole_starts[np.searchsorted(hole_ends, start_at, "right")] >= end_at)
    return whole


def is_silence(slots: np.ndarray, until: datetime) -> np.ndarray:
    """Return after which slots nothing is on record up to the next one, or after the last one up to `until`.

    These are the holes of `is_whole`, but where all polls of the weeks around are days apart: there one of them has to
    be missing.

    Parameters
    ----------
    slots
        Slots with an outcome, ``datetime64[us]`` in UTC, sorted.
    until
        As for `is_whole`.
    """
    following, _, is_hole = _following(slots, until)
    before, after = _beside(slots, lambda distances: distances.min())
    silent: np.ndarray = is_hole & ~(_us(following - slots) <= _LATE * np.fmin(before, after))
    return silent


def _holes(slots: np.ndarray, until: datetime) -> tuple[np.ndarray, np.ndarray]:
    """Return the starts and ends of the holes, the times before and after the record among them, given sorted slots."""
    following, usual, is_hole = _following(slots, until)
    due = slots + np.nan_to_num(np.minimum(usual, _MOST_DUE_US)).astype("m8[us]")  # until then nothing is missing
    hole_starts = np.concatenate([_EVER[:1], due[is_hole], following[-1:]])
    return hole_starts, np.concatenate([slots[:1], following[is_hole], _EVER[1:]])


def _following(slots: np.ndarray, until: datetime) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return what follows each of sorted slots, at last `until`, the usual distance before, and if a hole follows."""
    before, after = _beside(slots, _usual)
    following = np.append(slots[1:], _utc(until))
    shorter, longer = (np.minimum(least(before, after), _MOST_CADENCE_US) for least in (np.fmin, np.fmax))
    limit = np.fmax(GAP_CADENCES * np.where(np.isnan(shorter), _LONE_CADENCE_US, shorter), longer)
    apart = _us(following - slots)
    return following, before, (apart > limit) | (apart >= GAP_CADENCES * _MOST_CADENCE_US)


def _beside(slots: np.ndarray, of: Callable[[Rolling[Any]], pd.Series]) -> tuple[np.ndarray, np.ndarray]:
    """Return what is made of the distances before each of sorted slots, and of those after the next one; NaN of none.

    They are in microseconds.
    """
    times = _us(slots)
    before, after = (np.asarray(of(_distances_before(each))) for each in (times, -times[::-1]))
    return before, np.append(after[-2::-1], np.nan)


def _usual(distances: Rolling[Any]) -> pd.Series:
    """Return the lower quartiles: holes that lie near each other do not make themselves usual, as in the median."""
    quartiles: pd.Series = distances.quantile(0.25, interpolation="lower")
    return quartiles


def _distances_before(times: np.ndarray) -> Rolling[Any]:
    stops = np.arange(1, len(times) + 1)
    starts = np.maximum(stops - _NEIGHBOURS, np.searchsorted(times, times - _NEIGHBOURHOOD_US) + 1)
    apart = pd.Series(np.diff(times, prepend=times[:1]))
    return apart.rolling(_Windows(starts=starts, stops=stops), min_periods=1)


class _Windows(BaseIndexer):
    """Windows of distances, each by its first place and the one after its last."""

    starts: np.ndarray
    stops: np.ndarray

    def get_window_bounds(
        self,
        num_values: int = 0,  # noqa: ARG002
        min_periods: int | None = None,  # noqa: ARG002
        center: bool | None = None,  # noqa: ARG002, FBT001
        closed: str | None = None,  # noqa: ARG002
        step: int | None = None,  # noqa: ARG002
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return the windows; pandas asks for these arguments by name."""
        return self.starts, self.stops


def _us(values: np.ndarray) -> np.ndarray:
    return values.astype(np.int64)


def _utc(moment: datetime) -> np.datetime64:
    return np.datetime64(instant(moment).replace(tzinfo=None), "us")
