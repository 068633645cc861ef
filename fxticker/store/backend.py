"""Storage backend: the operations that the store needs from its storage.

Nothing above this interface uses paths or file systems.
"""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    import pyarrow as pa


STORE_ID = "store.id"
"""Name of the object with the store's id. It is not hidden, as copies often leave out what is."""


@dataclass(frozen=True, slots=True)
class StoredObject:
    """A listed object.

    Attributes
    ----------
    name
        Path inside the store, parts separated by ``/``.
    size_bytes
        Size of the content.
    version
        Changes whenever the object is replaced.
    """

    name: str
    size_bytes: int
    version: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class FreeSpace:
    """What a store may still take.

    Attributes
    ----------
    bytes
        Free bytes for this process's account.
    inodes
        Free file entries; None on a file system that makes them as it needs them.
    """

    bytes: int
    inodes: int | None


class StorageBackend(Protocol):
    """Objects of a store by name, and the store's two locks; ``str()`` gives its location."""

    def list(self, prefix: str) -> list[StoredObject]:
        """Return the objects below the folder `prefix`, at any depth, sorted by name; empty if it does not exist."""

    def folders(self, prefix: str) -> Sequence[str]:
        """Return the names of the folders directly below the folder `prefix`, sorted; empty if it does not exist."""

    def open(self, name: str) -> Any:
        """Open an object for random reading, as a pyarrow file."""

    def put(self, name: str, data: bytes | pa.Buffer) -> tuple[int, ...]:
        """Replace the object's whole content atomically and durably, and return its version."""

    def delete(self, name: str) -> None:
        """Remove the object durably."""

    def move(self, name: str, to: str) -> None:
        """Rename an object to a free name, whatever its content and whether or not it can be read."""

    def write_lock(self, timeout_s: float) -> contextlib.AbstractContextManager[None]:
        """Hold the lock that only one writer has at a time."""

    def daemon_lock(self) -> contextlib.AbstractContextManager[None]:
        """Hold the lock that only one daemon has at a time; writers and readers are not hindered."""

    def free_space(self) -> FreeSpace | None:
        """Return what is free; None if that is not limited or not known."""

    def daemon(self) -> str | None:
        """Return process, program and start time of the store's daemon; None if none runs."""
