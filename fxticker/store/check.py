"""Check of a store, file by file, and quarantine of files that cannot be read."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import groupby
from typing import Any

import numpy as np
import pyarrow as pa

from fxticker.errors import NewerSchema, SegmentUnreadable, StoreError
from fxticker.store.arrow import instant_of, order_by, to_int64
from fxticker.store.backend import StorageBackend, StoredObject
from fxticker.store.damage import is_damage
from fxticker.store.dedupe import first_of_identity
from fxticker.store.deferred import DEFERRED, read_stretches
from fxticker.store.evidence import EVIDENCE, EvidenceFolder, name_of
from fxticker.store.number_texts import wrong_numbers
from fxticker.store.segment_summary import SegmentSummary, summary_of
from fxticker.store.segments import SegmentName, SegmentTable
from fxticker.store.store_id import read_store_id

QUARANTINE = "quarantine"


@dataclass(frozen=True, slots=True)
class Finding:
    """A fault in a store.

    Attributes
    ----------
    name
        Path of the file or folder inside the store.
    what
        The fault, in one line.
    in_the_way
        Whether no version of fxticker can read the file, or its summary would mislead readers, so that it has to be
        moved for them to go on.
    """

    name: str
    what: str
    in_the_way: bool = False

    def __str__(self) -> str:
        return f"{self.name}: {self.what}"


@dataclass(frozen=True, slots=True)
class Moved:
    """A file that was moved to the quarantine.

    Attributes
    ----------
    name, to
        Old and new path inside the store; a note, ``….json``, is beside the new one.
    lost
        What is no longer readable, in one line.
    """

    name: str
    to: str
    lost: str


@dataclass(frozen=True, slots=True)
class _Checked:
    """A file with a segment's name; `rows` and `summary` are None if it cannot be read."""

    segment: SegmentName
    findings: Sequence[Finding]
    rows: pa.Table | None = None
    summary: SegmentSummary | None = None


def check_table(backend: StorageBackend, table: SegmentTable) -> Iterator[Finding]:
    """Read every file of a table completely and yield its faults.

    Parameters
    ----------
    backend
        Storage of the table.
    table
        Ticks, polls or retractions.
    """
    names: list[str] = []
    for item in _listed(backend, table):
        if isinstance(item, Finding):
            yield item
        else:
            names.append(item.name)
    for partition, members in groupby(names, key=lambda name: name.rpartition("/")[0]):
        segments: list[_Checked] = []
        for name in members:
            result = _checked(table, name)
            if isinstance(result, Finding):
                yield result
            else:
                yield from result.findings
                segments.append(result)
        yield from _faults_of_partition(backend, partition, segments, table)


def check_segment(table: SegmentTable, name: str) -> list[Finding]:
    """Read one file of a table completely and return its faults, without regard to the other files."""
    result = _checked(table, name)
    return [result] if isinstance(result, Finding) else [*result.findings]


def check_evidence(backend: StorageBackend, folder: EvidenceFolder) -> Iterator[Finding]:
    """Read all evidence and yield its faults: files of other names, and bytes that do not give the hash in a name."""
    try:
        items = backend.list(EVIDENCE)
    except SegmentUnreadable as error:
        yield Finding(error.name, error.cause)
        return
    for item in items:
        name = name_of(item)
        if name is None:
            yield Finding(item.name, "not the name of a piece of evidence")
            continue
        try:
            folder.read(name)
        except SegmentUnreadable as error:
            # Without the system's refusal as its cause, it is the bytes that are wrong.
            is_fault = isinstance(error.__cause__, OSError)
            yield Finding(error.name, f"cannot be read ({error.cause})", in_the_way=not is_fault)


def check_deferred(backend: StorageBackend) -> Iterator[Finding]:
    """Yield the lists of deferred slots that cannot be read: those slots get no outcome."""
    try:
        names = [item.name for item in backend.list(DEFERRED)]
    except SegmentUnreadable as error:
        yield Finding(error.name, error.cause)
        return
    for name in names:
        try:
            read_stretches(backend, name)
        except SegmentUnreadable as error:
            yield Finding(name, f"cannot be read ({error.cause})", in_the_way=is_damage(error))


def free_name(backend: StorageBackend, name: str) -> str:
    """Return the name of a file in the quarantine under which neither a file nor a note is there."""
    taken = {item.name for item in backend.list(QUARANTINE)}
    names = (f"{QUARANTINE}/{name}{suffix}" for suffix in ["", *(f".{n}" for n in range(1, 10_000))])
    return next(name for name in names if not {name, f"{name}.json"} & taken)


def moved_aside(backend: StorageBackend, finding: Finding, lost: str, now: datetime) -> Moved | Finding:
    """Move a file that cannot be read to the quarantine, with a note of what is lost; a finding if that fails.

    The note is durable before the file is moved. The caller holds the store's write lock.
    """
    to = free_name(backend, finding.name)
    note = {"name": finding.name, "why": finding.what, "lost": lost, "moved_at": now.isoformat()}
    try:
        backend.put(f"{to}.json", json.dumps(note, indent=1).encode())
        backend.move(finding.name, to)
    except StoreError as error:
        return Finding(finding.name, f"could not be moved aside: {error}", in_the_way=True)
    return Moved(finding.name, to, lost)


