"""Locks of a local store: one writer and one daemon at a time, by OS locks that end with their process."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import json
import os
import re
import sys
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from fxticker.errors import SegmentUnreadable, StoreLocked, WriteFailed

if TYPE_CHECKING:
    from filelock import FileLock

WRITE_LOCK = ".lock"
DAEMON_LOCK = ".daemon"
DAEMON_WAIT_S = 0.5
"""How long, in seconds, a daemon tries to get its lock: longer than `StoreLocks.daemon` holds it for its test."""
_RETRY_S = 0.01
"""Seconds between two attempts to get a lock: a few times the duration of an append."""
_MAX_HOLDER_BYTES = 10_000
"""Bytes of a lock file that are read: process, program and start time have some hundred."""
_OWN_FILE = os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
"""A lock file is opened neither through a link nor waiting for the other end of a pipe."""


class StoreLocks:
    """The write lock and the daemon lock of a store's folder.

    Parameters
    ----------
    root
        The store's folder.
    prepare
        Creates that folder durably and returns the mode of the lock files; raises OSError or StoreError.
    """

    def __init__(self, root: Path, prepare: Callable[[], int]) -> None:
        self._root = root
        self._prepare = prepare
        self._thread_lock = threading.Lock()
        self._file_lock: FileLock | None = None
        self._daemon_file: tuple[int, int] | None = None
        self._description = {
            "program": " ".join([Path(sys.argv[0]).name.replace("__main__.py", "fxticker"), *sys.argv[1:2]]),
            "since": datetime.now(UTC).isoformat(timespec="seconds"),
        }

    @contextlib.contextmanager
    def write_lock(self, timeout_s: float) -> Iterator[None]:
        """Hold the lock of writers, among threads and among processes.

        Raises
        ------
        StoreLocked
            After `timeout_s`, with the holder.
        WriteFailed
            If the lock file cannot be created, or the daemon of this process finds another folder in the store's place.
        """
        started_s = time.monotonic()
        if not self._thread_lock.acquire(timeout=timeout_s):
            raise self._locked(WRITE_LOCK, started_s)
        try:
            self._require_same_folder()
            self._file_lock = self._acquire(self._file_lock, WRITE_LOCK, timeout_s)
            try:
                yield
            finally:
                self._file_lock.release()
        finally:
            self._thread_lock.release()

    @contextlib.contextmanager
    def daemon_lock(self) -> Iterator[None]:
        """Hold the lock of the store's one daemon, which is independent of the lock of writers.

        Raises
        ------
        StoreLocked
            If another daemon holds it, with that holder.
        WriteFailed
            If the lock file cannot be created.
        """
        lock = self._acquire(None, DAEMON_LOCK, DAEMON_WAIT_S)
        try:
            self._daemon_file = self._file_id(DAEMON_LOCK)
            yield
        finally:
            self._daemon_file = None
            lock.release()

    def daemon(self) -> str | None:
        """Return process, program and start time of the running daemon; None if none runs.

        Permission to read the lock file is enough.

        Raises
        ------
        SegmentUnreadable
            If the lock file exists and cannot be tested.
        """
        try:
            handle = os.open(self._root / DAEMON_LOCK, os.O_RDONLY | _OWN_FILE)
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            raise SegmentUnreadable(DAEMON_LOCK, error.strerror or str(error)) from error
        try:
            # A shared lock, so that two processes that test at once do not take each other for a daemon.
            fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except OSError as error:
            if error.errno in (errno.EAGAIN, errno.EACCES):
                return self.holder(DAEMON_LOCK) or "an unnamed process"
            raise SegmentUnreadable(DAEMON_LOCK, error.strerror or str(error)) from error
        finally:
            os.close(handle)
        return None

    def holder(self, name: str) -> str:
        """Return process, program and start time of the last holder of a lock; empty if the file names none."""
        try:
            with _opened(self._root / name, os.O_RDONLY) as handle:
                holder = json.loads(os.read(handle, _MAX_HOLDER_BYTES))
            return f"process {holder['pid']} ({holder['program']}) since {holder['since']}"
        except (OSError, ValueError, KeyError, TypeError, RecursionError):
            return ""

    def _acquire(self, lock: FileLock | None, name: str, timeout_s: float) -> FileLock:
        """Take an OS lock, and write into its file who holds it; `lock` is the one of an earlier call, if any."""
        from filelock import FileLock, Timeout  # readers take no lock and need not wait for its import

        started_s = time.monotonic()
        try:
            mode = self._prepare()
            # Where there is no flock, filelock would fall back to a file that outlives its process.
            lock = lock or FileLock(self._root / name, mode=mode, thread_local=False, fallback_to_soft=False)
            lock.acquire(timeout=timeout_s, poll_interval=_RETRY_S)
        except Timeout as error:
            raise self._locked(name, started_s, _checked(self.holder(name))) from error
        except OSError as error:
            raise WriteFailed(self._root, name, error) from error
        self._write_holder(name)
        return lock

    def _write_holder(self, name: str) -> None:
        """Write this process into a lock's file, unless it was the last holder too: then nothing has to be written."""
        content = json.dumps({**self._description, "pid": os.getpid()}).encode()
        with contextlib.suppress(OSError), _opened(self._root / name, os.O_RDWR) as handle:
            if os.read(handle, _MAX_HOLDER_BYTES) != content:
                os.ftruncate(handle, 0)
                os.pwrite(handle, content, 0)

    def _require_same_folder(self) -> None:
        """Refuse to create a second store where a daemon's was: its disk was unmounted, or its folder moved."""
        if self._daemon_file is not None and self._daemon_file != self._file_id(DAEMON_LOCK):
            raise WriteFailed(self._root, DAEMON_LOCK, OSError(errno.ESTALE, "the folder was replaced by another one"))

    def _file_id(self, name: str) -> tuple[int, int]:
        try:
            status = os.lstat(self._root / name)
        except OSError as error:
            raise WriteFailed(self._root, name, error) from error
        return status.st_dev, status.st_ino

    def _locked(self, name: str, since_s: float, holder: str | None = None) -> StoreLocked:
        waited_s = round(time.monotonic() - since_s, 1)
        holder = self.holder(name) if holder is None else holder
        return StoreLocked(str(self._root), waited_s, holder, is_daemon=name == DAEMON_LOCK)


def _checked(holder: str) -> str:
    """The holder that a lock's file names, with a remark if that cannot be who holds it."""
    if not (named := re.match(r"process (\d+) ", holder)):
        return holder
    others = "a program that leaves no name; `lslocks` lists it"
    pid = int(named[1])
    if pid == os.getpid():
        return f"{holder}, which is this process, or by {others}"
    with contextlib.suppress(PermissionError):  # it runs, as another account
        try:
            os.kill(pid, 0)
        except (ProcessLookupError, OverflowError):
            return f"{others}; {holder} was the last one with a name, and has ended"
    return holder


@contextlib.contextmanager
def _opened(path: Path, flags: int) -> Iterator[int]:
    handle = os.open(path, flags | _OWN_FILE)
    try:
        yield handle
    finally:
        os.close(handle)
