"""Lease: which recorder of a source polls a slot at once, while all are well.

Nothing is right or wrong by it: it only keeps two recorders from fetching one page twice. It is one small object for
each source, with the recorder that holds it and the last slot that it was renewed for. Renewing and taking it are
conditional writes, so that no clock decides. A recorder that was overtaken notices when it renews it.
"""

from __future__ import annotations

import json
from datetime import datetime

from fxticker.errors import Conflict, SegmentUnreadable
from fxticker.model.timestamps import iso_text
from fxticker.store.backend import ABSENT, StorageBackend, Version

RECORDERS = "recorders"
"""Folder of the leases, and of what recorders leave of themselves."""
_MAX_BYTES = 10_000
"""A lease has some hundred bytes."""


class Lease:
    """The lease of one source, as one recorder sees it.

    Parameters
    ----------
    backend
        Storage of the store.
    source
        Id of the source.
    recorder
        Name of this recorder. One that starts again under its name takes the lease at once.
    """

    def __init__(self, backend: StorageBackend, source: str, recorder: str) -> None:
        self._backend = backend
        self._name = _name_of(source)
        self._recorder = recorder
        self._version: Version | None = None

    @property
    def is_held(self) -> bool:
        """Whether this recorder held the lease when it last looked."""
        return self._version is not None

    def renew(self, slot: datetime) -> bool:
        """Renew the lease if this recorder holds it, or nobody does; returns whether this recorder holds it.

        Raises
        ------
        WriteFailed, SegmentUnreadable
            If the storage cannot be reached: nothing is known then.
        """
        if self._version is not None:
            return self._put(slot, self._version)
        holder, version = _holder(self._backend, self._name)
        return holder in (None, self._recorder) and self._put(slot, version)

    def take(self, slot: datetime) -> bool:
        """Take the lease from whoever holds it; returns whether this recorder was the first. Raises as `renew`."""
        _, version = _holder(self._backend, self._name)
        return self._put(slot, version)

    def _put(self, slot: datetime, expected: Version) -> bool:
        content = json.dumps({"recorder": self._recorder, "slot": iso_text(slot)}).encode()
        try:
            self._version = self._backend.put(self._name, content, expected=expected)
        except Conflict:
            self._version = None
        return self._version is not None


def lease_holders(backend: StorageBackend) -> dict[str, str]:
    """Return the recorder that holds the lease of each source; sources without one are left out.

    Raises
    ------
    SegmentUnreadable
        If the storage cannot be read.
    """
    names = [item.name for item in backend.list(RECORDERS) if item.name.startswith(f"{RECORDERS}/source=")]
    holders = {_source_of(name): _holder(backend, name)[0] for name in names}
    return {source: holder for source, holder in holders.items() if holder}


def _holder(backend: StorageBackend, name: str) -> tuple[str | None, Version]:
    """The holder and the version of a lease; None and `ABSENT` without one, None if it is damaged."""
    version = next((item.version for item in backend.list(RECORDERS) if item.name == name), ABSENT)
    if version == ABSENT:
        return None, ABSENT
    try:
        with backend.open(name, version=version) as file:
            return str(json.loads(file.read(_MAX_BYTES))["recorder"]), version
    except (ValueError, KeyError, TypeError, RecursionError):
        return None, version
    except Conflict:
        return "", version  # taken since it was listed; a write is refused
    except OSError as error:
        raise SegmentUnreadable(name, str(error)) from error


def _name_of(source: str) -> str:
    return f"{RECORDERS}/source={source}.json"


def _source_of(name: str) -> str:
    return name.removeprefix(f"{RECORDERS}/source=").removesuffix(".json")
