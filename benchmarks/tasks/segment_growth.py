"""Segment growth until sealed: appends from a segment's first snapshot to its sealing, with the floor in between."""

from __future__ import annotations

import gc
import time
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks import synthetic
from benchmarks.contenders import CONTENDERS

POINTS_ROWS = (100, 2_000, 7_200, 25_000, 49_000)
_APPENDS_PER_FLOOR = 5
_WINDOW = 100
"""Appends per point of the curve, which is their median."""


def run(folder: str, segment_rows: int) -> dict[str, Any]:
    """Append until the segment is sealed; after every fifth append the floor is timed too.

    Returns
    -------
    dict
        Milliseconds: the medians of both, the 99th percentile and maximum of the appends, the last of which seals;
        `curve` and `points` of ``[rows in the open segment, median over 100 appends]``.
    """
    (Path(folder) / "floor").mkdir(parents=True)
    store, floor = (CONTENDERS[name].at(Path(folder) / name) for name in ("fxticker", "floor"))
    appends_ms, floors_ms = [], []
    count = segment_rows // len(synthetic.PAIRS)
    # the data end within a month, so all rows are in one segment of one partition
    snapshots = synthetic.snapshots(0, count)
    gc.collect()
    for number, rows in enumerate(snapshots):
        appends_ms.append(_timed_ms(store.append_snapshot, rows))
        if number % _APPENDS_PER_FLOOR == 0:
            floors_ms.append(_timed_ms(floor.append_snapshot, rows))
    ranked = sorted(appends_ms)
    return {
        "median_ms": median(appends_ms),
        "p99_ms": ranked[int(0.99 * (len(ranked) - 1))],
        "max_ms": ranked[-1],
        "sealing_ms": appends_ms[-1],
        "floor_ms": median(floors_ms),
        "floor_min_ms": min(floors_ms),
        "segment_rows": segment_rows,
        "points": [_point(appends_ms, rows) for rows in POINTS_ROWS if rows < segment_rows],
        "curve": [_point(appends_ms, number * len(synthetic.PAIRS)) for number in range(0, count, _WINDOW)],
    }


def _timed_ms(call: Any, rows: list[synthetic.Row]) -> float:
    began = time.perf_counter()
    call(rows)
    return (time.perf_counter() - began) * 1000


def _point(appends_ms: list[float], rows: int) -> list[float]:
    first = rows // len(synthetic.PAIRS)
    return [rows, median(appends_ms[first : first + _WINDOW])]
