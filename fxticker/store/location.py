"""Location of a store: the storage backend of what a person named."""

from __future__ import annotations

import os
from pathlib import Path

from fxticker.errors import StoreError
from fxticker.store.backend import StorageBackend
from fxticker.store.local import LocalStorage


def storage_at(location: str | os.PathLike[str], *, must_exist: bool) -> StorageBackend:
    """Return the backend of a store.

    Raises
    ------
    StoreError
        If it must exist and there is no folder, or one with other content.
    """
    backend = LocalStorage(Path(location))
    if must_exist and not backend.exists():
        reason = "a folder of other things" if Path(location).is_dir() else "no such folder"
        raise StoreError(f"{location}: there is no store here ({reason})")
    return backend
