"""Recorder lock: refuses a second recorder of a shared store that has the state folder of one that runs.

A recorder's name is kept in its state folder. Two of one name count as one: both hold the lease and fetch each page,
and `fxticker status` shows one, also after the other was killed. The lock is of the system, on a file of that folder,
and ends with the process. A copy of the folder on another machine is not noticed.
"""

from __future__ import annotations

import fcntl
import logging
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from fxticker.daemon.state_file import state_folder, state_name
from fxticker.errors import StoreLocked, one_line
from fxticker.store.location import Location

_log = logging.getLogger("fxticker")


@contextmanager
def recorder_lock(location: Location, environ: Mapping[str, str]) -> Iterator[None]:
    """Be the only recorder of a store with this state folder; without one, each recorder has a name of its own.

    Raises
    ------
    StoreLocked
        If another recorder of the store runs with it.
    """
    state = state_folder(environ)
    handle = None if state is None else _locked(state, state_name("recorder", location))
    try:
        yield
    finally:
        if handle is not None:
            os.close(handle)


def _locked(state: Path, name: str) -> int | None:
    """Return an open file with the lock; None, with a warning, where there can be none."""
    path, handle = state / f"{name}.lock", None
    try:
        state.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, 0o600)
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        if handle is not None:
            os.close(handle)
        if isinstance(error, BlockingIOError):
            holder = "another recorder of the same store; give this one a state folder of its own, by STATE_DIRECTORY"
            raise StoreLocked(str(state), 0, holder, is_daemon=True) from error
        _log.warning(
            "%s", one_line(f"{path}: cannot be locked ({error}); a second recorder of its name is not noticed")
        )
        return None
    return handle
