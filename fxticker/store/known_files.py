"""Known files: what this process has read of files that nothing has replaced since.

A reader of the last ticks looks at the footers of twelve months and the rows of the newest, of which a poll replaces
one file. Each call lists the files, so that a replaced one is known by its version.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, cast

from fxticker.errors import Conflict
from fxticker.store.backend import StorageBackend, Version

_MOST = 256
"""Readings that are kept at most, those of 16 sources of a poll a minute. A summary, or last rows, have 1 kB where a
source has five pairs, 130 kB where it has a thousand."""
_known: dict[tuple[str, str, str], tuple[Version, Any]] = {}
"""Version of a file and what was read of it, by its storage, its name and what that is."""

T = TypeVar("T")


def known(backend: StorageBackend, name: str, version: Version, what: str, read: Callable[[Version | None], T]) -> T:
    """Return what is read of a file in its listed version, or in one that has replaced it since.

    Parameters
    ----------
    backend, name, version
        The file.
    what
        Name of what is read.
    read
        Reads it of the version that it is called with, of the present one with None. Its `Conflict` says that the file
        was replaced; other errors are passed on.
    """
    if not backend.is_settled(version):
        return read(None)
    key = (str(backend), name, what)
    entry = _known.get(key)
    if entry is not None and entry[0] == version:
        return cast("T", entry[1])
    try:
        found = read(version)
    except Conflict:
        return read(None)
    if entry is None and len(_known) >= _MOST:
        _known.clear()
    _known[key] = version, found
    return found
