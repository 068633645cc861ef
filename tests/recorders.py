"""Kills recorders of one store on object storage: no slot may be missing, doubled or lost.

    python tests/recorders.py --slots 100000 --kills 1000
    python tests/recorders.py --slots 2000 --kills 0 --cuts 20

The second cuts the last recorder off from the storage instead, in a network of its own; that needs root.
Some recorders, as the daemon has them, record the same sources into one bucket of a SeaweedFS that this starts. Their
time runs faster than the real one, their clocks are apart, and each at times cannot reach the site. They are killed at
random moments and started again. What each was told is done stands in a file of its own. In the end the objects are
read with pyarrow: every slot from the first to the last has one outcome, and what was acknowledged is there. The last
line has the result; exit code 1 is a failure, with the reasons on the lines before.
"""

import argparse
import contextlib
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from builders import PRINTED_TICKS

from fxticker.collect.clock_evidence import ClockEvidence
from fxticker.daemon.clock_watch import ClockWatch
from fxticker.daemon.first_poll import FirstPoll
from fxticker.daemon.observers import Observers
from fxticker.daemon.other_recorders import OtherRecorders, PatientWriter
from fxticker.daemon.retrying_writer import RetryingWriter
from fxticker.daemon.slot_ledger import SlotLedger
from fxticker.daemon.source_worker import SourceWorker
from fxticker.errors import Unreachable
from fxticker.fetch.client import Response
from fxticker.model.schedule import Every
from fxticker.simulation.site import render_html
from fxticker.sources.registry import ScheduledSource
from fxticker.sources.timesca.page import SOURCE
from fxticker.store.lease import Lease
from fxticker.store.location import storage_at
from fxticker.store.store import Store

BEGIN = datetime(2025, 12, 31, 18, tzinfo=UTC)
EVERY = timedelta(minutes=2)
SEGMENT_ROWS = 1000
"""Rows of a segment, so that one is sealed every 200 polls, and the next one is created while others write."""
WAIT_S = 60


class FastClock:
    """A clock that began at `BEGIN` at one real instant, and runs `speed` times as fast."""

    def __init__(self, began_s, speed, ahead_s=0.0):
        self._began_s, self._speed, self._ahead_s = began_s, speed, ahead_s

    def now(self):
        return BEGIN + timedelta(seconds=self.monotonic())

    def monotonic(self):
        return (time.time() - self._began_s) * self._speed + self._ahead_s


class FastEvent(threading.Event):
    """An event whose waits are of a fast clock's seconds."""

    def __init__(self, speed):
        super().__init__()
        self._speed = speed

    def wait(self, timeout=None):
        return super().wait(None if timeout is None else timeout / self._speed)


class NotedStore(Store):
    """A store that notes what it acknowledged."""

    def __init__(self, *arguments, note, **options):
        super().__init__(*arguments, **options)
        self._note = note

    def append(self, ticks):
        rows = list(ticks)
        appended = super().append(rows)
        for row in rows:
            self._note("tick", row.source, row.pair, row.observed_at.isoformat(), row.rate_text)
        return appended

    def record(self, polls):
        rows = list(polls)
        added = super().record(rows)
        for poll in rows:
            kind = "outcome" if added == len(rows) else "known"
            self._note(kind, poll.source, poll.slot.isoformat(), poll.outcome)
        return added


