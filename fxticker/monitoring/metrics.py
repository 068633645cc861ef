"""Metrics for Prometheus and a health check, served to this machine."""

from __future__ import annotations

import contextlib
import json
import logging
import socket
import socketserver
import sys
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler
from importlib.metadata import version
from types import TracebackType
from typing import Any, Self

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Gauge, Histogram, Info, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.process_collector import ProcessCollector

from fxticker.errors import StoreError, one_line
from fxticker.model.clock import Clock
from fxticker.model.records import Outcome, Poll
from fxticker.monitoring.health import problem_of
from fxticker.sources.registry import ScheduledSource
from fxticker.store.read_recent import PairSeen, Recent, read_recent, stored_bytes
from fxticker.store.store import Store

_DURATIONS_S = (0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 30, 60, 120)
"""A page takes half a second; the default deadline of a poll is 20 s."""
_BYTES_EVERY_S = 60.0
"""How often at most the store is measured: a thousand files take some milliseconds."""
_BEAT_AGE_S = 60.0
"""A daemon that has not looked after itself for so long hangs; it does every few seconds."""
_REQUEST_S = 5.0
"""How long one request may take, from connecting to the last byte."""
_LOOK_S = 0.2
"""How often the server looks whether a request takes too long, or it is to stop."""
_REQUESTS_AT_ONCE = 8
"""A monitor asks once in some seconds, and a person now and then."""

_TEXT = "text/plain; charset=utf-8"

_log = logging.getLogger("fxticker")


