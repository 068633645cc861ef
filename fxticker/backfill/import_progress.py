"""Import progress: how far WARC files were read and stored, so that an import that was interrupted goes on from there.

The record is removed when an import ends, for its rows may be removed from the store later.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, astuple, dataclass
from pathlib import Path
from typing import Any

from fxticker.backfill.json_record import FOLDER, damaged_record, read_record, write_record
from fxticker.backfill.warc import Allowance, most_allowed
from fxticker.backfill.warc_records import Place
from fxticker.sources.source import Source
from fxticker.store.backend import StorageBackend
from fxticker.store.store import LOCK_TIMEOUT_S

MAX_FILES = 5_000
"""Files in the record at most, the last ones; those before are read again. A record of them has some MB."""
_MAX_PATH_CHARS = 500
"""Longest path in the record; files with a longer one are read again."""
_RECORD_BYTES = 25
"""No record of a WARC file is shorter: first line, ``Content-Length:0`` and an empty line."""


@dataclass(frozen=True, slots=True)
class Reached:
    """How far a file was read, and its captures stored.

    Attributes
    ----------
    path
        Absolute path of the file.
    next
        Place of the first record that was not read; `None` if the file was read to its end.
    allowance
        What may still be read of it.
    """

    path: str
    next: Place | None
    allowance: Allowance

    @property
    def size_bytes(self) -> int:
        """Bytes that were read of the file; all if it was read to its end."""
        return Path(self.path).stat().st_size if self.next is None else self.next.offset


class ImportProgress:
    """The record of an import that is under way.

    Parameters
    ----------
    backend
        Storage of the store.
    source
        Source of the pages; what an earlier version of its parser read is read again.

    Raises
    ------
    StoreError
        If the record is damaged; the message names the file, which can be deleted.
    """

    def __init__(self, backend: StorageBackend, source: Source) -> None:
        self.name = f"{FOLDER}/{source.id}.import.json"
        self.continued: list[Reached] = []
        self._backend = backend
        self._version = source.parser_version
        self._files: dict[str, Sequence[Any]] = {}
        self._identities: dict[str, list[int]] = {}
        try:
            for path, *facts in read_record(backend, self.name, "files"):
                _reached(path, facts)
                self._files[path] = facts
        except (TypeError, ValueError, KeyError) as error:
            raise damaged_record(self.name, f"{type(error).__name__}: {error}") from error

    def reached(self, path: Path) -> Reached | None:
        """Return how far a file was read by an import that was interrupted; `None` if it was not, or has changed.

        Raises
        ------
        OSError
            If the file is gone.
        """
        name = str(path.absolute())
        status = path.stat()
        self._identities[name] = [self._version, status.st_size, status.st_mtime_ns]
        facts = self._files.get(name)
        if facts is None or facts[0] != self._identities[name]:
            return None
        reached = _reached(name, facts)
        self.continued.append(reached)
        return reached

    def record(self, reached: Iterable[Reached]) -> None:
        """Record how far files were read, once their captures are durable.

        Raises
        ------
        StoreLocked, WriteFailed
            As `Store.append`.
        """
        for item in reached:
            if len(item.path) <= _MAX_PATH_CHARS:
                self._files.pop(item.path, None)
                identity = self._identities[item.path]
                place = item.next or Place(identity[1])  # the file's end
                self._files[item.path] = [identity, asdict(place), asdict(item.allowance)]
        last = list(self._files.items())[-MAX_FILES:]
        with self._backend.write_lock(LOCK_TIMEOUT_S):
            write_record(self._backend, self.name, "files", [[path, *facts] for path, facts in last])

    def clear(self) -> None:
        """Remove the record: the import has come to its end.

        Raises
        ------
        StoreLocked, WriteFailed
            As `Store.append`.
        """
        with self._backend.write_lock(LOCK_TIMEOUT_S):
            if any(item.name == self.name for item in self._backend.list(FOLDER)):
                self._backend.delete(self.name)


def _reached(path: str, facts: Sequence[Any]) -> Reached:
    """Return a file's entry in the record.

    Raises
    ------
    TypeError, ValueError
        If it is none.
    """
    identity, place_fields, allowance_fields = facts
    version, size, changed_at = identity
    place, left = Place(**place_fields), Allowance(**allowance_fields)
    numbers = (version, size, changed_at, place.offset, place.before, *astuple(left))
    if not isinstance(path, str) or type(place.is_damaged) is not bool or any(type(n) is not int for n in numbers):
        raise TypeError(f"no entry of a file: {str(path)[:60]}")
    most = most_allowed(size)
    if (
        not 0 <= place.offset <= size
        or not 0 <= place.before <= most.unpacked_bytes // _RECORD_BYTES
        or left.attempts < 0
        or not most.without(left).is_kept
    ):
        raise ValueError(f"a place or an allowance that the file cannot have: {path[:60]}")
    return Reached(path, None if place.offset == size else place, left)
