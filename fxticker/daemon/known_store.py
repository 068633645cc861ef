"""Known store: refuses to begin a new store where the daemon recorded into another one before.

Where a disk is not mounted, or the folder was moved, a daemon that simply began anew would record for months into a
second store that nobody looks at. The id of the store that it used last is kept in a state file, by the store's path.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from contextlib import suppress

from fxticker.daemon.state_file import StateFile, state_folder, state_name
from fxticker.errors import OtherStore, SegmentUnreadable, one_line
from fxticker.model.records import Poll
from fxticker.monitoring.observer import Observer
from fxticker.store.backend import STORE_ID
from fxticker.store.location import Location
from fxticker.store.store import Store
from fxticker.store.store_id import is_store_id, read_store_id

_log = logging.getLogger("fxticker")


class KnownStore(Observer):
    """Compares a store with the one that was used before at its path, and notes it once something is recorded.

    Parameters
    ----------
    store
        The daemon's store.
    folder
        Its path.
    environ
        The process's environment, with the folder of state files; without one nothing is remembered.
    """

    def __init__(self, store: Store, folder: Location, environ: Mapping[str, str]) -> None:
        self._store = store
        state = state_folder(environ)
        self._file = None if state is None else StateFile(state, state_name("store", folder))
        self._is_remembered = self._file is None

    def require(self, *, is_new: bool) -> None:
        """Refuse a store that is not the one that was used before.

        Parameters
        ----------
        is_new
            Whether a person asked for a new one: then any is accepted.

        Raises
        ------
        OtherStore
            If there is another store or none.
        """
        if self._file is None:
            return
        known = self._file.read().get("id")
        if known is not None and not is_store_id(known):
            _log.warning("%s", one_line(f"{self._file.path}: not the id of a store; it is left out"))
            known = None
        try:
            found = read_store_id(self._store.backend)
        except SegmentUnreadable as error:
            _log.warning("%s", one_line(f"whether this is the store of before is not known: {error}"))
            return
        if known is not None and found != known and not is_new and not self._has_lost_its_id():
            raise OtherStore(self._store.backend, known, found, str(self._file.path))
        if found != known:
            self._remember(found)

    def polled(self, poll: Poll) -> None:
        """Remember the store, which has its id now."""
        del poll
        if not self._is_remembered:
            self._is_remembered = True
            with suppress(SegmentUnreadable):  # `require` named it
                self._remember(read_store_id(self._store.backend))

    def _has_lost_its_id(self) -> bool:
        """Whether a person had the damaged id of this store moved aside; it gets another one."""
        from fxticker.store.check import QUARANTINE  # here, as nearly no start needs it

        try:
            moved = self._store.backend.list(QUARANTINE)
        except SegmentUnreadable:
            return False
        return any(item.name.startswith(f"{QUARANTINE}/{STORE_ID}") for item in moved)

    def _remember(self, store_id: str | None) -> None:
        if self._file is None:
            return
        try:
            self._file.write({} if store_id is None else {"id": store_id, "path": str(self._store.backend)})
        except OSError as error:
            _log.warning(
                "%s", one_line(f"{self._file.path}: cannot be written ({error}), so a move of the store is not noticed")
            )
