"""Reads a store on object storage with other programs while it is written: every read is right, or a loud error.

    python tests/foreign_readers.py --reads 10000
    python tests/foreign_readers.py --reads 800 --pause 1
    python tests/foreign_readers.py --reads 300 --local --readers spark

It starts a SeaweedFS on loopback and a writer, which appends snapshots one after the other into the same month, some of
them late; seals a segment every fifty; goes on to the next month; and begins again under another prefix when three
months are full. The second command appends once a second, the third into a folder. Each reader is a process of its own
that reads all ticks and, in turn, the months that are over, with all columns and with three: one_foreign_reader.py,
which runs where these programs are installed. The lines have each reader's counts; exit code 1 means that a read was
wrong, or that one of months that are over failed.
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
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

TESTS = Path(__file__).parent
sys.path.insert(0, str(TESTS))

from builders import TICKER, FixedClock, tick  # noqa: E402
from one_foreign_reader import Progress  # noqa: E402

from fxticker.store.schema import TICKS  # noqa: E402
from fxticker.store.store import Store  # noqa: E402

BEGIN = datetime(2025, 1, 1, tzinfo=UTC)
MONTHS = 3
SNAPSHOTS = 170
"""Snapshots of a month; an hour and a half apart, then a month's last ten days are empty."""
SEGMENT_ROWS = 250
LATE = 0.1
"""Share of snapshots that are observed before the ones that were stored before, as those of an import are."""
READERS = ("fxticker", "pandas", "pandas_s3fs", "pyarrow", "polars", "duckdb", "dask", "dask_arrow")
"""Those of object storage; in a folder Spark can read, too, and those by s3fs cannot."""
OWN = "fxticker"
PYTHON = TESTS.parent / ".venv-readers" / "bin" / "python"
PATIENCE_S = 3600


def planned(seed):
    """The snapshots of a round in the order in which they are sent: time of the write and ticks of each."""
    chance = random.Random(seed)
    for month in range(MONTHS):
        begin = BEGIN.replace(month=month + 1)
        for number in range(SNAPSHOTS):
            at = begin + number * timedelta(hours=2) + timedelta(microseconds=number)
            if chance.random() < LATE:
                at = begin + chance.randrange(number + 1) * timedelta(hours=2) + timedelta(minutes=1 + number)
            yield (
                begin + (number + 1) * timedelta(hours=2),
                [
                    tick(pair, f"0.{chance.randrange(1, 100_000):05}", chance.choice(("0%", "-0%", "0.37%", None)), at)
                    for pair, *_ in TICKER
                ],
            )


def plan_table(snapshots):
    """All rows of a round, as they must be read."""
    names = [field.name for field in TICKS.schema if field.name != "recorded_at"]
    rows = [
        {name: getattr(row, name) for name in names}
        | {"recorded_at": written_at, "number": number, "month": f"{row.observed_at:%Y-%m}"}
        for number, (written_at, ticks) in enumerate(snapshots)
        for row in ticks
    ]
    plain = [
        (field.name, field.type.value_type if pa.types.is_dictionary(field.type) else field.type)
        for field in TICKS.schema
    ]
    return pa.Table.from_pylist(rows, pa.schema([*plain, ("number", pa.int64()), ("month", pa.string())]))


def write(url, folder, seed, pause_s):
    """Write round after round until this process is ended."""
    snapshots, progress = list(planned(seed)), Progress(folder / "progress")
    round_ = 0
    while True:
        clock = FixedClock()
        store = Store(f"{url}/{round_:05}", clock=clock, segment_rows=SEGMENT_ROWS)
        for number, (written_at, ticks) in enumerate(snapshots):
            if number:
                progress.write(round_, number + 1, number)
            clock.at = written_at
            store.append(ticks)
            progress.write(round_, number + 1, number + 1)
            time.sleep(pause_s)
        round_ += 1


def reported(results):
    """Print what each reader did, and return whether all is well."""
    is_well = True
    for name, result in results.items():
        counts = result["verdicts"]
        figures = "; ".join(
            f"{kind}: "
            + ", ".join(f"{counts.get(f'{kind} {verdict}', 0)} {verdict}" for verdict in ("right", "error", "wrong"))
            for kind in ("all", "over")
        )
        print(f"{name}: {figures}; {result['took_s'] / max(1, sum(counts.values())) * 1000:.0f} ms a read")
        for reason, count in result["reasons"].items():
            print(f"    {count} {reason}")
        is_well &= not any(counts.get(key) for key in ("all wrong", "over wrong", "over error"))
    return is_well


@contextlib.contextmanager
def storage(folder, *, is_local):
    """The URL below which rounds are written, and the variables that readers need."""
    if is_local:
        yield str(folder / "rounds"), dict(os.environ)
        return
    from object_servers import BUCKET, environment, seaweedfs

    with seaweedfs() as endpoint:
        yield f"s3://{BUCKET}/rounds", {**os.environ, **environment(endpoint)}


def tried(options):
    started_s = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="foreign-readers-") as name:
        folder = Path(name)
        pq.write_table(plan_table(list(planned(options.seed))), folder / "plan.parquet")
        with storage(folder, is_local=options.local) as (url, environ):
            outputs = read_beside_writer(options, url, folder, environ)
        round_, _, acknowledged = Progress(folder / "progress").read()
    took_s = time.monotonic() - started_s
    results = {reader: json.loads(output.splitlines()[-1]) for reader, output in outputs.items()}
    is_well = reported(results)
    reads = sum(sum(result["verdicts"].values()) for result in results.values())
    appends = round_ * MONTHS * SNAPSHOTS + acknowledged
    print(
        f"{'OK' if is_well else 'FAILED'}: {reads} reads beside {appends} appends ({appends / took_s:.3g} a second), "
        f"{took_s:.0f} s, seed {options.seed}"
    )
    return 0 if is_well else 1


def read_beside_writer(options, url, folder, environ):
    """What each reader printed, once all of them are done."""
    own = [sys.executable, __file__, "--writer", url, "--folder", folder]
    own += ["--seed", str(options.seed), "--pause", str(options.pause)]
    processes = {"writer": subprocess.Popen(own, env=environ)}
    try:
        for reader in options.readers:
            python = sys.executable if reader == OWN else options.python
            command = [python, TESTS / "one_foreign_reader.py", reader, url, folder]
            command += [str(options.reads // len(options.readers))]
            processes[reader] = subprocess.Popen(command, env=environ, stdout=subprocess.PIPE, text=True)
        outputs = {reader: processes[reader].communicate(timeout=PATIENCE_S)[0] for reader in options.readers}
        assert processes["writer"].poll() is None, "the writer ended"
        assert all(outputs.values()), f"ended by themselves: {[reader for reader in outputs if not outputs[reader]]}"
    finally:
        for process in processes.values():
            process.kill()
            process.wait()
    return outputs


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--reads", type=int, default=400, help="of all readers together")
    parser.add_argument("--readers", nargs="+", default=READERS)
    parser.add_argument("--python", default=PYTHON, help="where the other programs are installed")
    parser.add_argument("--local", action="store_true", help="in a folder instead of object storage")
    parser.add_argument("--pause", type=float, default=0, help="seconds between two appends")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--writer", help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.writer:
        write(options.writer, options.folder, options.seed, options.pause)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    return tried(options)


if __name__ == "__main__":
    sys.exit(main())
