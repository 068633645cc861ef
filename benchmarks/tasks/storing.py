"""Storing: fills a contender, loads from it and appends to it."""

from __future__ import annotations

import gc
import time
from pathlib import Path
from typing import Any

from benchmarks import memory, synthetic
from benchmarks.answers import answer_of
from benchmarks.contenders import CONTENDERS, LOADS

_WARM_UPS = 3
"""Appends before the timed ones."""
_ENOUGH_S = 5.0
"""Seconds in total after which a load is not repeated."""


def fill(contender: str, folder: str, data: str) -> dict[str, Any]:
    """Store all data once; return the time and the size on disk."""
    entry = CONTENDERS[contender]
    table = synthetic.read(Path(data))
    if entry.max_rows:
        table = table.slice(max(0, table.num_rows - entry.max_rows))
    Path(folder).mkdir(parents=True)
    store = entry.at(Path(folder))
    began = time.perf_counter()
    store.create(table)
    took_s = time.perf_counter() - began
    _close(store)
    return {"rows": table.num_rows, "seconds": took_s, **_size(Path(folder))}


def load(contender: str, folder: str, month: str, at_most: int, *, all_rows: bool, warm: bool) -> dict[str, Any]:
    """Run each load up to `at_most` times; return its seconds, answer and peak memory.

    A load that the contender does not have, or that needs too much memory at this size, is `None`.
    """
    store = CONTENDERS[contender].at(Path(folder))
    if warm:
        store.load_month_of_pair(month)  # imports, threads, the folder's first listing
    loads: dict[str, Any] = {}
    for name in LOADS:
        if not all_rows and name in {"load_all", "load_three"}:
            loads[name] = None
            continue
        arguments = [month] if name == "load_month_of_pair" else []
        try:
            loads[name] = _timed(getattr(store, name), arguments, at_most)
        except NotImplementedError:
            loads[name] = None
    _close(store)
    return loads


def append(contender: str, folder: str, first: int, count: int, *, warm: bool, verify: bool) -> dict[str, Any]:
    """Append snapshots from number `first` on, each timed; with `verify`, count a pair's rows of the last month."""
    store = CONTENDERS[contender].at(Path(folder))
    warm_ups = _WARM_UPS if warm else 0
    snapshots = synthetic.snapshots(first, warm_ups + count)
    seconds = []
    gc.collect()
    for rows in snapshots:
        began = time.perf_counter()
        store.append_snapshot(rows)
        seconds.append(time.perf_counter() - began)
    rows_of_pair = None
    if verify and hasattr(store, "load_month_of_pair"):
        rows_of_pair = len(store.load_month_of_pair(f"{synthetic.END:%Y-%m}"))
    _close(store)
    return {"seconds": seconds[warm_ups:], "appended": len(snapshots), "rows_of_pair": rows_of_pair}


def _timed(call: Any, arguments: list[str], at_most: int) -> dict[str, Any]:
    seconds: list[float] = []
    answer, peak_mb = None, 0.0
    memory.forget_peak()  # once: a load that follows pays for the memory that this gives back
    before_mb = memory.resident_mb()
    while len(seconds) < at_most and sum(seconds) < _ENOUGH_S:
        began = time.perf_counter()
        result = call(*arguments)
        seconds.append(time.perf_counter() - began)
        peak_mb = peak_mb or memory.peak_mb() - before_mb
        answer = answer_of(result).facts()
        del result
    return {"seconds": seconds, "answer": answer, "peak_mb": round(peak_mb, 1)}


def _close(contender: Any) -> None:
    if hasattr(contender, "close"):
        contender.close()


def _size(folder: Path) -> dict[str, int]:
    """Return the number of files, their bytes and their bytes on disk; empty files are not counted."""
    stats = [path.stat() for path in folder.rglob("*") if path.is_file()]
    return {
        "files": sum(stat.st_size > 0 for stat in stats),
        "bytes": sum(stat.st_size for stat in stats),
        "disk_bytes": sum(stat.st_blocks * 512 for stat in stats),
    }
