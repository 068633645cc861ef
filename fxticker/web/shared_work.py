"""Shared work: what several wait for is done once for all of them, and goes on when one of them goes away."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable


class SharedWork:
    """Work of which one run at most is under way.

    Parameters
    ----------
    work
        The work.
    """

    def __init__(self, work: Callable[[], Awaitable[None]]) -> None:
        self._work = work
        self._run: asyncio.Future[None] | None = None

    async def run(self) -> None:
        """Wait for the run that is under way, or for a new one; its error is that of all who wait."""
        if self._run is None or self._run.done():
            self._run = asyncio.ensure_future(self._work())
            # an error that no request waits for any more is dropped
            self._run.add_done_callback(lambda done: done.cancelled() or done.exception())
        await asyncio.shield(self._run)
