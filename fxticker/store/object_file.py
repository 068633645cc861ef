"""Object file: an object of an object storage, read like a file; all reads are of one version.

The end is read first, as that is all that most readers need of a segment, and the rest in a second request when it is
asked for. A small object takes one request.
"""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING, Self

from fxticker.store.backend import Version
from fxticker.store.object_calls import ConditionFailed, ObjectCalls, ObjectPart

if TYPE_CHECKING:
    import pyarrow as pa

END_BYTES = 65_536
"""Bytes at the end that are read at once: an open segment of a day of polls, or any footer."""


class ObjectFile:
    """An object that is open for reading.

    Parameters
    ----------
    calls
        The requests.
    name
        Name of the object.
    version
        The version to read; None for the present one.

    Raises
    ------
    FileNotFoundError, ConditionFailed, OSError
        If there is no such object, it is another version, or the storage refuses.
    """

    def __init__(self, calls: ObjectCalls, name: str, version: Version | None = None) -> None:
        self._calls = calls
        self._name = name
        self._end = _end_of(calls, name, version)
        self._whole: bytes | None = self._end.data if self._end.start == 0 else None
        self._position = 0
        self._has_read = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the bytes."""
        self._whole = None

    def size(self) -> int:
        """Return the size in bytes."""
        return self._end.size_bytes if self._whole is None else len(self._whole)

    def seek(self, position: int) -> int:
        """Go to a position, in bytes from the beginning."""
        self._position = position
        return position

    def tell(self) -> int:
        """Return the position."""
        return self._position

    def read(self, length: int | None = None) -> bytes:
        """Return the bytes from the position on, at most `length`; raises OSError if they cannot be read."""
        if self._whole is None and self._position < self._end.start:
            self._whole = self._fetched()
        data, start = (self._whole, 0) if self._whole is not None else (self._end.data, self._end.start)
        begin = self._position - start
        part = data[begin:] if length is None else data[begin : begin + length]
        self._position += len(part)
        self._has_read = True
        return part

    def read_buffer(self) -> pa.Buffer:
        """Return the bytes from the position on as an Arrow buffer."""
        import pyarrow as pa

        return pa.py_buffer(self.read())

    def _fetched(self) -> bytes:
        """The whole object: of the version whose end is known, or of a newer one if nothing was returned yet."""
        try:
            head = self._calls.get(self._name, version=self._end.version, span=(0, self._end.start))
        except (ConditionFailed, FileNotFoundError) as error:
            if self._has_read or self._position:
                raise OSError(errno.ESTALE, "the object was replaced while it was read") from error
            self._end = self._calls.get(self._name)
            return self._end.data
        return head.data + self._end.data


def _end_of(calls: ObjectCalls, name: str, version: Version | None) -> ObjectPart:
    try:
        return calls.get(name, version=version, last=END_BYTES)
    except FileNotFoundError:
        raise
    except OSError:  # an empty object has no last bytes; what else is wrong shows again
        return calls.get(name, version=version)
