"""Protocol: HTTP/1.1 by uvicorn and httptools, with the limits for hostile clients that they do not have.

httptools, the parser of Node, takes 80 µs less for an answer than h11, which checks each header of each answer. But
a request may be of any size there, and come in for ever.
"""

from __future__ import annotations

import asyncio
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

REQUEST_S = 10.0
"""Seconds from connecting, or from the first byte of a further request, to its end."""
MAX_REQUEST_BYTES = 16_384
"""Bytes of a request: the longest path and query that are read, twice, and the headers that browsers send."""


class BoundedProtocol(HttpToolsProtocol):
    """A connection that is closed if a request is too long, or does not come to its end in time.

    Between requests uvicorn closes an idle connection itself.
    """

    _check: asyncio.TimerHandle | None = None
    _since_s: float | None = None
    _received = 0

    def connection_made(self, transport: Any) -> None:
        """Begin to wait for a request."""
        super().connection_made(transport)
        self._since_s = self.loop.time()
        self._check = self.loop.call_later(REQUEST_S, self._close_if_late)

    def data_received(self, data: bytes) -> None:
        """Take a part of a request."""
        self._received += len(data)
        if self._received > MAX_REQUEST_BYTES:
            if not self.transport.is_closing():
                self.send_400_response("The request is too long.")
            return
        if self._since_s is None:
            self._since_s = self.loop.time()
        super().data_received(data)

    def _unsupported_upgrade_warning(self) -> None:
        """Log nothing: a client may offer another protocol in each of its requests, and is answered in this one."""

    def on_message_complete(self) -> None:
        """Note that the request has come in."""
        self._received, self._since_s = 0, None
        super().on_message_complete()

    def connection_lost(self, exc: Exception | None) -> None:
        """End."""
        if self._check is not None:
            self._check.cancel()
        super().connection_lost(exc)

    def _close_if_late(self) -> None:
        waited_s = 0.0 if self._since_s is None else self.loop.time() - self._since_s
        if waited_s < REQUEST_S:  # one timer for all requests of a connection
            self._check = self.loop.call_later(REQUEST_S - waited_s, self._close_if_late)
        elif not self.transport.is_closing():
            self.transport.close()
