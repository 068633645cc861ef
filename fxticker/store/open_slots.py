"""Open slots: the next slot of a source that has no outcome, which is the next one that will really be polled."""

from __future__ import annotations

from datetime import datetime

import numpy as np

from fxticker.model.schedule import Schedule
from fxticker.store.arrow import microseconds, to_int64
from fxticker.store.read_span import month_of
from fxticker.store.segments import SegmentTable


def next_open_slot(polls: SegmentTable, source: str, schedule: Schedule, now: datetime) -> datetime:
    """Return the first slot later than `now` that has no outcome.

    Slots ahead have one where a clock was ahead when they were recorded. Nearly always no segment is read, but the
    ends of those of the current month.

    Raises
    ------
    SegmentUnreadable
        If a segment that has to be read is damaged.
    """
    slot = schedule.after(now)
    months = {*polls.months(source)}
    while (month := month_of(slot)) in months:
        recorded = _slots_from(polls, source, month, slot)
        while microseconds(slot) in recorded:
            slot = schedule.after(slot)
        if month_of(slot) == month:
            return slot
    return slot


def _slots_from(polls: SegmentTable, source: str, month: str, first: datetime) -> set[int]:
    """The recorded slots of a month from one on, in microseconds since the epoch."""
    first_us = microseconds(first)
    found = [
        to_int64(polls.open(segment).read(["slot"]).column("slot"))
        for segment in polls.segments(source, month)
        if polls.summary(segment).last >= first_us
    ]
    slots = np.concatenate(found or [np.zeros(0, np.int64)])
    return {*slots[slots >= first_us].tolist()}
