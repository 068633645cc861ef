"""Floor: the minimal cost of a durable append that replaces a file, without a store."""

from __future__ import annotations

import random
from pathlib import Path

import pyarrow as pa

from benchmarks.durable import publish
from benchmarks.synthetic import Row

_DATA = random.Random(1).randbytes(20_000)  # noqa: S311 - filler
"""20 kB, about the size of a new open segment of fxticker."""


class Floor:
    """Write 20 kB to a temporary file, fsync, rename, fsync the folder."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / "file"

    def create(self, _table: pa.Table) -> None:
        """Create the file."""
        publish(self._path, _DATA)

    def append_snapshot(self, _rows: list[Row]) -> None:
        """Replace the file."""
        publish(self._path, _DATA)
