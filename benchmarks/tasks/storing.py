"""Fill a contender, load from it, append to it."""

from __future__ import annotations

import gc
import time
from pathlib import Path
from typing import Any

from benchmarks import memory, synthetic
from benchmarks.answers import answer_of
from benchmarks.contenders import CONTENDERS, LOADS

_WARM_UPS = 3
_ENOUGH_S = 5.0
"""A load is repeated until its times add up to this."""


def fill(contender: str, folder: str, data: str) -> dict[str, Any]:
    """Put all data in, once, and say how large they are then."""
    entry = CONTENDERS[contender]
    table = synthetic.read(Path(data))
    if entry.max_rows:
        table = table.slice(max(0, table.num_rows - entry.max_rows))
    Path(folder).mkdir(parents=True)
    at = entry.at(Path(folder))
    began = time.perf_counter()
    at.create(table)
    took_s = time.perf_counter() - began
    _close(at)
    return {"rows": table.num_rows, "seconds": took_s, **_size(Path(folder))}


def load(contender: str, folder: str, month: str, at_most: int, *, all_rows: bool, warm: bool) -> dict[str, Any]:
    """Each load up to `at_most` times: seconds, the answer, and for all rows the memory that it took at its peak.

    A load that the contender does not have, or would not survive at this size, is null.
    """
    at = CONTENDERS[contender].at(Path(folder))
    if warm:
        at.load_month_of_pair(month)  # imports, threads, the folder's first listing
    loads: dict[str, Any] = {}
    for name in LOADS:
        if not all_rows and name in {"load_all", "load_three"}:
            loads[name] = None
            continue
        arguments = [month] if name == "load_month_of_pair" else []
        try:
            loads[name] = _timed(getattr(at, name), arguments, at_most)
        except NotImplementedError:
            loads[name] = None
    _close(at)
    return loads


def append(contender: str, folder: str, first: int, count: int, *, warm: bool, verify: bool) -> dict[str, Any]:
    """Append snapshots number `first` and on, each timed; if asked, count a pair's rows of the last month."""
    at = CONTENDERS[contender].at(Path(folder))
    warm_ups = _WARM_UPS if warm else 0
    given = synthetic.snapshots(first, warm_ups + count)
    seconds = []
    gc.collect()
    for rows in given:
        began = time.perf_counter()
        at.append_snapshot(rows)
        seconds.append(time.perf_counter() - began)
    held = None
    if verify and hasattr(at, "load_month_of_pair"):
        held = len(at.load_month_of_pair(f"{synthetic.END:%Y-%m}"))
    _close(at)
    return {"seconds": seconds[warm_ups:], "appended": len(given), "rows_of_pair": held}


def _timed(call: Any, arguments: list[str], at_most: int) -> dict[str, Any]:
    seconds: list[float] = []
    answer, peak_mb = None, 0.0
    while len(seconds) < at_most and sum(seconds) < _ENOUGH_S:
        memory.forget_peak()
        before_mb = memory.resident_mb()
        began = time.perf_counter()
        result = call(*arguments)
        seconds.append(time.perf_counter() - began)
        peak_mb = max(peak_mb, memory.peak_mb() - before_mb)
        answer = answer_of(result).facts()
        del result
    return {"seconds": seconds, "answer": answer, "peak_mb": round(peak_mb, 1)}


def _close(contender: Any) -> None:
    if hasattr(contender, "close"):
        contender.close()


def _size(folder: Path) -> dict[str, int]:
    """Files, their bytes, and what they take on disk; lock files and empty ones are not counted as files."""
    stats = [path.stat() for path in folder.rglob("*") if path.is_file()]
    return {
        "files": sum(stat.st_size > 0 for stat in stats),
        "bytes": sum(stat.st_size for stat in stats),
        "disk_bytes": sum(stat.st_blocks * 512 for stat in stats),
    }
