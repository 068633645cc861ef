"""Store of ticks and polls: every acknowledged row is durable and visible to any reader exactly once."""

from __future__ import annotations

import gzip
import os
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from operator import attrgetter
from typing import Any

import numpy as np
import pyarrow as pa

from fxticker.model.clock import Clock, SystemClock
from fxticker.model.records import Origin, Poll, Tick
from fxticker.store.arrow import instant_of, microseconds, records_of, repeated, table_of, to_int64
from fxticker.store.backend import StorageBackend
from fxticker.store.check import Finding, Moved, check_table, moved_aside
from fxticker.store.local import local_storage
from fxticker.store.read_span import Span, month_of, read_span
from fxticker.store.schema import POLLS, TICKS
from fxticker.store.segments import SEGMENT_ROWS, SegmentTable
from fxticker.store.validate import fitting, partitions

LOCK_TIMEOUT_S = 30.0
"""Seconds that a writer waits for another: an import holds the lock for one or two seconds at a time."""
REJECTED_FILES = 200
"""Rejected bodies kept for inspection: two days of polls at 15 min, all failed."""
REJECTED_BYTES = 50_000_000
"""Compressed size of all rejected bodies, in bytes. A page compresses to some 30 kB, so normally the number of
files is the limit; this one is for bodies of unusual size."""


@dataclass(frozen=True, slots=True)
class Appended:
    """Result of an append.

    Attributes
    ----------
    added
        Number of rows that were not stored before.
    known
        Number of rows that were stored already or occurred twice.
    """

    added: int
    known: int


