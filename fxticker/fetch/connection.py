"""Connection trace: whether a request got as far as a connection with the server before its time was over.

A time-out with a connection is the server's: it is overloaded, and further requests make that worse. A time-out without
one is as likely this machine's: packets that vanish or name servers that do not answer look the same for every host.
It must not count for back-off. Without name servers for 40 s, a source polled each second had three such time-outs and
then lost 32 slots to back-off while the network was back.
"""

from __future__ import annotations

from typing import Any

_TCP = "connection.connect_tcp.complete"
_TUNNEL = "proxy.start_tls.started"
"""Event of httpcore once a proxy has connected to the server of an https URL."""


class ConnectionTrace:
    """Follows the connections of one request, all its attempts together; a value for httpx's extension ``trace``.

    Parameters
    ----------
    is_tunnelled
        Whether a proxy connects to the server. A proxy that never does so has no network either.

    Attributes
    ----------
    has_connected
        Whether any attempt had a connection with the server, or with a proxy that itself sends the request.
    """

    def __init__(self, *, is_tunnelled: bool) -> None:
        self.has_connected = False
        self._mark = _TUNNEL if is_tunnelled else _TCP
        self._stream: Any = None

    async def __call__(self, event: str, info: dict[str, Any]) -> None:
        """Take an event of httpcore."""
        if event == self._mark:
            self.has_connected = True
        if event == _TCP:
            self._stream = info["return_value"]

    async def close(self) -> None:
        """Close the connection of a request that was cancelled: httpcore leaves one in its TLS handshake open."""
        if self._stream is not None:
            await self._stream.aclose()
