"""Growth curve: what an append, `latest` and a load of a month of a pair cost as a store grows.

    python -m benchmarks.growth_curve years 10000 1000000 13000000 130000000    # five pairs, a poll a minute
    python -m benchmarks.growth_curve second 10000 1000000 13000000 130000000   # 1,000 pairs, a poll a second

A store of one size is filled, measured and removed. Times are processor time of all threads, which other load on the
machine changes least: the first of a process, with its imports, then the minimum and the median. Each job has its own
process, so that its peak of memory is its own.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, datetime, timedelta
from multiprocessing import get_context
from pathlib import Path
from statistics import median
from typing import NamedTuple, TypeVar

import pyarrow as pa

import fxticker as fx
from benchmarks import memory
from benchmarks.contenders.fxticker_store import fill, tick_of
from benchmarks.synthetic import END, MINUTE_S, TICKER, Market, row_of, ticks, wide_market
from fxticker.store.store import Store

REPEATS = 15
_CHUNK_S = 600
"""Seconds of polls a second that are made at once: 600,000 rows, twelve full segments."""
_MONTH_START = datetime(2026, 1, 1, tzinfo=UTC)
Result = TypeVar("Result")


class Shape(NamedTuple):
    """What a store holds, and where its polls end."""

    market: Market
    step_s: int
    end_s: int


class Cost(NamedTuple):
    """Processor time of a job in milliseconds, and the peak of its process's memory in 10^6 bytes."""

    first_ms: float
    least_ms: float
    median_ms: float
    peak_mb: float


def shape_of(name: str, rows: int) -> Shape:
    """Return the five pairs of the ticker for years, or a thousand for up to a month."""
    if name == "years":
        return Shape(TICKER, MINUTE_S, int(END.timestamp()))
    market = wide_market(hold_s=1 if name == "second" else TICKER.hold_s)
    return Shape(market, 1, int(_MONTH_START.timestamp()) + rows // len(market.pairs))


def parts_of(shape: Shape, rows: int) -> Iterator[pa.Table]:
    """Yield the rows of a store, at most a month of them at a time, in the order of time."""
    start_s = shape.end_s - rows // len(shape.market.pairs) * shape.step_s
    while start_s < shape.end_s:
        end_s = start_s + _CHUNK_S if shape.step_s == 1 else _next_month_s(start_s)
        polls = (min(end_s, shape.end_s) - start_s) // shape.step_s
        yield ticks(start_s, polls, step_s=shape.step_s, market=shape.market)
        start_s += polls * shape.step_s


def filled(folder: str, name: str, rows: int) -> float:
    """Fill a store, and return the processor time in seconds."""
    store = Store(folder)
    for part in parts_of(shape_of(name, rows), rows):
        fill(store, part)
    return time.process_time()


def cost_of_appends(folder: str, name: str, rows: int) -> Cost:
    """Append snapshots that follow the store's rows; the first one is that of a process that just started."""
    shape = shape_of(name, rows)
    table = ticks(shape.end_s, REPEATS + 1, step_s=shape.step_s, market=shape.market)
    shown = [tick_of(row_of(values)) for values in table.to_pylist()]
    width = len(shape.market.pairs)
    snapshots = iter([shown[start : start + width] for start in range(0, len(shown), width)])
    store = Store(folder)
    return _cost(lambda: store.append(next(snapshots)))


def cost_of_latest(folder: str, name: str, rows: int) -> Cost:
    """Look up the last tick of each pair, as a script does."""
    cost = _cost(lambda: fx.latest(folder))
    assert len(fx.latest(folder)) == len(shape_of(name, rows).market.pairs)
    return cost


def cost_of_load(folder: str, name: str, rows: int) -> Cost:
    """Load a pair of the month that ends last before the store's end, or of the only month."""
    shape = shape_of(name, rows)
    begin = datetime.fromtimestamp(shape.end_s - rows // len(shape.market.pairs) * shape.step_s, UTC)
    last = datetime.fromtimestamp(shape.end_s, UTC)
    month = max(f"{begin:%Y-%m}", f"{last.replace(day=1) - timedelta(days=1):%Y-%m}")
    pairs = [shape.market.pairs[1]]
    return _cost(lambda: fx.load(folder, pairs=pairs, start=month, end=month))


def size_of(folder: Path) -> tuple[int, int]:
    """Return files and bytes of the ticks."""
    sizes = [file.stat().st_size for file in (folder / "ticks").rglob("*.parquet")]
    return len(sizes), sum(sizes)


def main() -> None:
    """Print a line for each job at each size."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("shape", choices=["years", "second", "calm-second"])
    parser.add_argument("rows", type=int, nargs="+")
    options = parser.parse_args()
    for rows in options.rows:
        measure(options.shape, rows)


def measure(name: str, rows: int) -> None:
    """Fill a store of one size, and print what it takes."""
    with tempfile.TemporaryDirectory() as place:
        seconds = _apart(filled, place, name, rows)
        files, size = size_of(Path(place))
        log(f"{name}, {rows:,} rows: {files:,} files, {size:,} bytes, {size / rows:.2f} a row; fill {seconds:.0f} s")
        for job in (cost_of_load, cost_of_latest, cost_of_appends):
            cost = _apart(job, place, name, rows)
            times = f"{cost.least_ms:.2f} ms, median {cost.median_ms:.2f}, first {cost.first_ms:.0f}"
            log(f"  {job.__name__.removeprefix('cost_of_')}: {times}; peak {cost.peak_mb:.0f} MB")


def log(line: str) -> None:
    """Print a line at once: the next one may take minutes."""
    print(line, flush=True)


def _apart(job: Callable[[str, str, int], Result], *arguments: str | int) -> Result:
    """Return the result of a job in a process of its own."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return pool.submit(job, *arguments).result()


def _cost(call: Callable[[], object]) -> Cost:
    memory.forget_peak()
    times = []
    for _ in range(REPEATS + 1):
        began = time.process_time()
        call()
        times.append((time.process_time() - began) * 1000)
    return Cost(times[0], min(times[1:]), median(times[1:]), memory.peak_mb())


def _next_month_s(start_s: int) -> int:
    """The first second of the month after an instant."""
    start = datetime.fromtimestamp(start_s, UTC)
    later = start.replace(day=1, hour=0, minute=0, second=0) + timedelta(days=32)
    return int(later.replace(day=1).timestamp())


if __name__ == "__main__":
    main()
