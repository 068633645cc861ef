"""Requests and bytes of a month of polls on object storage, and of reading it.

    python -m benchmarks.object_requests 15          # minutes between polls of the ticker's five pairs
    python -m benchmarks.object_requests second      # a thousand pairs at a poll a second, a quarter of an hour

The storage is in memory, so that only what is asked of it counts: requests and bytes are the same on every machine. The
processor time of a poll is that of both writes, without the storage's own.
"""

from __future__ import annotations

import sys
import time
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

import fxticker as fx
from benchmarks.contenders.fxticker_store import tick_of
from benchmarks.synthetic import TICKER, row_of, ticks, wide_market
from fxticker.model.records import Outcome, Poll
from fxticker.store.object_calls import ObjectCalls
from fxticker.store.object_storage import ObjectStorage
from fxticker.store.store import Store
from fxticker.store.traffic import Traffic

BEGIN = datetime(2025, 12, 1, tzinfo=UTC)
END = datetime(2026, 1, 1, tzinfo=UTC)


class CountedCalls(ObjectCalls):
    """Requests, of which the bytes of each table that were sent are counted, too."""

    def __init__(self, objects: Any) -> None:
        super().__init__(objects)
        self.reset()

    def reset(self) -> None:
        """Begin to count anew."""
        self.traffic = Traffic()
        self.sent_bytes: Counter[str] = Counter()
        self.largest_bytes = 0

    def put(self, name: str, data: Any, expected: Any) -> Any:
        """Count the bytes of a PUT."""
        self.sent_bytes[name.partition("/")[0]] += len(memoryview(data))
        self.largest_bytes = max(self.largest_bytes, len(memoryview(data)))
        return super().put(name, data, expected)


def main(asked: str = "15") -> None:
    """Print the figures of a month polled every so many minutes, or of the wide market."""
    from obstore.store import MemoryStore

    market = wide_market(hold_s=1) if asked == "second" else TICKER
    step = timedelta(seconds=1) if asked == "second" else timedelta(minutes=int(asked))
    end = BEGIN + timedelta(minutes=15) if asked == "second" else END
    calls = CountedCalls(MemoryStore())
    store = Store(ObjectStorage(calls, "memory"))
    slots = [BEGIN + number * step for number in range((end - BEGIN) // step)]
    table = ticks(int(BEGIN.timestamp()), len(slots), step_s=int(step.total_seconds()), market=market)
    width, busy_s = table.num_rows // len(slots), 0.0
    for number, slot in enumerate(slots):
        shown = [tick_of(row_of(values)) for values in table.slice(number * width, width).to_pylist()]
        began = time.process_time()
        store.append(shown)
        store.record([Poll("timesca", slot, Outcome.OK, slot, 800, width)])
        busy_s += time.process_time() - began
    _print(f"{len(slots):,} polls", calls, len(slots))
    print(f"each {busy_s / len(slots) * 1000:.1f} ms of processor time")
    for what, read in {
        "load of all": lambda: fx.load(Store(ObjectStorage(calls, "memory"))),
        "latest": lambda: fx.latest(Store(ObjectStorage(calls, "memory"))),
    }.items():
        calls.reset()
        read()
        _print(what, calls, 1)


def _print(what: str, calls: CountedCalls, count: int) -> None:
    requests = ", ".join(f"{number:,} {kind}" for kind, number in sorted(calls.traffic.requests.items()))
    sent = ", ".join(
        f"{size / 1e6:,.2f} MB of {table} sent ({size / count / 1e3:,.1f} kB each)"
        for table, size in sorted(calls.sent_bytes.items())
    )
    received = (
        f"{calls.traffic.received_bytes / 1e6:,.2f} MB received; largest object {calls.largest_bytes / 1e3:,.0f} kB"
    )
    print("; ".join(filter(None, [f"{what}: {requests}", sent, received])))


if __name__ == "__main__":
    main(*sys.argv[1:])
