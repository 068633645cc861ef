"""Manifest of a mirror: the files of a copy with their hashes, written when all of them are in place."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from fxticker.errors import StoreError
from fxticker.store.backend import StorageBackend

FOLDER = "mirror"
"""Name on disk of the folder of manifest and marker; no file of it is copied to another store."""
MANIFEST = f"{FOLDER}/manifest.json"
RESTORE_MARKER = f"{FOLDER}/restore.json"
"""Present in a store while its restore is not complete; names the manifest that it is restored from."""
_MAX_BYTES = 64_000_000
"""Largest manifest that is read, in bytes: 400,000 files at some 160 bytes."""
_SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Manifest:
    """The content of a manifest.

    Attributes
    ----------
    completed_at
        When the last whole mirror ended, aware UTC; None if none did.
    files
        SHA-256 of each file, by its path inside the copy.
    """

    completed_at: datetime | None = None
    files: Mapping[str, str] = field(default_factory=dict)


def read_manifest(backend: StorageBackend) -> Manifest | None:
    """Return the manifest of a copy; None if there is none.

    Raises
    ------
    StoreError
        If it is damaged, with its name.
    """
    content = read_json(backend, MANIFEST)
    if content is None:
        return None
    if content.get("version") != 1:
        raise _damaged(backend, MANIFEST, f"version {str(content.get('version'))[:20]}")
    completed, files = content.get("completed_at"), content.get("files")
    if not isinstance(files, dict) or not all(_is_hash(sha256) for sha256 in files.values()):
        raise _damaged(backend, MANIFEST, "not every file has a hash")
    try:
        return Manifest(None if completed is None else datetime.fromisoformat(completed), files)
    except (ValueError, TypeError) as error:
        raise _damaged(backend, MANIFEST, error) from error


def write_manifest(backend: StorageBackend, manifest: Manifest) -> None:
    """Replace the manifest of a copy durably; the caller holds the copy's write lock."""
    completed = None if manifest.completed_at is None else manifest.completed_at.isoformat()
    write_json(
        backend, MANIFEST, {"version": 1, "completed_at": completed, "files": dict(sorted(manifest.files.items()))}
    )


def read_json(backend: StorageBackend, name: str) -> dict[str, Any] | None:
    """Return a file of the mirror's folder, which holds a JSON object; None if it does not exist.

    Raises
    ------
    StoreError
        If it is damaged, with its name.
    """
    if not any(item.name == name for item in backend.list(FOLDER)):
        return None
    with backend.open(name) as file:
        data: bytes = file.read(_MAX_BYTES + 1)
    if len(data) > _MAX_BYTES:
        raise _damaged(backend, name, "too large")
    try:
        content = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise _damaged(backend, name, error) from error
    if not isinstance(content, dict):
        raise _damaged(backend, name, "no JSON object")
    return content


def write_json(backend: StorageBackend, name: str, content: Mapping[str, object]) -> None:
    """Replace a file of the mirror's folder durably; the caller holds the write lock."""
    backend.put(name, json.dumps(content, indent=0).encode())


def _is_hash(value: object) -> bool:
    return isinstance(value, str) and _SHA256.fullmatch(value) is not None


def _damaged(backend: StorageBackend, name: str, error: object) -> StoreError:
    return StoreError(f"{backend}/{name}: damaged ({error})")