class Metrics:
    """Counts, as an observer of the daemon, what it does; what the store can say is read when somebody asks.

    Parameters
    ----------
    store, clock
        What is on record, and the present.

    Attributes
    ----------
    registry
        The metrics, of this object alone.
    """

    def __init__(self, *, store: Store, clock: Clock) -> None:
        self.registry = CollectorRegistry()
        self._store = store
        self._clock = clock
        self._lock = threading.Lock()
        self._reading = threading.Lock()
        self._planned: dict[str, ScheduledSource] = {}
        self._recent: dict[str, Recent] = {}
        self._changed: set[str] = set()
        self._beat_s: float | None = None
        self._bytes: tuple[float, int] | None = None
        own: dict[str, Any] = {"registry": self.registry, "namespace": "fxticker"}
        self._polls = Counter("polls", "Slots by what became of them.", ["source", "outcome"], **own)
        self._rows = Counter("rows_written", "Ticks that polls stored.", ["source"], **own)
        self._durations = Histogram(
            "poll_duration_seconds", "From the start of a poll to stored.", ["source"], buckets=_DURATIONS_S, **own
        )
        self._jumps = Counter("clock_jumps", "Times that the wall clock was set, or the machine slept.", **own)
        self._jump = Gauge("clock_jump_seconds", "By how much the wall clock last jumped ahead (back if < 0).", **own)
        Info("build", "This program.", **own).info({"version": version("fxticker")})
        ProcessCollector(registry=self.registry)
        self.registry.register(_Asked(self._families))

    def started(self, planned: Sequence[ScheduledSource]) -> None:
        """Know these sources from now on."""
        with self._lock:
            self._planned = {plan.source.id: plan for plan in planned}
            self._changed = set(self._planned)
        for source in self._planned:
            self._rows.labels(source)
            self._durations.labels(source)
            for outcome in Outcome:  # from zero on, so that the first one is seen as a change
                self._polls.labels(source, outcome)

    def polled(self, poll: Poll) -> None:
        """Count a slot's outcome."""
        self._polls.labels(poll.source, poll.outcome).inc()
        self._rows.labels(poll.source).inc(poll.ticks)
        if poll.duration_ms is not None:
            self._durations.labels(poll.source).observe(poll.duration_ms / 1000)
        with self._lock:
            self._changed.add(poll.source)

    def clock_jumped(self, by: timedelta) -> None:
        """Count a jump."""
        self._jumps.inc()
        self._jump.set(by.total_seconds())

    def beat(self, now: datetime) -> None:
        """Note that the daemon looks after itself."""
        del now
        self._beat_s = time.monotonic()

    def reasons(self) -> list[str]:
        """Why all is not well, one line each; none if it is."""
        found = []
        if self._beat_s is not None and (age_s := time.monotonic() - self._beat_s) > _BEAT_AGE_S:
            found.append(f"the daemon has not looked after itself for {age_s:.0f} s")
        now = self._clock.now()
        try:
            held = self._held()
        except StoreError as error:
            return [*found, one_line(error)]
        for plan, of_late in held:
            problem = problem_of(plan, of_late.last_ok, of_late.last_stale, now, of_late.unchanged_since)
            if problem is not None:
                found.append(f"{plan.source.id}: {problem.reason}")
        return found

    def _held(self) -> list[tuple[ScheduledSource, Recent]]:
        """Each source with what the store holds of it, read anew if there was a poll since."""
        with self._reading:  # and not `_lock`, for which polls would wait
            planned = list(self._planned.items())
            for source, _ in planned:
                with self._lock:
                    is_known = source not in self._changed
                    self._changed.discard(source)
                if not is_known:
                    self._read(source)
            return [(plan, self._recent[source]) for source, plan in planned]

    def _read(self, source: str) -> None:
        try:
            self._recent[source] = read_recent(self._store, source, self._clock.now())
        except BaseException:
            with self._lock:
                self._changed.add(source)
            raise

    def _families(self) -> Iterable[Metric]:
        """What is looked up when somebody asks; nothing but what is known where the store cannot be read."""
        now = self._clock.now()
        next_slot = _gauge("next_slot_timestamp_seconds", "The next slot.", "source")
        for source, plan in list(self._planned.items()):
            next_slot.add_metric([source], plan.schedule.after(now).timestamp())
        yield next_slot
        try:
            held, size_bytes = self._held(), self._size_bytes()
        except StoreError as error:
            _log.warning("metrics: %s", one_line(error))
            return
        yield GaugeMetricFamily("fxticker_store_bytes", "Size of the store's files.", size_bytes)
        last_ok = _gauge("last_ok_timestamp_seconds", "The slot of the last sound poll.", "source")
        for plan, of_late in held:
            if of_late.last_ok is not None:
                last_ok.add_metric([plan.source.id], of_late.last_ok.timestamp())
        yield last_ok
        yield from _families_of_pairs([(plan.source.id, pair) for plan, of_late in held for pair in of_late.pairs])

    def _size_bytes(self) -> int:
        with self._reading:
            if self._bytes is None or time.monotonic() - self._bytes[0] > _BYTES_EVERY_S:
                self._bytes = time.monotonic(), stored_bytes(self._store)
            return self._bytes[1]


def _families_of_pairs(pairs: Sequence[tuple[str, PairSeen]]) -> Iterable[Metric]:
    rate = _gauge("rate", "Units of quote for one unit of base, as last seen.", "source", "pair")
    seen = _gauge("last_seen_timestamp_seconds", "When the pair was last seen.", "source", "pair")
    changed = _gauge(
        "last_change_timestamp_seconds", "When its rate or percentage last changed, if of late.", "source", "pair"
    )
    for source, pair in pairs:
        rate.add_metric([source, pair.pair], pair.rate)
        seen.add_metric([source, pair.pair], pair.seen_at.timestamp())
        if pair.changed_at is not None:
            changed.add_metric([source, pair.pair], pair.changed_at.timestamp())
    return rate, seen, changed


def _gauge(name: str, said: str, *labels: str) -> GaugeMetricFamily:
    return GaugeMetricFamily(f"fxticker_{name}", said, labels=labels)


