"""Each fault against the real client, parser and store: what was recorded, and whether that is what must be."""

from __future__ import annotations

import socket
import time
import tracemalloc
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

from fxticker.collect.backoff import SourceState
from fxticker.collect.poll import collect_once
from fxticker.fetch.client import Fetch, Fetcher
from fxticker.fetch.robots import RobotsFetcher
from fxticker.model.clock import SimulatedClock
from fxticker.model.records import Outcome, Poll
from fxticker.model.schedule import Every, Schedule
from fxticker.simulation.fault_server import ROBOTS_PATH, FaultServer, Request
from fxticker.simulation.faults import SLOT, Fault
from fxticker.sources.source import Source
from fxticker.sources.timesca.page import SOURCE
from fxticker.store.store import Store

DEADLINE_S = 1.0
"""For an answer that is not meant to come in time."""
PATIENCE_S = 10.0
"""For all others, which come at once: long enough for a machine that is busy with something else."""
MARGIN_S = 5.0
"""What a poll may take beyond the deadline, on such a machine."""
MAX_BYTES = 1_000_000
"""Of a body; a tenth of the largest page played."""
MAX_PEAK_BYTES = 4 * MAX_BYTES
"""What a poll may hold at once: the body, twice while it is put together, and what is read from it."""
USER_AGENT = "fxticker-drill (asks its own loopback server only)"
_STEP = timedelta(minutes=15)
_UNASKED = (Outcome.BACKOFF, Outcome.DISALLOWED)


@dataclass(frozen=True, slots=True)
class Drilled:
    """What became of one fault.

    Attributes
    ----------
    fault
        What was played.
    poll
        As recorded.
    slots
        All that have an outcome on record, the newest first.
    stored
        Ticks in the store for the fault's slot.
    took_s
        From the slot to the recorded outcome.
    peak_bytes
        What Python held at most beyond what it held before, the server's part included.
    requests
        What the server was asked for at the fault's slot.
    host
        The one that may be asked.
    """

    fault: Fault
    poll: Poll
    slots: tuple[datetime, ...]
    stored: int
    took_s: float
    peak_bytes: int
    requests: tuple[Request, ...]
    host: str

    @property
    def problems(self) -> list[str]:
        """What is not as it must be, a word each; none if all is well."""
        fault, poll = self.fault, self.poll
        planned = (SLOT,) if fault.before is None else (SLOT, SLOT - _STEP)
        asked = [request for request in self.requests if request.path]
        sound = {
            "outcome": poll.outcome in fault.outcomes and self.slots == planned,
            "status": poll.http_status == fault.http_status,
            "ticks": poll.ticks == self.stored == fault.ticks,
            "detail": fault.needle in (poll.detail or ""),
            "time": self.took_s <= deadline_s(fault) + MARGIN_S,
            "memory": self.peak_bytes <= MAX_PEAK_BYTES,
            "host": all(request.host == self.host for request in asked),
            "requests": poll.outcome not in _UNASKED or all(request.path == ROBOTS_PATH for request in asked),
        }
        return [name for name, is_sound in sound.items() if not is_sound]


def deadline_s(fault: Fault) -> float:
    """How long the client waits for an answer to a fault."""
    return DEADLINE_S if Outcome.TIMEOUT in fault.outcomes else PATIENCE_S


def drill(faults: Iterable[Fault]) -> Iterator[Drilled]:
    """Play faults one after the other, each to a client and a store of its own."""
    for fault in faults:
        with (
            TemporaryDirectory(prefix="fxticker-drill-") as folder,
            # A second try would only be played the same again.
            Fetcher(
                timeout_s=deadline_s(fault), max_bytes=MAX_BYTES, user_agent=USER_AGENT, retry_pauses_s=()
            ) as fetcher,
        ):
            yield _played(fault, fetcher, Path(folder))


def _played(fault: Fault, fetcher: Fetcher, folder: Path) -> Drilled:
    clock = SimulatedClock(SLOT - _STEP)
    store = Store(folder, clock=clock)
    with FaultServer(fault.before or fault.answer, fault.robots) as server, socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # and does not listen: the port refuses, and nobody else gets it
        url = fault.url.format(port=server.port, closed_port=taken.getsockname()[1])
        poller = Poller(replace(SOURCE, url=url), Every(_STEP), fetch=RobotsFetcher(fetcher), store=store, clock=clock)
        if fault.before is not None:
            poller.poll(SLOT - _STEP)
            server.answer = fault.answer
        asked_before = len(server.requests)
        tracemalloc.start()
        start_s = time.monotonic()
        try:
            poll = poller.poll(SLOT)
            took_s = time.monotonic() - start_s
            _, peak_bytes = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        return Drilled(
            fault,
            poll,
            slots=tuple(store.planned_slots(SOURCE.id, SLOT)),
            stored=len(store.live_ticks(SOURCE.id, SLOT, SLOT + _STEP)),
            took_s=took_s,
            peak_bytes=peak_bytes,
            requests=tuple(server.requests[asked_before:]),
            host=f"127.0.0.1:{server.port}",
        )


class Poller:
    """Polls one source as the daemon does, at the slots it is told.

    Parameters
    ----------
    source, schedule
        What to poll, and the grid that its slots lie on.
    fetch, store
        The net and the store.
    clock
        Put on each slot before it is polled; the store's clock, too.
    """

    def __init__(
        self, source: Source, schedule: Schedule, *, fetch: Fetch, store: Store, clock: SimulatedClock
    ) -> None:
        self._source = source
        self._schedule = schedule
        self._fetch = fetch
        self._store = store
        self._clock = clock
        self._state = SourceState()

    def poll(self, slot: datetime) -> Poll:
        """Poll the slot, or leave it out if the source is to be left alone."""
        self._clock.set(slot)
        if (left_out := self._state.backoff_outcome(self._source.id, slot)) is not None:
            self._store.record([left_out])
            return left_out
        return collect_once(
            self._source,
            slot,
            fetch=self._fetch,
            store=self._store,
            clock=self._clock,
            state=self._state,
            schedule=self._schedule,
        )
