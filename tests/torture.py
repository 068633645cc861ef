"""Kill a writer again and again while readers look on, and find out whether the store kept its promises.

    python tests/torture.py --kills 1000 --seed 7

A writer appends snapshots and records their polls, as the daemon does. It is killed by SIGKILL at random moments and
started again on the same store; one reader uses plain pandas, another one fxticker, and both read all the while.

What was sent and what was acknowledged stands in a log that writers add to and readers look into: a write to a file
outlives its process. A snapshot is a function of the seed and its number, and its rates tell the number, so that a
row needs no other witness to be known as lost, doubled, torn or never sent. Every wait is bounded; only processes
started here are killed, and all have ended when the program has. The last line tells the facts; exit 1 is a failure,
with what was wrong on the lines before and the store left where it lies.
"""

import argparse
import contextlib
import functools
import multiprocessing
import os
import select
import shutil
import signal
import sys
import tempfile
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random

import filelock  # noqa: F401 - what a writer imports late is here already when it is forked
import numpy as np
import pyarrow.compute  # noqa: F401 - for the same reason
import pyarrow.parquet as pq
from builders import TICKER, tick

from fxticker.model.records import Outcome, Poll
from fxticker.store.store import Store

PAIRS = tuple(pair for pair, *_ in TICKER)
BEGIN = datetime(2025, 1, 1, tzinfo=UTC)
STEP = timedelta(hours=6)
SEGMENT_ROWS = (40, 60, 100, 200)
APPENDS_PER_LIFE = 300
LOCK_TIMEOUT_S = 30
WAIT_S = 60
FIRST_GUESS_S = 0.004
BEGUN, APPENDED, RECORDED = 1, 2, 3
MARK = np.dtype([("kind", "<i8"), ("number", "<i8"), ("life", "<i8"), ("at_ns", "<i8")])


class WrongAnswer(Exception):
    """The store did what it must not; said so in the folder before it was raised."""


@dataclass(frozen=True)
class Plan:
    """The snapshots of one run, each a function of the seed and its number."""

    seed: int

    @functools.cached_property
    def _kept(self):
        return {}

    def facts(self, number):
        """Source and instant; one snapshot in eight lies weeks back, one in five is of another source."""
        if number not in self._kept:
            chance = Random(f"{self.seed} snapshot {number}")
            back = timedelta(days=chance.randrange(20, 70)) if chance.random() < 1 / 8 else timedelta(0)
            at = (BEGIN + number * STEP - back).replace(microsecond=number)
            self._kept[number] = ("nbk" if chance.random() < 1 / 5 else "timesca", at)
        return self._kept[number]

    def ticks(self, number):
        source, at = self.facts(number)
        texts = [f"0.{10 * number + index:08}" for index in range(len(PAIRS))]
        fields = {"source": source, "source_date": at.date()}
        return [tick(pair, text, "-0%", at, **fields) for pair, text in zip(PAIRS, texts, strict=True)]

    def poll(self, number):
        source, at = self.facts(number)
        return Poll(source, at, Outcome.OK, at, 1200, len(PAIRS), 200, at.date(), attempts=1, detail=str(number))


class Folder:
    """Where a run takes place: the store, the log of what was sent, and the complaints."""

    def __init__(self, path):
        self.path = path
        self.store = path / "parquet"
        self._log = path / "log"
        self._complaints = path / "complaints"
        self._log.touch()
        self._complaints.touch()

    def mark(self, kind, number, life):
        """Note a fact in one write of 32 bytes: never across two pages of the file, so it stands whole or not."""
        append(self._log, np.array([(kind, number, life, time.monotonic_ns())], MARK).tobytes())

    def marks(self):
        return np.frombuffer(self._log.read_bytes(), MARK)

    def complain(self, text):
        append(self._complaints, f"{text}\n".encode())

    def complaints(self):
        return self._complaints.read_text().splitlines()

    def require(self, holds, text):
        if not holds:
            self.complain(text)
            raise WrongAnswer(text)

    def staged(self):
        return [path.name for path in self.store.glob(".staging/*")]


def append(path, data):
    """Add bytes to a file in one write."""
    with path.open("ab", buffering=0) as file:
        file.write(data)


def numbers(marks, kind):
    return np.unique(marks["number"][marks["kind"] == kind])


# The writer


