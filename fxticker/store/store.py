"""Store of ticks and polls: every acknowledged row is durable and visible to any reader exactly once.

What only writers need is imported where they write, for commands that read start with this module.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from fxticker.model.clock import Clock, SystemClock
from fxticker.model.records import Evidence, Origin, Poll, Retraction, Tick
from fxticker.store.arrow import records_of
from fxticker.store.backend import StorageBackend
from fxticker.store.evidence import EvidenceFolder, encoded
from fxticker.store.location import storage_at
from fxticker.store.partition import partitioned, stamped
from fxticker.store.read_recording import planned_slots, recorded_rows
from fxticker.store.read_retractions import Retracted, read_retracted
from fxticker.store.read_span import ALL_TIME, Span
from fxticker.store.schema import POLLS, RETRACTIONS, TICKS
from fxticker.store.segments import SEGMENT_ROWS, SegmentTable

if TYPE_CHECKING:
    from fxticker.store.check import Finding, Moved
    from fxticker.store.wrong_clock_notes import WrongClockNote

LOCK_TIMEOUT_S = 30.0
"""Seconds that a writer waits for another: an import holds the lock for one or two seconds at a time."""


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
            storage_at(path, must_exist=False) if isinstance(path, str | os.PathLike) else path
        )
        self._clock = clock or SystemClock()
        self._lock_timeout_s = lock_timeout_s
        self._has_id = False
        self.ticks = SegmentTable(self.backend, TICKS, segment_rows)
        self.polls = SegmentTable(self.backend, POLLS, segment_rows)
        self.retractions = SegmentTable(self.backend, RETRACTIONS, segment_rows)
        self.tables = (self.ticks, self.polls, self.retractions)
        self.evidence = EvidenceFolder(self.backend)

    def append(self, ticks: Iterable[Tick]) -> Appended:
        """Store ticks; they are durable when this returns.

        A tick whose identity (source, pair, observed_at, rate_text, change_text) is stored already changes nothing.
        A different value at the same instant is another row.

        Where a segment is damaged, ticks of origin `live` are stored beside it and others refused: it may hold them.

        Raises
        ------
        StoreLocked, WriteFailed, SegmentUnreadable
            No row of a partition whose write failed is acknowledged; the call can be repeated safely.
        """
        rows = list(ticks)
        is_live = all(row.origin is Origin.LIVE for row in rows)
        added = self._append(self.ticks, rows, beside_damage=is_live)
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
        from fxticker.store.validate import fitting, partitions  # here as in `check`: most commands need neither

        for source, month, rows in partitions(fitting(table)):
            added = self._add(self.ticks, [(source, month, rows)])
            yield Appended(added=added, known=rows.num_rows - added)

    def record(self, polls: Iterable[Poll]) -> int:
        """Record outcomes of polls; they are durable when this returns. The first outcome of a slot is final.

        They are recorded beside a damaged segment; the caller leaves out slots that it may hold: `damaged_spans`.

        Returns
        -------
        int
            Number of slots that had no outcome before.

        Raises
        ------
        StoreLocked, WriteFailed, SegmentUnreadable
            As `append`.
        """
        return self._append(self.polls, list(polls), beside_damage=True)

    def retract(self, retractions: Iterable[Retraction]) -> int:
        """Retract ticks from what readers return, or let them count again; durable when this returns.

        A retraction that changes nothing is not stored. The last one of a tick is always the latest by `retracted_at`,
        even if the clock was set back.

        Returns
        -------
        int
            Number of ticks whose state changed.

        Raises
        ------
        StoreLocked, WriteFailed, SegmentUnreadable
            As `append`.
        """
        from fxticker.store.retract import append_retractions

        with self._writing():
            return append_retractions(self.retractions, list(retractions), self._clock.now())

    def retracted(
        self,
        *,
        sources: Collection[str] | None = None,
        span: Span = ALL_TIME,
        as_of: datetime | None = None,
        beside_damage: bool = False,
    ) -> Retracted:
        """Return the ticks that readers leave out: see `read_retracted`."""
        return read_retracted(self.retractions, sources=sources, span=span, as_of=as_of, beside_damage=beside_damage)

    def keep_evidence(self, source: str, observed_at: datetime, evidence: Evidence) -> str:
        """Store the piece of an answer that ticks were read from, once per source, year and content.

        Beyond `EVIDENCE_BYTES` per source and year the oldest pieces are deleted.

        Returns
        -------
        str
            Its hash, for the ticks' column `evidence`; the piece is durable.

        Raises
        ------
        StoreLocked, WriteFailed, SegmentUnreadable
            As `append`.
        """
        import hashlib

        data = encoded(evidence)
        sha256 = hashlib.sha256(data).hexdigest()
        if not self.evidence.is_durable(source, observed_at, sha256):
            with self._writing():
                self.evidence.keep(source, observed_at, data, sha256)
        return sha256

    def keep_wrong_clock_note(self, note: WrongClockNote) -> None:
        """Store a note of a page that came while the machine's clock was wrong; its ticks are not stored."""
        from fxticker.store.wrong_clock_notes import keep_wrong_clock_note

        with self._writing():
            keep_wrong_clock_note(self.backend, note)

    def keep_rejected(self, source: str, slot: datetime, body: bytes, content_type: str | None = None) -> None:
        """Store a body that could not be parsed, compressed; the oldest are deleted beyond the folder's limits."""
        from fxticker.store.rejected import keep_rejected

        with self._writing():
            keep_rejected(self.backend, source, slot, body, content_type)

    def planned_slots(self, source: str, upto: datetime) -> Iterator[datetime]:
        """Yield the recorded slots of a source's schedule up to an instant (included), newest first, aware UTC.

        Scheduled slots are whole seconds; the slot of a manual poll never is. What damaged segments hold is left out;
        one that cannot be read for another reason raises SegmentUnreadable.
        """
        yield from planned_slots(self.polls, source, upto)

    def has_polls(self, source: str, start: datetime, end: datetime) -> bool:
        """Return whether an outcome of a source is recorded for a slot in ``[start, end)``."""
        return bool(recorded_rows(self.polls, source, Span(start, end)).num_rows)

    def live_ticks(self, source: str, start: datetime, end: datetime) -> list[dict[str, Any]]:
        """Return the ticks that polls of a source stored in ``[start, end)``, as Python values."""
        span = Span(start, end)
        rows = recorded_rows(self.ticks, source, span)
        counting = self.retracted(sources=[source], span=span, beside_damage=True).without(source, rows)
        return [row for row in records_of(counting) if row["origin"] == Origin.LIVE]

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
        from fxticker.store.check import check_deferred, check_evidence, check_id, check_table

        in_tables = (finding for table in self.tables for finding in check_table(self.backend, table))
        beside = [*check_evidence(self.backend, self.evidence), *check_deferred(self.backend)]
        return [*in_tables, *beside, *check_id(self.backend)]

    def quarantine(self) -> list[Moved | Finding]:
        """Move every file that no version of fxticker can read, so that readers and appends go on without it.

        Each is moved to ``quarantine/`` under its own name, with a note of what was lost beside it. A file that could
        not be moved is returned as a finding. Raises StoreLocked as `append`.
        """
        from fxticker.store.check import quarantined

        with self._writing():
            return quarantined(self.backend, self.tables, self.evidence, self._clock.now())

    @contextmanager
    def _writing(self) -> Iterator[None]:
        from fxticker.store.store_id import ensure_store_id

        with self.backend.write_lock(self._lock_timeout_s):
            if not self._has_id:
                ensure_store_id(self.backend)
                self._has_id = True
            yield

    def _append(self, table: SegmentTable, rows: Sequence[Any], *, beside_damage: bool) -> int:
        return self._add(table, partitioned(rows, table.spec), beside_damage=beside_damage)

    def _add(
        self, table: SegmentTable, parts: Iterable[tuple[str, str, pa.Table]], *, beside_damage: bool = False
    ) -> int:
        """Append each part (source, month, rows without the written column) and return the number of new rows."""
        with self._writing():
            # Read under the lock, so that the later of two appends has the later timestamp.
            now = self._clock.now()
            whole = ((source, month, stamped(rows, table.spec, now)) for source, month, rows in parts)
            return sum(table.append(*part, beside_damage=beside_damage) for part in whole)


def opened(store: str | os.PathLike[str] | Store) -> Store:
    """Return the store itself, or the one at a path.

    Raises
    ------
    StoreError
        If there is no store at the path.
    """
    return store if isinstance(store, Store) else Store(storage_at(store, must_exist=True))
