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

    A period without a slot is never whole. The record begins with the span if a poll follows as soon as usual, and
    else with the first slot; it ends likewise. It has a hole where two slots lie more than three times as far apart as
    the shorter of the usual distances before and after, a day at most, and further than the longer one, which is the
    first or last distance of a slower schedule.

    Parameters
    ----------
    slots
        Slots with an outcome, in any order, at least one.
    start_at, end_at, begin, until
        As for `holds`.
    """
    slots = np.sort(slots.astype("M8[us]"))
    usual = np.minimum(_usual_us(np.diff(slots).astype(np.int64)), _MOST_CADENCE_US).astype(np.int64).astype("m8[us]")
    has_slot = np.searchsorted(slots, start_at) < np.searchsorted(slots, end_at)
    whole: np.ndarray = has_slot & _has_no_hole(slots, start_at, end_at, begin, until, usual)
    return whole


def _has_no_hole(
    slots: np.ndarray,
    start_at: np.ndarray,
    end_at: np.ndarray,
    begin: datetime | None,
    until: datetime,
    usual: np.ndarray,
) -> np.ndarray:
    """Return which periods have no hole, given sorted slots and the usual distances beside each of their distances."""
    edges = slots[:0] if begin is None else np.array([_utc(begin)])
    marks = np.concatenate([edges, slots, [_utc(until)]])
    shorter, longer = np.pad(usual, ((0, 0), (len(edges), len(marks) - len(edges) - 1 - usual.shape[1])), mode="edge")
    is_long = np.diff(marks) > np.maximum(GAP_CADENCES * shorter, longer)
    due = marks[:-1] + np.where(np.arange(len(shorter)) < len(edges), 0, shorter)  # until then nothing is missing
    hole_starts = np.concatenate([_EVER[:1], due[is_long], marks[-1:]])
    hole_ends = np.concatenate([marks[:1], marks[1:][is_long], _EVER[1:]])
    free: np.ndarray = hole_starts[np.searchsorted(hole_ends, start_at, "right")] >= end_at
    return free


def _usual_us(apart: np.ndarray) -> np.ndarray:
    """Return the usual distances of polls beside each one: of those before and those after, the shorter, the longer."""
    if len(apart) <= 1:
        return np.full((2, 1), _ONLY_POLL_US // GAP_CADENCES)
    before, after = (
        pd.Series(distances).shift(1).rolling(_NEIGHBOURS, min_periods=1).median().to_numpy()
        for distances in (apart, apart[::-1])
    )
    return np.array([np.fmin(before, after[::-1]), np.fmax(before, after[::-1])])


def _utc(moment: datetime) -> np.datetime64:
    return np.datetime64(instant(moment).replace(tzinfo=None), "us")
