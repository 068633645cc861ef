"""HTTP server on loopback whose responses are written byte by byte, so that it can also break the protocol."""

from __future__ import annotations

import socket
import struct
import threading
from collections.abc import Callable, Iterable
from contextlib import suppress
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Self

ROBOTS_PATH = "/robots.txt"
_WAIT_S = 10.0
"""Seconds that the server waits for a client that neither reads nor writes: longer than any client's deadline here."""
_HEAD_BYTES = 65_536
"""Bytes of a request that are read."""


class Exchange:
    """One connection, after its request was read.

    Attributes
    ----------
    connection
        Of the client.
    request
        As received, decoded as Latin-1.
    """

    def __init__(self, connection: socket.socket, request: str, closing: threading.Event) -> None:
        self.connection = connection
        self._closing = closing
        self.request = request

    def send(self, data: bytes) -> None:
        """Send all of it; an `OSError` if the client has closed the connection."""
        self.connection.sendall(data)

    def drip(self, pieces: Iterable[bytes], pause_s: float) -> None:
        """Send pieces with a pause of `pause_s` seconds after each, until the server closes."""
        for piece in pieces:
            if self._closing.is_set():
                return
            self.send(piece)
            self.pause(pause_s)

    def pause(self, seconds: float) -> None:
        """Send nothing for so long, or until the server closes."""
        self._closing.wait(seconds)

    def reset(self) -> None:
        """End the connection with a reset instead of a close."""
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.close()


Answer = Callable[[Exchange], None]
"""What the server does after it has read a request; the connection is closed afterwards."""


def head(*lines: str, status: str = "200 OK", media_type: str = "text/html; charset=utf-8") -> bytes:
    """The head of a response, with further header lines."""
    fields = [f"HTTP/1.1 {status}", f"Content-Type: {media_type}", "Connection: close", *lines]
    return "\r\n".join([*fields, "", ""]).encode("latin-1")


def response(body: bytes, *lines: str, status: str = "200 OK", media_type: str = "text/html; charset=utf-8") -> bytes:
    """A whole response, with further header lines."""
    return head(f"Content-Length: {len(body)}", *lines, status=status, media_type=media_type) + body


def answering(body: bytes, *lines: str, status: str = "200 OK", media_type: str = "text/html; charset=utf-8") -> Answer:
    """Send a whole response, with further header lines."""
    data = response(body, *lines, status=status, media_type=media_type)
    return lambda exchange: exchange.send(data)


def date_line(instant: datetime) -> str:
    """The header line ``Date`` of an answer that was made at an instant."""
    return f"Date: {format_datetime(instant.astimezone(UTC), usegmt=True)}"


no_robots = answering(b"", status="404 Not Found")
"""The answer for robots.txt of a site that has none."""


def with_robots(answer: Answer, robots: Answer = no_robots) -> Answer:
    """Answer requests for robots.txt with `robots`, all others with `answer`."""

    def route(exchange: Exchange) -> None:
        (robots if request_path(exchange.request) == ROBOTS_PATH else answer)(exchange)

    return route


def request_path(request: str) -> str:
    """The path of a GET request, with its query; empty if it is none."""
    words = request.partition("\r\n")[0].split(" ")
    return words[1] if words[0] == "GET" and len(words) > 1 else ""


def request_host(request: str) -> str:
    """The host of a request as the client sent it, with the port; empty if it is not HTTP."""
    lines = request.lower().split("\r\n")
    return next((line.removeprefix("host:").strip() for line in lines if line.startswith("host:")), "")


class LoopbackServer:
    """Answers each connection's one request with `answer`, in a thread of its own, on a free port unless one is named.

    No wait is longer than ten seconds, and closing the server ends all of them at once.

    Attributes
    ----------
    answer
        May be replaced between requests.
    requests
        As received, in their order.
    requested
        Set once the first request was received.
    """

    def __init__(self, answer: Answer, port: int = 0) -> None:
        self.answer = answer
        self.requests: list[str] = []
        self.requested = threading.Event()
        self._closing = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", port))
        self._listener.settimeout(_WAIT_S)
        self._open: dict[threading.Thread, socket.socket] = {}
        self._lock = threading.Lock()
        self._accepting = threading.Thread(target=self._accept, daemon=True)

    @property
    def port(self) -> int:
        """Port on 127.0.0.1."""
        return int(self._listener.getsockname()[1])

    @property
    def url(self) -> str:
        """Address of the server's root."""
        return f"http://127.0.0.1:{self.port}/"

    def __enter__(self) -> Self:
        self._accepting.start()
        return self

    def __exit__(self, *_error: object) -> None:
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
            # Many faults make the client close the connection while it is written to.
            with connection, suppress(OSError):
                request = connection.recv(_HEAD_BYTES).decode("latin-1")
                self.requests.append(request)
                self.requested.set()
                self.answer(Exchange(connection, request, self._closing))
        finally:
            with self._lock:
                del self._open[threading.current_thread()]


def _shut(connection: socket.socket) -> None:
    """End the waits on a socket in other threads."""
    with suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)
