"""Faults of a disk and of the files on it: system calls that fail on demand, and damage to a segment."""

import errno
import functools
import os
from itertools import groupby
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from fxticker.store.local import FileCalls
from fxticker.store.schema import POLLS


class WatchedCalls(FileCalls):
    """The system calls of a write, each after `before(step, *arguments)`, which may raise instead."""

    def __init__(self, before=None):
        self.before = before
        for step in ("open", "write", "fsync", "close", "replace", "unlink", "mkdir"):
            setattr(self, step, functools.partial(self._make, step))

    def _make(self, step, *arguments):
        self.before(step, *arguments)
        return getattr(FileCalls, step)(*arguments)


class FaultyCalls(WatchedCalls):
    """System calls of which one, counted from now, raises a fault; its write has written half, its close has closed."""

    def __init__(self):
        super().__init__(self._count)
        self.heal()

    def fail(self, step, fault, *, lasting=False):
        self._left, self._fault, self._lasting = step, fault, lasting

    def heal(self):
        self._left, self._fault, self._lasting = None, None, False

    def _count(self, step, handle, *arguments):
        if self._left is None:
            return
        self._left -= 1
        if self._left == 0:
            self._left = 1 if self._lasting else None
            if step == "write":
                os.write(handle, arguments[0][: len(arguments[0]) // 2])
            elif step == "close":
                os.close(handle)
            raise self._fault


class RecordedCalls(WatchedCalls):
    """System calls, noted in `made` with the paths they touch; those in `refused` fail with an error number."""

    def __init__(self, base):
        super().__init__()
        self._base = base
        self.largest_write_bytes = None
        self.heal()

    def heal(self):
        self.refused, self.room_bytes, self.made = {}, None, []

    def steps(self):
        """The steps in order; a run of one kind counts once."""
        return [step for step, _ in groupby(step for step, _ in self.made)]

    def _make(self, step, *arguments):
        if step == "close":
            return os.close(*arguments)
        path = _path_of(arguments[step == "replace"])
        is_folder = arguments[1] & os.O_DIRECTORY if step == "open" else step == "fsync" and path.is_dir()
        self._note(f"{step} folder" if is_folder else step, path)
        if step == "write":
            arguments = (arguments[0], self._writable(arguments[1]))
        return getattr(FileCalls, step)(*arguments)

    def _note(self, step, path):
        self.made.append((step, str(path.relative_to(self._base))))
        if step in self.refused:
            raise OSError(self.refused[step], os.strerror(self.refused[step]))

    def _writable(self, data):
        """The part of the data that one write takes."""
        if self.room_bytes is not None:
            if self.room_bytes == 0:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            data = data[: self.room_bytes]
            self.room_bytes -= len(data)
        return data[: self.largest_write_bytes]


def _path_of(target):
    """The path of a file, or of a descriptor."""
    return Path(os.readlink(f"/proc/self/fd/{target}")) if isinstance(target, int) else Path(target)  # noqa: PTH115


def flip(path, position):
    """Flip all bits of one byte of a file."""
    content = bytearray(path.read_bytes())
    content[position] ^= 0xFF
    path.write_bytes(content)


DAMAGES = {
    "empty": lambda path: path.write_bytes(b""),
    "cut to its magic": lambda path: path.write_bytes(path.read_bytes()[:4]),
    "cut short by a byte": lambda path: path.write_bytes(path.read_bytes()[:-1]),
    "cut in half": lambda path: path.write_bytes(path.read_bytes()[: path.stat().st_size // 2]),
    "cut short by 300 bytes": lambda path: path.write_bytes(path.read_bytes()[:-300]),
    "text": lambda path: path.write_text("not a table"),
    "text with Parquet's magic": lambda path: path.write_bytes(b"PAR1 this is text PAR1"),
    "flipped byte in the data": lambda path: flip(path, 40),
    "flipped byte in the footer's length": lambda path: flip(path, -5),
    "changed digit in the summary": lambda path: path.write_bytes(path.read_bytes().replace(b'"rows": ', b'"rows":1')),
    "foreign table of a column": lambda path: pq.write_table(pa.table({"a": [1]}), path),
    "foreign table of two columns": lambda path: pq.write_table(pa.table({"a": [1], "b": [2]}), path),
    "foreign table with texts": lambda path: pq.write_table(pa.table({"a": [1], "b": ["x"]}), path),
    "foreign table without rows": lambda path: pq.write_table(pa.table({"a": pa.array([], pa.int64())}), path),
    "empty table of polls": lambda path: pq.write_table(POLLS.schema.empty_table(), path),
}
"""What may happen to a segment of ticks, so that it cannot be read: each changes the file at a path."""


class BadSectors:
    """A storage of which files with a part in their name can be opened and not read."""

    def __init__(self, backend, part):
        self._backend, self._part = backend, part

    def __getattr__(self, name):
        return getattr(self._backend, name)

    def open(self, name, *, version=None):
        file = self._backend.open(name, version=version)
        return _BadSector(file) if self._part in name else file


class _BadSector:
    def __init__(self, file):
        self._file = file

    def __enter__(self):
        return self

    def __exit__(self, *_error):
        self._file.close()

    def read(self, *_bytes):
        raise OSError(errno.EIO, "Input/output error")
