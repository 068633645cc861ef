"""Drill: runs the real client, parser and store against each simulated fault, and checks what was recorded."""

from __future__ import annotations

import socket
import time
import tracemalloc
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from fxticker.collect.backoff import SourceState
from fxticker.collect.poll import collect_once
from fxticker.fetch.client import Fetcher
from fxticker.fetch.robots import RobotsFetcher
from fxticker.model.clock import SimulatedClock
from fxticker.model.records import Outcome, Poll
from fxticker.model.schedule import Every
from fxticker.simulation.faults import SLOT, Fault
from fxticker.simulation.loopback_server import ROBOTS_PATH, LoopbackServer, request_host, request_path, with_robots
from fxticker.sources.timesca.page import SOURCE
from fxticker.store.store import Store

DEADLINE_S = 1.0
"""Seconds, where the correct outcome may be a timeout."""
DEFAULT_DEADLINE_S = 10.0
"""Seconds for all other faults, whose responses come at once: enough for a machine that is busy."""
MARGIN_S = 5.0
"""Seconds that a poll may take beyond its deadline, on a machine that is busy."""
MAX_BYTES = 1_000_000
"""Limit of a body; a tenth of the largest page that is sent."""
MAX_PEAK_BYTES = 4 * MAX_BYTES
"""Limit of Python memory in a poll: the body, twice while it is put together, and what is parsed from it."""
USER_AGENT = "fxticker-drill (asks its own loopback server only)"
_STEP = timedelta(minutes=15)
_WITHOUT_REQUEST = (Outcome.BACKOFF, Outcome.DISALLOWED)


@dataclass(frozen=True, slots=True)
class DrillResult:
    """What one fault led to.

    Attributes
    ----------
    fault
        The fault.
    poll
        As recorded.
    slots
        All slots with a recorded outcome, the newest first.
    stored
        Number of ticks in the store for the slot of the fault.
    took_s
        Seconds from the start of the poll to the recorded outcome.
    peak_bytes
        Highest Python memory during the poll, beyond that before it; includes the server's.
    requests
        Requests that the server received during the poll.
    host
        The only host, with port, that may get requests.
    """

    fault: Fault
    poll: Poll
    slots: tuple[datetime, ...]
    stored: int
    took_s: float
    peak_bytes: int
    requests: tuple[str, ...]
    host: str

    @property
    def problems(self) -> list[str]:
        """One word for each property that is not as it must be; empty if all are."""
        fault, poll = self.fault, self.poll
        slots = (SLOT,) if fault.before is None else (SLOT, SLOT - _STEP)
        requests = [request for request in self.requests if request_path(request)]
        pages = [request for request in requests if request_path(request) != ROBOTS_PATH]
        checks = {
            "outcome": poll.outcome in fault.outcomes and self.slots == slots,
            "status": poll.http_status == fault.http_status,
            "ticks": poll.ticks == self.stored == fault.ticks,
            "detail": fault.needle in (poll.detail or ""),
            "time": self.took_s <= deadline_s(fault) + MARGIN_S,
            "memory": self.peak_bytes <= MAX_PEAK_BYTES,
            "host": all(request_host(request) == self.host for request in requests),
            "requests": poll.outcome not in _WITHOUT_REQUEST or not pages,
        }
        return [name for name, is_correct in checks.items() if not is_correct]


def deadline_s(fault: Fault) -> float:
    """The client's deadline for a fault, in seconds."""
    return DEADLINE_S if Outcome.TIMEOUT in fault.outcomes else DEFAULT_DEADLINE_S


def drill(faults: Iterable[Fault]) -> Iterator[DrillResult]:
    """Play faults one after the other, each to a new client and a new store."""
    for fault in faults:
        with (
            TemporaryDirectory(prefix="fxticker-drill-") as folder,
            # No retries: a second attempt would get the same fault.
            Fetcher(
                timeout_s=deadline_s(fault), max_bytes=MAX_BYTES, user_agent=USER_AGENT, retry_pauses_s=()
            ) as fetcher,
        ):
            yield _play(fault, fetcher, Path(folder))


def _play(fault: Fault, fetcher: Fetcher, folder: Path) -> DrillResult:
    clock = SimulatedClock(SLOT - _STEP)
    store = Store(folder, clock=clock)
    answer = with_robots(fault.answer, fault.robots)
    before = with_robots(fault.before, fault.robots) if fault.before else None
    with LoopbackServer(before or answer) as server, socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))  # reserves a port that refuses connections, as nothing listens on it
        url = fault.url.format(port=server.port, closed_port=closed.getsockname()[1])
        collect = partial(
            collect_once,
            replace(SOURCE, url=url),
            fetch=RobotsFetcher(fetcher),
            store=store,
            clock=clock,
            state=SourceState(),
            schedule=Every(_STEP),
        )
        if before is not None:
            collect(SLOT - _STEP)
            server.answer = answer
        clock.set(SLOT)
        requests_before = len(server.requests)
        tracemalloc.start()
        start_s = time.monotonic()
        try:
            poll = collect(SLOT)
            took_s = time.monotonic() - start_s
            _, peak_bytes = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        return DrillResult(
            fault,
            poll,
            slots=tuple(store.planned_slots(SOURCE.id, SLOT)),
            stored=len(store.live_ticks(SOURCE.id, SLOT, SLOT + _STEP)),
            took_s=took_s,
            peak_bytes=peak_bytes,
            requests=tuple(server.requests[requests_before:]),
            host=f"127.0.0.1:{server.port}",
        )
