"""Soak test: polls a site on loopback very often and checks that the collector's memory does not grow.

    python tests/soak.py --polls 100000

The site runs in a process of its own, changes its rates at every second request, and fails now and then. The
collector polls it as the daemon does, slot after slot, with a clock that is set to the next slot before each poll, and
writes to a store, month after month. Resident memory and open descriptors are those of the collector's process, which
imports what the daemon imports. Linux only: it reads /proc. The last line has the result; exit code 1 is a failure,
with the reasons on the lines before.
"""

import argparse
import gc
import multiprocessing
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from itertools import islice
from pathlib import Path

from fxticker.daemon.memory import use_little_memory

use_little_memory()  # before anything imports Arrow, as in the daemon

# ruff: noqa: E402
import fxticker.daemon.process  # noqa: F401 - for its weight: the daemon has all that in memory, too
from fxticker.collect.backoff import SourceState
from fxticker.collect.poll import collect_once
from fxticker.daemon.memory import MemoryReturned
from fxticker.fetch.client import Fetcher
from fxticker.fetch.robots import RobotsFetcher
from fxticker.model.clock import SimulatedClock
from fxticker.model.records import PrintedTick
from fxticker.model.schedule import every, slots_between
from fxticker.model.timestamps import END_OF_TIME
from fxticker.simulation.loopback_server import LoopbackServer, answering, with_robots
from fxticker.simulation.site import render_html
from fxticker.sources.timesca.page import SOURCE
from fxticker.store.store import Store

BEGIN = datetime(2023, 1, 1, tzinfo=UTC)
MAX_GROWTH_PCT = 5.0
MAX_RESIDENT_MB = 100.0
WARM_UP_SHARE = 5
"""The first fifth of the polls: after it the store has all the months in memory that it keeps."""
START_S = 30
FAULT_EVERY = 25
BEAT_EVERY = 20
"""Polls between two beats; in a daemon there are 180 beats between two polls at 15 min."""
HEAVY = ("pandas", "matplotlib", "rich", "pyarrow.compute")
BASES = ("KGS", "KZT", "TJS", "UZS", "TMT")


