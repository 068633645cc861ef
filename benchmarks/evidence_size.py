"""Size of a year's evidence: replays the packaged history, and extends its rate of change to a poll a minute.

    python -m benchmarks.evidence_size

A poll a minute sees every content that a day shows, and each is stored once, so that the number of polls does not
matter. The captures show some contents of some days; the busiest day is the bound.
"""

from __future__ import annotations

import sys
import tempfile
from collections import defaultdict
from pathlib import Path

from fxticker.simulation.captures import dated_slots, read_captures
from fxticker.simulation.replay import replay
from fxticker.simulation.site import TickerSite
from fxticker.store.store import Store

DAYS = 365
_BLOCK_BYTES = 4_096


def main() -> None:
    """Print contents a day, bytes a piece, and bytes a year and on a disk with blocks of 4 KiB, one for each piece."""
    history = list(dated_slots(read_captures()))
    contents: dict[object, set[object]] = defaultdict(set)
    for _, capture in history:
        contents[capture.page_date].add(capture.ticks)
    with tempfile.TemporaryDirectory() as folder, TickerSite() as site:
        for _ in replay(history, site=site, store_path=Path(folder) / "store"):
            pass
        sizes = [item.size_bytes for item in Store(Path(folder) / "store").backend.list("evidence")]
    mean_bytes, most = sum(sizes) / len(sizes), max(map(len, contents.values()))
    mean = sum(map(len, contents.values())) / len(contents)
    print(
        f"{len(history)} captures of {len(contents)} days: {len(sizes)} pieces, {mean_bytes:.0f} bytes each on average"
    )
    for name, count in (("mean", mean), ("busiest", most)):
        pieces = DAYS * count
        print(
            f"{name} day: {count:.1f} contents, in a year {pieces * mean_bytes / 1e6:.2f} MB, "
            f"{pieces * _BLOCK_BYTES / 1e6:.1f} MB on disk"
        )


if __name__ == "__main__":
    sys.exit(main())