class Writer:
    """One life of the writer."""

    def __init__(self, folder, plan, life):
        marks = folder.marks()
        self._folder = folder
        self._plan = plan
        self._life = life
        self._chance = Random(f"{plan.seed} life {life}")
        self._store = Store(folder.store, segment_rows=self._chance.choice(SEGMENT_ROWS), lock_timeout_s=LOCK_TIMEOUT_S)
        self._appended = numbers(marks, APPENDED).tolist()
        last_life = marks[marks["life"] == life - 1]
        self._interrupted = np.setdiff1d(numbers(last_life, BEGUN), numbers(marks, RECORDED)).tolist()
        self._next = int(marks["number"].max()) + 1 if len(marks) else 1  # a rate of 0 is none

    def write(self, appends):
        """Append and record until that many appends are done, or the one who started this is gone."""
        parent = os.getppid()
        if self._interrupted and self._chance.random() < 1 / 2:
            self._take_again(self._interrupted)
        for done in range(appends):
            if os.getppid() != parent:
                return
            self._take(self._chance.randrange(2, 12) if self._chance.random() < 1 / 10 else 1)
            if not done:
                left = self._folder.staged()
                self._folder.require(not left, f"temporaries after an append of life {self._life}: {left}")
            if self._chance.random() < 1 / 5:
                self._repeat(self._chance.sample(self._appended, min(3, len(self._appended))))

    def _take(self, count):
        taken = range(self._next, self._next + count)
        self._next += count
        for number in taken:
            self._folder.mark(BEGUN, number, self._life)
        appended, recorded = self._store_all(taken)
        self._folder.require(appended == len(PAIRS) * count, f"new snapshots {taken}: {appended} rows added")
        self._folder.require(recorded == count, f"new polls {taken}: {recorded} recorded")

    def _take_again(self, taken):
        """What the last life did not finish may be stored or not, each snapshot whole."""
        appended, _ = self._store_all(taken)
        self._folder.require(appended % len(PAIRS) == 0, f"snapshots {taken} again: {appended} rows added")

    def _store_all(self, taken):
        """Append snapshots and record their polls, and return how many rows and slots were new."""
        added = self._append(taken)
        self._acknowledge(taken, APPENDED)
        self._appended.extend(set(taken) - set(self._appended))
        recorded = self._store.record([self._plan.poll(number) for number in taken])
        self._acknowledge(taken, RECORDED)
        return added, recorded

    def _append(self, taken):
        return self._store.append([row for number in taken for row in self._plan.ticks(number)]).added

    def _repeat(self, known):
        added = self._append(known)
        self._folder.require(added == 0, f"acknowledged snapshots {known} again: {added} rows added")

    def _acknowledge(self, taken, kind):
        for number in taken:
            self._folder.mark(kind, number, self._life)


def live(folder, plan, life, appends, ready):
    writer = Writer(folder, plan, life)
    ready.send("begins")
    writer.write(appends)


# What a reader may see


class Witness:
    """What rows may be seen, and what was seen of them before."""

    def __init__(self, plan):
        self._plan = plan
        self._recorded = {}

    def problems(self, frame, marks_before, marks_after):
        """What is wrong with all ticks as read between two looks into the log."""
        begun = set(numbers(marks_after, BEGUN).tolist())
        seen = {}
        strange = []
        rows = zip(*(frame[name].astype(object) for name in COLUMNS), strict=True)
        for source, pair, at, rate, text, change, recorded_at in rows:
            number, index = divmod(round(rate * 1e8), 10)
            expected = (*self._plan.facts(number), f"0.{10 * number + index:08}", "-0%")
            sent = number in begun and index < len(PAIRS) and pair == PAIRS[index]
            if not sent or (source, at.to_pydatetime(), text, change) != expected:
                strange.append((source, pair, str(at), text))
            elif self._recorded.setdefault(number, recorded_at) != recorded_at:
                strange.append((number, "recorded_at was", str(self._recorded[number]), "is", str(recorded_at)))
            seen.setdefault(number, []).append(index)
        whole = list(range(len(PAIRS)))
        return found_of(
            lost=set(numbers(marks_before, APPENDED).tolist()) - set(seen),
            doubled=[number for number, indices in seen.items() if len(indices) > len(set(indices))],
            torn=[number for number, indices in seen.items() if sorted(set(indices)) != whole],
            strange=strange,
        )

    def problems_of_polls(self, frame, marks_before, marks_after):
        """What is wrong with all polls as read between two looks into the log."""
        seen = frame["detail"].astype(int).tolist()
        facts = zip(frame["source"].astype(str), frame["slot"], strict=True)
        return found_of(
            polls_lost=set(numbers(marks_before, RECORDED).tolist()) - set(seen),
            polls_doubled=sorted(seen) != sorted(set(seen)),
            polls_strange=set(seen) - set(numbers(marks_after, APPENDED).tolist()),
            polls_moved=[n for n, (name, slot) in zip(seen, facts, strict=True) if (name, slot) != self._plan.facts(n)],
        )


