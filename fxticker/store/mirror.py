"""Mirror: a verified second copy of a store, and how a store is restored from it.

The copy is a store itself at every instant: see `ordered_copy`. It can be read and checked like any other, and lacks at
most what was recorded since it was brought up to date. Files are compared by the hash of their whole content on both
sides. A run that ended early is continued by the next one.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, field

from fxticker.errors import SegmentUnreadable, StoreError
from fxticker.model.clock import Clock, SystemClock
from fxticker.store.backend import STORE_ID, StorageBackend
from fxticker.store.check import QUARANTINE, Finding
from fxticker.store.manifest import (
    MANIFEST,
    RESTORE_MARKER,
    Manifest,
    read_json,
    read_manifest,
    write_json,
    write_manifest,
)
from fxticker.store.ordered_copy import FOLDERS, OrderedCopy
from fxticker.store.store_id import copy_store_id

LOCK_TIMEOUT_S = 1.0
"""Seconds that a mirror waits for another one to the same copy."""


@dataclass(frozen=True, slots=True)
class CopySummary:
    """Result of a mirror or a restore.

    Attributes
    ----------
    copied, copied_bytes
        Files that were written, and the bytes that were written for them.
    unchanged, deleted
        Files that were equal already, and files that were deleted.
    problems
        Files that were not copied or deleted, each with its reason.
    """

    copied: int
    copied_bytes: int
    unchanged: int
    deleted: int
    problems: Sequence[Finding] = field(default=())


def mirror(
    store: StorageBackend,
    copy: StorageBackend,
    *,
    delete: bool = False,
    clock: Clock | None = None,
    lock_timeout_s: float = LOCK_TIMEOUT_S,
) -> CopySummary:
    """Bring a copy of a store up to date; daemon and writers of the store are not hindered.

    Parameters
    ----------
    store
        Storage of the store; only read.
    copy
        Storage of the copy: empty, or from earlier runs.
    delete
        Also delete from the copy the files that an earlier run brought there and the store no longer has; nothing is
        deleted in a run that has problems. A segment is in any case replaced only by one that has all its rows.
    clock
        Supplies the time in the manifest.
    lock_timeout_s
        Seconds to wait for another run.

    Raises
    ------
    StoreError
        If `copy` is not a copy, is that of another store or has a daemon, or the store is being restored.
    StoreLocked, WriteFailed, SegmentUnreadable
        As the functions of the store. The copy is sound, and the next run continues.
    """
    if read_json(store, RESTORE_MARKER) is not None:
        raise StoreError(f"{store}: its restore is not complete; run `fxticker restore` again")
    _refuse_daemon(copy)
    with copy.write_lock(lock_timeout_s):
        damage, earlier = _earlier_manifest(copy)
        run = OrderedCopy(store, copy, earlier.files)
        if damage is not None:
            run.problems[MANIFEST] = damage
        _copy_id(run, store, copy)
        run.run()
        if delete:
            run.delete_missing()
        write_manifest(copy, Manifest((clock or SystemClock()).now(), run.manifest()))
    return _summary(run)


def restore(copy: StorageBackend, store: StorageBackend, *, lock_timeout_s: float = LOCK_TIMEOUT_S) -> CopySummary:
    """Bring a copy back as a store; the store has no daemon meanwhile.

    Parameters
    ----------
    copy
        Storage of a copy that a mirror completed at least once; only read.
    store
        Storage that is empty, or where a restore of the same copy ended early.
    lock_timeout_s
        Seconds to wait for a writer of the store.

    Raises
    ------
    StoreError
        If `copy` has no manifest, or `store` has files or an id of its own.
    StoreLocked, WriteFailed, SegmentUnreadable
        As the functions of the store; the next run continues.
    """
    manifest = read_manifest(copy)
    if manifest is None or manifest.completed_at is None:
        raise StoreError(f"{copy}: no mirror was ever completed here, so there is nothing to compare its files with")
    identity = hashlib.sha256(json.dumps(sorted(manifest.files.items())).encode()).hexdigest()
    _refuse_daemon(store)
    with store.daemon_lock(), store.write_lock(lock_timeout_s):
        marker = read_json(store, RESTORE_MARKER)
        if marker is None and any(store.list(folder) for folder in FOLDERS):
            raise StoreError(f"{store}: there is a store already; a restore needs an empty or absent folder")
        if marker is not None and marker.get("manifest") != identity:
            raise StoreError(f"{store}: the restore of another copy ended early here; empty the folder first")
        write_json(store, RESTORE_MARKER, {"version": 1, "manifest": identity})
        run = OrderedCopy(copy, store, {}, expected=manifest.files)
        _copy_id(run, copy, store)
        run.run()
        for finding in _missing(copy, manifest):
            run.problems[finding.name] = finding
        if not run.problems:
            store.delete(RESTORE_MARKER)
    return _summary(run)


def _earlier_manifest(copy: StorageBackend) -> tuple[Finding | None, Manifest]:
    """The manifest of the earlier run, and what is wrong with it; the first run begins with an empty one."""
    try:
        earlier = read_manifest(copy)
    except StoreError as error:
        return Finding(MANIFEST, f"written anew: {error}"), Manifest()
    if earlier is not None:
        return None, earlier
    if any(copy.list(folder) for folder in FOLDERS):
        raise StoreError(f"{copy}: there is a store here that is not a copy; choose an empty folder")
    write_manifest(copy, Manifest())
    return None, Manifest()


def _copy_id(run: OrderedCopy, source: StorageBackend, target: StorageBackend) -> None:
    try:
        copy_store_id(source, target)
    except SegmentUnreadable as error:
        run.problems[STORE_ID] = Finding(STORE_ID, error.cause)


def _missing(copy: StorageBackend, manifest: Manifest) -> list[Finding]:
    """The files that the manifest names and that are neither in the copy nor in its quarantine."""
    names = {item.name for folder in FOLDERS for item in copy.list(folder)}
    missing = sorted(name for name in manifest.files if not {name, f"{QUARANTINE}/{name}"} & names)
    return [Finding(name, "missing: the manifest of the copy names it") for name in missing]


def _refuse_daemon(backend: StorageBackend) -> None:
    if holder := backend.daemon():
        raise StoreError(f"{backend}: a daemon records here: {holder}")


def _summary(run: OrderedCopy) -> CopySummary:
    counts = run.counts
    problems = [run.problems[name] for name in sorted(run.problems)]
    return CopySummary(counts.copied, counts.copied_bytes, counts.unchanged, counts.deleted, problems)
