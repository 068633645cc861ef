"""Requests and bytes of a month of polls on object storage, and of reading it; `python -m benchmarks.object_requests`.

The storage is in memory, so that only what is asked of it counts: the figures are the same on every machine.
"""

from __future__ import annotations

import sys
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

import fxticker as fx
from benchmarks.contenders.fxticker_store import tick_of
from benchmarks.synthetic import row_of, ticks
from fxticker.model.records import Outcome, Poll
from fxticker.store.object_calls import ObjectCalls
from fxticker.store.object_storage import ObjectStorage
from fxticker.store.store import Store

BEGIN = datetime(2025, 12, 1, tzinfo=UTC)
END = datetime(2026, 1, 1, tzinfo=UTC)


class CountedCalls(ObjectCalls):
    """Requests with their number and bytes."""

    def __init__(self, objects: Any) -> None:
        super().__init__(objects)
        self.reset()

    def reset(self) -> None:
        """Begin to count anew."""
        self.requests: Counter[str] = Counter()
        self.sent_bytes = self.received_bytes = self.largest_bytes = 0

    def get(self, name: str, **options: Any) -> Any:
        """Count a GET."""
        part = super().get(name, **options)
        self.requests["GET"] += 1
        self.received_bytes += len(part.data)
        return part

    def put(self, name: str, data: Any, expected: Any) -> Any:
        """Count a PUT."""
        self.requests["PUT"] += 1
        self.sent_bytes += len(memoryview(data))
        self.largest_bytes = max(self.largest_bytes, len(memoryview(data)))
        return super().put(name, data, expected)

    def list(self, prefix: str) -> Any:
        """Count a LIST."""
        self.requests["LIST"] += 1
        return super().list(prefix)

    def folders(self, prefix: str) -> Any:
        """Count a LIST of folders."""
        self.requests["LIST"] += 1
        return super().folders(prefix)


def main() -> None:
    """Print the figures of a month polled every 15 minutes, or every so many as the first argument says."""
    from obstore.store import MemoryStore

    step = timedelta(minutes=int(sys.argv[1]) if len(sys.argv) > 1 else 15)
    calls = CountedCalls(MemoryStore())
    store = Store(ObjectStorage(calls, "memory"))
    slots = [BEGIN + number * step for number in range((END - BEGIN) // step)]
    table = ticks(int(BEGIN.timestamp()), len(slots), step_s=int(step.total_seconds()))
    width = table.num_rows // len(slots)
    for number, slot in enumerate(slots):
        shown = table.slice(number * width, width).to_pylist()
        store.append([tick_of(row_of(values)) for values in shown])
        store.record([Poll("timesca", slot, Outcome.OK, slot, 800, 5)])
    _print(f"a month of {len(slots):,} polls", calls, len(slots))
    for what, read in {
        "load of that month": lambda: fx.load(Store(ObjectStorage(calls, "memory"))),
        "latest": lambda: fx.latest(Store(ObjectStorage(calls, "memory"))),
    }.items():
        calls.reset()
        read()
        _print(what, calls, 1)


def _print(what: str, calls: CountedCalls, count: int) -> None:
    requests = ", ".join(f"{number:,} {kind}" for kind, number in sorted(calls.requests.items()))
    each = f"; each {calls.sent_bytes / count / 1e3:,.1f} kB sent" if count > 1 else ""
    print(
        f"{what}: {requests}; {calls.sent_bytes / 1e6:,.2f} MB sent, {calls.received_bytes / 1e6:,.2f} MB received; "
        f"largest object {calls.largest_bytes / 1e3:,.0f} kB{each}"
    )


if __name__ == "__main__":
    main()