COLUMNS = ("source", "pair", "observed_at", "rate", "rate_text", "change_text", "recorded_at")


def under_way(marks):
    """The snapshots of the append that nobody has heard the end of yet."""
    return set(numbers(marks, BEGUN).tolist()) - set(numbers(marks, APPENDED).tolist())


def found_of(**problems):
    return [f"{what}: {str(found)[:300]}" for what, found in problems.items() if found]


# The readers


def read_with_pandas(folder, witness):
    import pandas as pd

    before = folder.marks()
    frame = pd.read_parquet(folder.store / "ticks")
    return witness.problems(frame, before, folder.marks())


def read_with_fxticker(folder, witness):
    import fxticker as fx

    before = folder.marks()
    frame = fx.load(folder.store)
    problems = witness.problems(frame, before, folder.marks())
    before = folder.marks()
    polls = fx.load_polls(folder.store)
    return problems + witness.problems_of_polls(polls, before, folder.marks())


READERS = {"pandas": read_with_pandas, "fxticker": read_with_fxticker}


def watch(folder, plan, name, connection):
    """Read over and over until told to stop, and answer how often."""
    import pandas  # noqa: F401, ICN001 - so that it reads from the first kill on

    parent = os.getppid()
    witness = Witness(plan)
    reads = 0
    connection.send("begins")
    while not connection.poll() and os.getppid() == parent:
        try:
            problems = READERS[name](folder, witness)
        except Exception as error:
            folder.complain(f"{name}, read {reads}: {type(error).__name__}: {error}")
            raise
        for problem in problems:
            folder.complain(f"{name}, read {reads}: {problem}")
        reads += 1
        if problems:
            break
    connection.send(reads)


# The end


