"""A server on loopback that misbehaves on the wire, as no well-meaning HTTP server can be told to."""

from __future__ import annotations

import socket
import struct
import threading
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from types import TracebackType
from typing import Self

ROBOTS_PATH = "/robots.txt"
_WAIT_S = 10.0
"""How long the server waits for a client that neither reads nor writes; no client here has a deadline as long."""
_HEAD_BYTES = 65_536
_NO_ROBOTS = b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


@dataclass(frozen=True, slots=True)
class Request:
    """What was asked.

    Attributes
    ----------
    host
        As the client names it, with the port; empty if it spoke no HTTP.
    path
        With the query; empty if it spoke no HTTP.
    head
        All of it, in lower case.
    """

    host: str
    path: str
    head: str


class Exchange:
    """The server's side of one connection, after the request was read."""

    def __init__(self, connection: socket.socket, request: Request, closing: threading.Event) -> None:
        self._connection = connection
        self._closing = closing
        self.request = request

    def send(self, data: bytes) -> None:
        """Send all of it; a client that went away is an `OSError`."""
        self._connection.sendall(data)

    def drip(self, pieces: Iterable[bytes], pause_s: float) -> None:
        """Send pieces with a pause after each, until the server closes."""
        for piece in pieces:
            if self._closing.is_set():
                return
            self.send(piece)
            self.pause(pause_s)

    def pause(self, seconds: float) -> None:
        """Keep silent, but not longer than the server lives."""
        self._closing.wait(seconds)

    def reset(self) -> None:
        """End the connection with a reset instead of a close."""
        self._connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._connection.close()


Answer = Callable[[Exchange], None]
"""What the server does once it has read a request; the connection is closed behind it."""


def no_robots(exchange: Exchange) -> None:
    """The answer of a site without rules for robots."""
    exchange.send(_NO_ROBOTS)


class FaultServer:
    """Answers every request for the site's rules with `robots`, and every other one with `answer`.

    Each connection has a thread and one request. No wait is longer than ten seconds, and closing ends them all at
    once.

    Attributes
    ----------
    answer, robots
        What is played; may be changed between requests.
    requests
        What was asked, in order.
    """

    def __init__(self, answer: Answer, robots: Answer = no_robots) -> None:
        self.answer = answer
        self.robots = robots
        self.requests: list[Request] = []
        self._closing = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._listener.settimeout(_WAIT_S)
        self._open: dict[threading.Thread, socket.socket] = {}
        self._lock = threading.Lock()
        self._accepting = threading.Thread(target=self._accept, daemon=True)

    @property
    def port(self) -> int:
        """Where the server listens on 127.0.0.1."""
        return int(self._listener.getsockname()[1])

    def __enter__(self) -> Self:
        self._accepting.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._closing.set()
        _shut(self._listener)
        self._accepting.join()
        with self._lock:
            still_open = dict(self._open)
        for connection in still_open.values():
            _shut(connection)
        for thread in still_open:
            thread.join()
        self._listener.close()

    def _accept(self) -> None:
        while not self._closing.is_set():
            try:
                connection, _ = self._listener.accept()
            except TimeoutError:
                continue
            except OSError:  # shut
                return
            connection.settimeout(_WAIT_S)
            thread = threading.Thread(target=self._serve, args=(connection,), daemon=True)
            with self._lock:
                self._open[thread] = connection
            thread.start()

    def _serve(self, connection: socket.socket) -> None:
        try:
            # That a client goes away in the middle is what most of this is about.
            with connection, suppress(OSError):
                request = _request_of(connection.recv(_HEAD_BYTES))
                self.requests.append(request)
                (self.robots if request.path == ROBOTS_PATH else self.answer)(
                    Exchange(connection, request, self._closing)
                )
        finally:
            with self._lock:
                del self._open[threading.current_thread()]


def _request_of(data: bytes) -> Request:
    head = data.decode("latin-1").lower()
    words = head.partition("\r\n")[0].split(" ")
    path = words[1] if words[0] == "get" and len(words) > 1 else ""
    host = next((line[5:].strip() for line in head.split("\r\n") if line.startswith("host:")), "")
    return Request(host, path, head)


def _shut(connection: socket.socket) -> None:
    """End what waits on a socket in another thread."""
    with suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)
