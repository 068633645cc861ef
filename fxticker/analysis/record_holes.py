"""Holes of the record: which periods are on record from their beginning to their end."""

from __future__ import annotations

from datetime import datetime, tzinfo

import numpy as np
import pandas as pd

from fxticker.frames.now_and_zone import present
from fxticker.model.days import lookup, span_of
from fxticker.model.timestamps import Moment, instant

GAP_CADENCES = 3
"""Limit of the distance between two polls, in median distances: a longer one is a gap and not a late poll."""
_MOST_CADENCE_US = 86_400_000_000
"""The most that is taken for a usual distance: polls days apart are no record of what a week's highest rate was."""
_NEIGHBOURS = 9
"""Distances of which the median is taken on either side of one: schedules change over the years."""
_ONLY_POLL_US = 86_400_000_000
"""The limit where a single poll is on record: a day, as in `fxticker.gaps`."""
_EVER = np.array(["0001-01-01", "9999-12-31"], "M8[us]")


def recorded_span(
    start: Moment | None, end: Moment | None, as_of: Moment | None, zone: tzinfo
) -> tuple[datetime | None, datetime]:
    """Return the span that is asked for, which ends at the latest now, or at the instant as of which it is."""
    now = present()
    begin, until = span_of(start, now if end is None else end, now, zone)
    by = now if as_of is None else lookup(as_of, now, zone).upto
    return begin, by if until is None else min(until, by)


def holds(start_at: np.ndarray, end_at: np.ndarray, begin: datetime | None, until: datetime) -> np.ndarray:
    """Return which periods the span that was asked for holds from their first instant to their last.

    Parameters
    ----------
    start_at, end_at
        First instant of each period and the one after its last, ``datetime64[us]`` in UTC.
    begin, until
        The span, its end excluded, at most now; ``None`` is open.
    """
    held: np.ndarray = end_at <= _utc(until)
    return held if begin is None else held & (start_at >= _utc(begin))


def is_whole(
    slots: np.ndarray, start_at: np.ndarray, end_at: np.ndarray, begin: datetime | None, until: datetime
) -> np.ndarray:
    """Return which periods a source's polls record from their first instant to their last.

    The record begins with the span if a poll follows as soon as usual, and else with the first slot; it ends likewise.
    It has a hole where two slots lie more than three times as far apart as usual: as the longer of the usual distances
    before and after, for a schedule may change, and a day at most. For a period without any slot it is the shorter one:
    nothing is on record in it, and only if both agree was no poll due.

    Parameters
    ----------
    slots
        Slots with an outcome, in any order, at least one.
    start_at, end_at, begin, until
        As for `holds`.
    """
    slots = np.sort(slots.astype("M8[us]"))
    before, after = (np.minimum(usual, _MOST_CADENCE_US) for usual in _usual_us(np.diff(slots).astype(np.int64)))
    span = (slots, start_at, end_at, begin, until)
    has_slot = np.searchsorted(slots, start_at) < np.searchsorted(slots, end_at)
    whole: np.ndarray = _has_no_hole(*span, np.fmax(before, after)) & (
        has_slot | _has_no_hole(*span, np.fmin(before, after))
    )
    return whole


def _has_no_hole(
    slots: np.ndarray,
    start_at: np.ndarray,
    end_at: np.ndarray,
    begin: datetime | None,
    until: datetime,
    usual_us: np.ndarray,
) -> np.ndarray:
    """Return which periods have no hole, given sorted slots and the usual distance beside each of their distances."""
    edges = slots[:0] if begin is None else np.array([_utc(begin)])
    marks = np.concatenate([edges, slots, [_utc(until)]])
    usual = usual_us.astype(np.int64).astype("m8[us]")
    usual = np.pad(usual, (len(edges), len(marks) - len(edges) - 1 - len(usual)), mode="edge")
    is_long = np.diff(marks) > GAP_CADENCES * usual
    due = marks[:-1] + np.where(np.arange(len(usual)) < len(edges), 0, usual)  # until the next slot nothing is missing
    hole_starts = np.concatenate([_EVER[:1], due[is_long], marks[-1:]])
    hole_ends = np.concatenate([marks[:1], marks[1:][is_long], _EVER[1:]])
    free: np.ndarray = hole_starts[np.searchsorted(hole_ends, start_at, "right")] >= end_at
    return free


def _usual_us(apart: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the usual distance of polls beside each one: the median of those before it, and that of those after it."""
    if len(apart) <= 1:
        only = np.array([_ONLY_POLL_US // GAP_CADENCES])
        return only, only
    before, after = (
        pd.Series(distances).shift(1).rolling(_NEIGHBOURS, min_periods=1).median().to_numpy()
        for distances in (apart, apart[::-1])
    )
    return before, after[::-1]


def _utc(moment: datetime) -> np.datetime64:
    return np.datetime64(instant(moment).replace(tzinfo=None), "us")
