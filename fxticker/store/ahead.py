"""Rows ahead of the present: outcomes and ticks that a clock recorded while it was ahead, and how they are removed.

Outcomes are final, so a slot that such an outcome is on record for is never polled. `forget` removes such rows: the one
command beside `check --quarantine` that takes rows out of readable files, sealed ones too. What it removes is first
made durable in the quarantine, as a file of the same table under the segment's name, with a note; then the segment is
replaced by one without those rows, or deleted if none is left. So at each step every row is in the table, in the
quarantine or in both, and a repeated call goes on where one was interrupted.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

import numpy as np
import pyarrow as pa

from fxticker.model.records import TimeBasis
from fxticker.store.arrow import compact, filter_rows, instant_of, is_in, microseconds, to_int64
from fxticker.store.backend import StorageBackend, StoredObject, Version
from fxticker.store.check import QUARANTINE, free_name
from fxticker.store.read_recording import unless_damaged
from fxticker.store.read_span import month_of
from fxticker.store.schema import TICKS
from fxticker.store.segment_file import encoded
from fxticker.store.segment_summary import summary_of
from fxticker.store.segments import SegmentName, SegmentTable
from fxticker.store.store import LOCK_TIMEOUT_S, Store

CORRECTED = timedelta(minutes=1)
"""A clock that is corrected by less can leave its last rows ahead of itself: nothing is wrong with them."""
DATE_ONLY = timedelta(days=1)
"""The instant of a date-only tick is the start of its day in UTC, which begins earlier elsewhere."""


@dataclass(frozen=True, slots=True)
class Ahead:
    """Rows of one segment that are ahead.

    Attributes
    ----------
    name
        Path of the segment inside the store.
    table, source
        ``"polls"`` or ``"ticks"``, and the source's id.
    rows
        Number of them.
    first, last
        Their first and last slot, or instant of observation. Aware UTC.
    """

    name: str
    table: str
    source: str
    rows: int
    first: datetime
    last: datetime

    @property
    def what(self) -> str:
        """What kind of rows they are, for a person."""
        return "outcomes" if self.table == "polls" else "ticks"


def rows_ahead(store: Store, after: datetime) -> list[Ahead]:
    """Return the outcomes and ticks later than an instant, segment by segment; only months from it on are opened.

    Raises
    ------
    SegmentUnreadable
        If a segment cannot be read for another reason than its bytes: rows of a damaged one are left out.
    """
    found = _segments_ahead(store, after, beside_damage=True)
    return [_described(table, segment, rows) for table, _, segment, rows, _ in found]


def summed(found: Sequence[Ahead]) -> list[Ahead]:
    """Return the same rows as one entry for each table and source, whose name is the folder."""
    groups: dict[tuple[str, str], list[Ahead]] = {}
    for item in found:
        groups.setdefault((item.table, item.source), []).append(item)
    return [
        Ahead(
            f"{table}/source={source}",
            table,
            source,
            sum(item.rows for item in items),
            min(item.first for item in items),
            max(item.last for item in items),
        )
        for (table, source), items in groups.items()
    ]


def forget(store: Store, after: datetime, now: datetime) -> list[Ahead]:
    """Remove the outcomes and ticks later than an instant, and nothing else; durable when this returns.

    Parameters
    ----------
    store
        An open store.
    after
        The instant, aware UTC.
    now
        The present, for the notes.

    Returns
    -------
    list of Ahead
        What was removed, as `rows_ahead` returns it.

    Raises
    ------
    StoreLocked
        If a daemon runs on the store, or another process writes for too long.
    WriteFailed, SegmentUnreadable
        What was removed before is in the quarantine; the call can be repeated.
    """
    removed = []
    with store.daemon_lock(), store.backend.write_lock(LOCK_TIMEOUT_S):
        for table, found, segment, ahead, kept in _segments_ahead(store, after, beside_damage=False):
            item = _described(table, segment, ahead)
            _set_aside(store.backend, table, segment, ahead, item, now)
            _replace(store.backend, table, segment, kept, found.version)
            removed.append(item)
    return removed


def _segments_ahead(
    store: Store, after: datetime, *, beside_damage: bool
) -> Iterator[tuple[SegmentTable, StoredObject, SegmentName, pa.Table, pa.Table]]:
    """Each segment with rows later than an instant, those rows, and its other rows; other files are left out."""
    members = ((table, *entry) for table in (store.polls, store.ticks) for entry in table.recorded())
    for table, item, segment in members:
        if segment.month >= month_of(after):
            read = partial(_rows_if_later, table, segment, after)
            rows = unless_damaged(table, item, read) if beside_damage else read()
            if rows is None:
                continue
            are_ahead = is_ahead(table, rows, after)
            if are_ahead.any():
                yield table, item, segment, filter_rows(rows, are_ahead), filter_rows(rows, ~are_ahead)


def _rows_if_later(table: SegmentTable, segment: SegmentName, after: datetime) -> pa.Table | None:
    is_later = table.summary(segment).last > microseconds(after)
    return table.open(segment).read() if is_later else None


def is_ahead(table: SegmentTable, rows: pa.Table, after: datetime) -> np.ndarray:
    """Return which rows have a slot, or an instant of observation, later than an instant."""
    instants = to_int64(rows.column(table.spec.time_column))
    are_later: np.ndarray = instants > microseconds(after)
    if table.spec.name == TICKS.name:
        is_date = is_in(rows.column("time_basis"), [TimeBasis.DATE])
        are_later &= ~is_date | (instants - DATE_ONLY // timedelta(microseconds=1) > microseconds(after))
    return are_later


def _described(table: SegmentTable, segment: SegmentName, rows: pa.Table) -> Ahead:
    instants = to_int64(rows.column(table.spec.time_column))
    first, last = instant_of(int(instants.min())), instant_of(int(instants.max()))
    return Ahead(segment.name, table.spec.name, segment.source, rows.num_rows, first, last)


def _set_aside(
    backend: StorageBackend, table: SegmentTable, segment: SegmentName, rows: pa.Table, item: Ahead, now: datetime
) -> None:
    """Make rows durable in the quarantine, then the note; the same rows of an interrupted call are not kept twice."""
    rows = compact(rows)
    data = encoded(rows, table.spec, summary_of(rows, table.spec, sealed=True))
    to = _kept_already(backend, segment.name, data) or free_name(backend, segment.name)
    lost = f"{item.rows} {item.what} from {item.first.isoformat()} to {item.last.isoformat()}"
    note = {"name": segment.name, "why": "ahead of the present", "lost": lost, "moved_at": now.isoformat()}
    backend.put(to, data)
    backend.put(f"{to}.json", json.dumps(note, indent=1).encode())


def _kept_already(backend: StorageBackend, name: str, data: pa.Buffer) -> str | None:
    for item in backend.list(QUARANTINE):
        is_same = item.name.startswith(f"{QUARANTINE}/{name}") and item.size_bytes == data.size
        if is_same and not item.name.endswith(".json"):
            with backend.open(item.name) as file:
                if file.read_buffer().equals(data):
                    return item.name
    return None


def _replace(
    backend: StorageBackend, table: SegmentTable, segment: SegmentName, kept: pa.Table, version: Version
) -> None:
    if not kept.num_rows:
        backend.delete(segment.name)
        return
    rows = compact(kept)
    before = table.summary(segment)
    # pairs of the month that are gone do no harm in the summary; that one is missing would
    summary = summary_of(rows, table.spec, sealed=before.sealed, earlier=before.month_series)
    backend.put(segment.name, encoded(rows, table.spec, summary), expected=version)
