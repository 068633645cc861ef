"""Next slots: the next slot of each source that will be polled, looked up in the store once for each slot.

That is the first one without an outcome that does not fall into a wait: after repeated failures, or a Retry-After,
slots are skipped.
"""

from __future__ import annotations

import logging
from datetime import datetime

from fxticker.errors import StoreError
from fxticker.model.timestamps import MICROSECOND
from fxticker.sources.registry import ScheduledSource
from fxticker.store.open_slots import next_open_slot
from fxticker.store.store import Store

_log = logging.getLogger("fxticker")


class NextSlots:
    """The next slots without an outcome, for a daemon: it alone records slots of its grids.

    Parameters
    ----------
    store
        Where outcomes are read.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._known: dict[str, tuple[ScheduledSource, datetime]] = {}
        self._waits: dict[str, datetime | None] = {}

    def wait(self, source: str, until: datetime | None) -> None:
        """Leave out the slots of a source before an instant, as they are skipped; `None` for no longer."""
        if self._waits.get(source) != until:
            self._waits[source] = until
            self._known.pop(source, None)

    def of(self, scheduled: ScheduledSource, now: datetime) -> datetime:
        """The next slot of a source; that of its grid where the store cannot be read."""
        source = scheduled.source.id
        if (until := self._waits.get(source)) is not None:
            now = max(now, until - MICROSECOND)
        following = scheduled.schedule.after(now)
        known = self._known.get(source)
        if known is not None and known[0] == scheduled and known[1] >= following:
            return known[1]
        try:
            following = next_open_slot(self._store.polls, source, scheduled.schedule, now)
        except StoreError as error:
            _log.debug("the next open slot cannot be read: %s", error)
            return following
        self._known[source] = scheduled, following
        return following

    def clear(self) -> None:
        """Look all of them up again, as the clock was set."""
        self._known = {}
