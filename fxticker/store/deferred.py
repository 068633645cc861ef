"""Deferred slots: stretches whose slots passed by an unconfirmed clock, and get their outcome once it is confirmed.

A source has one small JSON file of its stretches, which is deleted when they have their outcomes.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime

from fxticker.errors import Conflict, SegmentUnreadable, one_line
from fxticker.model.timestamps import EPOCH
from fxticker.store.backend import ABSENT, StorageBackend
from fxticker.store.damage import is_damage
from fxticker.store.store import LOCK_TIMEOUT_S

DEFERRED = "deferred"
_MAX_FILE_BYTES = 1_000_000
"""Some thousand stretches; there is one for each absence of more than a day."""

_log = logging.getLogger("fxticker")


@dataclass(frozen=True, slots=True)
class Stretch:
    """Slots later than `after` and earlier than `until`, aware UTC; `why` is the `detail` of their outcomes."""

    after: datetime
    until: datetime
    why: str | None


def read_deferred(backend: StorageBackend, source: str) -> list[Stretch]:
    """Return the stretches of a source, in order; none, with a warning, if the file's bytes are no such list.

    Raises
    ------
    SegmentUnreadable
        If the storage cannot read the file.
    """
    name = _name(source)
    if not any(item.name == name for item in backend.list(DEFERRED)):
        return []
    try:
        return read_stretches(backend, name)
    except SegmentUnreadable as error:
        if not is_damage(error):
            raise
        _log.warning("%s", one_line(f"{name} is left out, and its slots get no outcome: {error.cause}"))
        return []


def read_stretches(backend: StorageBackend, name: str) -> list[Stretch]:
    """Return the stretches in a file.

    Raises
    ------
    SegmentUnreadable
        If its bytes are damaged, or the storage cannot read it.
    """
    with backend.open(name) as file:
        try:
            data = file.read(_MAX_FILE_BYTES)
        except OSError as error:
            raise SegmentUnreadable(name, str(error)) from error
    try:
        return stretches_in(data)
    except ValueError as error:
        raise SegmentUnreadable(name, str(error)) from error


def stretches_in(data: bytes) -> list[Stretch]:
    """Read the content of a file.

    Raises
    ------
    ValueError
        If it is not a list of stretches of aware instants since the epoch.
    """
    try:
        return [_stretch(**row) for row in json.loads(data)]
    except (ValueError, TypeError, OverflowError, RecursionError) as error:
        raise ValueError("not a list of deferred slots") from error


def _stretch(after: str, until: str, why: str | None) -> Stretch:
    begin, end = (datetime.fromisoformat(text) for text in (after, until))
    if begin.tzinfo is None or end.tzinfo is None or min(begin, end) < EPOCH or not isinstance(why, str | None):
        raise ValueError("not a stretch")
    return Stretch(begin.astimezone(UTC), end.astimezone(UTC), why and one_line(why))


def write_deferred(
    backend: StorageBackend, source: str, stretches: Sequence[Stretch], *, replaced: Sequence[Stretch] = ()
) -> None:
    """Replace the stretches of a source; durable when this returns.

    Parameters
    ----------
    backend, source, stretches
        Where, whose, and what.
    replaced
        The stretches that were read. Where others record, too, they must still be the stored ones.

    Raises
    ------
    Conflict
        If another recorder replaced them meanwhile.
    StoreLocked, WriteFailed
        If another process writes for too long, or the storage refuses.
    """
    name = _name(source)
    with backend.write_lock(LOCK_TIMEOUT_S):
        version = next((item.version for item in backend.list(DEFERRED) if item.name == name), ABSENT)
        if backend.is_shared and read_deferred(backend, source) != [*replaced]:
            raise Conflict(backend, name)
        if stretches:
            data = json.dumps([asdict(stretch) for stretch in stretches], default=_iso, indent=1).encode()
            backend.put(name, data, expected=version)
        elif version != ABSENT:
            backend.delete(name)


def _name(source: str) -> str:
    return f"{DEFERRED}/source={source}.json"


def _iso(instant: datetime) -> str:
    return instant.astimezone(UTC).isoformat()
