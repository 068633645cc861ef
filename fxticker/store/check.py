"""What is wrong with a store, file by file, and moving what cannot be read out of the way of what can."""

from __future__ import annotations

import contextlib
import errno
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import groupby
from typing import Any

import numpy as np
import pyarrow as pa

from fxticker.errors import NewerSchema, SegmentUnreadable, StoreError
from fxticker.model.printed import InvalidNumber, PrintedNumber, read_change, read_rate
from fxticker.store.arrow import doubles, instant_of, order_by, text_codes, to_int64
from fxticker.store.backend import StorageBackend, StoredObject
from fxticker.store.dedupe import first_of_identity
from fxticker.store.segment_file import SegmentSummary, summary_of
from fxticker.store.segments import SegmentName, SegmentTable

QUARANTINE = "quarantine"


@dataclass(frozen=True, slots=True)
class Finding:
    """Something wrong with a store.

    Attributes
    ----------
    name
        The file or folder, inside the store.
    what
        What is wrong with it, in one line.
    in_the_way
        Whether the file is none that any version of fxticker can read, so that readers of the store need it gone.
    """

    name: str
    what: str
    in_the_way: bool = False

    def __str__(self) -> str:
        return f"{self.name}: {self.what}"


@dataclass(frozen=True, slots=True)
class Moved:
    """A file that was moved aside.

    Attributes
    ----------
    name, to
        Its old and its new name inside the store; beside the new one lies a note, ``….json``.
    lost
        What readers no longer see, in one line.
    """

    name: str
    to: str
    lost: str


@dataclass(frozen=True, slots=True)
class _Held:
    """A file that has a segment's name; no rows and no summary if it cannot be read."""

    segment: SegmentName
    findings: Sequence[Finding]
    rows: pa.Table | None = None
    summary: SegmentSummary | None = None


def check_table(backend: StorageBackend, table: SegmentTable) -> Iterator[Finding]:
    """Read every file of a table whole, and say what no sound store has."""
    names: list[str] = []
    for item in _listed(backend, table):
        if isinstance(item, Finding):
            yield item
        else:
            names.append(item.name)
    for partition, members in groupby(names, key=lambda name: name.rpartition("/")[0]):
        held: list[_Held] = []
        for name in members:
            found = _looked_at(table, name)
            if isinstance(found, Finding):
                yield found
            else:
                yield from found.findings
                held.append(found)
        yield from _wrong_partition(backend, partition, held, table)


def moved_aside(backend: StorageBackend, table: SegmentTable, finding: Finding, now: datetime) -> Moved | Finding:
    """Move a file that cannot be read to the quarantine, with a note of what is lost; a finding if that fails.

    The note is durable before the file goes. The caller holds the store's lock.
    """
    taken = {item.name for item in backend.list(QUARANTINE)}
    to = next(free for free in _free_names(f"{QUARANTINE}/{finding.name}") if not {free, f"{free}.json"} & taken)
    lost = _lost(table, finding.name)
    note = {"name": finding.name, "why": finding.what, "lost": lost, "moved_at": now.isoformat()}
    try:
        backend.put(f"{to}.json", json.dumps(note, indent=1).encode())
        backend.move(finding.name, to)
    except StoreError as error:
        return Finding(finding.name, f"could not be moved aside: {error}", in_the_way=True)
    return Moved(finding.name, to, lost)


def wrong_figures(rows: pa.Table) -> str | None:
    """The first number of some ticks that is not what its text says, in one line; null if all are."""
    nominal = to_int64(rows.column("nominal"))
    if (nominal < 1).any():
        return f"nominal {nominal.min()}"
    columns = (
        ("rate", rows.column("rate_text"), _numbers(rows.column("rate_text"), read_rate) / nominal),
        ("change_pct", rows.column("change_text"), _numbers(rows.column("change_text"), read_change)),
    )
    for name, texts, wanted in columns:
        held = doubles(rows.column(name))
        is_wrong = (held != wanted) & ~(np.isnan(held) & np.isnan(wanted))
        is_wrong |= np.isinf(held) | ((held == 0) & np.signbit(held))
        if rows.column(name).null_count != np.isnan(held).sum():
            return f"{name} is no number, and not null either"
        wrong = np.flatnonzero(is_wrong)
        if len(wrong):
            text = texts[int(wrong[0])].as_py()
            return f"{name} {held[wrong[0]]} where the text is {text!r}"
    return None


