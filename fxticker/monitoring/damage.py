"""Damage as a source's problem: a source with a damaged file is not healthy until a person moves the file aside."""

from __future__ import annotations

from fxticker.errors import StoreError, one_line
from fxticker.monitoring.health import Problem
from fxticker.store.read_recording import damaged_segments
from fxticker.store.store import Store


def damage_of(store: Store, source: str, *, search: bool = False) -> Problem | None:
    """The damaged file of a source that is recorded beside; `None` if there is none: see `damaged_segments`."""
    try:
        damaged = damaged_segments(store.tables, source, search=search)
    except StoreError as error:
        return Problem(one_line(error), None, "damaged")
    return Problem(str(damaged[0]), None, "damaged") if damaged else None
