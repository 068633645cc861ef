"""Ordered copy: brings the files of one store into another so that the other passes `check` at every instant.

A poll's outcome is recorded after its ticks, and ticks after the evidence that they name. The copy keeps this order
while the store is written to: a file is read, then what it depends on is brought up to date, then the bytes that were
read, and no newer ones, are published. Thus all that these bytes refer to was recorded before they were read.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

from fxticker.errors import SegmentUnreadable, StoreError
from fxticker.store.backend import StorageBackend, StoredObject, Version
from fxticker.store.check import QUARANTINE, Finding
from fxticker.store.deferred import DEFERRED
from fxticker.store.evidence import EVIDENCE
from fxticker.store.held_object import ASKED, SPECS, fault_of, is_segment_name, rows_missing
from fxticker.store.rejected import REJECTED
from fxticker.store.wrong_clock_notes import WRONG_CLOCK_NOTES

FOLDERS = (QUARANTINE, ASKED, DEFERRED, WRONG_CLOCK_NOTES, EVIDENCE, REJECTED, "ticks", "retractions", "polls")
"""All folders of a store that are copied, by name on disk."""
BEFORE = {
    "ticks": (QUARANTINE, EVIDENCE),
    "retractions": (QUARANTINE, "ticks"),
    "polls": (QUARANTINE, DEFERRED, REJECTED, "ticks"),
}
"""What is brought up to date between the reading of a file of a folder and its publishing. A number may be missing
among a month's segments only if the quarantine has that file."""
DELETED_IN = ("polls", "ticks", "retractions", ASKED, DEFERRED, WRONG_CLOCK_NOTES, REJECTED, EVIDENCE, QUARANTINE)
"""Order of deletion: nothing goes before what refers to it."""
_FLAT = {QUARANTINE, ASKED, DEFERRED}
"""Folders without one folder for each source."""
_UNPROVEN = {QUARANTINE, REJECTED}
"""Folders of files that never change and whose bytes do not prove all of themselves."""
MAX_OBJECT_BYTES = 64_000_000
"""Largest file that is copied, in bytes; a rejected body takes 50 MB at most, a segment a few. At most three are held
in memory at once."""


@dataclass(slots=True)
class Counts:
    """How many files a copy has written, how many bytes they have, and how many files were equal already."""

    copied: int = 0
    copied_bytes: int = 0
    unchanged: int = 0
    deleted: int = 0


