"""Recorders: what each daemon that records into a shared store leaves there of itself, so that `status` can show them.

A small JSON object for each recorder, which only that one writes. No outcome and no tick depends on it.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from datetime import UTC, datetime

from fxticker.errors import SegmentUnreadable, one_line
from fxticker.model.timestamps import iso_text
from fxticker.store.backend import StorageBackend
from fxticker.store.lease import RECORDERS

_MAX_BYTES = 10_000


@dataclass(frozen=True, slots=True)
class Recorder:
    """A recorder as it last wrote.

    Attributes
    ----------
    name
        Its name, of its machine and a random part, which it keeps over restarts.
    process
        Id of its process.
    since, seen_at
        When it started, and when it wrote this. Aware UTC, by its own clock.
    expected_by
        When it writes again at the latest.
    """

    name: str
    process: int
    since: datetime
    seen_at: datetime
    expected_by: datetime


def write_recorder(backend: StorageBackend, recorder: Recorder) -> None:
    """Replace what a recorder leaves of itself; raises WriteFailed."""
    backend.put(f"{RECORDERS}/{recorder.name}.json", json.dumps(asdict(recorder), default=iso_text).encode())


def remove_recorder(backend: StorageBackend, name: str) -> None:
    """Remove what a recorder left of itself, as it ends; raises WriteFailed."""
    backend.delete(f"{RECORDERS}/{name}.json")


def read_recorders(backend: StorageBackend) -> list[Recorder]:
    """Return the recorders that left something, by name; what cannot be parsed is left out. A disk has none.

    Raises
    ------
    SegmentUnreadable
        If the storage cannot be read.
    """
    if not backend.is_shared:
        return []
    names = [item.name for item in backend.list(RECORDERS) if "=" not in item.name]
    found = [_read(backend, name) for name in names]
    return [recorder for recorder in found if recorder is not None]


def _read(backend: StorageBackend, name: str) -> Recorder | None:
    with backend.open(name) as file:
        try:
            data = file.read(_MAX_BYTES)
        except OSError as error:
            raise SegmentUnreadable(name, str(error)) from error
    try:
        content = json.loads(data)
        since, seen_at, expected_by = (_instant(content[key]) for key in ("since", "seen_at", "expected_by"))
        return Recorder(one_line(content["name"]), int(content["process"]), since, seen_at, expected_by)
    except (ValueError, KeyError, TypeError, OverflowError, RecursionError):
        return None


def _instant(text: str) -> datetime:
    instant = datetime.fromisoformat(text)
    if instant.tzinfo is None:
        raise ValueError("an instant without its zone")
    return instant.astimezone(UTC)
