"""Held object: bytes of one file of a store that were read once, with their proof that they are sound."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any, cast

import pyarrow as pa

from fxticker.errors import SegmentUnreadable
from fxticker.store.backend import StorageBackend, StoredObject, Version
from fxticker.store.check import Finding, check_segment
from fxticker.store.dedupe import first_of_identity
from fxticker.store.deferred import DEFERRED, stretches_in
from fxticker.store.evidence import EVIDENCE, EvidenceFolder, name_of
from fxticker.store.rejected import REJECTED, read_rejected
from fxticker.store.schema import POLLS, RETRACTIONS, TICKS
from fxticker.store.segment_file import SegmentFile
from fxticker.store.segments import SegmentTable
from fxticker.store.wrong_clock_notes import WRONG_CLOCK_NOTES

ASKED = "asked"
"""Folder of the records of `backfill`, which are JSON."""
SPECS = {spec.name: spec for spec in (TICKS, POLLS, RETRACTIONS)}
_JSON: Mapping[str, Callable[[bytes], object]] = {
    ASKED: json.loads,
    DEFERRED: stretches_in,
    WRONG_CLOCK_NOTES: lambda data: [json.loads(line) for line in data.splitlines()],
}
"""Readers of the folders of JSON; a ValueError or RecursionError if the bytes are damaged."""


class _HeldBytes:
    """Storage of the one object whose bytes are held."""

    def __init__(self, data: bytes | pa.Buffer) -> None:
        self._data = data

    def open(self, name: str, *, version: Version | None = None) -> Any:
        del name, version
        return pa.BufferReader(self._data)


def fault_of(name: str, data: bytes) -> Finding | None:
    """Return the first fault of a file's bytes; None if they are sound or, in ``quarantine/``, may be anything.

    Parameters
    ----------
    name
        Path inside the store.
    data
        The whole content.
    """
    folder = name.partition("/")[0]
    storage = _storage(data)
    try:
        if folder in SPECS:
            return next(iter(check_segment(SegmentTable(storage, SPECS[folder]), name)), None)
        if folder == EVIDENCE:
            parts = name_of(StoredObject(name, len(data), ()))
            if parts is None:
                return Finding(name, "not the name of a piece of evidence", in_the_way=True)
            EvidenceFolder(storage).read(parts)
        elif folder == REJECTED:
            read_rejected(storage, name)
        elif folder in _JSON:
            _JSON[folder](data)
    except SegmentUnreadable as error:
        return Finding(name, f"cannot be read ({error.cause})", in_the_way=True)
    except (ValueError, RecursionError) as error:
        return Finding(name, f"cannot be read ({type(error).__name__}: {error})", in_the_way=True)
    return None


def is_segment_name(name: str) -> bool:
    """Whether a path is the name of a segment of its table."""
    table = SegmentTable(_storage(b""), SPECS[name.partition("/")[0]])
    try:
        table.segment_of(name)
    except SegmentUnreadable:
        return False
    return True


def rows_missing(name: str, data: bytes, earlier: bytes) -> tuple[int, int]:
    """Return how many rows of an earlier, sound content of a segment a new one lacks, and how many the earlier has."""
    spec = SPECS[name.partition("/")[0]]
    new, old = (held_segment(name, content).read(spec.identity) for content in (data, earlier))
    return len(first_of_identity([new], old, spec)), old.num_rows


def held_segment(name: str, data: bytes | pa.Buffer) -> SegmentFile:
    """Open the held bytes of a segment of this name; raises SegmentUnreadable."""
    table = SegmentTable(_storage(data), SPECS[name.partition("/")[0]])
    return table.open(table.segment_of(name))


def _storage(data: bytes | pa.Buffer) -> StorageBackend:
    return cast("StorageBackend", _HeldBytes(data))