class _Asked:
    """A collector of what a function gives."""

    def __init__(self, families: Callable[[], Iterable[Metric]]) -> None:
        self.collect = families

    def describe(self) -> Iterable[Metric]:
        """Nothing: what is given depends on the sources, and asking would read the store."""
        return []


class MetricsServer:
    """Serves ``/metrics`` and ``/healthz`` from a thread of its own, within `with`.

    Parameters
    ----------
    metrics
        What is served.
    address
        A loopback address and a port; 0 takes a free one.

    Attributes
    ----------
    url
        Where it serves.

    Raises
    ------
    OSError
        If the address cannot be had, naming it.
    """

    def __init__(self, metrics: Metrics, address: tuple[str, int]) -> None:
        try:
            self._server = _Server(metrics, address)
        except OSError as error:
            raise OSError(error.errno, f"{address[0]} port {address[1]}: {error.strerror}") from error
        host, port = address[0], self._server.server_address[1]
        self.url = f"http://[{host}]:{port}/" if ":" in host else f"http://{host}:{port}/"
        self._thread = threading.Thread(target=self._server.serve_forever, args=[_LOOK_S], name="metrics", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()


class _Server(socketserver.ThreadingTCPServer):
    """A few requests at once, none for long; not an `HTTPServer`, which asks the net for its own name."""

    allow_reuse_address = True
    daemon_threads = True
    block_on_close = False

    def __init__(self, metrics: Metrics, address: tuple[str, int]) -> None:
        self.metrics = metrics
        self._since_s: dict[socket.socket, float] = {}
        self._lock = threading.Lock()
        self.address_family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
        super().__init__(address, _Handler)

    def verify_request(self, request: Any, client_address: Any) -> bool:
        """Whether there is room for one more."""
        del client_address
        with self._lock:
            has_room = len(self._since_s) < _REQUESTS_AT_ONCE
            if has_room:
                self._since_s[request] = time.monotonic()
        return has_room

    def shutdown_request(self, request: Any) -> None:
        """Forget a request that is over."""
        with self._lock:
            self._since_s.pop(request, None)
        super().shutdown_request(request)

    def service_actions(self) -> None:
        """End requests that take too long, trickling ones too; called all the time."""
        with self._lock:
            late = [request for request, since_s in self._since_s.items() if time.monotonic() - since_s > _REQUEST_S]
            for request in late:
                with contextlib.suppress(OSError):
                    request.shutdown(socket.SHUT_RDWR)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Log a fault of ours; that a client goes away or is too slow is its own affair."""
        del request, client_address
        if not isinstance(sys.exc_info()[1], OSError):
            _log.error("metrics: a request failed", exc_info=True)


class _Handler(BaseHTTPRequestHandler):
    """Answers GET and HEAD of two paths."""

    timeout = _REQUEST_S
    server: _Server

    def do_GET(self) -> None:
        """Answer with a body."""
        self.wfile.write(self._answer())

    def do_HEAD(self) -> None:
        """Answer without one."""
        self._answer()

    def _answer(self) -> bytes:
        """Send the head of an answer, and return its body."""
        path = self.path.partition("?")[0]
        status, kind, body = HTTPStatus.NOT_FOUND, _TEXT, b"there are /metrics and /healthz\n"
        if path == "/metrics":
            status, kind, body = HTTPStatus.OK, CONTENT_TYPE_LATEST, generate_latest(self.server.metrics.registry)
        elif path == "/healthz":
            reasons = self.server.metrics.reasons()
            status = HTTPStatus.SERVICE_UNAVAILABLE if reasons else HTTPStatus.OK
            body = "".join(f"{reason}\n" for reason in reasons or ["ok"]).encode()
            if "application/json" in self.headers.get("Accept", ""):
                kind, body = "application/json", json.dumps({"well": not reasons, "reasons": reasons}).encode()
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        return body

    def version_string(self) -> str:
        """The program."""
        return f"fxticker/{version('fxticker')}"

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  http.server's name
        """Keep quiet: the log has a line per poll at most."""
