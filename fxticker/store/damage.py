"""Damaged files of a table: which errors mean damaged bytes, and where a writer came upon them."""

from __future__ import annotations

import errno
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING

from fxticker.errors import NewerSchema, SegmentUnreadable, one_line
from fxticker.store.backend import StoredObject, Version

if TYPE_CHECKING:
    import logging


@dataclass(frozen=True, slots=True)
class DamagedSegment:
    """A segment whose bytes are damaged.

    Attributes
    ----------
    name
        Path inside the store.
    cause
        What is wrong with it, in one line.
    version
        Version of the damaged object.
    """

    name: str
    cause: str
    version: Version

    def __str__(self) -> str:
        return one_line(
            f"{self.name} is damaged ({self.cause}): rows are recorded beside it until `fxticker check --quarantine` "
            "moves it aside"
        )


class DamageLog:
    """What a writer came upon in a table: damaged segments, and files that are no segments. Each is logged once."""

    def __init__(self) -> None:
        self._damaged: dict[str, DamagedSegment] = {}
        self._strays: set[str] = set()
        self._lock = threading.Lock()

    def note(self, item: StoredObject, error: SegmentUnreadable) -> None:
        """Note a damaged segment."""
        segment = DamagedSegment(item.name, error.cause, item.version)
        with self._lock:
            is_new = self._damaged.get(item.name) != segment
            self._damaged[item.name] = segment
        if is_new:
            _log().error("%s", segment)

    def note_stray(self, name: str) -> None:
        """Note a file that is no segment."""
        with self._lock:
            is_new = name not in self._strays
            self._strays.add(name)
        if is_new:
            _log().warning("%s", one_line(f"{name} is not a segment and is ignored here; readers refuse it by name"))

    def damaged(self) -> list[DamagedSegment]:
        """Return the noted segments, sorted by name."""
        with self._lock:
            return [self._damaged[name] for name in sorted(self._damaged)]

    def forget(self, name: str) -> None:
        """Leave out a segment that was moved aside or replaced."""
        with self._lock:
            self._damaged.pop(name, None)


def _log() -> logging.Logger:
    import logging  # takes 3 ms, and a reader notes nothing

    return logging.getLogger("fxticker")


def is_damage(error: SegmentUnreadable) -> bool:
    """Whether a file's bytes are wrong, and not the system that reads them or the version of this program.

    A link without a target and a file that is none, such as a pipe, have no bytes that could become readable again.
    """
    cause = error.__cause__
    if isinstance(cause, NewerSchema):
        return False
    return not isinstance(cause, OSError) or cause.errno in (None, errno.ENOENT, errno.ELOOP)
