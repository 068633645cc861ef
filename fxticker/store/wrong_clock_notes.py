"""Wrong-clock notes: pages that came while the machine's clock was wrong, whose ticks are therefore not stored.

A source has a file of JSON lines for each day, by the time that servers confirmed. A line has the slot and the instant
by the wrong clock, the confirmed instant, the hash of the page, and that of its kept evidence.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from datetime import datetime

from fxticker.errors import Conflict, SegmentUnreadable
from fxticker.model.timestamps import iso_text
from fxticker.store.backend import ABSENT, StorageBackend

WRONG_CLOCK_NOTES = "doubted"
"""Folder of the notes."""
KEPT_DAYS = 100
"""Files of a source that are kept; the oldest are deleted. A wrong clock is corrected within days."""
_MAX_FILE_BYTES = 1_000_000
"""A day of polls every 30 s; later notes of the day are left out."""


@dataclass(frozen=True, slots=True)
class WrongClockNote:
    """A note of a page that came while the clock was wrong.

    Attributes
    ----------
    source
        Id of the source.
    slot, clock
        The slot, and the instant at which the page was complete, both by the wrong clock. Aware UTC.
    confirmed
        That instant as servers confirm it, aware UTC.
    body_sha256
        Hash of the decoded body.
    evidence
        Hash of the kept piece of the page; None if none was kept.
    """

    source: str
    slot: datetime
    clock: datetime
    confirmed: datetime
    body_sha256: str
    evidence: str | None


def keep_wrong_clock_note(backend: StorageBackend, note: WrongClockNote, *, days: int = KEPT_DAYS) -> None:
    """Add a note; durable when this returns. The caller holds the store's write lock.

    Of files of more than `days` days the oldest are deleted.

    Raises
    ------
    WriteFailed, SegmentUnreadable
        If the storage refuses, or the day's file cannot be read.
    """
    folder = f"{WRONG_CLOCK_NOTES}/source={note.source}"
    name = f"{folder}/{note.confirmed:%Y-%m-%d}.jsonl"
    kept = backend.list(folder)
    earlier = b""
    version = next((item.version for item in kept if item.name == name), ABSENT)
    if version != ABSENT:
        try:
            with backend.open(name, version=version) as file:
                earlier = file.read(_MAX_FILE_BYTES + 1)
        except Conflict:
            raise
        except OSError as error:  # while it is read
            raise SegmentUnreadable(name, str(error)) from error
    line = json.dumps(asdict(note), default=iso_text).encode() + b"\n"
    if len(earlier) + len(line) > _MAX_FILE_BYTES:
        return
    backend.put(name, earlier + line, expected=version)
    others = [item.name for item in kept if item.name != name]
    for oldest in others[: max(0, len(others) + 1 - days)]:
        backend.delete(oldest)
