"""Page files: the files that the arguments of an import stand for, and standard input."""

from __future__ import annotations

import glob
import os
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

MAX_PAGE_BYTES = 50_000_000
"""A saved page of the site has some 150 kB; what is larger than this is no page."""
STDIN = "-"


class Page(Protocol):
    """Something that can be read once."""

    @property
    def name(self) -> str:
        """What to call it in messages."""

    def read(self) -> bytes:
        """Its bytes, at most one more than MAX_PAGE_BYTES."""


@dataclass(frozen=True, slots=True)
class FilePage:
    """A saved page on disk."""

    path: Path

    @property
    def name(self) -> str:
        """The path."""
        return str(self.path)

    def read(self) -> bytes:
        """The file's bytes."""
        with self.path.open("rb") as file:
            return file.read(MAX_PAGE_BYTES + 1)


@dataclass(frozen=True, slots=True)
class StdinPage:
    """The page on standard input."""

    name: str = "standard input"

    def read(self) -> bytes:
        """All of it."""
        if sys.stdin is None:
            raise FileNotFoundError("standard input is closed")
        return sys.stdin.buffer.read(MAX_PAGE_BYTES + 1)


def find_pages(arguments: Iterable[str]) -> list[Page]:
    """The pages that files, folders (with all below them), glob patterns and ``-`` stand for, each once, in order.

    Hidden files and folders are left out of folders, and so is what is no file.

    Raises
    ------
    FileNotFoundError
        If an argument is no file, no folder, and matches none, or is a folder without files.
    OSError
        If a folder cannot be listed.
    """
    pages: dict[str, Page] = {}
    for argument in arguments:
        if argument == STDIN:
            pages.setdefault(STDIN, StdinPage())
            continue
        for path in _paths(argument):
            pages.setdefault(os.path.abspath(path), FilePage(path))  # noqa: PTH100  resolve() fails on loops
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
        found = sorted(glob.glob(argument, recursive=True))  # noqa: PTH207  patterns may be absolute
        if not found:
            raise FileNotFoundError(f"{argument}: no such file or folder, and no file matches it")
        for match in found:
            yield from _paths(match)


def _files_below(folder: Path) -> Iterator[Path]:
    seen: set[tuple[int, int]] = set()  # linked folders are followed, each once
    for parent, folders, names in os.walk(folder, onerror=_raise, followlinks=True):
        status = Path(parent).stat()
        if (status.st_dev, status.st_ino) in seen:
            folders.clear()
            continue
        seen.add((status.st_dev, status.st_ino))
        folders[:] = [name for name in folders if not name.startswith(".")]
        for path in (Path(parent, name) for name in names if not name.startswith(".")):
            if path.is_file() or path.is_symlink():
                yield path


def _raise(error: OSError) -> None:
    raise error
