"""Import: a million unordered rows over 60 months, on one core."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa

from benchmarks import memory, synthetic
from benchmarks.contenders.fxticker_store import SOURCE, tick_of
from fxticker.store.store import Store

BATCH_ROWS = 20_000
"""Ticks per append as objects, as importers batch them; a table is appended as a whole."""
_START = datetime(2021, 2, 1, tzinfo=UTC)
_END = datetime(2026, 1, 18, tzinfo=UTC)
_OFFSET_S = 29
"""Offset from the minute, in seconds: no instant is stored already."""


def run(way: str, folder: str, rows: int, limit_s: float) -> dict[str, Any]:
    """Import into the store at `folder`, stopping after `limit_s`.

    Parameters
    ----------
    way
        ``objects`` for `Store.append` of ticks, ``table`` for `Store.append_table`.
    """
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    pa.set_cpu_count(1)
    pa.set_io_thread_count(1)
    store = Store(Path(folder))
    if way == "table" and not hasattr(store, "append_table"):
        return {"rows": 0}
    table = _unordered(rows)
    steps = _tables(store, table) if way == "table" else _batches(store, table)
    memory.forget_peak()
    before_mb = memory.resident_mb()
    added, took_s = 0, 0.0
    for step in steps:
        began = time.perf_counter()
        added += step()
        took_s += time.perf_counter() - began
        if took_s > limit_s:
            break
    return {"rows": added, "seconds": took_s, "peak_mb": memory.peak_mb(), "before_mb": before_mb}


def _unordered(rows: int) -> pa.Table:
    polls = rows // len(synthetic.PAIRS)
    step_s = int((_END - _START).total_seconds()) // polls // synthetic.MINUTE_S * synthetic.MINUTE_S
    start_s = int(_START.timestamp()) + _OFFSET_S
    return synthetic.shuffled(synthetic.ticks(start_s, polls, step_s=max(step_s, synthetic.MINUTE_S)))


def _tables(store: Store, table: pa.Table) -> Iterator[Callable[[], int]]:
    sources = pa.DictionaryArray.from_arrays(pa.repeat(pa.scalar(0, pa.int32()), table.num_rows), pa.array([SOURCE]))
    with_source = table.drop_columns(["recorded_at"]).append_column("source", sources)
    yield lambda: store.append_table(with_source).added


def _batches(store: Store, table: pa.Table) -> Iterator[Callable[[], int]]:
    for start in range(0, table.num_rows, BATCH_ROWS):
        batch = table.slice(start, BATCH_ROWS)
        ticks = [tick_of(synthetic.row_of(values)) for values in batch.to_pylist()]
        yield lambda ticks=ticks: store.append(ticks).added
