"""First poll: the one poll off the grid that a daemon takes at its start where a source has not been polled for long.

Someone who starts the daemon for the first time would wait for up to 15 minutes, the default interval, until anything
is seen; and after a long absence the first rate would come as late. So a source whose last successful poll is older
than one interval is polled at once, as `fxticker snapshot` polls: the poll's slot is its own instant, never a whole
second, so that it stands beside the slots of the grid and never for one of them.
"""

from __future__ import annotations

import logging
from datetime import datetime, timedelta

from fxticker.errors import StoreError, one_line
from fxticker.model.schedule import Schedule, off_grid
from fxticker.store.read_recent import last_successful_slot
from fxticker.store.store import Store

SOON = timedelta(seconds=10)
"""A slot that comes within this time is waited for: a second request right after it would add nothing."""

_log = logging.getLogger("fxticker")


class FirstPoll:
    """Decides once whether a source is polled at the start.

    Parameters
    ----------
    source_id
        Id of the source.
    store
        Where its last successful poll is read.
    """

    def __init__(self, source_id: str, store: Store) -> None:
        self._source_id = source_id
        self._store = store
        self._is_open = False

    def open(self) -> None:
        """Let the next call of `slot` decide, as the source is polled from the start on."""
        self._is_open = True

    def close(self) -> None:
        """Let no call decide any more, as the source is polled at a slot of its grid."""
        self._is_open = False

    def slot(self, schedule: Schedule, now: datetime) -> datetime | None:
        """Returns the slot of the first poll; `None` if there is to be none, and from the second call on."""
        if not self._is_open:
            return None
        self._is_open = False
        following = schedule.after(now)
        if following - now < SOON:
            return None
        try:
            last_ok = last_successful_slot(self._store, self._source_id, now)
        except StoreError as error:
            _log.warning("%s: no poll at the start: %s", self._source_id, one_line(error))
            return None
        # one in the future shows that a clock is wrong, and the answer to a poll may show which
        is_recent = last_ok is not None and last_ok <= now and now - last_ok <= following - schedule.at_or_before(now)
        return None if is_recent else off_grid(now)
