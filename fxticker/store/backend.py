"""Storage backend: the operations that the store needs from its storage.

Nothing above this interface uses paths or file systems.
"""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

if TYPE_CHECKING:
    import pyarrow as pa

    from fxticker.store.traffic import Traffic


Version: TypeAlias = tuple[int | str, ...]
"""What identifies one content of an object; it changes whenever the object is replaced."""
ABSENT: Version = ()
"""The version of an object that does not exist."""
MAX_OBJECT_BYTES = 256_000_000
"""Maximum size of an object that is read into memory, in bytes: some 500 times the largest segment seen."""
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
    version: Version


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

    @property
    def is_shared(self) -> bool:
        """Whether writers and daemons of several machines may use the store at once.

        Then the locks exclude nobody elsewhere, a write is decided by the version that it replaces, and what is listed
        is durable.
        """

    @property
    def traffic(self) -> Traffic | None:
        """Requests and bytes since this backend was made; None where a request costs nothing, as on a disk."""

    def list(self, prefix: str) -> list[StoredObject]:
        """Return the objects below the folder `prefix`, at any depth, sorted by name; empty if it does not exist."""

    def folders(self, prefix: str) -> Sequence[str]:
        """Return the names of the folders directly below the folder `prefix`, sorted; empty if it does not exist."""

    def open(self, name: str, *, version: Version | None = None) -> Any:
        """Open an object for random reading, with the methods of a pyarrow file; all reads are of one content.

        With a `version`, raises `Conflict` if the object has another one.
        """

    def is_settled(self, version: Version) -> bool:
        """Whether no other content of a store at this location can have this version; False if that is unknown."""

    def put(self, name: str, data: bytes | pa.Buffer, *, expected: Version | None = None) -> Version:
        """Replace the object's whole content atomically and durably, and return its version.

        With an `expected` version, raises `Conflict` if the object has another one; `ABSENT` creates it.
        """

    def delete(self, name: str) -> None:
        """Remove the object durably."""

    def move(self, name: str, to: str) -> None:
        """Rename an object to a free name, whatever its content and whether or not it can be read."""

    def refuse_nested(self) -> None:
        """Raise `NestedStore` if the store is new, and would lie inside another one or around one; writes begin so."""

    def write_lock(self, timeout_s: float) -> contextlib.AbstractContextManager[None]:
        """Hold the lock that only one writer has at a time."""

    def daemon_lock(self) -> contextlib.AbstractContextManager[None]:
        """Hold the lock that only one daemon has at a time; writers and readers are not hindered."""

    def lock_holder(self) -> str:
        """Return process, program and start time of the last writer; empty if unknown."""

    def free_space(self) -> FreeSpace | None:
        """Return what is free; None if that is not limited or not known."""

    def daemon(self) -> str | None:
        """Return process, program and start time of the store's daemon; None if none runs."""
