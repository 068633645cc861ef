"""Where the store's objects lie: list, read, replace a whole object durably, delete; one writer, one daemon at a time.

Nothing above this module knows paths or file systems. On a disk, replacing is: write a temporary, fsync it, rename it
over the name, fsync the folder.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import json
import os
import stat
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import pyarrow as pa

from fxticker.errors import SegmentUnreadable, StoreError, StoreLocked, WriteFailed

if TYPE_CHECKING:
    from filelock import FileLock

STAGING = ".staging"
LOCK = ".lock"
DAEMON_LOCK = ".daemon"
DAEMON_WAIT_S = 0.5
"""How long a daemon tries for its lock: longer than somebody who asks whether there is one holds it."""


@dataclass(frozen=True, slots=True)
class StoredObject:
    """An object as listed.

    Attributes
    ----------
    name
        Path inside the store with ``/``.
    size_bytes
        Its size.
    version
        Equal as long as the object was not replaced.
    """

    name: str
    size_bytes: int
    version: tuple[int, ...]


class StorageBackend(Protocol):
    """What the store needs of where it lies; its text says where that is."""

    def list(self, prefix: str) -> list[StoredObject]:
        """The objects below the folder `prefix`, at any depth, by name; none if there is no such folder."""

    def folders(self, prefix: str) -> Sequence[str]:
        """The names of the folders right below the folder `prefix`, sorted; none if there is no such folder."""

    def open(self, name: str) -> Any:
        """The object for random reading, as pyarrow takes it."""

    def put(self, name: str, data: bytes | pa.Buffer) -> tuple[int, ...]:
        """Make `data` the object's whole content, at once and durably, and return the object's version."""

    def delete(self, name: str) -> None:
        """Remove the object durably."""

    def move(self, name: str, to: str) -> None:
        """Give the object another, free name, whatever it holds and whether or not it can be read."""

    def write_lock(self, timeout_s: float) -> contextlib.AbstractContextManager[None]:
        """Be the one writer for a while."""

    def daemon_lock(self) -> contextlib.AbstractContextManager[None]:
        """Be the store's one daemon for a while; writers and readers are not hindered."""

    def daemon(self) -> str | None:
        """What the store's daemon said of itself; null if none runs."""


class FileCalls:
    """The calls of a publish, each to be replaced by one that fails."""

    open = staticmethod(os.open)
    write = staticmethod(os.write)
    fsync = staticmethod(os.fsync)
    close = staticmethod(os.close)
    replace = staticmethod(os.replace)
    unlink = staticmethod(os.unlink)
    mkdir = staticmethod(os.mkdir)
    rmdir = staticmethod(os.rmdir)


