"""Open slots: the next slot of a source that has no outcome, and the outcome of one that has."""

from __future__ import annotations

from dataclasses import fields
from datetime import datetime
from functools import partial

import numpy as np
import pyarrow as pa

from fxticker.model.records import Outcome, Poll
from fxticker.model.schedule import Every, Schedule
from fxticker.model.timestamps import MICROSECOND
from fxticker.store.arrow import filter_rows, microseconds, records_of, to_int64
from fxticker.store.read_recording import unless_damaged
from fxticker.store.read_span import month_of
from fxticker.store.segment_name import SegmentName
from fxticker.store.segments import SegmentTable

_POLL_FIELDS = [field.name for field in fields(Poll) if field.name != "source"]


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


def outcome_at(polls: SegmentTable, source: str, slot: datetime) -> Poll | None:
    """Return the recorded outcome of a slot, None if there is none; nearly always the end of one file is read.

    Raises
    ------
    SegmentUnreadable
        As `next_open_slot`.
    """
    month, slot_us = month_of(slot), microseconds(slot)
    for item, segment in polls.recorded(source, month):
        rows = unless_damaged(polls, item, partial(_rows_at, polls, segment, slot_us))
        if rows is not None and rows.num_rows:
            [row] = records_of(rows.slice(0, 1))
            known = {name: row[name] for name in _POLL_FIELDS}
            return Poll(source, **{**known, "outcome": Outcome(row["outcome"])})
    return None


def _rows_at(polls: SegmentTable, segment: SegmentName, slot_us: int) -> pa.Table | None:
    """The rows of a slot; None, without reading them, if all are earlier or later."""
    summary = polls.summary(segment)
    if not summary.first <= slot_us <= summary.last:
        return None
    rows = polls.open(segment).read()
    return filter_rows(rows, to_int64(rows.column("slot")) == slot_us)
