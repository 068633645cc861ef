"""The store: what is acknowledged is durable, whole, and seen exactly once by any reader."""

from __future__ import annotations

import gzip
import os
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
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
"""How long a writer waits for another: an import publishes for a second or two at a time."""
REJECTED_FILES = 200
"""Bodies kept for looking at: two days of polls at 15 min, all failed."""
REJECTED_BYTES = 50_000_000
"""A page compresses to some 30 kB, so files are the bound that counts; this one is for bodies made to be large."""


@dataclass(frozen=True, slots=True)
class Appended:
    """What became of rows handed to `append`.

    Attributes
    ----------
    added
        Rows that were not stored before.
    known
        Rows that were, or that came twice.
    """

    added: int
    known: int


class Store:
    """A store of ticks and polls.

    Reading needs no lock and changes nothing. Each writing call holds the store's lock for itself, so that a daemon,
    a cron job and an import can share a store.

    Parameters
    ----------
    path
        The store's folder, or a backend.
    clock
        Gives `recorded_at`.
    lock_timeout_s
        How long a writing call waits for another writer before it raises `StoreLocked`.
    segment_rows
        Rows at which a segment is sealed.
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
        """Store ticks; when this returns they are durable.

        A tick whose identity (source, pair, observed_at, rate_text, change_text) is stored already changes nothing;
        another value at the same instant is another row.

        Raises
        ------
        StoreLocked, WriteFailed, SegmentUnreadable
            Nothing of a partition whose write failed is acknowledged; doing it again is safe.
        """
        rows = list(ticks)
        added = self._append(self.ticks, rows, at=lambda tick: tick.observed_at)
        return Appended(added=added, known=len(rows) - added)

    def append_table(self, table: pa.Table) -> Appended:
        """`append` for ticks by the million: a table instead of objects.

        Parameters
        ----------
        table
            The columns of a tick and its `source`, in any order and of any number of sources and months. Further
            columns are left out, among them `recorded_at`, which is when this store wrote the row.

        Raises
        ------
        SchemaMismatch
            If a column or a value is none of a tick, or a number is not what its text says. Nothing is stored.
        StoreLocked, WriteFailed, SegmentUnreadable
            As `append`: months before the one that failed are stored.
        """
        done = list(self.append_by_month(table))
        return Appended(added=sum(part.added for part in done), known=sum(part.known for part in done))

    def append_by_month(self, table: pa.Table) -> Iterator[Appended]:
        """`append_table` step by step: tells what became of each source's month once it is durable.

        Other writers wait for one such step, and not for all.
        """
        for source, month, rows in partitions(fitting(table)):
            added = self._add(self.ticks, [(source, month, rows)])
            yield Appended(added=added, known=rows.num_rows - added)

    def record(self, polls: Iterable[Poll]) -> int:
        """Record outcomes; when this returns they are durable. The first outcome of a slot stays.

        Returns
        -------
        int
            How many slots had no outcome before.

        Raises
        ------
        StoreLocked, WriteFailed, SegmentUnreadable
            As `append`.
        """
        return self._append(self.polls, list(polls), at=lambda poll: poll.slot)

    def keep_rejected(self, source: str, slot: datetime, body: bytes) -> None:
        """Keep a body that could not be read, compressed, within the folder's bounds: the oldest give way."""
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
        """The recorded slots of a source's grid up to an instant, the newest first.

        Slots on a grid are whole seconds; a poll that a person asked for never is.
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
        """Whether an outcome of a source is recorded for a slot in ``[start, end)``."""
        return bool(read_span(self.polls, sources=[source], span=Span(start, end)).num_rows)

    def live_ticks(self, source: str, start: datetime, end: datetime) -> list[dict[str, Any]]:
        """The rows that polls of a source stored in ``[start, end)``, as Python values."""
        rows = records_of(read_span(self.ticks, sources=[source], span=Span(start, end)))
        return [row for row in rows if row["origin"] == Origin.LIVE]

    def daemon_lock(self) -> AbstractContextManager[None]:
        """Be the store's one daemon, until the block ends or the process does.

        Others read and write as ever; only another daemon is refused.

        Raises
        ------
        StoreLocked
            Naming the daemon that runs already.
        WriteFailed
            If there can be no lock.
        """
        return self.backend.daemon_lock()

    def daemon(self) -> str | None:
        """Who the daemon on this store is: process, program, since when; null if none runs.

        Changes nothing, and needs no more than leave to read.
        """
        return self.backend.daemon()

    def check(self) -> list[Finding]:
        """Read every file whole and return what is wrong, file by file; an empty list is a sound store."""
        return [finding for table in (self.ticks, self.polls) for finding in check_table(self.backend, table)]

    def quarantine(self) -> list[Moved | Finding]:
        """Move every file that no fxticker can read aside, so that readers and appends go on without it.

        Each goes to ``quarantine/`` under its own name with a note of what was lost beside it. A file that could not
        be moved is a finding.

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

    def _append(self, table: SegmentTable, rows: Sequence[Any], *, at: Callable[[Any], datetime]) -> int:
        members_of: dict[tuple[str, str], list[Any]] = defaultdict(list)
        for row in rows:
            members_of[row.source, month_of(at(row))].append(row)
        schema = pa.schema([field for field in table.spec.schema if field.name != "recorded_at"])
        tables = (
            (source, month, table_of(sorted(members, key=attrgetter(*table.spec.order)), schema, getattr))
            for (source, month), members in sorted(members_of.items(), key=lambda item: item[0])
        )
        return self._add(table, tables)

    def _add(self, table: SegmentTable, parts: Iterable[tuple[str, str, pa.Table]]) -> int:
        """Append each part, a source's rows of a month without `recorded_at`."""
        schema = table.spec.schema
        added = 0
        with self.backend.write_lock(self._lock_timeout_s):
            # Taken under the lock, so that of two appends the later one has the later instant.
            recorded_at = self._clock.now()
            for source, month, rows in parts:
                columns = [
                    repeated(recorded_at, rows.num_rows) if name == "recorded_at" else rows.column(name)
                    for name in schema.names
                ]
                added += table.append(source, month, pa.Table.from_arrays(columns, schema=schema))
        return added


def opened(store: str | os.PathLike[str] | Store) -> Store:
    """The store itself, or the one that lies at a path.

    Raises
    ------
    StoreError
        If nothing was ever written there.
    """
    return store if isinstance(store, Store) else Store(local_storage(store, must_exist=True))


__all__ = ["Appended", "Finding", "Moved", "Store", "opened"]
