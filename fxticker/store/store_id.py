"""Store id: a UUID, written once by the first write, so that a store that was moved away is not taken for a new one."""

from __future__ import annotations

import re
import uuid
from contextlib import suppress

from fxticker.errors import Conflict, SegmentUnreadable, StoreError
from fxticker.store.backend import ABSENT, STORE_ID, StorageBackend

_MAX_BYTES = 100
"""Bytes that are read of it: it has 37."""
_ID = re.compile("[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def read_store_id(backend: StorageBackend) -> str | None:
    """Return the id of a store; None if it has none, as before the first write and in stores of version 0.1.0.

    Raises
    ------
    SegmentUnreadable
        If the file is damaged or cannot be read.
    """
    try:
        with backend.open(STORE_ID) as file:
            data: bytes = file.read(_MAX_BYTES)
    except SegmentUnreadable as error:
        if isinstance(error.__cause__, FileNotFoundError):
            return None
        raise
    except OSError as error:  # while it is read
        raise SegmentUnreadable(STORE_ID, str(error)) from error
    try:
        return str(uuid.UUID(data.decode("ascii").rstrip("\n")))
    except ValueError as error:
        raise SegmentUnreadable(STORE_ID, "not the id of a store") from error


def is_store_id(value: object) -> bool:
    """Whether a value is an id as `read_store_id` returns it."""
    return isinstance(value, str) and _ID.fullmatch(value) is not None


def ensure_store_id(backend: StorageBackend) -> None:
    """Give a store its id, unless it has one; a damaged one stays. The caller holds the store's write lock.

    Raises
    ------
    WriteFailed
        If the storage refuses.
    """
    try:
        has_none = read_store_id(backend) is None
    except SegmentUnreadable:
        return  # `check` names it; it is no reason to refuse rows
    if has_none:
        with suppress(Conflict):  # another writer gave it one
            backend.put(STORE_ID, f"{uuid.uuid4()}\n".encode(), expected=ABSENT)


def copy_store_id(source: StorageBackend, target: StorageBackend) -> None:
    """Give a copy of a store the store's id; none if the store has none. The caller holds the target's write lock.

    Raises
    ------
    StoreError
        If the target has the id of another store.
    SegmentUnreadable
        If the source's id is damaged or cannot be read.
    WriteFailed
        If the storage refuses.
    """
    store_id = read_store_id(source)
    if store_id is None:
        return
    try:
        present = read_store_id(target)
    except SegmentUnreadable:
        present = None  # damaged: replaced by the right one
    if present not in {None, store_id}:
        raise StoreError(f"{target}: this is store {present}, and {source} is store {store_id}")
    if present is None:
        target.put(STORE_ID, f"{store_id}\n".encode())
