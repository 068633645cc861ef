"""Local storage: a store's objects as files in a folder, replaced durably.

An object is replaced by: write a temporary file, fsync it, rename it over the name, fsync the folder.
"""

from __future__ import annotations

import contextlib
import os
import pwd
import re
import stat
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa

from fxticker.errors import Conflict, NotOwner, SegmentUnreadable, WriteFailed
from fxticker.store.backend import STORE_ID, FreeSpace, StoredObject, Version
from fxticker.store.folders import FileAt, FileCalls, StoreFolders
from fxticker.store.listing import is_settled, objects_below, version_at, version_of
from fxticker.store.locks import DAEMON_LOCK, WRITE_LOCK, StoreLocks
from fxticker.store.nested import refuse_nested_folder

__all__ = ["STAGING", "FileCalls", "LocalStorage"]

STAGING = ".staging"
_TEMPORARY = re.compile(r"([0-9]{5}\.parquet\.)?[0-9]+\.[0-9]+(\.[0-9a-f]{8})?")
"""Names of temporary files: process, thread and a random part. Earlier versions had no random part, or the segment's
name before it all."""


class LocalStorage:
    """A folder on a disk, as a `StorageBackend`.

    Parameters
    ----------
    root
        The store's folder; created by the first write.
    calls
        The system calls of a write.
    """

    is_shared = False  # one machine at a time writes
    traffic = None
    is_settled = staticmethod(is_settled)

    def __init__(self, root: Path, calls: FileCalls | None = None) -> None:
        self._root = root
        self._calls = calls or FileCalls()
        self._folders = StoreFolders(root, self._calls)
        self._locks = StoreLocks(root, self._prepare)

    def __str__(self) -> str:
        return str(self._root)

    def exists(self) -> bool:
        """Whether the folder is a store: it was written to, or it holds nothing but a README."""
        if not self._root.is_dir():
            return False
        names = {path.name for path in self._root.iterdir()}
        return bool(names & {"ticks", "polls", STORE_ID, WRITE_LOCK, DAEMON_LOCK}) or names <= {"README.md"}

    def list(self, prefix: str) -> list[StoredObject]:
        """Return the objects below the folder `prefix`, by name; names that start with ``.`` or ``_`` are no objects.

        A link to a folder is listed as an object and not followed.

        Raises
        ------
        SegmentUnreadable
            If a folder or a file cannot be listed, with the folder's name.
        """
        prefix = prefix.rstrip("/")
        with self._opened(prefix) as handle:
            objects = [] if handle is None else objects_below(self._folders, prefix, handle)
        return sorted(objects, key=lambda item: item.name)

    def folders(self, prefix: str) -> Sequence[str]:
        """Return the names of the folders directly below the folder `prefix`, sorted.

        Links to folders are among them: to list one is refused by its name.

        Raises
        ------
        SegmentUnreadable
            If the folder cannot be listed.
        """
        with self._opened(prefix) as handle:
            if handle is None:
                return []
            with os.scandir(handle) as entries:
                return sorted(entry.name for entry in entries if _is_folder(entry))

    def open(self, name: str, *, version: Version | None = None) -> Any:
        """Open a file for reading; a later replacement of the name does not change what is read from it.

        It is not memory-mapped, because a bad sector would then end the reader's process instead of raising an error.

        Raises
        ------
        SegmentUnreadable
            If there is no such file, or it is no regular file or cannot be opened.
        Conflict
            If it is not of the given version.
        """
        path = os.fsencode(self._root / name)
        try:
            status = os.lstat(path)  # a pipe would be waited for, and a link leads out of the store
            if not stat.S_ISREG(status.st_mode):
                raise SegmentUnreadable(name, "no regular file")
            file = pa.OSFile(path)
        except (OSError, pa.ArrowInvalid) as error:
            raise SegmentUnreadable(name, str(error)) from error
        if version is not None and version_of(status) != version:
            raise Conflict(self, name)
        return file

    def free_space(self) -> FreeSpace | None:
        """Return what is free on the folder's file system; None if the folder does not exist."""
        try:
            free = os.statvfs(self._root)
        except OSError:
            return None
        return FreeSpace(free.f_bavail * free.f_frsize, free.f_favail if free.f_files else None)

    def put(self, name: str, data: bytes | pa.Buffer, *, expected: Version | None = None) -> Version:
        """Replace the content of `name` by `data`; it is durable when this returns.

        The comparison with an expected version is sound only under the write lock, which every writer holds.

        Raises
        ------
        Conflict
            If the file is not of the expected version; nothing is written.
        WriteFailed
            If a system call failed. Unless it was the last one (the folder's fsync), the old content is unchanged.
        """
        temporary = f"{STAGING}/{os.getpid()}.{threading.get_ident()}.{os.urandom(4).hex()}"
        try:
            with (
                self._folders.opened(STAGING, create=True) as staging,
                self._folders.opened(_folder_of(name), create=True) as folder,
            ):
                if expected is not None and version_at(self._folders.file(folder, name)) != expected:
                    raise Conflict(self, name)
                staged = self._folders.file(staging, temporary)
                try:
                    version = self._write(staged, memoryview(data))
                    self._calls.replace(staged, self._folders.file(folder, name))
                except OSError:
                    with contextlib.suppress(OSError):
                        self._calls.unlink(staged)
                    raise
                self._calls.fsync(folder)
        except WriteFailed:
            raise
        except OSError as error:
            raise WriteFailed(self, name, error) from error
        return version

    def delete(self, name: str) -> None:
        """Remove the file durably; a missing file is no error."""
        try:
            with contextlib.suppress(FileNotFoundError), self._folders.opened(_folder_of(name)) as folder:
                with contextlib.suppress(FileNotFoundError):
                    self._calls.unlink(self._folders.file(folder, name))
                self._calls.fsync(folder)
        except OSError as error:
            raise WriteFailed(self, name, error) from error

    def move(self, name: str, to: str) -> None:
        """Rename the file, or the link, durably.

        Raises
        ------
        WriteFailed
            If a system call failed.
        """
        try:
            with (
                self._folders.opened(_folder_of(name)) as source,
                self._folders.opened(_folder_of(to), create=True) as target,
            ):
                self._calls.replace(self._folders.file(source, name), self._folders.file(target, to))
                self._calls.fsync(target)
                self._calls.fsync(source)
        except OSError as error:
            raise WriteFailed(self, name, error) from error

    def refuse_nested(self) -> None:
        """Refuse a new store inside another one: `refuse_nested_folder`."""
        refuse_nested_folder(self._root)

    @contextlib.contextmanager
    def write_lock(self, timeout_s: float) -> Iterator[None]:
        """Hold the lock of writers; temporary files that ended processes left behind are removed first.

        Raises
        ------
        StoreLocked
            After `timeout_s`, with the holder.
        WriteFailed
            If the lock file cannot be created or a temporary file cannot be removed.
        """
        with self._locks.write_lock(timeout_s):
            try:
                self._remove_temporaries()
            except OSError as error:
                raise WriteFailed(self, STAGING, error) from error
            yield

    def lock_holder(self) -> str:
        """Return process, program and start time of the last holder of the write lock; empty if unknown."""
        return self._locks.holder(WRITE_LOCK)

    def daemon_lock(self) -> contextlib.AbstractContextManager[None]:
        """Hold the lock of the store's one daemon: `StoreLocks.daemon_lock`."""
        return self._locks.daemon_lock()

    def daemon(self) -> str | None:
        """Return process, program and start time of the running daemon; None if none runs: `StoreLocks.daemon`."""
        return self._locks.daemon()

    @contextlib.contextmanager
    def _opened(self, folder: str) -> Iterator[int | None]:
        """Open a folder for reading, None if it does not exist; any other fault names the folder."""
        try:
            with contextlib.ExitStack() as stack:
                try:
                    handle = stack.enter_context(self._folders.opened(folder))
                except FileNotFoundError:
                    handle = None
                yield handle
        except OSError as error:
            raise SegmentUnreadable(folder, error.strerror or str(error)) from error

    def _prepare(self) -> int:
        """Create the store's folder for a writer, and return the mode of its files."""
        owner = self._root.stat().st_uid if self._calls.geteuid() == 0 and self._root.is_dir() else 0
        if owner != 0:
            raise NotOwner(self, _account(owner))
        self.refuse_nested()
        self._folders.make_root()
        with self._folders.opened(""):
            return self._folders.file_mode

    def _remove_temporaries(self) -> None:
        """Remove what ended processes left in the staging folder; what has no name of a temporary file stays."""
        with contextlib.suppress(FileNotFoundError), self._folders.opened(STAGING) as staging:
            with os.scandir(staging) as entries:
                left = [entry.name for entry in entries if _is_temporary(entry)]
            for name in left:
                self._calls.unlink(self._folders.file(staging, f"{STAGING}/{name}"))

    def _write(self, file: FileAt, data: memoryview) -> Version:
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        mode = self._folders.file_mode
        handle = self._calls.open(file, flags, mode)
        try:
            self._folders.set_mode(handle, mode)
            while data:
                data = data[self._calls.write(handle, data) :]
            self._calls.fsync(handle)
            version = version_of(os.fstat(handle))
        finally:
            self._calls.close(handle)
        return version


def _folder_of(name: str) -> str:
    return name.rpartition("/")[0]


def _is_folder(entry: os.DirEntry[str]) -> bool:
    """Whether an entry is a folder or a link to one; a link that leads to itself, or where nobody may look, is none."""
    try:
        return entry.is_dir()
    except OSError:
        if not entry.is_symlink():
            raise
        return False


def _is_temporary(entry: os.DirEntry[str]) -> bool:
    return _TEMPORARY.fullmatch(entry.name) is not None and not entry.is_dir(follow_symlinks=False)


def _account(uid: int) -> str:
    """The name of an account as sudo takes it."""
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"#{uid}"
