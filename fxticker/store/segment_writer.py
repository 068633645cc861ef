"""Segment writer: appends rows to the newest segment of a partition, or opens the next one.

A partition (one source, one month) has numbered segments. An append replaces the newest segment as a whole, until it
is full, with `SEGMENT_ROWS` of `fxticker.store.segments`; then it is sealed (`fxticker.store.segment_file.encoded`
makes it small), appends never write it again, and the next number is opened. A published row stays in its segment, so
there is no instant at which a reader sees it twice or not at all. What an append repeats, the rows and the summary of
the newest segment, is verified before.

Each write names the version that it replaces, or that there is none. If another writer came first, the append begins
again from the listing, with the rows that are still new. A segment is created only after the one before it was sealed,
by this writer or as it was read, or is damaged.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Protocol, TypeVar

import numpy as np
import pyarrow as pa

from fxticker.errors import Conflict, SchemaMismatch, SegmentUnreadable
from fxticker.store.arrow import compact, order_by, take, to_int64
from fxticker.store.backend import ABSENT, StorageBackend, StoredObject, Version
from fxticker.store.damage import DamageLog, is_damage
from fxticker.store.dedupe import first_of_identity, is_strictly_sorted
from fxticker.store.schema import TableSpec
from fxticker.store.segment_file import SegmentFile, encoded, summary_of_file
from fxticker.store.segment_name import SegmentName, numbered, segment_name
from fxticker.store.segment_summary import SegmentSummary, summary_of

_TRIES = 20
"""How often an append begins. Each time one of the writers succeeds, so few of them never come near it."""
_OPEN_TABLES_KEPT = 4
"""Open segments kept in memory between appends, one of each source: an import goes through months in order."""
_Result = TypeVar("_Result")


class _UnlessDamaged(Protocol):
    def __call__(self, item: StoredObject, read: Callable[[], _Result]) -> _Result | None:
        """The result of reading a segment; None if it is damaged and may be passed over."""


class SegmentWriter:
    """Appends to the segments of one table.

    Parameters
    ----------
    backend
        Storage of the segments.
    spec
        Columns, identity and order.
    segment_rows
        Number of rows at which a segment is sealed.
    damage
        Where damaged segments, and files that are none, are noted.
    """

    def __init__(self, backend: StorageBackend, spec: TableSpec, segment_rows: int, damage: DamageLog) -> None:
        self._backend = backend
        self._spec = spec
        self._segment_rows = segment_rows
        self._damage = damage
        self._summaries: dict[str, tuple[Version, SegmentSummary]] = {}
        self._open_tables: OrderedDict[str, tuple[Version, pa.Table]] = OrderedDict()
        self._durable: dict[str, Version] = {}
        self._verified: dict[str, Version] = {}

    def append(self, partition: str, rows: pa.Table, *, beside_damage: bool = False) -> int:
        """Append the rows whose identity is not stored yet, and return their number once they are durable.

        Files that are no segments are noted and ignored. The caller holds the store's write lock.

        Parameters
        ----------
        partition
            The folder of the one source and month that all rows belong to.
        rows
            Of the table's schema, in any order.
        beside_damage
            Whether to go on where the bytes of a segment are damaged: it is noted, and nothing is added to it. Rows
            that it may hold are then stored again, so this is for rows that are new.

        Raises
        ------
        SchemaMismatch
            If the rows have another schema.
        WriteFailed, SegmentUnreadable
            Segments before the one that failed are stored.
        """
        if not rows.schema.equals(self._spec.schema, check_metadata=True):
            raise SchemaMismatch(f"{self._spec.name}: rows to be appended are not of the table's schema")
        added = 0
        for number in range(1, _TRIES + 1):
            try:
                for count in self._published(partition, rows, beside_damage=beside_damage):
                    added += count
            except Conflict:
                if number == _TRIES:
                    raise
            else:
                break
        return added

    def _published(self, partition: str, rows: pa.Table, *, beside_damage: bool) -> Iterator[int]:
        """Publish the rows whose identity is not stored yet, and yield their number segment by segment."""
        segments = dict(listed(self._backend, self._spec.name, partition, self._damage))
        objects = [*segments]
        newest = objects[-1] if objects else None
        # What an unreadable newest segment holds is decided by its version alone where others may write, too.
        needed = newest if self._backend.is_shared else None
        unless_damaged = partial(self._unless_damaged, needed=needed, beside_damage=beside_damage)
        sound = [item for item in objects if unless_damaged(item, partial(self._verify, partition, item, objects))]
        fresh = self._fresh(partition, sound, self._sorted(rows), unless_damaged)
        stored = None
        if newest and newest in sound:
            if fresh.num_rows and not self._summary(newest).sealed:
                stored = self._open_table(partition, newest)
            else:
                unless_damaged(newest, partial(self._ensure_durable, partition, newest))
        if not fresh.num_rows:
            return
        number = segments[newest].number if newest and stored is not None else self._free_number(partition, objects)
        earlier = () if newest is None else self._summary(newest).month_series if sound == objects else None
        for part in self._parts(fresh, self._segment_rows - (stored.num_rows if stored is not None else 0)):
            content = part if stored is None else self._merged(stored, part)
            expected = newest.version if newest and stored is not None else ABSENT
            earlier = self._publish(partition, numbered(partition, number), content, expected, earlier).month_series
            stored, number = None, number + 1
            yield int(part.num_rows)

    def _free_number(self, partition: str, objects: Sequence[StoredObject]) -> int:
        """The number after those of all segments of a partition, and of folders in their place."""
        names = [item.name for item in objects]
        names += [f"{partition}/{folder}" for folder in self._backend.folders(partition)]
        segments = (segment_name(name, self._spec.name) for name in names)
        return max((segment.number + 1 for segment in segments if segment is not None), default=0)

    def _unless_damaged(
        self, item: StoredObject, read: Callable[[], _Result], *, needed: StoredObject | None, beside_damage: bool
    ) -> _Result | None:
        """The result of reading a segment; None if it is damaged and may be passed over, which is noted."""
        try:
            return read()
        except SegmentUnreadable as error:
            if not beside_damage or item is needed or not is_damage(error):
                raise
            self._damage.note(item, error)
            return None

    def _verify(self, partition: str, item: StoredObject, objects: Sequence[StoredObject]) -> bool:
        """Verify what an append repeats, and what only an interrupted write leaves; true, or it raises.

        A sealed segment is not repeated, so that its summary is enough until its rows are needed. One that is open and
        not the newest was left behind because it was damaged.
        """
        summary = self._summary(item)
        is_newest = item is objects[-1]
        if is_newest and not summary.sealed:
            self._open_table(partition, item)
        elif not summary.sealed and self._verified.get(item.name) != item.version:
            self._opened(item).verified()
        if is_newest and summary.month_series is not None and self._verified.get(item.name) != item.version:
            known = [self._summaries[other.name][1] for other in objects if other.name in self._summaries]
            series = {name for other in known for name in other.series}
            if not series <= {*summary.month_series}:
                raise SegmentUnreadable(item.name, "the summary in its footer lacks pairs of its month")
        self._verified[item.name] = item.version
        return True

    def _fresh(
        self, partition: str, objects: Sequence[StoredObject], rows: pa.Table, unless_damaged: _UnlessDamaged
    ) -> pa.Table:
        """Of sorted rows those whose identity is neither in a segment nor in an earlier row."""
        instants = to_int64(rows.column(self._spec.time_column))
        if not len(instants):
            return rows
        stored = []
        for item in objects:
            summary = self._summary(item)
            if summary.first <= instants[-1] and instants[0] <= summary.last:
                kept = self._open_tables.get(partition)
                if kept is not None and kept[0] == item.version:
                    whole = kept[1]
                elif (part := unless_damaged(item, partial(self._read_identity, item))) is not None:
                    whole = part
                else:
                    continue
                near = np.flatnonzero(np.isin(to_int64(whole.column(self._spec.time_column)), instants))
                stored.append(take(whole.select(self._spec.identity), near))
        if not any(part.num_rows for part in stored) and is_strictly_sorted(rows, self._spec):
            return rows  # a poll's rows, mostly: new instants, each pair once
        return take(rows, first_of_identity(stored, rows, self._spec))

    def _sorted(self, rows: pa.Table) -> pa.Table:
        order = order_by(rows, self._spec.order)
        if np.array_equal(order, np.arange(len(order))):
            return rows.combine_chunks()
        return take(rows, order)

    def _merged(self, stored: pa.Table, part: pa.Table) -> pa.Table:
        """The rows of both, sorted; a poll's rows are later than all stored ones and need no sorting."""
        if not stored.num_rows:
            return part
        merged = pa.concat_tables([stored, part]).unify_dictionaries().combine_chunks()
        time = self._spec.time_column
        is_later = to_int64(part.column(time))[0] > to_int64(stored.column(time))[-1]
        return merged if is_later else self._sorted(merged)

    def _parts(self, rows: pa.Table, room: int) -> Iterator[pa.Table]:
        """Sorted rows divided into segments; the rows of one instant stay in one segment.

        Dictionaries are reduced to the texts of each part, because readers take the dictionary for the texts of a file.
        """
        instants = to_int64(rows.column(self._spec.time_column))
        start = 0
        while start < len(instants):
            end = min(start + max(room, 1), len(instants))
            end = int(np.searchsorted(instants, instants[end - 1], side="right"))
            yield compact(rows.slice(start, end - start))
            start, room = end, self._segment_rows

    def _publish(
        self, partition: str, name: str, rows: pa.Table, expected: Version, earlier: tuple[str, ...] | None
    ) -> SegmentSummary:
        self._open_tables.pop(partition, None)
        summary = summary_of(rows, self._spec, sealed=rows.num_rows >= self._segment_rows, earlier=earlier)
        version = self._put(partition, name, encoded(rows, self._spec, summary), expected)
        # Kept, so that the next append does not read back what was just written.
        self._summaries[name] = version, summary
        if not summary.sealed:
            self._keep(partition, version, rows)
        return summary

    def _put(self, partition: str, name: str, data: pa.Buffer, expected: Version) -> Version:
        """Publish the newest segment of a partition, and return its version, which is durable now."""
        self._durable[partition] = self._backend.put(name, data, expected=expected)
        return self._durable[partition]

    def _ensure_durable(self, partition: str, newest: StoredObject) -> None:
        """Make the newest segment durable before rows in it are acknowledged.

        An interrupted process, or a failed fsync of the folder, may have left a segment visible and not durable. Its
        bytes are published once more, because a second fsync after a failed one proves nothing.
        """
        if not self._backend.is_shared and self._durable.get(partition) != newest.version:
            file = self._opened(newest)
            file.verified()
            self._put(partition, newest.name, file.data, newest.version)

    def _open_table(self, partition: str, item: StoredObject) -> pa.Table:
        kept = self._open_tables.get(partition)
        if kept is None or kept[0] != item.version:
            self._keep(partition, item.version, self._sorted(self._opened(item).verified()))
        return self._open_tables[partition][1]

    def _keep(self, partition: str, version: Version, rows: pa.Table) -> None:
        source = partition.rpartition("/")[0]
        for other in [name for name in self._open_tables if name.rpartition("/")[0] == source]:
            del self._open_tables[other]
        self._open_tables[partition] = (version, rows)
        while len(self._open_tables) > _OPEN_TABLES_KEPT:
            self._open_tables.popitem(last=False)

    def _summary(self, item: StoredObject) -> SegmentSummary:
        version, summary = self._summaries.get(item.name, (None, None))
        if summary is None or version != item.version:
            summary = summary_of_file(self._backend, item.name, self._spec, version=item.version)
            self._summaries[item.name] = item.version, summary
        return summary

    def _read_identity(self, item: StoredObject) -> pa.Table:
        return self._opened(item).read(self._spec.identity)

    def _opened(self, item: StoredObject) -> SegmentFile:
        return SegmentFile(self._backend, item.name, self._spec, version=item.version)


def listed(
    backend: StorageBackend, table: str, prefix: str, damage: DamageLog
) -> list[tuple[StoredObject, SegmentName]]:
    """Return the segments of a table below a folder, sorted by name; files that are none are noted and left out."""
    found = []
    for item in backend.list(prefix):
        segment = segment_name(item.name, table)
        if segment is None:
            damage.note_stray(item.name)
        else:
            found.append((item, segment))
    return found
