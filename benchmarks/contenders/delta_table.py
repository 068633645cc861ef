"""Delta Lake (deltalake, the Rust writer), partitioned by month."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from deltalake import DeltaTable, write_deltalake

from benchmarks.answers import PAIR, THREE
from benchmarks.synthetic import PAIRS, Row, plain, table_of


class Delta:
    """One table; an append is a new file and a new entry of the log, a checkpoint is written every 100 by default."""

    def __init__(self, folder: Path) -> None:
        self._path = str(folder)
        self._table: DeltaTable | None = None

    def create(self, table: pa.Table) -> None:
        """Write everything at once."""
        write_deltalake(self._path, _with_month(plain(table)), partition_by=["month"])

    def append_snapshot(self, rows: list[Row]) -> None:
        """Append to the table, held open between appends."""
        if self._table is None:
            self._table = DeltaTable(self._path)
        write_deltalake(self._table, _with_month(table_of(rows)), mode="append")

    def load_all(self) -> pd.DataFrame:
        """Everything."""
        return DeltaTable(self._path).to_pandas()

    def load_three(self) -> pd.DataFrame:
        """Three columns."""
        return DeltaTable(self._path).to_pandas(columns=list(THREE))

    def load_month_of_pair(self, month: str) -> pd.DataFrame:
        """One partition, filtered."""
        return DeltaTable(self._path).to_pandas(partitions=[("month", "=", month)], filters=[("pair", "=", PAIR)])

    def latest(self) -> pd.DataFrame:
        """The last rows by time of the last partition."""
        table = DeltaTable(self._path)
        month = max(partition["month"] for partition in table.partitions())
        return table.to_pandas(partitions=[("month", "=", month)]).nlargest(len(PAIRS), "observed_at")


def _with_month(table: pa.Table) -> pa.Table:
    return table.append_column("month", pc.strftime(table["observed_at"], format="%Y-%m"))
