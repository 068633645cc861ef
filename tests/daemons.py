"""Daemons for tests: one in this thread, one in another thread under a clock set by hand, one in a process."""

import os
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from builders import PRINTED_TICKS, FixedClock
from servers import fetcher

import fxticker as fx
from fxticker.daemon.daemon import Daemon
from fxticker.model.clock import SystemClock
from fxticker.model.schedule import Every
from fxticker.monitoring.observer import Observer
from fxticker.simulation.site import render_html
from fxticker.sources.registry import ScheduledSource
from fxticker.sources.timesca.page import SOURCE
from fxticker.store.local import FileCalls
from fxticker.store.store import Store

PAGE = render_html(PRINTED_TICKS, None).encode()
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: %d\r\n\r\n" % len(PAGE) + PAGE
SECOND = timedelta(seconds=1)
QUARTER = Every(timedelta(minutes=15))
SAFETY_S = 30
"""Seconds after which a run that should have ended by itself is stopped, so that its test fails."""


def at(text):
    return datetime.fromisoformat(f"2025-11-14T{text}").replace(tzinfo=UTC)


def planned(url="http://127.0.0.1:9/", schedule=QUARTER, **changes):
    return ScheduledSource(replace(SOURCE, url=url, **changes), schedule)


def outcomes(store):
    """Slots and their outcomes, in the order of slots."""
    polls = fx.load_polls(store)
    return [(slot.to_pydatetime(), outcome) for slot, outcome in zip(polls["slot"], polls["outcome"], strict=True)]


def distances(store):
    """Distances of neighbouring slots in a store, each once."""
    return set(fx.load_polls(store)["slot"].diff().dropna())


class RecordingObserver(Observer):
    """Keeps the events of a daemon."""

    def __init__(self, on_poll=lambda poll: None):
        self.taken = []
        self.not_polled = []
        self.jumps = []
        self.beats = []
        self.grids = []
        self.writes = []
        self.rejected = []
        self.caught = []
        self.has_started = threading.Event()
        self.on_poll = on_poll

    def started(self, sources):
        self.grids.append({scheduled.source.id: scheduled.schedule for scheduled in sources})
        self.has_started.set()

    def polled(self, poll):
        # A poll that ran has a start; slots that were never polled have none.
        (self.not_polled if poll.started_at is None else self.taken).append(poll)
        self.on_poll(poll)

    def caught_up(self, source, wait_until):
        self.caught.append(source)

    def write_ended(self, duration_s, error):
        self.writes.append((duration_s >= 0, error))

    def body_rejected(self, source):
        self.rejected.append(source)

    def clock_jumped(self, by):
        self.jumps.append(by)

    def beat(self, now):
        self.beats.append(now)


@contextmanager
def daemon_of(
    store,
    *plans,
    clock=None,
    polls=None,
    timeout_s=5,
    fetch=lambda client: client,
    on_poll=None,
    observers=(),
    **options,
):
    """A daemon that stops itself after so many polls, and the polls it took; `fetch` makes its fetch of a client.

    Its clock is synchronised if no other `is_synchronised` is given.
    """

    def stop_after_the_last(poll):
        if on_poll is not None and poll.started_at is not None:
            on_poll(poll)
        if len(recording.taken) == polls:
            daemon.stop()

    recording = RecordingObserver(stop_after_the_last)
    with fetcher(timeout_s=timeout_s, max_bytes=1_000_000) as client:
        daemon = Daemon(
            plans,
            fetcher=fetch(client),
            store=store,
            clock=clock or SystemClock(),
            observers=[recording, *observers],
            **{"retry_pauses_s": (), "is_synchronised": lambda _now: True, **options},
        )
        safety = threading.Timer(SAFETY_S, daemon.stop)
        safety.start()
        try:
            yield daemon, recording.taken
        finally:
            safety.cancel()


def run_daemon(store, *plans, **options):
    """Run a daemon to its end, as `daemon_of` makes it; returns the polls it took."""
    with daemon_of(store, *plans, **options) as (daemon, taken):
        daemon.run()
    return taken


def settle_at_start(folder, plan, *, now):
    """Start and stop a daemon, which records what passed before its first poll."""
    clock = FixedClock(now)
    with daemon_of(Store(folder, clock=clock), plan, clock=clock) as (daemon, taken):
        daemon.stop()
        daemon.run()
    assert taken == []


