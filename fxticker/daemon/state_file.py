"""State files: small JSON objects outside of the store that the daemon keeps from one start to the next."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import json
import logging
import os
import secrets
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from fxticker.errors import one_line
from fxticker.store.location import Location, absolute

MAX_STATE_BYTES = 1_000_000
"""Largest state file that is read, in bytes: a few hundred bytes for each source are usual."""
_log = logging.getLogger("fxticker")


class StateFile:
    """A JSON object in a folder, read and replaced as a whole.

    What it holds makes the daemon's work better and is not needed for it: a file that cannot be read counts as empty,
    with a warning, and a write that fails is for the caller to report.

    Parameters
    ----------
    folder
        The folder of all state files: see `state_folder`.
    name
        The file's name without ``.json``: see `state_name`.
    reserve_bytes
        The file takes at least so many bytes. On a disk that is full, and so takes no new file, the old content is
        overwritten if the new one fits in.
    """

    def __init__(self, folder: Path, name: str, *, reserve_bytes: int = 0) -> None:
        self.path = folder / f"{name}.json"
        self._reserve_bytes = reserve_bytes

    def read(self) -> dict[str, Any]:
        """Return the content; empty if there is no file, or none that can be read."""
        try:
            with os.fdopen(self._open(os.O_RDONLY), "rb") as file:
                return _content(file.read(MAX_STATE_BYTES + 1))
        except FileNotFoundError:
            return {}
        except (OSError, ValueError, RecursionError) as error:
            _log.warning("%s", one_line(f"{self.path}: the state of earlier runs cannot be read ({error})"))
            return {}

    def write(self, content: Mapping[str, Any]) -> None:
        """Replace the content; a reader sees the old one or the new one, and it is durable when this returns.

        Raises
        ------
        OSError
            If the folder or the file cannot be written; the old content is unchanged.
        """
        data = json.dumps(content).encode().ljust(self._reserve_bytes)
        try:
            self._replace(data)
        except OSError as error:
            is_full = error.errno in (errno.ENOSPC, errno.EDQUOT)
            if not (self._reserve_bytes and is_full and self._overwrite(data)):
                raise

    def _open(self, flags: int) -> int:
        """Open the file; an OSError if it is not a regular one: a pipe would be waited for."""
        handle = os.open(self.path, flags | os.O_NONBLOCK | os.O_CLOEXEC)
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            os.close(handle)
            raise OSError(errno.EINVAL, "not a regular file")
        return handle

    def _replace(self, data: bytes) -> None:
        self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        staged = self.path.with_name(f".{self.path.name}.{os.getpid()}.{secrets.token_hex(4)}")
        try:
            handle = os.open(staged, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
            with os.fdopen(handle, "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(handle)
            staged.replace(self.path)
        except BaseException:
            with contextlib.suppress(OSError):
                staged.unlink()
            raise
        handle = os.open(self.path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)

    def _overwrite(self, data: bytes) -> bool:
        """Write over the old content, and return whether it has the size for that; a crash meanwhile damages it."""
        try:
            handle = self._open(os.O_WRONLY | os.O_NOFOLLOW)
        except OSError:
            return False
        with os.fdopen(handle, "wb") as file:
            if os.fstat(handle).st_size < len(data):
                return False
            file.write(data)
            file.truncate()
            file.flush()
            os.fsync(handle)
        return True


def state_folder(environ: Mapping[str, str]) -> Path | None:
    """Return the folder of the state files; None if the user has none.

    That is the first of ``$STATE_DIRECTORY``, which systemd sets for a unit with ``StateDirectory=``, or else
    ``fxticker`` in ``$XDG_STATE_HOME``, by default ``~/.local/state`` (XDG Base Directory Specification 0.8). A
    relative path is not valid in either variable and is ignored.
    """
    given = Path(environ.get("STATE_DIRECTORY", "").partition(":")[0])
    if given.is_absolute():
        return given
    configured = Path(environ.get("XDG_STATE_HOME", ""))
    if configured.is_absolute():
        return configured / "fxticker"
    home = Path(environ.get("HOME", ""))
    return home / ".local" / "state" / "fxticker" if home.is_absolute() else None


def state_name(kind: str, store: Location) -> str:
    """Return the name of a store's state file of one kind: the kind and a hash of the store's absolute path."""
    return f"{kind}-{hashlib.sha256(os.fsencode(absolute(store))).hexdigest()[:16]}"


def _content(data: bytes) -> dict[str, Any]:
    if len(data) > MAX_STATE_BYTES:
        raise ValueError("more bytes than a state file has")
    content = json.loads(data)
    if not isinstance(content, dict):
        raise ValueError("not a JSON object")  # noqa: TRY004  a fault of the file like any other
    return content
