"""Open slots: the next slot of a source that has no outcome, which is the next one that will really be polled."""

from __future__ import annotations

from datetime import datetime
from functools import partial

import numpy as np

from fxticker.model.schedule import Every, Schedule
from fxticker.model.timestamps import MICROSECOND
from fxticker.store.arrow import microseconds, to_int64
from fxticker.store.read_recording import unless_damaged
from fxticker.store.read_span import month_of
from fxticker.store.segment_name import SegmentName
from fxticker.store.segments import SegmentTable


def next_open_slot(polls: SegmentTable, source: str, schedule: Schedule, now: datetime) -> datetime:
    """Return the first slot later than `now` that has no outcome.

    Slots ahead have one where a clock was ahead when they were recorded. Nearly always no segment is read, but the
    ends of those of the current month.

    Raises
    ------
    SegmentUnreadable
        If a segment cannot be read for another reason than its bytes: slots of a damaged one are left out.
    """
    slot = schedule.after(now)
    months = {*polls.months(source)}
    while (month := month_of(slot)) in months:
        slot = _after_run(schedule, slot, _slots_from(polls, source, month, slot))
        if month_of(slot) == month:
            return slot
    return slot


def _after_run(schedule: Schedule, slot: datetime, recorded: np.ndarray) -> datetime:
    """The first slot of a grid from one on that is not recorded, given the recorded slots from there on."""
    if isinstance(schedule, Every):  # a year of minutes, slot by slot, would take seconds
        first_us, step_us = microseconds(slot), schedule.interval // MICROSECOND
        on_grid = np.unique(recorded[(recorded - first_us) % step_us == 0])
        is_next = on_grid == first_us + step_us * np.arange(len(on_grid))
        return slot + schedule.interval * (len(on_grid) if is_next.all() else int(np.argmin(is_next)))
    known = {*recorded.tolist()}
    while microseconds(slot) in known:
        slot = schedule.after(slot)
    return slot


def _slots_from(polls: SegmentTable, source: str, month: str, first: datetime) -> np.ndarray:
    """The recorded slots of a month from one on, in microseconds since the epoch."""
    first_us = microseconds(first)
    found = [
        unless_damaged(polls, item, partial(_slots_in, polls, segment, first_us))
        for item, segment in polls.recorded(source, month)
    ]
    slots = np.concatenate([np.zeros(0, np.int64), *(part for part in found if part is not None)])
    later: np.ndarray = slots[slots >= first_us]
    return later


def _slots_in(polls: SegmentTable, segment: SegmentName, first_us: int) -> np.ndarray:
    """The slots of a segment; nothing but its end is read if all are earlier."""
    if polls.summary(segment).last < first_us:
        return np.zeros(0, np.int64)
    return to_int64(polls.open(segment).read(["slot"]).column("slot"))
