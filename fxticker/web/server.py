"""Server: listens, and answers until a signal ends it."""

from __future__ import annotations

import contextlib
import gc
import resource
import signal
import socket
from collections.abc import Callable, Iterable, Iterator
from ipaddress import IPv4Address, IPv6Address, ip_address
from pathlib import Path

import uvicorn

from fxticker.web.app import LOOPBACK_HOSTS, build
from fxticker.web.live import Live
from fxticker.web.protocol import BoundedProtocol
from fxticker.web.reader import Reader
from fxticker.web.sending import SEND_S

BACKLOG = 512
"""Connections that wait to be accepted."""
KEEP_ALIVE_S = 15
"""Seconds that a connection is kept open without a request."""
SHUTDOWN_S = 5
"""Seconds that answers under way have when the server is ended."""
MAX_CONNECTIONS = 2000
"""Connections at once; a request on a further one is answered with 503."""
_OWN_FILES = 128
"""Open files that the server needs for itself: those of the store that it reads, and its libraries."""
_WILDCARDS = {"0.0.0.0", "::"}  # noqa: S104  names, nothing is bound here


def serve(
    reader: Reader,
    address: tuple[str, int],
    hosts: Iterable[str] = (),
    on_start: Callable[[str], None] = print,
    page: Path | None = None,
) -> None:
    """Serve a store until SIGTERM or SIGINT.

    Parameters
    ----------
    reader
        Reads the store.
    address
        IP address and port.
    hosts
        Further names by which the server may be addressed, in lower case, beside those of loopback and its own address.
    on_start
        Called with the URL when requests are accepted.
    page
        A published folder that is served below ``/page/``.

    Raises
    ------
    OSError
        If the address is not available; the message names it.
    """
    listener = _listener(address)
    url = _url(address[0], listener.getsockname()[1])
    own = set() if address[0] in _WILDCARDS else {url.removeprefix("http://").rpartition(":")[0]}
    live = Live(reader)
    config = uvicorn.Config(
        build(reader, {*LOOPBACK_HOSTS, *own, *hosts}, page, live),
        http=BoundedProtocol,
        loop="asyncio",
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        limit_concurrency=_room(),
        timeout_keep_alive=KEEP_ALIVE_S,
        timeout_graceful_shutdown=SHUTDOWN_S,
    )
    gc.collect()
    gc.freeze()  # what is imported stays: it need not be looked through for garbage again and again
    with contextlib.closing(listener), _ended_by_signals():
        on_start(url)
        try:
            _Server(config, live).run(sockets=[listener])
        finally:
            reader.close()


class _Server(uvicorn.Server):
    """A server that ends what its listeners are sent, which else never ends, before it waits for the other answers."""

    def __init__(self, config: uvicorn.Config, live: Live) -> None:
        super().__init__(config)
        self._live = live

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """End."""
        self._live.close()
        await super().shutdown(sockets)


def _room() -> int:
    """Return how many connections there may be: the process may open more files, as far as its account allows."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MAX_CONNECTIONS + _OWN_FILES
    if soft < wanted:
        soft = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    return max(min(MAX_CONNECTIONS, soft - _OWN_FILES), 1)


def _listener(address: tuple[str, int]) -> socket.socket:
    family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
    # asyncio sends at once, without waiting for more, only on sockets that state TCP: 40 ms an answer otherwise
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        # Some MB may wait in the system for a client that takes none of it: Linux drops that one, on each connection.
        if hasattr(socket, "TCP_USER_TIMEOUT"):
            listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, round(1000 * SEND_S))
        listener.bind(address)
        listener.listen(BACKLOG)
    except OSError as error:
        listener.close()
        raise OSError(error.errno, f"{address[0]} port {address[1]}: {error.strerror}") from error
    return listener


@contextlib.contextmanager
def _ended_by_signals() -> Iterator[None]:
    """Make a signal that ends the server the end of `serve` too: uvicorn raises it again when it is done."""
    before = {number: signal.signal(number, _ignored) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _ignored(_number: int, _frame: object) -> None:
    """Do nothing: uvicorn has ended."""


def _url(host: str, port: int) -> str:
    address: IPv4Address | IPv6Address = ip_address(host)
    return f"http://[{host}]:{port}" if isinstance(address, IPv6Address) else f"http://{host}:{port}"