def look_at_the_end(folder, plan, life, connection):
    """Open the store once more, then read its files one by one, with pyarrow only."""
    import pandas as pd

    Writer(folder, plan, life).write(1)  # the first write removes what the dead have left
    problems = found_of(left_in_staging=folder.staged(), check=[str(error) for error in Store(folder.store).check()])
    frames = {"ticks": [], "polls": []}
    for path in sorted(folder.store.glob("*/*/*/*")):
        table, source, month = path.parts[-4:-1]
        order = ["observed_at", "pair"] if table == "ticks" else ["slot"]
        frame = pq.read_table(path, partitioning=None).to_pandas()
        keys = list(frame[order].astype(object).itertuples(index=False, name=None))
        months = set(frame[order[0]].dt.strftime("month=%Y-%m"))
        problems += found_of(unsorted=[path] * (keys != sorted(keys)), misplaced=[path] * (months != {month}))
        frames[table].append(frame.assign(source=source.removeprefix("source=")))
    marks = folder.marks()
    witness = Witness(plan)
    ticks = pd.concat(frames["ticks"])
    problems += witness.problems(ticks, marks, marks)
    problems += witness.problems_of_polls(pd.concat(frames["polls"]), marks, marks)
    for problem in problems:
        folder.complain(f"at the end: {problem}")
    seen = set((np.rint(ticks["rate"] * 1e8) // 10).astype(int))
    connection.send((len(numbers(marks, APPENDED)), len(under_way(marks) & seen), len(under_way(marks) - seen)))


class Torture:
    """The one who kills: it imports pyarrow and never uses it, so that what it forks starts clean and at once."""

    def __init__(self, folder, seed):
        self._folder = folder
        self._plan = Plan(seed)
        self._chance = Random(f"{seed} kills")
        self._context = multiprocessing.get_context("fork")
        self._started = []
        self._life = 0
        self.kills = 0
        self.staged = 0
        self.idle = 0

    def run(self, kills):
        """Return the facts of a run as text."""
        began_s = time.monotonic()
        self._ask("first life", live, self._life, 1)
        readers = {name: self._start(watch, name) for name in READERS}
        for name, (_, connection) in readers.items():
            self._hear(name, connection)
        while self.kills < kills and self._life < 2 * kills and not self._folder.complaints():
            self._kill_one_life()
            if self.kills % 100 == 0:
                print(f"{self.kills} kills, {time.monotonic() - began_s:.0f} s", flush=True)
        if self.kills < kills:
            self._folder.complain(f"only {self.kills} kills")
        reads = {name: self._end(name, *reader) for name, reader in readers.items()}
        acknowledged, whole, absent = self._ask("the end", look_at_the_end, self._life + 1) or (0, 0, 0)
        return (
            f"{self.kills} kills ({self.staged} left a temporary, {self.idle} found nothing under way), "
            f"{acknowledged} acknowledged snapshots, {whole} unacknowledged found whole and {absent} not at all, "
            f"{', '.join(f'{count} reads by {name}' for name, count in reads.items())}, "
            f"{time.monotonic() - began_s:.0f} s, seed {self._plan.seed}"
        )

    def end_all(self):
        for process in self._started:
            if process.is_alive():
                process.kill()
                process.join(WAIT_S)

    def _start(self, work, *arguments):
        mine, theirs = self._context.Pipe()
        process = self._context.Process(
            target=work, args=(self._folder, self._plan, *arguments, theirs), name=work.__name__
        )
        process.start()
        theirs.close()
        self._started = [other for other in self._started if other.is_alive()] + [process]
        return process, mine

    def _kill_one_life(self):
        self._life += 1
        process, connection = self._start(live, self._life, APPENDS_PER_LIFE)
        self._hear(f"life {self._life}", connection)
        # a poll of multiprocessing counts in milliseconds, which are too coarse for this
        select.select([process.sentinel], [], [], self._delay_s())
        process.kill()
        process.join(WAIT_S)
        if process.exitcode != -signal.SIGKILL:
            self._folder.complain(f"life {self._life} ended by itself, exit code {process.exitcode}")
            return
        self.kills += 1
        self.staged += bool(self._folder.staged())
        marks = self._folder.marks()
        ours = marks[marks["life"] == self._life]
        self.idle += set(numbers(ours, BEGUN)) <= set(numbers(ours, RECORDED))

    def _delay_s(self):
        """Mostly within the first appends of a life, where there is most to do, at times later."""
        marks = self._folder.marks()[-600:]
        begun, appended = (marks[marks["kind"] == kind] for kind in (BEGUN, APPENDED))
        _, left, right = np.intersect1d(begun["number"], appended["number"], return_indices=True)
        took_ns = appended["at_ns"][right] - begun["at_ns"][left]
        median_s = float(np.median(took_ns)) / 1e9 if len(took_ns) else FIRST_GUESS_S
        return self._chance.uniform(0, median_s * (4 if self._chance.random() < 1 / 2 else 20))

    def _end(self, name, process, connection):
        with contextlib.suppress(OSError):
            connection.send("stop")
        return self._answer(name, process, connection) or 0

    def _ask(self, name, work, *arguments):
        return self._answer(name, *self._start(work, *arguments))

    def _answer(self, name, process, connection):
        """What a process says before it ends by itself, in bounded time."""
        answer = self._hear(name, connection)
        process.join(WAIT_S)
        if process.exitcode != 0:
            self._folder.complain(f"{name}: exit code {process.exitcode}")
        return answer

    def _hear(self, name, connection):
        with contextlib.suppress(EOFError, OSError):
            if connection.poll(WAIT_S):
                return connection.recv()
        self._folder.complain(f"{name}: nothing was heard of it")
        return None


def main(arguments=None):
    parser = argparse.ArgumentParser(description="Kill writers of a store while readers look on.")
    parser.add_argument("--kills", type=int, default=1000)
    parser.add_argument("--seed", type=int, help="default: a new one")
    options = parser.parse_args(arguments)
    seed = options.seed if options.seed is not None else time.time_ns() % 1_000_000
    print(f"seed {seed}", flush=True)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    path = Path(tempfile.mkdtemp(prefix="torture-"))
    folder = Folder(path)
    torture = Torture(folder, seed)
    try:
        facts = torture.run(options.kills)
    finally:
        torture.end_all()
    complaints = folder.complaints()
    for complaint in complaints[:20]:
        print(f"WRONG {complaint}")
    if complaints:
        print(f"the store lies in {path}")
        print(f"FAILED: {facts}")
        return 1
    shutil.rmtree(path)
    print(f"OK: {facts}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