class Life:
    """One recorder, until it is killed or told to end."""

    def __init__(self, options):
        self._clock = FastClock(options.began, options.speed, options.ahead)
        self._speed = options.speed
        self._stop = FastEvent(options.speed)
        self._file = os.open(options.notes, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        self._chance = random.Random()
        self._store = NotedStore(
            storage_at(options.store, must_exist=False),
            note=self._note,
            clock=self._clock,
            segment_rows=SEGMENT_ROWS,
        )
        self._options = options

    def run(self):
        signal.signal(signal.SIGTERM, lambda *_: self._stop.set())
        writer = RetryingWriter(self._store, Observers([]), pauses_s=(30, 60), stop_asked=self._stop)
        watch = ClockWatch(self._clock, self._clock.monotonic, on_jump=lambda by: None)
        evidence = ClockEvidence(boottime=self._clock.monotonic, is_synchronised=lambda now: True)
        workers = [self._worker(f"s{n}", writer, watch, evidence) for n in range(self._options.sources)]
        for worker in workers:
            worker.start()
        while not self._stop.is_set():
            for worker in workers:
                worker.wake()
            now = self._clock.now()
            self._stop.wait((Every(EVERY).after(now) - now).total_seconds() + 0.01 * self._speed)
        for worker in workers:
            worker.wake()
        for worker in workers:
            worker.join(WAIT_S)

    def _worker(self, source_id, writer, watch, evidence):
        lease = Lease(self._store.backend, source_id, self._options.name)
        others = OtherRecorders(
            source_id, self._store, lease, clock=self._clock, stop_asked=self._stop, on_recorded=lambda poll: None
        )
        patient = PatientWriter(writer, others)
        worker = SourceWorker(
            source_id,
            ledger=SlotLedger(source_id, self._store, patient.record),
            first_poll=FirstPoll(source_id, self._store),
            fetch=lambda url, **_: self._fetched(source_id),
            store=patient,
            clock=self._clock,
            clock_watch=watch,
            clock_evidence=evidence,
            on_compared=lambda *_: None,
            on_unrecorded=lambda poll: None,
            stop_asked=self._stop,
            on_caught_up=lambda *_: None,
            on_error=self._fail,
            others=others,
        )
        worker.recover(ScheduledSource(replace(SOURCE, id=source_id, url="http://127.0.0.1:9/"), Every(EVERY)))
        return worker

    def _fetched(self, source_id):
        now = self._clock.now()
        self._note("fetch", source_id, Every(EVERY).at_or_before(now).isoformat())
        if self._chance.random() < self._options.unreachable:
            raise Unreachable("the site is out of reach from here")
        rate = f"0.0{self._chance.randrange(1000, 2000)}"
        page = render_html([replace(PRINTED_TICKS[0], rate_text=rate), *PRINTED_TICKS[1:]], now.date())
        return Response(
            page.encode(), {"content-type": "text/html", "date": f"{now:%a, %d %b %Y %H:%M:%S GMT}"}, 200, 1
        )

    def _note(self, *facts):
        os.write(self._file, (json.dumps(facts) + "\n").encode())

    def _fail(self, error):
        self._note("error", f"{type(error).__name__}: {error}")
        os._exit(3)


class Trial:
    """Starts and kills recorders."""

    def __init__(self, options, endpoint, folder, network):
        from object_servers import BUCKET, environment

        self._options, self._folder, self._network = options, folder, network
        self._chance = random.Random(options.seed)
        self._environ = {**os.environ, **environment(endpoint)}
        os.environ.update(environment(endpoint))
        self.store = f"s3://{BUCKET}/trial"
        self._began_s = time.time() + 3
        self._processes = {}
        self.kills = self.cuts = 0
        self.problems = []

    def run(self):
        options = self._options
        each = options.slots / options.sources
        took_s = each * EVERY.total_seconds() / options.speed
        pause_s = took_s / (options.kills + options.cuts + 1)
        names = [f"r{n}" for n in range(options.writers)]
        for name in names:
            self._start(name)
        while (left_s := self._began_s + took_s - time.time()) > 0:
            time.sleep(min(left_s, self._chance.uniform(0.4, 1.2) * pause_s))
            if self.kills < options.kills:
                self._kill(self._chance.choice(names))
            elif self.cuts < options.cuts:
                self._cut(pause_s / 2)
        time.sleep(5 * EVERY.total_seconds() / options.speed + 2)  # the last slots get their outcomes
        for process in self._processes.values():
            process.terminate()
        for process in self._processes.values():
            process.wait(WAIT_S)

    def _start(self, name):
        options = self._options
        ahead_s = options.apart * int(name[1:])
        command = [sys.executable, __file__, "--live", "--name", name, "--store", self.store]
        command += ["--notes", str(self._folder / f"{name}.notes"), "--began", str(self._began_s)]
        command += ["--speed", str(options.speed), "--ahead", str(ahead_s), "--sources", str(options.sources)]
        command += ["--unreachable", str(options.unreachable)]
        if self._network is not None and int(name[1:]) == options.writers - 1:
            command = self._network.inside(command)
        log = (self._folder / f"{name}.log").open("ab")
        self._processes[name] = subprocess.Popen(command, env=self._environ, stdout=log, stderr=log)
        log.close()

    def _kill(self, name):
        process = self._processes[name]
        process.kill()
        if process.wait() != -signal.SIGKILL:
            self.problems.append(f"{name} ended by itself, exit code {process.returncode}")
        self.kills += 1
        self._start(name)

    def _cut(self, seconds):
        self.cuts += 1
        self._network.cut()
        time.sleep(self._chance.uniform(0.1, 1) * seconds)
        self._network.join()

    def end_all(self):
        for process in self._processes.values():
            process.kill()
            process.wait()


def rows_of(store, table):
    """The rows of a table, read with pyarrow alone, each with its source."""
    import io

    import pyarrow.parquet as pq

    backend = storage_at(store, must_exist=True)
    for item in backend.list(table):
        source = item.name.split("/")[1].removeprefix("source=")
        for row in pq.read_table(io.BytesIO(backend.open(item.name).read())).to_pylist():
            yield source, row


def judged(store, folder, sources):
    """What is wrong with a store after a trial, and the figures of it."""
    notes = [json.loads(line) for path in sorted(folder.glob("*.notes")) for line in path.read_text().splitlines()]
    outcomes = [(source, row["slot"], row["outcome"]) for source, row in rows_of(store, "polls")]
    on_grid = [entry for entry in outcomes if entry[1].microsecond == 0]
    ticks = Counter(
        (source, row["pair"], row["observed_at"].isoformat(), row["rate_text"])
        for source, row in rows_of(store, "ticks")
    )
    slots = Counter((source, slot) for source, slot, _ in outcomes)
    problems = [f"doubled slot {key}" for key, count in slots.items() if count > 1]
    problems += [f"doubled tick {key}" for key, count in ticks.items() if count > 1]
    for source in (f"s{n}" for n in range(sources)):
        own = sorted(slot for name, slot, _ in on_grid if name == source)
        grid = {own[0] + n * EVERY for n in range((own[-1] - own[0]) // EVERY + 1)}
        problems += [f"missing slot {source} {slot}" for slot in sorted(grid - {*own})]
    stored = {(source, slot.isoformat()): outcome for source, slot, outcome in outcomes}
    for kind, *facts in notes:
        if kind == "error":
            problems.append(facts[0])
        elif kind == "tick" and not ticks[tuple(facts)]:
            problems.append(f"lost tick {facts}")
        elif kind == "outcome" and stored.get((facts[0], facts[1])) != facts[2]:
            problems.append(f"lost outcome {facts}, stored is {stored.get((facts[0], facts[1]))}")
        elif kind == "known" and (facts[0], facts[1]) not in stored:
            problems.append(f"lost slot {facts}")
    fetched = Counter(tuple(facts) for kind, *facts in notes if kind == "fetch")
    twice = sum(count > 1 for count in fetched.values())
    counts = Counter(outcome for _, _, outcome in on_grid)
    figures = (
        f"{len(on_grid)} slots ({', '.join(f'{name} {count}' for name, count in counts.most_common())}), "
        f"{sum(ticks.values())} ticks, {sum(kind == 'outcome' for kind, *_ in notes)} outcomes acknowledged, "
        f"{twice} of {len(fetched)} pages fetched more than once"
    )
    return problems, figures


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--slots", type=int, default=1000)
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--writers", type=int, default=2)
    parser.add_argument("--sources", type=int, default=4)
    parser.add_argument("--speed", type=float, default=240)
    parser.add_argument("--apart", type=float, default=2, help="seconds between the recorders' clocks")
    parser.add_argument("--cuts", type=int, default=0, help="how often the last recorder is cut off")
    parser.add_argument("--unreachable", type=float, default=0.03, help="share of requests that do not reach the site")
    parser.add_argument("--seed", type=int, default=None)
    parser.add_argument("--live", action="store_true", help=argparse.SUPPRESS)
    for name in ("name", "store", "notes"):
        parser.add_argument(f"--{name}", help=argparse.SUPPRESS)
    for name in ("began", "ahead"):
        parser.add_argument(f"--{name}", type=float, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.live:
        Life(options).run()
        return 0
    options.seed = time.time_ns() % 1_000_000 if options.seed is None else options.seed
    print(f"seed {options.seed}", flush=True)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    return tried(options)


def tried(options):
    from object_servers import seaweedfs
    from partition import partition

    started_s = time.monotonic()
    with (
        partition() if options.cuts else contextlib.nullcontext() as network,
        tempfile.TemporaryDirectory(prefix="recorders-") as name,
        seaweedfs(network.host if network else "127.0.0.1") as endpoint,
    ):
        trial = Trial(options, endpoint, Path(name), network)
        try:
            trial.run()
        finally:
            trial.end_all()
        problems, figures = judged(trial.store, Path(name), options.sources)
        problems += trial.problems
        for problem in problems[:20]:
            print(f"WRONG {problem}")
        for log in sorted(Path(name).glob("*.log")) if problems else []:
            print(log.read_text()[-2000:])
    verdict = "FAILED" if problems else "OK"
    print(
        f"{verdict}: {options.writers} recorders {options.apart:g} s apart, {trial.kills} kills, {trial.cuts} cuts, "
        f"{figures}, {time.monotonic() - started_s:.0f} s, seed {options.seed}"
    )
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