class Site:
    """The site's responses: pages that change, and now and then a fault, each kind in its turn."""

    def __init__(self, day):
        self._day = day
        self._asked = 0
        self._faults = [
            answering(b"", status="500 Oops"),
            answering(b"", status="404 Not Found"),
            answering(b"<title>Just a moment...</title>"),
            answering(b"<p>No rates today.</p>"),
            lambda exchange: exchange.reset(),
            answering(b"", "Retry-After: 1200", status="429 Too Many Requests"),
            answering(b"KGS/USD = 0.01 0% KZT/USD = 0.01 0% TJS/USD = 0.01 0% UZS/USD = 0.01 0% TMT/USD"),
            lambda exchange: exchange.send(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nshort"),
        ]

    def __call__(self, exchange):
        self._asked += 1
        turn, has_page = divmod(self._asked, FAULT_EVERY)
        if has_page:
            self._show(exchange, self._asked // 2)
        else:
            self._faults[turn % len(self._faults)](exchange)

    def _show(self, exchange, number):
        etag = f'"{number}"'
        if f"if-none-match: {etag}" in exchange.request.lower():
            exchange.send(f"HTTP/1.1 304 Not Modified\r\nETag: {etag}\r\nConnection: close\r\n\r\n".encode())
            return
        ticks = [PrintedTick(f"{base}/USD", f"0.1{(number * 7 + at) % 1000:04}", "0%") for at, base in enumerate(BASES)]
        page = render_html(ticks, datetime.fromordinal(self._day.value).date())
        answering(page.encode(), f"ETag: {etag}")(exchange)


def serve(ports, day):
    """Run the site's process until the other end of the pipe is closed."""
    with LoopbackServer(with_robots(Site(day))) as server:
        ports.send(server.port)
        ports.poll(None)


@dataclass(frozen=True)
class Footprint:
    """Resident memory of this process, now and at most so far, and its open descriptors."""

    resident_mb: float
    most_mb: float
    descriptors: int

    @classmethod
    def now(cls):
        gc.collect()
        lines = Path("/proc/self/status").read_text("ascii").splitlines()
        kb = {name: value.split()[0] for name, _, value in (line.partition(":") for line in lines) if "kB" in value}
        # The listing itself is one of those listed.
        descriptors = sum(1 for _ in Path("/proc/self/fd").iterdir()) - 1
        return cls(int(kb["VmRSS"]) * 1024 / 1e6, int(kb["VmHWM"]) * 1024 / 1e6, descriptors)


@dataclass(frozen=True)
class Soaked:
    """Result of a run."""

    took_s: float
    outcomes: Counter
    warm: Footprint
    end: Footprint
    one_a_slot: bool
    heavy: tuple

    def growth_pct(self):
        return 100 * (self.end.resident_mb / self.warm.resident_mb - 1)

    def problems(self):
        checks = {
            f"memory grew by {self.growth_pct():.1f} %": self.growth_pct() >= MAX_GROWTH_PCT,
            f"{self.end.most_mb:.1f} MB were resident": self.end.most_mb >= MAX_RESIDENT_MB,
            "descriptors were left open": self.end.descriptors > self.warm.descriptors,
            f"imported: {', '.join(self.heavy)}": bool(self.heavy),
            "the outcomes on record are not one for each slot": not self.one_a_slot,
        }
        return [problem for problem, is_so in checks.items() if is_so]


def slots_from(schedule, count):
    """The first `count` slots of a grid."""
    return islice(slots_between(schedule, BEGIN, END_OF_TIME), count)


def soak(polls, schedule, folder):
    """Poll the first slots of a grid; returns the result."""
    context = multiprocessing.get_context("spawn")
    day = context.Value("q", BEGIN.toordinal(), lock=False)
    ours, theirs = context.Pipe()
    site = context.Process(target=serve, args=(theirs, day), daemon=True)
    site.start()
    theirs.close()
    clock = SimulatedClock(BEGIN)
    store = Store(folder, clock=clock)
    try:
        if not ours.poll(START_S):
            raise TimeoutError(f"the site did not start within {START_S} s")
        source = replace(SOURCE, url=f"http://127.0.0.1:{ours.recv()}/")
        with Fetcher(timeout_s=10, max_bytes=1_000_000, user_agent="fxticker-soak", retry_pauses_s=()) as fetcher:
            fetch = RobotsFetcher(fetcher, monotonic_s=lambda: clock.now().timestamp())
            options = {"fetch": fetch, "store": store, "clock": clock, "state": SourceState(), "schedule": schedule}
            return polled(partial(collect_once, source, **options), store, day, clock, schedule, polls)
    finally:
        ours.close()
        site.join(START_S)


def polled(collect, store, day, clock, schedule, polls):
    """Poll slots one after the other, with beats in between, and measure the process."""
    outcomes = Counter()
    memory = MemoryReturned()
    start_s = time.monotonic()
    for number, slot in enumerate(slots_from(schedule, polls), 1):
        day.value = slot.toordinal()
        clock.set(slot)
        outcomes[collect(slot).outcome.value] += 1
        if number % BEAT_EVERY == 0:
            memory.beat(slot)
        if number == polls // WARM_UP_SHARE:
            warm = Footprint.now()
    took_s = time.monotonic() - start_s
    end = Footprint.now()
    heavy = tuple(name for name in HEAVY if name in sys.modules)
    recorded = list(store.planned_slots(SOURCE.id, slot))
    return Soaked(took_s, outcomes, warm, end, recorded[::-1] == list(slots_from(schedule, polls)), heavy)


def report(soaked):
    """Print the result of a run."""
    polls = soaked.outcomes.total()
    counted = ", ".join(f"{count:,} {name}" for name, count in soaked.outcomes.most_common())
    print(f"outcomes     {counted}")
    print(f"memory       {soaked.warm.resident_mb:.1f} MB after {polls // WARM_UP_SHARE:,} polls")
    print(f"             {soaked.end.resident_mb:.1f} MB after {polls:,} polls: {soaked.growth_pct():+.1f} %")
    print(f"             {soaked.end.most_mb:.1f} MB at most")
    print(f"descriptors  {soaked.warm.descriptors}, then {soaked.end.descriptors}")
    for problem in soaked.problems():
        print(f"wrong        {problem}")
    print(
        f"{'FAILED' if soaked.problems() else 'OK'}: {polls:,} polls in {soaked.took_s:.0f} s, "
        f"{polls / soaked.took_s:.0f} a second"
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--polls", type=int, default=100_000, help="slots to poll (%(default)s)")
    parser.add_argument("--every", default="15min", help="distance of two slots, by the clock (%(default)s)")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="fxticker-soak-") as folder:
        soaked = soak(max(options.polls, WARM_UP_SHARE), every(options.every, SOURCE.id), Path(folder))
    report(soaked)
    return 1 if soaked.problems() else 0


if __name__ == "__main__":
    sys.exit(main())
