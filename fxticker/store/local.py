"""Local storage: a store's objects as files in a folder, replaced durably.

An object is replaced by: write a temporary file, fsync it, rename it over the name, fsync the folder.
"""

from __future__ import annotations

import contextlib
import os
import stat
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa

from fxticker.errors import SegmentUnreadable, StoreError, WriteFailed
from fxticker.store.backend import FreeSpace, StoredObject
from fxticker.store.locks import DAEMON_LOCK, WRITE_LOCK, StoreLocks

STAGING = ".staging"


class FileCalls:
    """The system calls of a write; tests replace each by one that fails."""

    open = staticmethod(os.open)
    write = staticmethod(os.write)
    fsync = staticmethod(os.fsync)
    close = staticmethod(os.close)
    replace = staticmethod(os.replace)
    unlink = staticmethod(os.unlink)
    mkdir = staticmethod(os.mkdir)
    rmdir = staticmethod(os.rmdir)


class LocalStorage:
    """A folder on a disk, as a `StorageBackend`.

    Parameters
    ----------
    root
        The store's folder; created by the first write.
    calls
        The system calls of a write.
    """

    def __init__(self, root: Path, calls: FileCalls | None = None) -> None:
        self._root = root
        self._calls = calls or FileCalls()
        self._locks = StoreLocks(root, lambda: self._make_folder(root))
        self._synced: set[Path] = set()

    def __str__(self) -> str:
        return str(self._root)

    def exists(self) -> bool:
        """Whether the folder is a store: it was written to, or it holds nothing but a README."""
        if not self._root.is_dir():
            return False
        names = {path.name for path in self._root.iterdir()}
        return bool(names & {"ticks", "polls", WRITE_LOCK, DAEMON_LOCK}) or names <= {"README.md"}

    def list(self, prefix: str) -> list[StoredObject]:
        """Return the objects below the folder `prefix`, by name; names that start with ``.`` or ``_`` are no objects.

        Raises
        ------
        SegmentUnreadable
            If a folder or a file cannot be listed, with the folder's name.
        """
        objects: list[StoredObject] = []
        folders = [prefix.rstrip("/")]
        while folders:
            folder = folders.pop()
            with self._entries(folder) as entries:
                for entry in entries:
                    name = f"{folder}/{entry.name}"
                    if entry.name.startswith((".", "_")):
                        continue
                    if entry.is_dir():
                        folders.append(name)
                    elif (status := _status_of(entry)) is not None:
                        objects.append(StoredObject(name, status.st_size, _version_of(status)))
        return sorted(objects, key=lambda item: item.name)

    def folders(self, prefix: str) -> Sequence[str]:
        """Return the names of the folders directly below the folder `prefix`, sorted.

        Raises
        ------
        SegmentUnreadable
            If the folder cannot be listed.
        """
        with self._entries(prefix) as entries:
            return sorted(entry.name for entry in entries if entry.is_dir())

    def open(self, name: str) -> Any:
        """Open a file for reading; a later replacement of the name does not change what is read from it.

        It is not memory-mapped, because a bad sector would then end the reader's process instead of raising an error.

        Raises
        ------
        SegmentUnreadable
            If there is no such file, or it is no regular file or cannot be opened.
        """
        path = os.fsencode(self._root / name)
        try:
            if not stat.S_ISREG(os.stat(path).st_mode):  # noqa: PTH116  a pipe would be waited for
                raise SegmentUnreadable(name, "no regular file")
            return pa.OSFile(path)
        except (OSError, pa.ArrowInvalid) as error:
            raise SegmentUnreadable(name, str(error)) from error

    def free_space(self) -> FreeSpace | None:
        """Return what is free on the folder's file system; None if the folder does not exist."""
        try:
            free = os.statvfs(self._root)
        except OSError:
            return None
        return FreeSpace(free.f_bavail * free.f_frsize, free.f_favail if free.f_files else None)

    def put(self, name: str, data: bytes | pa.Buffer) -> tuple[int, ...]:
        """Replace the content of `name` by `data`; it is durable when this returns.

        Raises
        ------
        WriteFailed
            If a system call failed. Unless it was the last one (the folder's fsync), the old content is unchanged.
        """
        target = self._root / name
        staged = self._root / STAGING / f"{os.getpid()}.{threading.get_ident()}"
        try:
            self._make_folder(staged.parent)
            self._make_folder(target.parent)
            try:
                version = self._write(staged, memoryview(data))
                self._calls.replace(staged, target)
            except OSError:
                with contextlib.suppress(OSError):
                    self._calls.unlink(staged)
                raise
            self._sync_folder(target.parent)
        except OSError as error:
            raise WriteFailed(self, name, error) from error
        return version

    def delete(self, name: str) -> None:
        """Remove the file durably; a missing file is no error."""
        target = self._root / name
        try:
            with contextlib.suppress(FileNotFoundError):
                self._calls.unlink(target)
            self._sync_folder(target.parent)
        except OSError as error:
            raise WriteFailed(self, name, error) from error

    def move(self, name: str, to: str) -> None:
        """Rename the file, or the link, durably.

        Raises
        ------
        WriteFailed
            If a system call failed.
        """
        source, target = self._root / name, self._root / to
        try:
            self._make_folder(target.parent)
            self._calls.replace(source, target)
            self._sync_folder(target.parent)
            self._sync_folder(source.parent)
        except OSError as error:
            raise WriteFailed(self, name, error) from error

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
            self._remove_temporaries()
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
    def _entries(self, folder: str) -> Iterator[Iterator[os.DirEntry[str]]]:
        """Scan a folder, one that does not exist as an empty one; any other fault names the folder."""
        try:
            try:
                entries = os.scandir(self._root / folder)
            except FileNotFoundError:
                yield iter(())
                return
            with entries:
                yield entries
        except OSError as error:
            raise SegmentUnreadable(folder, error.strerror or str(error)) from error

    def _remove_temporaries(self) -> None:
        with contextlib.suppress(FileNotFoundError), os.scandir(self._root / STAGING) as entries:
            for entry in entries:
                try:
                    os.unlink(entry.path)  # noqa: PTH108  one Path per poll less
                except OSError as error:
                    raise WriteFailed(self, f"{STAGING}/{entry.name}", error) from error

    def _write(self, path: Path, data: memoryview) -> tuple[int, ...]:
        handle = self._calls.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o644)
        try:
            while data:
                data = data[self._calls.write(handle, data) :]
            self._calls.fsync(handle)
            version = _version_of(os.fstat(handle))
        finally:
            self._calls.close(handle)
        return version

    def _make_folder(self, folder: Path) -> None:
        if folder in self._synced and folder.is_dir():
            return
        if folder != self._root:
            self._make_folder(folder.parent)
        elif not folder.parent.is_dir():
            folder.parent.mkdir(parents=True, exist_ok=True)
        if not folder.is_dir():
            with contextlib.suppress(FileExistsError):  # another process came first
                self._calls.mkdir(folder, 0o755)
        try:
            self._sync_folder(folder.parent)
        except OSError:
            # A second fsync of the same entry would prove nothing, so the next write creates the folder again.
            with contextlib.suppress(OSError):
                self._calls.rmdir(folder)
            raise
        self._synced.add(folder)

    def _sync_folder(self, folder: Path) -> None:
        handle = self._calls.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC, 0)
        try:
            self._calls.fsync(handle)
        finally:
            self._calls.close(handle)


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


def _version_of(status: os.stat_result) -> tuple[int, ...]:
    return status.st_ino, status.st_mtime_ns, status.st_size


def local_storage(path: str | os.PathLike[str], *, must_exist: bool) -> LocalStorage:
    """Return the backend of a store's folder.

    Raises
    ------
    StoreError
        If it must exist and there is no folder, or one with other content.
    """
    backend = LocalStorage(Path(path))
    if must_exist and not backend.exists():
        reason = "a folder of other things" if Path(path).is_dir() else "no such folder"
        raise StoreError(f"{path}: there is no store here ({reason})")
    return backend
