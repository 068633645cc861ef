"""Event loop whose name lookups can be abandoned: neither a deadline nor the end of the process waits for them."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
from typing import Any

MAX_LOOKUPS = 8
"""Lookups under way at once. Each poll abandons one if the name server never answers; this bounds their threads."""


class NonBlockingDnsLoop(asyncio.SelectorEventLoop):
    """An event loop that does not wait for abandoned name lookups.

    The system's lookup cannot be cancelled and may hang as long as its name servers do. asyncio waits for its own
    lookup threads when the loop closes and when the process ends; the daemon threads used here are not waited for.
    """

    _lookups = 0

    async def getaddrinfo(self, host: Any, port: Any, **hints: Any) -> Any:
        """Look up a name in a new thread; an `OSError` if too many lookups hang."""
        if self._lookups >= MAX_LOOKUPS:
            raise OSError(f"{MAX_LOOKUPS} name lookups hang already")
        self._lookups += 1
        result: asyncio.Future[Any] = self.create_future()

        def settle(error: Exception | None, addresses: Any) -> None:
            self._lookups -= 1
            if result.cancelled():
                return
            if error is None:
                result.set_result(addresses)
            else:
                result.set_exception(error)

        def look_up() -> None:
            error, addresses = None, None
            try:
                addresses = socket.getaddrinfo(host, port, **hints)
            except Exception as exception:  # noqa: BLE001  raised again where the lookup is awaited
                error = exception
            with contextlib.suppress(RuntimeError):  # the loop has been closed
                self.call_soon_threadsafe(settle, error, addresses)

        try:
            threading.Thread(target=look_up, name="fxticker-lookup", daemon=True).start()
        except RuntimeError as error:  # no more threads
            self._lookups -= 1
            raise OSError(str(error)) from error
        return await result
