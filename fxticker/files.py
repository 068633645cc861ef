"""File replacement: a file has its old content or the whole new one, whatever ends the program while it is written.

A table of a year takes seconds to write. Were it written in place, a full disk or Ctrl-C would leave the first half of
it under the name of the whole. So it is written under another name in the same folder, and renamed when it is durable.
"""

from __future__ import annotations

import os
import re
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import IO

TEMPORARY = re.compile(r"\.fxticker-[0-9a-f]{16}\.tmp")
"""Name of a file that is not whole yet; one stays where a process was killed."""


@contextmanager
def replaced(path: str | os.PathLike[str]) -> Iterator[IO[bytes]]:
    """Open a new file, which takes the place of `path` when the block ends, and is removed if the block raises.

    A link stays, and the file that it names is replaced. An existing file keeps its mode, and its owner where the
    system allows it. What is not a regular file, such as ``/dev/stdout`` or a pipe, is written to at the end.

    Parameters
    ----------
    path
        The file, in an existing folder in which files may be created.

    Yields
    ------
    IO[bytes]
        The new file, at its beginning; its ``name`` is a path for programs that need one.

    Raises
    ------
    OSError
        If the file cannot be written; names `path`, which is then unchanged.
    """
    given = Path(path)
    try:
        if given.exists() and not given.is_file():
            with given.open("wb") as stream, staged(stream) as file:
                yield file
            return
        target = given.resolve()
        temporary = target.with_name(f".fxticker-{secrets.token_hex(8)}.tmp")
        try:
            with temporary.open("x+b") as file:
                yield file
                _finish(file, target)
            temporary.replace(target)
        finally:
            with suppress(OSError):
                temporary.unlink()
        _sync_folder(target.parent)
    except OSError as error:
        if error.errno is None:
            raise
        raise OSError(error.errno, error.strerror, os.fspath(path)) from error


@contextmanager
def staged(stream: IO[bytes]) -> Iterator[IO[bytes]]:
    """Open a temporary file whose content is written to a stream when the block ends, and not if it raises."""
    with NamedTemporaryFile(prefix="fxticker-") as file:
        yield file
        file.flush()
        file.seek(0)
        shutil.copyfileobj(file, stream)
        stream.flush()


def _finish(file: IO[bytes], target: Path) -> None:
    """Make the content durable, with the mode and owner of the file that it replaces."""
    file.flush()
    with suppress(FileNotFoundError):
        old = target.stat()
        with suppress(PermissionError):
            os.fchown(file.fileno(), old.st_uid, old.st_gid)
        os.fchmod(file.fileno(), old.st_mode & 0o777)
    os.fsync(file.fileno())


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
