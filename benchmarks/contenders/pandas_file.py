"""One Parquet file: read it, concatenate, write it."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pyarrow as pa

from benchmarks.answers import PAIR, THREE, bounds
from benchmarks.durable import publish
from benchmarks.synthetic import PAIRS, Row, plain


class PandasFile:
    """One Parquet file with pandas' defaults; the harness adds the durable replacement."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / "ticks.parquet"

    def create(self, table: pa.Table) -> None:
        """Write the file."""
        plain(table).to_pandas().to_parquet(self._path, index=False)

    def append_snapshot(self, rows: list[Row]) -> None:
        """Read, concatenate, write."""
        frame = pd.concat([pd.read_parquet(self._path), pd.DataFrame(rows)], ignore_index=True)
        publish(self._path, frame.to_parquet(index=False))

    def load_all(self) -> pd.DataFrame:
        """Everything."""
        return pd.read_parquet(self._path)

    def load_three(self) -> pd.DataFrame:
        """Three columns."""
        return pd.read_parquet(self._path, columns=list(THREE))

    def load_month_of_pair(self, month: str) -> pd.DataFrame:
        """A span of time, filtered while reading."""
        start, end = bounds(month)
        filters = [("observed_at", ">=", start), ("observed_at", "<", end), ("pair", "==", PAIR)]
        return pd.read_parquet(self._path, filters=filters)

    def latest(self) -> pd.DataFrame:
        """The last rows by time of all."""
        return self.load_three().nlargest(len(PAIRS), "observed_at")
