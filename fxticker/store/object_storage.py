"""Object storage: a store's objects in a bucket, replaced by conditional writes.

A storage of this kind makes a put of a whole object atomic and durable, and refuses one whose condition does not hold:
that the object does not exist (If-None-Match), or is of a version (If-Match with its ETag). There is no lock that ends
with its process, so none is needed: each write names the version that it was made from.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from fxticker.errors import Conflict, NestedStore, SegmentUnreadable, StoreError, StoreLocked, WriteFailed, one_line
from fxticker.store.backend import ABSENT, STORE_ID, FreeSpace, StoredObject, Version
from fxticker.store.object_calls import ConditionFailed, ObjectCalls
from fxticker.store.object_file import ObjectFile
from fxticker.store.object_put import put_settled
from fxticker.store.recorders import read_recorders
from fxticker.store.traffic import Traffic

if TYPE_CHECKING:
    import pyarrow as pa


class ObjectStorage:
    """A prefix of a bucket, as a `StorageBackend`.

    Parameters
    ----------
    calls
        The requests.
    location
        Where it is, ``s3://bucket/prefix``, for messages.
    near
        Gives the storages of the prefixes above and of the tables, none of which may be a store if this one is new.
    """

    is_shared = True

    def __init__(
        self, calls: ObjectCalls, location: str, near: Callable[[], Iterable[ObjectStorage]] | None = None
    ) -> None:
        self._calls = calls
        self._location = location
        self._near = near  # until they were looked at
        self._lock = threading.Lock()

    def __str__(self) -> str:
        return self._location

    def exists(self) -> bool:
        """Whether there is a store; raises StoreError if the storage cannot be read."""
        try:
            names = {name.rpartition("/")[2] for name in self._calls.folders("")}
            return bool(names & {"ticks", "polls"}) or bool(self._calls.get(STORE_ID).data)
        except FileNotFoundError:
            return False
        except OSError as error:
            raise StoreError(f"{self._location}: cannot be read ({one_line(error.strerror or error)})") from error

    @property
    def traffic(self) -> Traffic:
        """Requests and bytes since this backend was made."""
        return self._calls.traffic

    def list(self, prefix: str) -> list[StoredObject]:
        """Return the objects below the folder `prefix`, by name; names that start with ``.`` or ``_`` are no objects.

        Raises
        ------
        SegmentUnreadable
            If the storage cannot list them.
        """
        prefix = prefix.rstrip("/")
        try:
            found = self._calls.list(prefix)
        except OSError as error:
            raise SegmentUnreadable(prefix, error.strerror or str(error)) from error
        return sorted((item for item in found if _is_visible(item.name, prefix)), key=lambda item: item.name)

    def folders(self, prefix: str) -> Sequence[str]:
        """Return the names of the folders directly below the folder `prefix`, sorted; raises as `list`."""
        try:
            return sorted(path.rpartition("/")[2] for path in self._calls.folders(prefix))
        except OSError as error:
            raise SegmentUnreadable(prefix, error.strerror or str(error)) from error

    def open(self, name: str, *, version: Version | None = None) -> Any:
        """Open an object for reading: `ObjectFile`.

        Raises
        ------
        SegmentUnreadable
            If there is no such object, or the storage cannot read it.
        Conflict
            If it is not of the given version.
        """
        try:
            return ObjectFile(self._calls, name, version)
        except ConditionFailed as error:
            raise Conflict(self, name) from error
        except FileNotFoundError as error:
            if version is not None:
                raise Conflict(self, name) from error
            raise SegmentUnreadable(name, "no such object") from error
        except OSError as error:
            raise SegmentUnreadable(name, error.strerror or str(error)) from error

    def put(self, name: str, data: bytes | pa.Buffer, *, expected: Version | None = None) -> Version:
        """Replace the content of `name` by `data`; it is durable when this returns.

        Raises
        ------
        Conflict, WriteFailed
            As `put_settled`.
        NestedStore
            As `refuse_nested`, before the first write.
        """
        self.refuse_nested()
        return put_settled(self._calls, self, name, data, expected)

    def delete(self, name: str) -> None:
        """Remove the object; a missing one is no error. Raises WriteFailed."""
        try:
            self._calls.delete(name)
        except OSError as error:
            raise WriteFailed(self, name, error) from error

    def move(self, name: str, to: str) -> None:
        """Copy the object to a free name, then remove it: an interrupted call leaves it under both names.

        Raises
        ------
        Conflict
            If the new name is taken by other content.
        WriteFailed
            If the storage refuses.
        """
        try:
            data = self._calls.get(name).data
        except OSError as error:
            raise WriteFailed(self, name, error) from error
        self.put(to, data, expected=ABSENT)
        self.delete(name)

    def refuse_nested(self) -> None:
        """Refuse a new store inside another one, or around one; asked of the storage once.

        Raises
        ------
        NestedStore
            With the other store.
        WriteFailed
            If the storage cannot be read.
        """
        near = self._near  # another thread may set it to None
        if near is None:
            return
        try:
            other = None if self.has_id() else next(filter(ObjectStorage.has_id, near()), None)
        except OSError as error:
            raise WriteFailed(self, STORE_ID, error) from error
        if other is not None:
            raise NestedStore(self, other)
        self._near = None

    def has_id(self) -> bool:
        """Whether there is a store's id; one that this account may not read counts as none."""
        try:
            return bool(self._calls.get(STORE_ID).data)
        except (FileNotFoundError, PermissionError):
            return False

    @contextlib.contextmanager
    def write_lock(self, timeout_s: float) -> Iterator[None]:
        """Let the threads of this process write one after the other; raises StoreLocked after `timeout_s`."""
        if not self._lock.acquire(timeout=timeout_s):
            raise StoreLocked(self._location, timeout_s, "another thread of this process")
        try:
            yield
        finally:
            self._lock.release()

    @contextlib.contextmanager
    def daemon_lock(self) -> Iterator[None]:
        """Hold nothing, as several daemons may record; for commands that none may run beside.

        Raises
        ------
        StoreLocked
            If a recorder was seen lately: it may have ended since, without a word.
        """
        if recorders := self.daemon():
            raise StoreLocked(self._location, 0, recorders, is_daemon=True)
        yield

    def lock_holder(self) -> str:
        """Return an empty text: nobody holds the store alone."""
        return ""

    def is_settled(self, version: Version) -> bool:
        """Whether no other content can have this version: not known, for some storages number their contents."""
        del version
        return False

    def free_space(self) -> FreeSpace | None:
        """Return None: the space is not limited."""
        return None

    def daemon(self) -> str | None:
        """Return the recorders that were seen lately, and until when they may be silent; None if there are none.

        Raises
        ------
        SegmentUnreadable
            If the storage cannot be read.
        """
        now = datetime.now(UTC)
        lately = [each for each in read_recorders(self) if now <= each.expected_by]
        named = (
            f"{each.name} (seen at {each.seen_at:%H:%M:%S}, expected by {each.expected_by:%H:%M:%S})" for each in lately
        )
        return f"the recorder {', '.join(named)}" if lately else None


def _is_visible(name: str, prefix: str) -> bool:
    below = name.removeprefix(prefix).strip("/")
    return not any(part.startswith((".", "_")) for part in below.split("/"))
