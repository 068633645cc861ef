"""JSON records beside the tables: one list under one key per file, checked when read and replaced as a whole."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from fxticker.errors import StoreError
from fxticker.store.backend import StorageBackend

FOLDER = "asked"
"""Name on disk of the records' folder, below the store's root."""
MAX_BYTES = 4_000_000
"""Largest record, in bytes: 200 years of single days take 1 MB, 150,000 captures 3 MB."""


def read_record(backend: StorageBackend, name: str, key: str) -> list[Any]:
    """Return the list of a record; an empty list if the file does not exist.

    Raises
    ------
    StoreError
        If the file is damaged or larger than `MAX_BYTES`. The message names the file, which can be deleted.
    """
    entry = next((item for item in backend.list(FOLDER) if item.name == name), None)
    if entry is None:
        return []
    if entry.size_bytes > MAX_BYTES:
        raise damaged_record(name, f"{entry.size_bytes} bytes: more than {MAX_BYTES}")
    try:
        with backend.open(name) as file:
            items = json.loads(file.read(MAX_BYTES))[key]
    except (StoreError, OSError, ValueError, RecursionError, KeyError, TypeError) as error:
        raise damaged_record(name, f"{type(error).__name__}: {str(error)[:100]}") from error
    if not isinstance(items, list):
        raise damaged_record(name, f"no list of {key}")
    return items


def write_record(
    backend: StorageBackend, name: str, key: str, items: Sequence[object], *, max_bytes: int = MAX_BYTES
) -> None:
    """Replace a record durably; the caller holds the write lock.

    Raises
    ------
    StoreError
        If the record would exceed `max_bytes`; the stored record stays as it is.
    WriteFailed
        If the storage refuses.
    """
    data = json.dumps({"version": 1, key: items}, separators=(",", ":")).encode()
    if len(data) > max_bytes:
        raise StoreError(
            f"{name}: {len(data)} bytes would be more than {max_bytes}, so nothing is added; once the file is deleted, "
            "its entries are requested again"
        )
    backend.put(name, data)


def damaged_record(name: str, cause: str) -> StoreError:
    """Return the error for a record that cannot be read: file, cause and remedy."""
    return StoreError(f"{name}: cannot be read ({cause}); once the file is deleted, its entries are requested again")
