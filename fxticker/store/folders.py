"""Folders of a local store: each is opened from the one above it, and none through a symbolic link."""

from __future__ import annotations

import contextlib
import errno
import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
_OWN_FOLDER = _FOLDER | os.O_NOFOLLOW
_NEW_ROOT_MODE = 0o755
"""Mode of a store that is created, before the umask: everyone may read it."""


@dataclass(frozen=True, slots=True)
class FileAt:
    """A file or folder by its name in an open folder, so that links in the path to that folder do not matter.

    Attributes
    ----------
    folder
        Descriptor of the folder; None if `path` is used as it is.
    path
        The whole path.
    """

    folder: int | None
    path: str

    @property
    def name(self) -> str:
        """The name in the folder."""
        return self.path if self.folder is None else self.path.rpartition("/")[2]

    def __str__(self) -> str:
        return self.path

    def __fspath__(self) -> str:
        return self.path


class FileCalls:
    """The system calls of a write; tests replace each by one that fails."""

    write = staticmethod(os.write)
    fsync = staticmethod(os.fsync)
    fchmod = staticmethod(os.fchmod)
    close = staticmethod(os.close)
    geteuid = staticmethod(os.geteuid)

    @staticmethod
    def open(file: FileAt, flags: int, mode: int) -> int:
        """Open a file or folder."""
        return os.open(file.name, flags, mode, dir_fd=file.folder)

    @staticmethod
    def replace(file: FileAt, to: FileAt) -> None:
        """Rename a file over another one."""
        os.replace(file.name, to.name, src_dir_fd=file.folder, dst_dir_fd=to.folder)

    @staticmethod
    def unlink(file: FileAt) -> None:
        """Remove a file."""
        os.unlink(file.name, dir_fd=file.folder)

    @staticmethod
    def mkdir(folder: FileAt, mode: int) -> None:
        """Create a folder."""
        os.mkdir(folder.name, mode, dir_fd=folder.folder)

    @staticmethod
    def rmdir(folder: FileAt) -> None:
        """Remove an empty folder."""
        os.rmdir(folder.name, dir_fd=folder.folder)


class StoreFolders:
    """The folders of a store as descriptors, from which files are opened, renamed and removed.

    The store's own folder may be reached through links, because a person names it. Below it a link is refused: it
    would let whoever can write into the store choose what is written and removed elsewhere.

    New folders get the mode of the store's folder, and files the same without execution, whatever the process's umask.

    Parameters
    ----------
    root
        The store's folder.
    calls
        The system calls of a write.
    """

    def __init__(self, root: Path, calls: FileCalls) -> None:
        self._root = root
        self._calls = calls
        self._synced: set[str] = set()
        self._mode = _NEW_ROOT_MODE

    @property
    def file_mode(self) -> int:
        """Mode of the store's files, by that of its folder when it was last opened."""
        return self._mode & 0o666 | 0o600

    def make_root(self) -> None:
        """Create the store's folder durably, unless it exists.

        Raises
        ------
        OSError
            If a system call failed.
        """
        root = FileAt(None, str(self._root))
        if not self._root.parent.is_dir():
            self._root.parent.mkdir(parents=True, exist_ok=True)
        if not self._root.is_dir():
            self._synced.discard("")
            with contextlib.suppress(FileExistsError):  # another process came first
                self._calls.mkdir(root, _NEW_ROOT_MODE)
        if "" not in self._synced:
            parent = self._calls.open(FileAt(None, str(self._root.parent)), _FOLDER, 0)
            try:
                self._sync_entry(parent, root, "")
            finally:
                self._calls.close(parent)

    @contextlib.contextmanager
    def opened(self, name: str, *, create: bool = False) -> Iterator[int]:
        """Open a folder of the store.

        Parameters
        ----------
        name
            Path inside the store; empty for the store's own folder.
        create
            Whether to create missing folders, durably.

        Yields
        ------
        int
            A descriptor of the folder, valid inside the block.

        Raises
        ------
        FileNotFoundError
            If the folder does not exist and is not to be created.
        NotADirectoryError
            If it or a folder above it is a link or a file.
        OSError
            If a system call failed.
        """
        if create and ("" not in self._synced or not self._root.is_dir()):
            self.make_root()
        calls = self._calls if create else _READING  # to read is no step of a write
        handle = calls.open(FileAt(None, str(self._root)), _FOLDER, 0)
        try:
            self._mode = stat.S_IMODE(os.fstat(handle).st_mode)
            path = ""
            for part in filter(None, name.split("/")):
                path = f"{path}/{part}" if path else part
                parent, file = handle, self.file(handle, path)
                handle = self._child(file, path) if create else _open_own(file, path, calls)
                calls.close(parent)
            yield handle
        finally:
            calls.close(handle)

    def file(self, folder: int, name: str) -> FileAt:
        """Return the file of a name inside the store, in its open folder."""
        return FileAt(folder, f"{self._root}/{name}")

    @contextlib.contextmanager
    def child(self, parent: int, name: str) -> Iterator[int]:
        """Open a folder in an open one, by its name inside the store; raises as `opened`."""
        handle = _open_own(self.file(parent, name), name, _READING)
        try:
            yield handle
        finally:
            os.close(handle)

    def _child(self, folder: FileAt, path: str) -> int:
        """Open a folder, durably created if it is missing; `path` is its name inside the store."""
        try:
            handle = _open_own(folder, path, self._calls)
        except FileNotFoundError:
            self._synced.discard(path)
            with contextlib.suppress(FileExistsError):
                self._calls.mkdir(folder, self._mode & 0o777)
            handle = _open_own(folder, path, self._calls)
            self.set_mode(handle, self._mode & 0o777 | 0o700)
        try:
            if path not in self._synced and folder.folder is not None:
                self._sync_entry(folder.folder, folder, path)
        except BaseException:
            self._calls.close(handle)
            raise
        return handle

    def set_mode(self, handle: int, mode: int) -> None:
        """Give a new file or folder its mode where the umask took bits of it.

        A file system without modes, or one that refuses them, is no reason to refuse rows.
        """
        status = os.fstat(handle)
        if status.st_mode & 0o777 != mode:
            with contextlib.suppress(OSError):
                self._calls.fchmod(handle, stat.S_IMODE(status.st_mode) & ~0o777 | mode)

    def _sync_entry(self, parent: int, folder: FileAt, path: str) -> None:
        """Make a folder's entry in the one above it durable, once per process."""
        try:
            self._calls.fsync(parent)
        except OSError:
            # A second fsync of the same entry would prove nothing, so the next write creates the folder again.
            with contextlib.suppress(OSError):
                self._calls.rmdir(folder)
            raise
        self._synced.add(path)


_READING = FileCalls()


def _open_own(folder: FileAt, path: str, calls: FileCalls) -> int:
    """Open a folder below the store's own; `path` is its name inside the store."""
    try:
        return calls.open(folder, _OWN_FOLDER, 0)
    except OSError as error:
        if error.errno in (errno.ENOTDIR, errno.ELOOP):
            raise NotADirectoryError(errno.ENOTDIR, f"{path} is no folder; a link is not followed") from error
        raise
