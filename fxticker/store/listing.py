"""Listing of a local store: the files below one of its folders."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator

from fxticker.errors import SegmentUnreadable
from fxticker.store.backend import ABSENT, StoredObject, Version
from fxticker.store.folders import FileAt, StoreFolders

_MAX_DEPTH = 8
"""Folders above an object at most, twice as many as the store makes; a deeper folder is listed and not opened."""
_SETTLED_NS = 2_000_000_000
"""No file system's clock has longer steps; those of FAT are two seconds long."""


def objects_below(folders: StoreFolders, folder: str, handle: int) -> list[StoredObject]:
    """Return the objects below an open folder, at any depth and in no order.

    Parameters
    ----------
    folders
        The folders of the store.
    folder, handle
        The folder's name inside the store, and its descriptor.

    Raises
    ------
    SegmentUnreadable
        If a folder below cannot be opened, with its name.
    OSError
        If the folder itself cannot be read.
    """
    names, objects = [], []
    with os.scandir(handle) as entries:
        for entry in entries:
            name = f"{folder}/{entry.name}"
            if entry.name.startswith((".", "_")):
                continue
            if entry.is_dir(follow_symlinks=False) and name.count("/") < _MAX_DEPTH:
                names.append(name)
            elif (status := _status_of(entry)) is not None:
                objects.append(StoredObject(name, status.st_size, version_of(status)))
    return objects + [item for name in names for item in _objects_of(folders, name, handle)]


def _objects_of(folders: StoreFolders, name: str, parent: int) -> Iterator[StoredObject]:
    """The objects below a folder that was listed in an open one."""
    try:
        with folders.child(parent, name) as handle:
            yield from objects_below(folders, name, handle)
    except FileNotFoundError:
        return  # removed since it was listed
    except OSError as error:
        raise SegmentUnreadable(name, error.strerror or str(error)) from error


def _status_of(entry: os.DirEntry[str]) -> os.stat_result | None:
    """The status of a file, or of a link itself if its target does not exist; None if deleted since it was listed."""
    try:
        return entry.stat()
    except OSError as error:
        if not entry.is_symlink():
            if isinstance(error, FileNotFoundError):
                return None
            raise
    try:
        return entry.stat(follow_symlinks=False)
    except FileNotFoundError:
        return None


def version_of(status: os.stat_result) -> Version:
    """Return what changes whenever a file is replaced."""
    return status.st_ino, status.st_mtime_ns, status.st_size


def version_at(file: FileAt) -> Version:
    """Return the version of a file, links followed; `ABSENT` if it does not exist."""
    try:
        return version_of(os.stat(file.name, dir_fd=file.folder))
    except FileNotFoundError:
        return ABSENT


def is_settled(version: Version) -> bool:
    """Return whether no later content of a file can have this version.

    A file system's clock stands still for some milliseconds, in which the inode number of a removed file may come back.
    """
    return time.time_ns() - int(version[1]) > _SETTLED_NS
