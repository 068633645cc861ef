"""An event loop whose name lookups keep nobody waiting."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
from typing import Any

MAX_LOOKUPS = 8
"""Lookups under way at once: where they hang for ever, each poll abandons one."""


class ImpatientLoop(asyncio.SelectorEventLoop):
    """An event loop that does not wait for the name lookups it gave up.

    The system's lookup cannot be cancelled and takes as long as its name servers let it. asyncio's own threads for it
    are waited for when the loop closes and when the process ends; these are not.
    """

    _lookups = 0

    async def getaddrinfo(self, host: Any, port: Any, **hints: Any) -> Any:
        """Look a name up in a thread of its own."""
        if self._lookups >= MAX_LOOKUPS:
            raise OSError(f"{MAX_LOOKUPS} name lookups hang already")
        self._lookups += 1
        found: asyncio.Future[Any] = self.create_future()

        def settle(error: Exception | None, addresses: Any) -> None:
            self._lookups -= 1
            if found.cancelled():
                return
            if error is None:
                found.set_result(addresses)
            else:
                found.set_exception(error)

        def look_up() -> None:
            error, addresses = None, None
            try:
                addresses = socket.getaddrinfo(host, port, **hints)
            except Exception as fault:  # noqa: BLE001  raised again where the lookup is awaited
                error = fault
            with contextlib.suppress(RuntimeError):  # the loop was closed meanwhile
                self.call_soon_threadsafe(settle, error, addresses)

        try:
            threading.Thread(target=look_up, name="fxticker-lookup", daemon=True).start()
        except RuntimeError as error:  # no more threads
            self._lookups -= 1
            raise OSError(str(error)) from error
        return await found