class LocalStorage:
    """A folder on a disk.

    Parameters
    ----------
    root
        The store's folder; made by the first write.
    calls
        The system calls of a publish.
    """

    def __init__(self, root: Path, calls: FileCalls | None = None) -> None:
        self._root = root
        self._calls = calls or FileCalls()
        self._thread_lock = threading.Lock()
        self._synced: set[Path] = set()
        self._file_lock: FileLock | None = None
        self._daemon_file: tuple[int, int] | None = None
        self._holder = {
            "program": " ".join([Path(sys.argv[0]).name.replace("__main__.py", "fxticker"), *sys.argv[1:2]]),
            "since": datetime.now(UTC).isoformat(timespec="seconds"),
        }

    def __str__(self) -> str:
        return str(self._root)

    def exists(self) -> bool:
        """Whether there is a store: a folder that was written to, or one that holds nothing else yet."""
        if not self._root.is_dir():
            return False
        names = {path.name for path in self._root.iterdir()}
        return bool(names & {"ticks", "polls", LOCK, DAEMON_LOCK}) or names <= {"README.md"}

    def list(self, prefix: str) -> list[StoredObject]:
        """The objects below the folder `prefix`, by name. Names that start with ``.`` or ``_`` are not objects."""
        found: list[StoredObject] = []
        folders = [prefix.rstrip("/")]
        while folders:
            folder = folders.pop()
            try:
                with os.scandir(self._root / folder) as entries:
                    for entry in entries:
                        name = f"{folder}/{entry.name}"
                        if entry.name.startswith((".", "_")):
                            continue
                        if entry.is_dir():
                            folders.append(name)
                        else:
                            try:
                                found_stat = entry.stat()
                            except OSError as error:
                                if not entry.is_symlink():
                                    if isinstance(error, FileNotFoundError):
                                        continue  # deleted since it was listed
                                    raise
                                found_stat = entry.stat(follow_symlinks=False)  # a link that leads nowhere
                            found.append(StoredObject(name, found_stat.st_size, _version_of(found_stat)))
            except FileNotFoundError:
                continue
            except OSError as error:
                raise SegmentUnreadable(folder, error.strerror or str(error)) from error
        return sorted(found, key=lambda item: item.name)

    def folders(self, prefix: str) -> Sequence[str]:
        """The folders right below the folder `prefix`, sorted."""
        try:
            with os.scandir(self._root / prefix) as entries:
                return sorted(entry.name for entry in entries if entry.is_dir())
        except FileNotFoundError:
            return []
        except OSError as error:
            raise SegmentUnreadable(prefix, error.strerror or str(error)) from error

    def open(self, name: str) -> Any:
        """The file: a later replacement of the name does not touch what is being read.

        Not memory-mapped, for then a bad sector would end the reader's process instead of raising an error.
        """
        path = os.fsencode(self._root / name)
        try:
            if not stat.S_ISREG(os.stat(path).st_mode):  # noqa: PTH116  a pipe would be waited for
                raise SegmentUnreadable(name, "no regular file")
            return pa.OSFile(path)
        except (OSError, pa.ArrowInvalid) as error:
            raise SegmentUnreadable(name, str(error)) from error

    def put(self, name: str, data: bytes | pa.Buffer) -> tuple[int, ...]:
        """Publish `data` as `name`: afterwards it is durable, before it nothing is changed.

        Raises
        ------
        WriteFailed
            If the system refused a step. Unless it was the last one (the folder's fsync), the old content stands.
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
        """Remove the file and make that durable; it is no error if there is none."""
        target = self._root / name
        try:
            with contextlib.suppress(FileNotFoundError):
                self._calls.unlink(target)
            self._sync_folder(target.parent)
        except OSError as error:
            raise WriteFailed(self, name, error) from error

    def move(self, name: str, to: str) -> None:
        """Rename the file, or the link, and make that durable.

        Raises
        ------
        WriteFailed
            If the system refused a step.
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
        """Hold the store's lock: an OS lock that ends with its process.

        The first time, what unfinished writes of dead processes left behind is removed.

        Raises
        ------
        StoreLocked
            After `timeout_s`, naming the holder.
        """
        started_s = time.monotonic()
        if not self._thread_lock.acquire(timeout=timeout_s):
            raise self._locked(LOCK, started_s)
        try:
            self._require_same_folder()
            self._file_lock = self._file_lock or self._os_lock(LOCK)
            self._acquire(self._file_lock, LOCK, timeout_s)
            try:
                self._sweep()
                yield
            finally:
                self._file_lock.release()
        finally:
            self._thread_lock.release()

    def lock_holder(self) -> str:
        """What the last process that took the lock said of itself; empty if none did."""
        return self._said(LOCK)

    @contextlib.contextmanager
    def daemon_lock(self) -> Iterator[None]:
        """Hold the lock of the store's one daemon, beside the lock that writers take in turns.

        Raises
        ------
        StoreLocked
            If another daemon holds it, naming that one.
        """
        lock = self._os_lock(DAEMON_LOCK)
        self._acquire(lock, DAEMON_LOCK, DAEMON_WAIT_S)
        try:
            self._daemon_file = self._file_of(DAEMON_LOCK)
            yield
        finally:
            self._daemon_file = None
            lock.release()

    def daemon(self) -> str | None:
        """What the daemon that runs on the store said of itself; null if none runs. Reading the file is enough.

        Raises
        ------
        SegmentUnreadable
            If the lock is there and cannot be looked at.
        """
        try:
            handle = os.open(self._root / DAEMON_LOCK, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            raise SegmentUnreadable(DAEMON_LOCK, error.strerror or str(error)) from error
        try:
            # Shared, so that those who ask do not take each other for a daemon.
            fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except OSError as error:
            if error.errno in (errno.EAGAIN, errno.EACCES):
                return self._said(DAEMON_LOCK) or "an unnamed process"
            raise SegmentUnreadable(DAEMON_LOCK, error.strerror or str(error)) from error
        finally:
            os.close(handle)
        return None

    def _file_of(self, name: str) -> tuple[int, int]:
        try:
            found = os.stat(self._root / name)  # noqa: PTH116  the call itself
        except OSError as error:
            raise WriteFailed(self, name, error) from error
        return found.st_dev, found.st_ino

    def _require_same_folder(self) -> None:
        """Refuse to begin another store where a daemon's was: its disk was unmounted, or its folder moved away."""
        if self._daemon_file is not None and self._daemon_file != self._file_of(DAEMON_LOCK):
            raise WriteFailed(self, DAEMON_LOCK, OSError(errno.ESTALE, "the folder is another one by now"))

    def _os_lock(self, name: str) -> FileLock:
        from filelock import FileLock  # readers take no lock and need not wait for its import

        # Where there is no flock, filelock's other way would be a file that outlives its process.
        return FileLock(self._root / name, thread_local=False, fallback_to_soft=False)

    def _acquire(self, lock: FileLock, name: str, timeout_s: float) -> None:
        """Take an OS lock, and leave word in its file of who holds it."""
        from filelock import Timeout

        started_s = time.monotonic()
        try:
            self._make_folder(self._root)
            lock.acquire(timeout=timeout_s, poll_interval=0.01)
        except Timeout as error:
            raise self._locked(name, started_s) from error
        except OSError as error:
            raise WriteFailed(self, name, error) from error
        self._name_holder(name)

    def _said(self, name: str) -> str:
        try:
            said = json.loads((self._root / name).read_text())
            return f"process {said['pid']} ({said['program']}) since {said['since']}"
        except (OSError, ValueError, KeyError, TypeError):
            return ""

    def _locked(self, name: str, since_s: float) -> StoreLocked:
        return StoreLocked(str(self._root), round(time.monotonic() - since_s, 1), self._said(name))

    def _name_holder(self, name: str) -> None:
        """Leave word of who holds a lock; once it stands there, a process that takes turns with nobody is done."""
        word = json.dumps({**self._holder, "pid": os.getpid()}).encode()
        path = self._root / name
        with contextlib.suppress(OSError):
            if path.read_bytes() != word:
                path.write_bytes(word)

    def _sweep(self) -> None:
        with contextlib.suppress(FileNotFoundError), os.scandir(self._root / STAGING) as leftovers:
            for leftover in leftovers:
                try:
                    os.unlink(leftover.path)  # noqa: PTH108  one Path per poll less
                except OSError as error:
                    raise WriteFailed(self, f"{STAGING}/{leftover.name}", error) from error

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
            # Another fsync of the same entry would prove nothing: a new folder is made anew.
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


def _version_of(status: os.stat_result) -> tuple[int, ...]:
    return status.st_ino, status.st_mtime_ns, status.st_size


def local_storage(path: str | os.PathLike[str], *, must_exist: bool) -> LocalStorage:
    """The medium of a store's folder.

    Raises
    ------
    StoreError
        If it must exist and there is no folder, or one with other things.
    """
    medium = LocalStorage(Path(path))
    if must_exist and not medium.exists():
        seen = "a folder of other things" if Path(path).is_dir() else "no such folder"
        raise StoreError(f"{path}: there is no store here ({seen})")
    return medium