def quarantined(
    backend: StorageBackend, tables: Sequence[SegmentTable], evidence: EvidenceFolder, now: datetime
) -> list[Moved | Finding]:
    """Move every file aside that is in the way: `Store.quarantine`. The caller holds the store's write lock."""
    found = {
        finding.name: (finding, lost_rows(table, finding.name))
        for table in tables
        for finding in check_table(backend, table)
        if finding.in_the_way
    }
    found |= {item.name: (item, "a piece of evidence") for item in check_evidence(backend, evidence) if item.in_the_way}
    found |= {item.name: (item, "slots to be recorded") for item in check_deferred(backend) if item.in_the_way}
    found |= {item.name: (item, "the store's id; it gets another one") for item in check_id(backend) if item.in_the_way}
    return [moved_aside(backend, finding, lost, now) for finding, lost in found.values()]


def check_id(backend: StorageBackend) -> Iterator[Finding]:
    """Yield the fault of a store's id, if it has one that cannot be read."""
    try:
        read_store_id(backend)
    except SegmentUnreadable as error:
        yield Finding(error.name, f"cannot be read ({error.cause})", in_the_way=is_damage(error))


def _listed(backend: StorageBackend, table: SegmentTable) -> Iterator[StoredObject | Finding]:
    try:
        yield from backend.list(table.spec.name)
    except SegmentUnreadable as error:
        yield Finding(error.name, error.cause)
        with contextlib.suppress(SegmentUnreadable):
            for source in table.sources():  # the other folders are still checked
                for month in table.months(source):
                    with contextlib.suppress(SegmentUnreadable):
                        yield from backend.list(f"{table.spec.name}/source={source}/month={month}")


def _checked(table: SegmentTable, name: str) -> _Checked | Finding:
    try:
        segment = table.segment_of(name)
    except SegmentUnreadable as error:
        return Finding(name, error.cause, in_the_way=True)
    try:
        file = table.open(segment)
        rows = file.read()
    except SegmentUnreadable as error:
        if isinstance(error.__cause__, NewerSchema):
            return _Checked(segment, [Finding(name, error.cause)])
        # A system error proves nothing about the bytes: the file is reported and not moved.
        return _Checked(segment, [Finding(name, f"cannot be read ({error.cause})", in_the_way=is_damage(error))])
    findings = [*_faults_of_rows(segment, rows, file.summary, table)]
    return _Checked(segment, findings, rows.select(table.spec.identity), file.summary)


def _faults_of_rows(
    segment: SegmentName, rows: pa.Table, summary: SegmentSummary, table: SegmentTable
) -> Iterator[Finding]:
    if replace(summary_of(rows, table.spec, sealed=summary.sealed), month_series=summary.month_series) != summary:
        yield Finding(segment.name, "the summary in its footer does not match its rows", in_the_way=True)
    instants = to_int64(rows.column(table.spec.time_column))
    misplaced = np.flatnonzero(instants.astype("M8[us]").astype("M8[M]") != np.datetime64(segment.month, "M"))
    if len(misplaced):
        first = _instant(instants[misplaced[0]])
        yield Finding(segment.name, f"{len(misplaced)} rows of other months, the first of {first}")
    if not np.array_equal(order_by(rows, table.spec.order), np.arange(len(instants))):
        yield Finding(segment.name, f"its rows are not in order of {', '.join(table.spec.order)}")
    if table.spec.name == "ticks" and (problem := wrong_numbers(rows)):
        yield Finding(segment.name, f"numbers that do not follow from their texts: {problem}")


def _faults_of_partition(
    backend: StorageBackend, partition: str, segments: Sequence[_Checked], table: SegmentTable
) -> Iterator[Finding]:
    earlier: list[pa.Table] = []
    series: set[str] = set()
    for checked in segments:
        if checked.rows is None or checked.summary is None:
            continue
        name, rows, summary = checked.segment.name, checked.rows, checked.summary
        repeated = rows.num_rows - len(first_of_identity(earlier, rows, table.spec))
        if repeated:
            yield Finding(name, f"{repeated} rows are repeated, in this file or in an earlier segment")
        earlier.append(rows)
        series.update(summary.series)
        if summary.month_series is not None and not series <= {*summary.month_series}:
            yield Finding(name, "the summary in its footer lacks pairs of its month", in_the_way=True)
    numbers = {checked.segment.number for checked in segments}
    missing = sorted(set(range(max(numbers, default=-1))) - numbers)
    moved = [item.name for item in backend.list(QUARANTINE)] if missing else []
    for number in missing:
        name = f"{partition}/{number:05}.parquet"
        if not any(item.startswith(f"{QUARANTINE}/{name}") for item in moved):
            yield Finding(name, "missing: later segments of its month exist, so its rows are lost")


def lost_rows(table: SegmentTable, name: str) -> str:
    """Return what is no longer readable if a file of a table is moved away, in one line."""
    try:
        segment = table.segment_of(name)
    except SegmentUnreadable:
        return "nothing: the file is not a segment"
    try:
        summary = table.open(segment).summary
    except SegmentUnreadable:
        return "unknown: not even the footer can be read"
    series = f" of {', '.join(summary.series)}" if summary.series else ""
    return f"{summary.rows} rows{series} from {_instant(summary.first)} to {_instant(summary.last)}"


def _instant(microseconds: Any) -> str:
    return instant_of(int(microseconds)).isoformat()