class Store:
    """A store of ticks and polls.

    Reading needs no lock and changes nothing. Each writing call takes the store's write lock, so that a daemon, a cron
    job and an import can share a store.

    Parameters
    ----------
    path
        The store's folder, or a storage backend.
    clock
        Supplies `recorded_at`, aware UTC.
    lock_timeout_s
        Seconds that a writing call waits for another writer before it raises `StoreLocked`.
    segment_rows
        Number of rows at which a segment is sealed.
    """

    def __init__(
        self,
        path: str | os.PathLike[str] | StorageBackend,
        *,
        clock: Clock | None = None,
        lock_timeout_s: float = LOCK_TIMEOUT_S,
        segment_rows: int = SEGMENT_ROWS,
    ) -> None:
        self.backend: StorageBackend = (
            local_storage(path, must_exist=False) if isinstance(path, str | os.PathLike) else path
        )
        self._clock = clock or SystemClock()
        self._lock_timeout_s = lock_timeout_s
        self.ticks = SegmentTable(self.backend, TICKS, segment_rows)
        self.polls = SegmentTable(self.backend, POLLS, segment_rows)

    def append(self, ticks: Iterable[Tick]) -> Appended:
        """Store ticks; they are durable when this returns.

        A tick whose identity (source, pair, observed_at, rate_text, change_text) is stored already changes nothing.
        A different value at the same instant is another row.

        Raises
        ------
        StoreLocked, WriteFailed, SegmentUnreadable
            No row of a partition whose write failed is acknowledged; the call can be repeated safely.
        """
        rows = list(ticks)
        added = self._append(self.ticks, rows)
        return Appended(added=added, known=len(rows) - added)

    def append_table(self, table: pa.Table) -> Appended:
        """Store ticks given as a table, as `append`; for millions of rows.

        Parameters
        ----------
        table
            The columns of a tick and `source`, in any order, of any number of sources and months. Further columns
            are ignored, among them `recorded_at`, which is set to the time of this write.

        Raises
        ------
        SchemaMismatch
            If a column or a value is invalid, or a number does not follow from its text. Nothing is stored.
        StoreLocked, WriteFailed, SegmentUnreadable
            As `append`; months before the one that failed are stored.
        """
        parts = list(self.append_by_month(table))
        return Appended(added=sum(part.added for part in parts), known=sum(part.known for part in parts))

    def append_by_month(self, table: pa.Table) -> Iterator[Appended]:
        """Store ticks as `append_table`, and yield the result of each source and month once it is durable.

        The write lock is released between months, so that other writers wait for one month only.
        """
        for source, month, rows in partitions(fitting(table)):
            added = self._add(self.ticks, [(source, month, rows)])
            yield Appended(added=added, known=rows.num_rows - added)

    def record(self, polls: Iterable[Poll]) -> int:
        """Record outcomes of polls; they are durable when this returns. The first outcome of a slot is final.

        Returns
        -------
        int
            Number of slots that had no outcome before.

        Raises
        ------
        StoreLocked, WriteFailed, SegmentUnreadable
            As `append`.
        """
        return self._append(self.polls, list(polls))

    def keep_rejected(self, source: str, slot: datetime, body: bytes) -> None:
        """Store a body that could not be parsed, compressed; the oldest are deleted beyond the folder's limits."""
        data = gzip.compress(body, mtime=0)
        name = f"rejected/source={source}/{slot:%Y%m%dT%H%M%S.%fZ}.gz"
        if len(data) > REJECTED_BYTES:
            return
        with self.backend.write_lock(self._lock_timeout_s):
            kept = [item for item in self.backend.list("rejected") if item.name != name]
            size_bytes = sum(item.size_bytes for item in kept) + len(data)
            while kept and (len(kept) >= REJECTED_FILES or size_bytes > REJECTED_BYTES):
                oldest = min(kept, key=lambda item: item.name.rpartition("/")[2])
                self.backend.delete(oldest.name)
                kept.remove(oldest)
                size_bytes -= oldest.size_bytes
            self.backend.put(name, data)

    def planned_slots(self, source: str, upto: datetime) -> Iterator[datetime]:
        """Yield the recorded slots of a source's schedule up to an instant (included), newest first, aware UTC.

        Scheduled slots are whole seconds; the slot of a manual poll never is.
        """
        for month in reversed(self.polls.months(source)):
            files = [self.polls.open(segment).read(["slot"]) for segment in self.polls.segments(source, month)]
            slots = np.sort(
                np.concatenate([to_int64(rows.column("slot")) for rows in files] or [np.zeros(0, np.int64)])
            )
            kept = slots[(slots % 1_000_000 == 0) & (slots <= microseconds(upto))]
            for slot in kept[::-1].tolist():
                yield instant_of(slot)

    def has_polls(self, source: str, start: datetime, end: datetime) -> bool:
        """Return whether an outcome of a source is recorded for a slot in ``[start, end)``."""
        return bool(read_span(self.polls, sources=[source], span=Span(start, end)).num_rows)

    def live_ticks(self, source: str, start: datetime, end: datetime) -> list[dict[str, Any]]:
        """Return the ticks that polls of a source stored in ``[start, end)``, as Python values."""
        rows = records_of(read_span(self.ticks, sources=[source], span=Span(start, end)))
        return [row for row in rows if row["origin"] == Origin.LIVE]

    def daemon_lock(self) -> AbstractContextManager[None]:
        """Hold the lock of the store's one daemon until the block or the process ends.

        Readers and writers are not affected; only another daemon is refused.

        Raises
        ------
        StoreLocked
            If a daemon runs already, with its process.
        WriteFailed
            If the lock file cannot be created.
        """
        return self.backend.daemon_lock()

    def daemon(self) -> str | None:
        """Return process, program and start time of the daemon on this store; None if none runs.

        Permission to read is enough, and nothing is changed.
        """
        return self.backend.daemon()

    def check(self) -> list[Finding]:
        """Read every file completely and return the faults, file by file; an empty list if there are none."""
        return [finding for table in (self.ticks, self.polls) for finding in check_table(self.backend, table)]

    def quarantine(self) -> list[Moved | Finding]:
        """Move every file that no version of fxticker can read, so that readers and appends go on without it.

        Each is moved to ``quarantine/`` under its own name, with a note of what was lost beside it. A file that could
        not be moved is returned as a finding.

        Raises
        ------
        StoreLocked
            As `append`.
        """
        with self.backend.write_lock(self._lock_timeout_s):
            return [
                moved_aside(self.backend, table, finding, self._clock.now())
                for table in (self.ticks, self.polls)
                for finding in list(check_table(self.backend, table))
                if finding.in_the_way
            ]

    def _append(self, table: SegmentTable, rows: Sequence[Any]) -> int:
        members_of: dict[tuple[str, str], list[Any]] = defaultdict(list)
        for row in rows:
            members_of[row.source, month_of(getattr(row, table.spec.time_column))].append(row)
        schema = pa.schema([field for field in table.spec.schema if field.name != "recorded_at"])
        tables = (
            (source, month, table_of(sorted(members, key=attrgetter(*table.spec.order)), schema, getattr))
            for (source, month), members in sorted(members_of.items(), key=lambda item: item[0])
        )
        return self._add(table, tables)

    def _add(self, table: SegmentTable, parts: Iterable[tuple[str, str, pa.Table]]) -> int:
        """Append each part (source, month, rows without `recorded_at`) and return the number of new rows."""
        schema = table.spec.schema
        added = 0
        with self.backend.write_lock(self._lock_timeout_s):
            # Read under the lock, so that the later of two appends has the later timestamp.
            recorded_at = self._clock.now()
            for source, month, rows in parts:
                columns = [
                    repeated(recorded_at, rows.num_rows) if name == "recorded_at" else rows.column(name)
                    for name in schema.names
                ]
                added += table.append(source, month, pa.Table.from_arrays(columns, schema=schema))
        return added


def opened(store: str | os.PathLike[str] | Store) -> Store:
    """Return the store itself, or the one at a path.

    Raises
    ------
    StoreError
        If there is no store at the path.
    """
    return store if isinstance(store, Store) else Store(local_storage(store, must_exist=True))


__all__ = ["Appended", "Finding", "Moved", "Store", "opened"]