class OrderedCopy:
    """One run of a copy.

    Parameters
    ----------
    source
        Storage that is read; it may be written to meanwhile.
    target
        Storage that is written; the caller holds its write lock.
    manifest
        SHA-256 of the files that an earlier run brought to `target`.
    expected
        SHA-256 of the source's files, if known; only files whose bytes do not prove themselves are compared with it.
    """

    def __init__(
        self,
        source: StorageBackend,
        target: StorageBackend,
        manifest: Mapping[str, str],
        *,
        expected: Mapping[str, str] | None = None,
    ) -> None:
        self._source = source
        self._target = target
        self._manifest = manifest
        self._expected = expected or {}
        self._present = {item.name for folder in FOLDERS for item in target.list(folder)}
        self._seen: dict[str, tuple[Version, bool]] = {}
        self._written: set[str] = set()
        self._refused: set[str | None] = set()
        self.counts = Counts()
        self.hashes: dict[str, str] = {}
        self.problems: dict[str, Finding] = {}

    def run(self) -> None:
        """Bring every file of the source to the target; what cannot be brought is in `problems`.

        Raises
        ------
        WriteFailed
            If the target refuses.
        SegmentUnreadable
            If a folder cannot be listed.
        """
        for folder in FOLDERS:
            sources: set[str | None] = {None} if folder in _FLAT else set()
            for item in self._source.list(folder):
                parts = item.name.split("/")
                if len(parts) > 2:  # noqa: PLR2004  folder, source and file
                    sources.add(None if folder in _FLAT else parts[1])
                elif folder not in _FLAT:
                    self._add_problem(item.name, "not a file of a store, so it is not copied")
            for source in sorted(sources, key=str):
                self._bring(folder, source)
        self.counts.copied = len(self._written)
        self.counts.unchanged = len(self.hashes.keys() - self._written)

    def delete_missing(self) -> None:
        """Delete what the earlier manifest names and the source no longer has, unless the run had problems.

        What the source moved to its quarantine is deleted only if the very same bytes are there.
        """
        if self.problems:
            return
        stored = {item.name for folder in FOLDERS for item in self._source.list(folder)}
        aside = {self.hashes.get(name) for name in stored if name.startswith(f"{QUARANTINE}/")}
        missing = {
            name
            for name in (self._manifest.keys() & self._present) - stored
            if f"{QUARANTINE}/{name}" not in stored or self._manifest[name] in aside
        }
        segments = {name for name in self._manifest if name.partition("/")[0] in SPECS}
        if len(missing & segments) * 2 > len(segments):
            what = f"{len(missing & segments)} of {len(segments)} segments are gone: another store? Nothing is deleted"
            self._add_problem(str(self._source), what)
            return
        for folder in DELETED_IN:
            for name in sorted((name for name in missing if name.partition("/")[0] == folder), reverse=True):
                self._delete(name)

    def _delete(self, name: str) -> None:
        if _sha256(_content(self._target, name)) != self._manifest[name]:
            self._add_problem(name, "the copy's file is not the one of the earlier mirror, so it is not deleted")
            return
        self._target.delete(name)
        self._present.discard(name)
        self.counts.deleted += 1

    def manifest(self) -> dict[str, str]:
        """Return the hashes of the files that this run or an earlier one brought and that are in the target."""
        return {name: sha256 for name, sha256 in {**self._manifest, **self.hashes}.items() if name in self._present}

    def _bring(self, folder: str, source: str | None) -> None:
        """Bring the files of a folder, or of a source's folder in it, in the order of their names."""
        halted: set[str] = set()
        for item in self._source.list(folder if source is None else f"{folder}/{source}"):
            partition = item.name.rpartition("/")[0]
            if folder in SPECS and not is_segment_name(item.name):
                self._add_problem(item.name, "not the name of a segment, so it is not copied")
            elif partition in halted:
                self._add_problem(item.name, "not copied, because an earlier segment of its month is not")
            elif not self._bring_object(item, folder, source) and folder in SPECS:
                if folder == "ticks":
                    self._refused.add(source)
                if item.name not in self._present:
                    halted.add(partition)

    def _bring_object(self, item: StoredObject, folder: str, source: str | None) -> bool:
        """Bring one file unless the target has it; whether the target has it now, or it was deleted by rotation."""
        name = item.name
        version, is_there = self._seen.get(name, (None, False))
        if version == item.version:
            return is_there
        try:
            data = _content(self._source, name)
        except SegmentUnreadable as error:
            if isinstance(error.__cause__, FileNotFoundError) and folder not in SPECS:
                return True
            return self._add_problem(name, f"cannot be read ({error.cause}), so it is not copied")
        sha256 = _sha256(data)
        if sha256 != self._hash_in_target(name):
            reason = self._fault(name, data, sha256) or self._after_others(folder, source) or self._loss(name, data)
            if reason:
                self._seen[name] = item.version, False
                return self._add_problem(name, reason)
            self._publish(name, data, sha256)
        self.hashes[name], self._seen[name] = sha256, (item.version, True)
        self.problems.pop(name, None)
        return True

    def _fault(self, name: str, data: bytes, sha256: str) -> str | None:
        """Why the bytes of a file are not sound; None if they are."""
        if fault := fault_of(name, data):
            return f"{fault.what}; it is not copied"
        if name.partition("/")[0] in _UNPROVEN and self._expected.get(name, sha256) != sha256:
            return "its hash is not the manifest's; it is not copied"
        return None

    def _after_others(self, folder: str, source: str | None) -> str | None:
        """Bring what a file that was just read depends on; why that is not complete, None if it is."""
        for needed in BEFORE.get(folder, ()):
            self._bring(needed, None if needed in _FLAT else source)
        if "ticks" in BEFORE.get(folder, ()) and source in self._refused:
            return "not copied, because ticks of its source are not"
        return None

    def _loss(self, name: str, data: bytes) -> str | None:
        """Why a file of the target must not be replaced; None if it is damaged, or all of its rows are in `data`."""
        if name not in self._present or name.partition("/")[0] not in SPECS:
            return None
        earlier = _content(self._target, name)
        if fault := fault_of(name, earlier):
            return None if fault.in_the_way else f"the copy's file is kept: {fault.what}"
        missing, rows = rows_missing(name, data, earlier)
        return f"{missing} of the copy's {rows} rows are not in the store; the copy's file is kept" if missing else None

    def _publish(self, name: str, data: bytes, sha256: str) -> None:
        self._target.put(name, data)
        self._present.add(name)
        if _sha256(_content(self._target, name)) != sha256:
            raise StoreError(f"{self._target}/{name}: what is read back is not what was written")
        self._written.add(name)
        self.counts.copied_bytes += len(data)

    def _hash_in_target(self, name: str) -> str | None:
        if name not in self.hashes and name in self._present:
            try:
                return _sha256(_content(self._target, name))
            except SegmentUnreadable:
                return None
        return self.hashes.get(name)

    def _add_problem(self, name: str, what: str) -> bool:
        self.problems[name] = Finding(name, what)
        return False


def _content(backend: StorageBackend, name: str) -> bytes:
    """The whole content of a file of usual size."""
    with backend.open(name) as file:
        if file.size() > MAX_OBJECT_BYTES:
            raise SegmentUnreadable(name, f"{file.size()} bytes: more than {MAX_OBJECT_BYTES}")
        try:
            data: bytes = file.read(MAX_OBJECT_BYTES)
        except OSError as error:
            raise SegmentUnreadable(name, str(error)) from error
    return data


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