class Refusing(FileCalls):
    """A disk that refuses to replace a table's files so many times."""

    def __init__(self, table, times=sys.maxsize, on_refusal=lambda: None):
        self.table, self.times, self.on_refusal = table, times, on_refusal
        self.refused = 0

    def replace(self, staged, target):
        if self.table in str(target) and self.refused < self.times:
            self.refused += 1
            self.on_refusal()
            raise OSError(28, "No space left on device")
        FileCalls.replace(staged, target)


class SteppedClock:
    """The machine's clock, set ahead or back by `ahead`."""

    monotonic = staticmethod(time.monotonic)

    def __init__(self, start=None):
        self.ahead = timedelta(0)
        if start is not None:
            self.put(start)

    def now(self):
        return datetime.now(UTC) + self.ahead

    def put(self, instant):
        self.ahead = instant - datetime.now(UTC)


class ManualClock:
    """A wall clock and a monotonic clock that stand still until they are moved."""

    def __init__(self, now):
        self.wall, self.passed_s = now, 0.0

    def now(self):
        return self.wall

    def monotonic(self):
        return self.passed_s

    def go_on(self, by):
        self.wall += by
        self.passed_s += by.total_seconds()


class Running(RecordingObserver):
    """A daemon in another thread, under a clock moved by hand, and what it notified."""

    def __init__(self, clock):
        recorded = self._recorded = threading.Semaphore(0)
        super().__init__(lambda _poll: recorded.release())
        self.clock = clock
        self.daemon = None

    def wait(self, count=1):
        """Wait for so many outcomes."""
        assert all(self._recorded.acquire(timeout=SAFETY_S) for _ in range(count))

    @staticmethod
    def wait_for(is_so):
        """Wait until something is so, which no outcome tells of."""
        end_s = time.monotonic() + SAFETY_S
        while not is_so() and time.monotonic() < end_s:
            time.sleep(0.01)
        assert is_so()

    def jump(self, **by):
        """Set the wall clock ahead, or back, and let the daemon look at it."""
        self.clock.wall += timedelta(**by)
        self.daemon.beat()


@contextmanager
def in_thread(run):
    """Run the daemon of a `Running` in another thread, from its start on."""
    thread = threading.Thread(target=run.daemon.run)
    thread.start()
    try:
        assert run.has_started.wait(SAFETY_S)
        yield run
    finally:
        run.daemon.stop()
        thread.join(SAFETY_S)
    assert not thread.is_alive()


@contextmanager
def running(store, *plans, clock=None, observers=()):
    """A daemon at work, begun at 12:00:10 if no other clock is given."""
    run = Running(clock or ManualClock(at("12:00:10")))
    options = {"clock": run.clock, "monotonic": run.clock.monotonic, "observers": [run, *observers], "beat_s": 3600}
    with daemon_of(store, *plans, **options) as (run.daemon, _), in_thread(run):
        yield run


def reasons(store):
    """Outcomes other than ok, with their details, by time of day."""
    polls = fx.load_polls(store)
    return {
        f"{slot:%H:%M}": (str(outcome), str(detail))
        for slot, outcome, detail in zip(polls["slot"], polls["outcome"], polls["detail"], strict=True)
        if outcome != "ok"
    }


@contextmanager
def python(arguments, cwd=None):
    """A Python process with these tests' modules, which is killed if it outlives its test."""
    process = subprocess.Popen(
        [sys.executable, *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=cwd,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    safety = threading.Timer(SAFETY_S, process.kill)
    safety.start()
    try:
        yield process
    finally:
        safety.cancel()
        process.kill()
        process.communicate()


@contextmanager
def daemon_process(folder, url, *command, extra=""):
    """`fxticker run` in a process of its own, which is killed if it outlives its test."""
    config = folder / "config.toml"
    config.write_text(
        f'[store]\npath = "store"\n[http]\ntimeout_s = 0.9\n{extra}[sources.timesca]\nurl = "{url}"\nevery = "1s"\n',
        "utf-8",
    )
    with python([*command, "run", "--config", str(config)], cwd=folder) as process:
        yield process


def lines_until(process, mark):
    """The lines of the log up to the first one with this word in it."""
    lines = []
    for line in process.stderr:
        lines.append(line)
        if mark in line:
            break
    return "".join(lines)
