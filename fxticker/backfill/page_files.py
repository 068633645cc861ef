"""Page files: resolve the arguments of an import to files, and read files and standard input with a limit."""

from __future__ import annotations

import glob
import os
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from fxticker.store.backend import STORE_ID

MAX_PAGE_BYTES = 50_000_000
"""Largest saved page, in bytes: a page of the site has some 150 kB."""
STDIN = "-"
"""Argument that stands for standard input."""


class Page(Protocol):
    """Input that can be read once."""

    @property
    def name(self) -> str:
        """Name for messages."""

    def read(self) -> bytes:
        """Return its bytes, at most `MAX_PAGE_BYTES` + 1."""


@dataclass(frozen=True, slots=True)
class FilePage:
    """A saved page on disk."""

    path: Path

    @property
    def name(self) -> str:
        """Path of the file."""
        return str(self.path)

    def read(self) -> bytes:
        """Return the file's bytes, at most `MAX_PAGE_BYTES` + 1."""
        with self.path.open("rb") as file:
            return file.read(MAX_PAGE_BYTES + 1)


@dataclass(frozen=True, slots=True)
class StdinPage:
    """A page on standard input."""

    name: str = "standard input"

    def read(self) -> bytes:
        """Return its bytes, at most `MAX_PAGE_BYTES` + 1."""
        if sys.stdin is None:
            raise FileNotFoundError("standard input is closed")
        return sys.stdin.buffer.read(MAX_PAGE_BYTES + 1)


def find_pages(arguments: Iterable[str]) -> list[Page]:
    """Return the pages of files, folders (recursively), glob patterns and ``-``, each once, in the order given.

    Inside folders, hidden files, hidden folders and special files are left out.

    Raises
    ------
    FileNotFoundError
        If an argument is neither file nor folder and matches none, or is a folder without files.
    OSError
        If a folder cannot be listed.
    """
    pages: dict[str, Page] = {}
    for argument in arguments:
        if argument == STDIN:
            pages.setdefault(STDIN, StdinPage())
            continue
        for path in _paths(argument):
            pages.setdefault(os.path.abspath(path), FilePage(path))  # noqa: PTH100  resolve() fails on loops of links
    return list(pages.values())


def _paths(argument: str) -> Iterator[Path]:
    path = Path(argument)
    if path.is_dir():
        files = sorted(_files_below(path))
        if not files:
            raise FileNotFoundError(f"{argument}: a folder without files")
        yield from files
    elif path.exists():
        yield path
    else:
        matches = sorted(glob.glob(argument, recursive=True))  # noqa: PTH207  patterns may be absolute
        if not matches:
            raise FileNotFoundError(f"{argument}: no such file or folder, and no file matches it")
        for match in matches:
            yield from _paths(match)


def _files_below(folder: Path) -> Iterator[Path]:
    visited: set[tuple[int, int]] = set()  # device and inode: linked folders are followed, each once
    for parent, folders, names in os.walk(folder, onerror=_raise, followlinks=True):
        status = Path(parent).stat()
        if (status.st_dev, status.st_ino) in visited:
            folders.clear()
            continue
        visited.add((status.st_dev, status.st_ino))
        folders[:] = [name for name in folders if not name.startswith(".")]
        for path in (Path(parent, name) for name in names if not name.startswith(".") and name != STORE_ID):
            if path.is_file() or path.is_symlink():
                yield path


def _raise(error: OSError) -> None:
    raise error