def _listed(backend: StorageBackend, table: SegmentTable) -> Iterator[StoredObject | Finding]:
    try:
        yield from backend.list(table.spec.name)
    except SegmentUnreadable as error:
        yield Finding(error.name, error.cause)
        with contextlib.suppress(SegmentUnreadable):
            for source in table.sources():  # what one bad folder hides is still looked at
                for month in table.months(source):
                    with contextlib.suppress(SegmentUnreadable):
                        yield from backend.list(f"{table.spec.name}/source={source}/month={month}")


def _looked_at(table: SegmentTable, name: str) -> _Held | Finding:
    try:
        segment = table.segment_of(name)
    except SegmentUnreadable as error:
        return Finding(name, error.cause, in_the_way=True)
    try:
        file = table.open(segment)
        rows = file.read()
    except SegmentUnreadable as error:
        cause = error.__cause__
        if isinstance(cause, NewerSchema):
            return _Held(segment, [Finding(name, error.cause)])
        # A fault of the system proves nothing about the bytes: such a file is named, and stays.
        is_fault = isinstance(cause, OSError) and cause.errno not in (None, errno.ENOENT, errno.ELOOP)
        return _Held(segment, [Finding(name, f"cannot be read ({error.cause})", in_the_way=not is_fault)])
    findings = [*_wrong_rows(segment, rows, file.summary, table)]
    return _Held(segment, findings, rows.select(table.spec.identity), file.summary)


def _wrong_rows(
    segment: SegmentName, rows: pa.Table, summary: SegmentSummary, table: SegmentTable
) -> Iterator[Finding]:
    if replace(summary_of(rows, table.spec, sealed=summary.sealed), month_series=summary.month_series) != summary:
        yield Finding(segment.name, "its footer says other rows than it holds")
    at = to_int64(rows.column(table.spec.time_column))
    astray = np.flatnonzero(at.astype("M8[us]").astype("M8[M]") != np.datetime64(segment.month, "M"))
    if len(astray):
        yield Finding(segment.name, f"{len(astray)} rows of other months, the first of {_instant(at[astray[0]])}")
    if not np.array_equal(order_by(rows, table.spec.order), np.arange(len(at))):
        yield Finding(segment.name, f"its rows are not in order of {', '.join(table.spec.order)}")
    if table.spec.name == "ticks" and (problem := wrong_figures(rows)):
        yield Finding(segment.name, f"figures that do not follow from their texts: {problem}")


def _wrong_partition(
    backend: StorageBackend, partition: str, segments: Sequence[_Held], table: SegmentTable
) -> Iterator[Finding]:
    earlier: list[pa.Table] = []
    series: set[str] = set()
    for held in segments:
        if held.rows is None or held.summary is None:
            continue
        repeated = held.rows.num_rows - len(first_of_identity(earlier, held.rows, table.spec))
        if repeated:
            yield Finding(held.segment.name, f"{repeated} rows stand twice, in it or in an earlier segment too")
        earlier.append(held.rows)
        series.update(held.summary.series)
        if held.summary.month_series is not None and not series <= {*held.summary.month_series}:
            yield Finding(held.segment.name, "its footer says other pairs of its month than there are")
    numbers = {held.segment.number for held in segments}
    missing = sorted(set(range(max(numbers, default=-1))) - numbers)
    moved = [item.name for item in backend.list(QUARANTINE)] if missing else []
    for number in missing:
        name = f"{partition}/{number:05}.parquet"
        if not any(item.startswith(f"{QUARANTINE}/{name}") for item in moved):
            yield Finding(name, "missing: later segments of its month are there, and what it held is lost")


def _numbers(texts: pa.ChunkedArray, read: Callable[[str], PrintedNumber]) -> np.ndarray:
    """What each printed text says; not a number where there is none, and infinite where it is no figure."""
    vocabulary: dict[str | None, int] = {}
    codes = text_codes(texts, vocabulary)
    values = np.full(len(vocabulary), np.inf)
    for text, code in vocabulary.items():
        with contextlib.suppress(InvalidNumber):
            values[code] = np.nan if text is None else float(read(text).value)
    found: np.ndarray = values[codes]
    return found


def _free_names(name: str) -> Iterator[str]:
    yield name
    for number in range(1, 10_000):
        yield f"{name}.{number}"


def _lost(table: SegmentTable, name: str) -> str:
    try:
        segment = table.segment_of(name)
    except SegmentUnreadable:
        return "nothing of the store's: it is no segment"
    try:
        found = table.open(segment).summary
    except SegmentUnreadable:
        return "unknown: not even the footer can be read"
    series = f" of {', '.join(found.series)}" if found.series else ""
    return f"{found.rows} rows{series} from {_instant(found.first)} to {_instant(found.last)}"


def _instant(microseconds: Any) -> str:
    return instant_of(int(microseconds)).isoformat()
