"""Live: tells all listeners of new polls; one task looks at the store for all of them.

A listener is sent what it missed, and then what is new. What waits for one is bounded: one that takes too little is
dropped, and comes back with the id of the last event that it had.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from functools import partial

from fxticker.errors import one_line
from fxticker.store.backend import StoredObject
from fxticker.web.errors import Refused
from fxticker.web.live_feed import HEARTBEAT, Feed, first_pieces, pieces, reset_piece
from fxticker.web.live_reading import feed_of
from fxticker.web.reader import RELIST_S, Pace, Reader
from fxticker.web.shared_work import SharedWork

MAX_LISTENERS = 1000
"""Listeners at once: half of the connections that there may be."""
MAX_WAITING = 64
"""Events that may wait for a listener."""
HEARTBEAT_S = 15.0
"""Seconds between two signs of life."""

_log = logging.getLogger("fxticker")


async def _pause() -> None:
    await asyncio.sleep(RELIST_S)


class Listener:
    """What waits to be sent to one listener.

    Parameters
    ----------
    first
        What it missed, made as it is taken.
    """

    def __init__(self, first: Iterator[bytes]) -> None:
        self._first = first
        self._waiting: deque[bytes] = deque()
        self._changed = asyncio.Event()
        self.is_over = False

    def put(self, piece: bytes) -> bool:
        """Let a piece wait; return whether there is room, else the listener is over."""
        if len(self._waiting) >= MAX_WAITING:
            self.end()
            return False
        self._waiting.append(piece)
        self._changed.set()
        return True

    def end(self) -> None:
        """Send nothing more."""
        self.is_over = True
        self._changed.set()

    async def next(self) -> bytes | None:
        """Return the next piece, when there is one; None if there will be no more."""
        while not self.is_over:
            piece = next(self._first, None)
            if piece is not None:
                return piece
            if self._waiting:
                return self._waiting.popleft()
            self._changed.clear()
            await self._changed.wait()
        return None


class Live:
    """The listeners of a store.

    Parameters
    ----------
    reader
        Reads the store.
    pause
        Waits between two looks at the store.
    clock_s
        Seconds that only go forward.
    most
        Listeners at once.
    """

    def __init__(
        self,
        reader: Reader,
        *,
        pause: Callable[[], Awaitable[None]] = _pause,
        clock_s: Callable[[], float] = time.monotonic,
        most: int = MAX_LISTENERS,
    ) -> None:
        self._reader = reader
        self._pause = pause
        self._clock_s = clock_s
        self._most = most
        self._listeners: set[Listener] = set()
        self._feed = Feed()
        self._version: str | None = None
        self._retractions: tuple[StoredObject, ...] = ()
        self._looking = SharedWork(self._look)
        self._watching: asyncio.Task[None] | None = None
        self._heartbeat_s = float("-inf")
        self._is_closed = False

    def __len__(self) -> int:
        return len(self._listeners)

    @contextlib.asynccontextmanager
    async def listening(self, last_event_id: str | None) -> AsyncIterator[Listener]:
        """Add a listener.

        Parameters
        ----------
        last_event_id
            The id of the last event that it had; None if it had none.

        Raises
        ------
        Refused
            503, if there are too many, or as `Reader.run`.
        StoreError
            If the store cannot be read.
        """
        self._require_place()
        await self.look()
        self._require_place()  # others may have come meanwhile
        listener = Listener(first_pieces(self._feed.cut(self._reader.now()), last_event_id))
        self._listeners.add(listener)
        if self._watching is None:
            self._heartbeat_s = self._clock_s()
            self._watching = asyncio.ensure_future(self._watch())
        try:
            yield listener
        finally:
            self._listeners.discard(listener)
            if not self._listeners and self._watching is not None:
                self._watching.cancel()
                self._watching = None

    def _require_place(self) -> None:
        if self._is_closed or len(self._listeners) >= self._most:
            detail = f"there may be {self._most} listeners"
            raise Refused(503, "busy", detail, (("retry-after", "5"),))

    async def look(self) -> None:
        """Tell the listeners what was stored since the last look.

        Raises
        ------
        Refused, StoreError
            As `listening`; the next look finds what this one did not.
        """
        await self._looking.run()

    async def _look(self) -> None:
        view = await self._reader.view()
        if view.catalogue.version == self._version:
            return
        known, retractions = self._feed, view.catalogue.retractions
        is_corrected = retractions != self._retractions
        work = partial(feed_of, view.store, view.now, None if is_corrected else known)
        newer = await self._reader.run(work, Pace.LONG)
        self._feed, self._version, self._retractions = newer, view.catalogue.version, retractions
        self._tell_of(known, newer, "ticks were retracted" if is_corrected else known.why_again(newer))

    def _tell_of(self, known: Feed, newer: Feed, reason: str | None) -> None:
        if reason is not None:
            self._tell(reset_piece(known.position, reason))
        for piece in pieces(newer.after(known.position), known.position):
            self._tell(piece)

    def _tell(self, piece: bytes) -> None:
        slow = {listener for listener in self._listeners if not listener.put(piece)}
        self._listeners -= slow
        if slow:
            _log.warning("web: listeners are dropped, as %d events wait for each: %d", MAX_WAITING, len(slow))

    async def _watch(self) -> None:
        """Look at the store again and again, and show that the connections are alive."""
        problem = None
        while True:
            await self._pause()
            try:
                await self.look()
                problem = None
            except Exception as error:  # noqa: BLE001  whatever it is, the listeners stay and are told when it is over
                if problem != (problem := one_line(error)):
                    _log.warning("web: listeners are told nothing until it is mended: %s", problem)
            self.beat()

    def beat(self) -> None:
        """Show that the connections are alive, if it is time to."""
        now_s = self._clock_s()
        if now_s - self._heartbeat_s >= HEARTBEAT_S:
            self._heartbeat_s = now_s
            self._tell(HEARTBEAT)

    def close(self) -> None:
        """End all listeners, and let in no more."""
        self._is_closed = True
        for listener in [*self._listeners]:
            listener.end()
