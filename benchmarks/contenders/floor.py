"""No store at all: the least a durable append costs where a file is replaced."""

from __future__ import annotations

import random
from pathlib import Path

import pyarrow as pa

from benchmarks.durable import publish
from benchmarks.synthetic import Row

_DATA = random.Random(1).randbytes(20_000)  # noqa: S311 - filler
"""20 kB: about what an open segment of fxticker's has in it at the begin of its life."""


class Floor:
    """Write 20 kB beside, fsync, rename, fsync the folder."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / "file"

    def create(self, _table: pa.Table) -> None:
        """Make the file."""
        publish(self._path, _DATA)

    def append_snapshot(self, _rows: list[Row]) -> None:
        """Replace the file."""
        publish(self._path, _DATA)
