"""Reader: runs what reads the store in a few threads, with a limit of time and of those that wait."""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from enum import Enum
from typing import TypeVar

from fxticker.errors import StoreError
from fxticker.sources.rate_order import DEFAULT_ORDER
from fxticker.sources.registry import ScheduledSource
from fxticker.store.store import Store
from fxticker.web.catalogue import Catalogue, catalogue_of, objects_of
from fxticker.web.errors import Refused
from fxticker.web.shared_work import SharedWork
from fxticker.web.view import View

WORKERS = 4
"""Threads that read: the store's own readers use all processors, so more of them only take memory."""
LONG_WORKERS = 2
"""Threads that read what takes long, so that it never holds up a short answer."""
MAX_LONG = 8
"""Long answers at once: each holds the rows of some months; further ones are refused."""
MAX_WAITING = 64
"""Requests that wait for a thread of their pace; further ones are refused at once."""
DEADLINE_S = 15.0
"""Seconds for one answer, or for one piece of a streamed one. A range of ten years begins within one."""
RELIST_S = 0.5
"""Seconds between two listings of the store: what is appended is seen within a second."""
MAX_AGE_S = 60.0
"""Seconds for which the latest rates may be kept at most."""
_SERVICE_UNAVAILABLE = 503

_log = logging.getLogger("fxticker")
_T = TypeVar("_T")


class Pace(Enum):
    """Which threads do some work."""

    SHORT = "short"
    LONG = "long"
    LISTING = "listing"


class Reader:
    """Reads one store.

    Parameters
    ----------
    store
        The store.
    now
        The present if it stands still, aware UTC; None for the machine's clock.
    order
        Which source answers.
    planned
        The sources of the configuration.
    workers, max_waiting, deadline_s, relist_s
        Limits, as the constants of the module.
    """

    def __init__(
        self,
        store: Store,
        *,
        now: datetime | None = None,
        order: Sequence[str] = DEFAULT_ORDER,
        planned: Sequence[ScheduledSource] = (),
        workers: int = WORKERS,
        max_waiting: int = MAX_WAITING,
        deadline_s: float = DEADLINE_S,
        relist_s: float = RELIST_S,
    ) -> None:
        self.store = store
        self.frozen_at = now
        self._order = tuple(order)
        self._planned = tuple(planned)
        self._deadline_s = deadline_s
        self._relist_s = relist_s
        self._places = {
            Pace.SHORT: workers + max_waiting,
            Pace.LONG: LONG_WORKERS + max_waiting,
            Pace.LISTING: 1,  # one that hangs is waited for once, and refused to all who come after it
        }
        self._pools = {
            Pace.SHORT: ThreadPoolExecutor(workers, thread_name_prefix="reader"),
            Pace.LONG: ThreadPoolExecutor(LONG_WORKERS, thread_name_prefix="long-reader"),
            Pace.LISTING: ThreadPoolExecutor(1, thread_name_prefix="lister"),
        }
        self._long_places = MAX_LONG
        self._catalogue: Catalogue | None = None
        self._listed_s = float("-inf")
        self._listing = SharedWork(self._relist)
        self._counting = threading.Lock()

    def now(self) -> datetime:
        """Return the present, aware UTC."""
        return self.frozen_at or datetime.now(UTC)

    def known_version(self) -> str | None:
        """Return the version of the store if it was listed just now; None if it has to be listed again."""
        is_recent = time.monotonic() - self._listed_s < self._relist_s
        return self._catalogue.version if self._catalogue is not None and is_recent else None

    async def view(self) -> View:
        """Return what a request sees; the store is listed again if that was not done just now.

        Raises
        ------
        Refused
            503, as `run`.
        StoreError
            If the store cannot be listed.
        """
        if self.known_version() is None:
            await self._listing.run()
        assert self._catalogue is not None
        return View(self.store, self._catalogue, self.now(), self.frozen_at is not None, self._order, self._planned)

    async def _relist(self) -> None:
        started_s = time.monotonic()
        self._catalogue = await self.run(lambda: self._list(self._catalogue), Pace.LISTING)
        self._listed_s = started_s

    def _list(self, known: Catalogue | None) -> Catalogue:
        objects = objects_of(self.store)
        if known is not None and known.ticks and not objects:
            raise StoreError("all files of the store are gone: its disk may not be mounted")
        return catalogue_of(self.store, objects, known)

    @contextmanager
    def long_answer(self) -> Iterator[None]:
        """Take one of the places of long answers.

        Raises
        ------
        Refused
            503, if there is none.
        """
        if self._long_places <= 0:
            raise Refused(
                _SERVICE_UNAVAILABLE, "busy", f"{MAX_LONG} long answers are under way", (("retry-after", "5"),)
            )
        self._long_places -= 1
        try:
            yield
        finally:
            self._long_places += 1

    async def run(self, work: Callable[[], _T], pace: Pace = Pace.SHORT) -> _T:
        """Run work in a thread of its pace.

        Raises
        ------
        Refused
            503, if too many of its pace wait already, or it is not done by the deadline; its thread then goes on to its
            end, and has its place until then.
        """
        if self._places[pace] <= 0:
            raise Refused(_SERVICE_UNAVAILABLE, "busy", "too many requests wait", (("retry-after", "1"),))
        self._take_place(pace, -1)
        future = self._pools[pace].submit(work)
        future.add_done_callback(lambda _: self._take_place(pace, 1))
        try:
            return await asyncio.wait_for(asyncio.wrap_future(future), self._deadline_s)
        except TimeoutError as error:
            if future.done() and not future.cancelled():
                raise  # of the work itself
            _log.warning("web: an answer took longer than %g s", self._deadline_s)
            detail = f"the answer takes longer than {self._deadline_s:g} s: ask for fewer days or currencies"
            raise Refused(_SERVICE_UNAVAILABLE, "deadline exceeded", detail) from error

    def _take_place(self, pace: Pace, change: int) -> None:
        with self._counting:  # a thread that is done gives its place back
            self._places[pace] += change

    def expires(self, now: datetime) -> datetime:
        """Return until when an answer of the present holds if nothing is stored: the next slot, a minute at most."""
        midnight = now.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)
        slots = (planned.schedule.after(now) for planned in self._planned)
        return min(now + timedelta(seconds=MAX_AGE_S), midnight, *slots)

    def close(self) -> None:
        """End the threads when their work is done; what waits is not begun."""
        for pool in self._pools.values():
            pool.shutdown(wait=False, cancel_futures=True)
