"""A Parquet file per poll, in a folder per month: trivial to append, slow to read."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.answers import PAIR, THREE
from benchmarks.durable import publish
from benchmarks.synthetic import PAIRS, Row, plain, table_of


class FilePerSnapshot:
    """Files are named by their instant, so that the last one sorts last."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def create(self, table: pa.Table) -> None:
        """Write a file for each five rows."""
        rows = plain(table).combine_chunks()
        for start in range(0, rows.num_rows, len(PAIRS)):
            part = rows.slice(start, len(PAIRS))
            pq.write_table(part, self._path_of(part))

    def append_snapshot(self, rows: list[Row]) -> None:
        """Publish one file."""
        table, sink = table_of(rows), pa.BufferOutputStream()
        pq.write_table(table, sink)
        publish(self._path_of(table), memoryview(sink.getvalue()))

    def load_all(self) -> pd.DataFrame:
        """Everything."""
        return pd.read_parquet(self._folder)

    def load_three(self) -> pd.DataFrame:
        """Three columns."""
        return pd.read_parquet(self._folder, columns=list(THREE))

    def load_month_of_pair(self, month: str) -> pd.DataFrame:
        """One folder, filtered."""
        return pd.read_parquet(self._folder, filters=[("month", "==", month), ("pair", "==", PAIR)])

    def latest(self) -> pd.DataFrame:
        """The last file of the last folder."""
        return pd.read_parquet(max(max(self._folder.iterdir()).iterdir()))

    def _path_of(self, rows: pa.Table) -> Path:
        instant = rows["observed_at"][0].as_py()
        folder = self._folder / f"month={instant:%Y-%m}"
        folder.mkdir(exist_ok=True)
        return folder / f"{instant:%Y%m%dT%H%M%S.%f}.parquet"
