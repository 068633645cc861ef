"""HTTP endpoint: serves ``/metrics`` and ``/healthz`` on a loopback address, with limits for hostile clients.

``/healthz`` answers 503 if `Metrics.reasons` returns any line, else 200. Both paths answer 503 if the store, on object
storage or a disk of the network, was not read in time.

Not `prometheus_client.make_wsgi_app`: it answers OPTIONS, refuses HEAD, and the WSGI server of the standard library has
no limits and resolves its own host name by DNS. With these put right it is longer than what is here.
"""

from __future__ import annotations

import contextlib
import json
import logging
import socket
import socketserver
import sys
import threading
import time
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler
from importlib.metadata import version
from typing import Any, Self

from fxticker.monitoring.exposition import exposition
from fxticker.monitoring.health import health_facts, health_text
from fxticker.monitoring.metrics import Metrics

REQUEST_S = 5.0
"""Seconds that one request may take, from connecting to the last byte."""
MAX_REQUESTS = 8
"""Requests at once: a monitor sends one in some seconds, and a person now and then."""
_CHECK_S = 0.2
"""Seconds between two checks for requests that take too long, and for the stop."""
_ACCEPT_CHARS = 2000
"""Characters of the header ``Accept`` that are read; Prometheus sends 200, and megabytes would take seconds."""
_TEXT = "text/plain; charset=utf-8"
_TOO_LATE_BODY = b"the store was not read in time\n"
_TOO_LATE = (
    f"HTTP/1.0 503 Service Unavailable\r\nContent-Type: {_TEXT}\r\nContent-Length: {len(_TOO_LATE_BODY)}\r\n\r\n"
).encode() + _TOO_LATE_BODY

_log = logging.getLogger("fxticker")


class MetricsServer:
    """Serves metrics and health from a thread of its own, within `with`.

    Parameters
    ----------
    metrics
        What is served.
    address
        A loopback address and a port; 0 takes a free one.
    request_s
        Seconds that one request may take.
    max_requests
        Requests at once; further ones are dropped.

    Attributes
    ----------
    url
        URL of the server, with a slash at its end.

    Raises
    ------
    OSError
        If the address is not available; the message names it.
    """

    def __init__(
        self,
        metrics: Metrics,
        address: tuple[str, int],
        *,
        request_s: float = REQUEST_S,
        max_requests: int = MAX_REQUESTS,
    ) -> None:
        try:
            self._server = _Server(metrics, address, request_s, max_requests)
        except OSError as error:
            raise OSError(error.errno, f"{address[0]} port {address[1]}: {error.strerror}") from error
        host, port = address[0], self._server.server_address[1]
        self.url = f"http://[{host}]:{port}/" if ":" in host else f"http://{host}:{port}/"
        self._thread = threading.Thread(target=self._server.serve_forever, args=[_CHECK_S], name="metrics", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._server.shutdown()
        self._server.server_close()


class _Server(socketserver.ThreadingTCPServer):
    """A few requests at once, none for long; not an `HTTPServer`, which resolves its own name by DNS."""

    allow_reuse_address = True
    daemon_threads = True
    block_on_close = False

    def __init__(self, metrics: Metrics, address: tuple[str, int], request_s: float, max_requests: int) -> None:
        self.metrics = metrics
        self._request_s = request_s
        self._max_requests = max_requests
        self._since_s: dict[socket.socket, float] = {}
        self._unanswered: set[socket.socket] = set()
        self._lock = threading.Lock()
        self.address_family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
        super().__init__(address, _Handler)

    def verify_request(self, request: Any, client_address: Any) -> bool:
        """Whether one more request may be served."""
        del client_address
        with self._lock:
            has_room = len(self._since_s) < self._max_requests
            if has_room:
                self._since_s[request] = time.monotonic()
        return has_room

    def shutdown_request(self, request: Any) -> None:
        """Forget a request that is over."""
        with self._lock:
            self._since_s.pop(request, None)
            self._unanswered.discard(request)
        super().shutdown_request(request)

    def received(self, request: socket.socket) -> None:
        """Note a request that was read and has no answer yet."""
        with self._lock:
            self._unanswered.add(request)

    def may_answer(self, request: socket.socket) -> bool:
        """Whether a received request has no answer yet; true once."""
        with self._lock:
            is_open = request in self._unanswered
            self._unanswered.discard(request)
        return is_open

    def service_actions(self) -> None:
        """End requests that take too long, also those that come in byte by byte; called every `_CHECK_S`."""
        latest_s = time.monotonic() - self._request_s
        with self._lock:
            for request, since_s in self._since_s.items():
                if since_s < latest_s:
                    with contextlib.suppress(OSError):
                        if request in self._unanswered:
                            self._unanswered.discard(request)
                            request.send(_TOO_LATE, socket.MSG_DONTWAIT)
                        request.shutdown(socket.SHUT_RDWR)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Log a fault of the server; a client that goes away or is too slow is none."""
        del request, client_address
        if not isinstance(sys.exc_info()[1], OSError):
            _log.error("metrics: a request failed", exc_info=True)


class _Handler(BaseHTTPRequestHandler):
    """Answers GET and HEAD of two paths."""

    timeout = REQUEST_S
    server: _Server

    def do_GET(self) -> None:
        """Send an answer with its body."""
        self.wfile.write(self._send_head())

    def do_HEAD(self) -> None:
        """Send an answer without its body."""
        self._send_head()

    def _send_head(self) -> bytes:
        """Send the head of an answer, and return its body."""
        self.server.received(self.connection)
        path = self.path.partition("?")[0]
        status, media_type, body = HTTPStatus.NOT_FOUND, _TEXT, b"there are /metrics and /healthz\n"
        if path == "/metrics":
            accept = ", ".join(self.headers.get_all("Accept", []))[:_ACCEPT_CHARS]
            media_type, body = exposition(self.server.metrics.registry, accept)
            status = HTTPStatus.OK
        elif path == "/healthz":
            reasons = self.server.metrics.reasons()
            status = HTTPStatus.SERVICE_UNAVAILABLE if reasons else HTTPStatus.OK
            body = health_text(reasons)
            if "application/json" in self.headers.get("Accept", ""):
                facts = health_facts(reasons, self.server.metrics.next_slots())
                media_type, body = "application/json", json.dumps(facts).encode()
        if not self.server.may_answer(self.connection):
            raise TimeoutError  # `service_actions` has answered
        self.send_response(status)
        self.send_header("Content-Type", media_type)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        return body

    def version_string(self) -> str:
        """Name and version for the header ``Server``."""
        return f"fxticker/{version('fxticker')}"

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  http.server's name
        """Log nothing: a monitor's requests would fill the log."""
