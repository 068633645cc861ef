"""Location of a store: the storage backend of what a person named."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TypeAlias

from fxticker.errors import StoreError
from fxticker.store.backend import StorageBackend
from fxticker.store.local import LocalStorage
from fxticker.store.s3_location import is_s3, s3_storage, s3_url

Location: TypeAlias = Path | str
"""A folder, or the URL of an object storage, which is always a text."""


def absolute(location: Location) -> str:
    """Return a location as a text that means the same everywhere."""
    return str(location) if is_s3(location) else str(Path(location).absolute())


def storage_at(location: str | os.PathLike[str], *, must_exist: bool) -> StorageBackend:
    """Return the backend of a store: a folder, or an object storage's ``s3://bucket/prefix``.

    Raises
    ------
    StoreError
        If it must exist and there is no folder, or one with other content; if a URL is invalid, or its storage cannot
        be read.
    MissingExtra
        If a URL is given and the client of object storage is not installed.
    """
    if is_s3(location):
        objects = s3_storage(str(location))
        if must_exist and not objects.exists():
            raise StoreError(f"{objects}: there is no store here (no objects of one)")
        return objects
    try:
        s3_url(location)  # refuses other URLs
    except ValueError as error:
        raise StoreError(f"a store {error}; give the URL as a text, as a Path has one slash of it only") from error
    backend = LocalStorage(Path(location))
    if must_exist and not backend.exists():
        folder = Path(location)
        reason = "a folder of other things" if folder.is_dir() else "no folder" if folder.exists() else "no such folder"
        raise StoreError(f"{location}: there is no store here ({reason})")
    return backend
