"""Codecs of a year: size, append and loads of the same store with one codec and another, in alternating turns.

    python -m benchmarks.codecs 900             # seconds between polls; 60 is the densest usual grid

A pair is the codec of open segments and that of sealed ones; the first pair is what versions up to 0.1.0 wrote. Times
are processor time of all threads, as other load on the machine changes it least; ratios are to the first pair.
"""

from __future__ import annotations

import hashlib
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median

import numpy as np
import pandas as pd
import pyarrow as pa

import fxticker as fx
from benchmarks import synthetic
from benchmarks.contenders.fxticker_store import tick_of
from fxticker.model.records import Outcome, Poll
from fxticker.store import segment_file, segment_writer
from fxticker.store.store import Store

START = datetime(2025, 1, 1, tzinfo=UTC)
YEAR_S = 365 * 86_400
ROUNDS = 31
ROWS_HALF_FULL = 25_000
"""Rows of the open segment that is appended to: half of those at which it is sealed."""
PAIRS = {"lz4": ("lz4", "lz4"), "snappy": ("snappy", "snappy"), "snappy, zstd": ("snappy", "zstd")}
_HOLD_S = 6 * 3600
"""Seconds that a piece of page stays the same; each piece is one text of `evidence`."""
_OWN = segment_file.CODEC
_encoded = segment_writer.encoded


def use(pair: tuple[str, str]) -> None:
    """Write with these codecs from now on."""

    def encoded(rows: pa.Table, spec: segment_writer.TableSpec, summary: segment_writer.SegmentSummary) -> pa.Buffer:
        segment_file.CODEC = pair[summary.sealed]
        return _encoded(rows, spec, summary)

    segment_writer.encoded = encoded


def filled(folder: Path, step_s: int) -> Path:
    """Write a year of ticks and outcomes, month by month."""
    count = YEAR_S // step_s
    holds = np.repeat(np.arange(count) * step_s // _HOLD_S, len(synthetic.PAIRS)).astype(np.int32)
    pieces = [hashlib.sha256(bytes([number % 256, number // 256])).hexdigest() for number in range(holds[-1] + 1)]
    table = synthetic.ticks(int(START.timestamp()), count, step_s=step_s)
    table = table.append_column("evidence", pa.DictionaryArray.from_arrays(pa.array(holds), pa.array(pieces)))
    store = Store(folder)
    store.append_table(with_source(table))
    store.record(polls(count, step_s))
    return folder


def with_source(table: pa.Table) -> pa.Table:
    """Return the rows as those of the ticker."""
    codes = pa.array(np.zeros(table.num_rows, np.int32))
    return table.append_column("source", pa.DictionaryArray.from_arrays(codes, pa.array(["timesca"])))


def polls(count: int, step_s: int) -> Iterator[Poll]:
    """Yield successful outcomes; one body in four is new."""
    for number in range(count):
        slot = START + timedelta(seconds=number * step_s)
        sha256 = hashlib.sha256(str(number // 4).encode()).hexdigest()
        yield Poll(
            "timesca",
            slot,
            Outcome.OK,
            ticks=5,
            started_at=slot,
            duration_ms=300 + number * 7919 % 400,
            http_status=200,
            source_date=slot.date(),
            body_sha256=sha256,
            body_bytes=150_000,
            parser_version=3,
        )


def measured(pair: tuple[str, str], store: Path, half: Store, snapshot: list[synthetic.Row]) -> dict[str, float]:
    """Return the processor time of each job in milliseconds, once."""
    use(pair)
    return {
        "append": _cpu_ms(lambda: half.append([tick_of(row) for row in snapshot])),
        "load all": _cpu_ms(lambda: fx.load(store)),
        "load a pair of a month": _cpu_ms(lambda: fx.load(store, pairs=["KZT/USD"], start="2025-06", end="2025-06")),
        "load polls": _cpu_ms(lambda: fx.load_polls(store)),
        "pandas": _cpu_ms(lambda: pd.read_parquet(store / "ticks")),
    }


def main(step_s: int, rounds: int = ROUNDS) -> None:
    """Print sizes, and medians with their ratios."""
    try:
        with tempfile.TemporaryDirectory() as place:
            turns = _turns(Path(place), step_s, rounds)
    finally:
        segment_writer.encoded, segment_file.CODEC = _encoded, _OWN
    for job in turns["lz4"][0]:
        medians = {name: median(turn[job] for turn in done) for name, done in turns.items()}
        print(job, *(f"| {name} {ms:.2f} ms {ms / medians['lz4']:.2f}" for name, ms in medians.items()))


def _turns(place: Path, step_s: int, rounds: int) -> dict[str, list[dict[str, float]]]:
    """Fill a store with each pair of codecs, print its size, and measure them in alternating turns."""
    stores, halves = {}, {}
    for name, pair in PAIRS.items():
        use(pair)
        stores[name] = filled(place / f"year {name}", step_s)
        halves[name] = Store(place / f"half {name}")
        halves[name].append_table(with_source(synthetic.history(ROWS_HALF_FULL)))
        for table in ("ticks", "polls"):
            files = [file.stat().st_size for file in (stores[name] / table).rglob("*.parquet")]
            print(f"{name}: {table} {len(files)} files, {sum(files):,} bytes")
    turns: dict[str, list[dict[str, float]]] = {name: [] for name in PAIRS}
    for number, snapshot in enumerate(synthetic.snapshots(0, rounds)):
        for name in sorted(PAIRS, reverse=number % 2 == 1):
            turns[name].append(measured(PAIRS[name], stores[name], halves[name], snapshot))
    return turns


def _cpu_ms(call: Callable[[], object]) -> float:
    began = time.process_time()
    call()
    return (time.process_time() - began) * 1000


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1])))
