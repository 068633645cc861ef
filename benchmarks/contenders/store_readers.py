"""Store readers: load fxticker's files without fxticker, which its data contract promises to be possible.

Each uses the keys in the folders' names as its documentation advises; none sorts its rows.
"""

from __future__ import annotations

from pathlib import Path

import duckdb
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.dataset as ds

from benchmarks.answers import PAIR, THREE
from benchmarks.synthetic import PAIRS

_LAST = len(PAIRS)


class PyarrowTable:
    """`pyarrow.dataset` to a table."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / "ticks"

    def _dataset(self) -> ds.Dataset:
        return ds.dataset(self._path, partitioning="hive")

    def load_all(self) -> pa.Table:
        """Everything."""
        return self._dataset().to_table()

    def load_three(self) -> pa.Table:
        """Three columns."""
        return self._dataset().to_table(columns=list(THREE))

    def load_month_of_pair(self, month: str) -> pa.Table:
        """One folder, filtered."""
        return self._dataset().to_table(filter=(ds.field("month") == month) & (ds.field("pair") == PAIR))

    def latest(self) -> pa.Table:
        """The last rows by time of the last folder."""
        dataset = self._dataset()
        keys = [ds.get_partition_keys(part.partition_expression) for part in dataset.get_fragments()]
        table = dataset.to_table(filter=ds.field("month") == max(key["month"] for key in keys))
        return table.sort_by("observed_at").slice(table.num_rows - _LAST)


class _ToPandas:
    """Loads of another reader, converted to pandas."""

    def __init__(self, reader: PyarrowTable | Polars) -> None:
        self._reader = reader

    def load_all(self) -> pd.DataFrame:
        """Everything."""
        return self._reader.load_all().to_pandas()

    def load_three(self) -> pd.DataFrame:
        """Three columns."""
        return self._reader.load_three().to_pandas()

    def load_month_of_pair(self, month: str) -> pd.DataFrame:
        """One folder, filtered."""
        return self._reader.load_month_of_pair(month).to_pandas()

    def latest(self) -> pd.DataFrame:
        """The last rows by time."""
        return self._reader.latest().to_pandas()


def pyarrow_pandas(folder: Path) -> _ToPandas:
    """`pyarrow.dataset` to a frame."""
    return _ToPandas(PyarrowTable(folder))


def polars_pandas(folder: Path) -> _ToPandas:
    """A lazy scan of the files, collected and converted to pandas."""
    return _ToPandas(Polars(folder))


class Pandas:
    """`pandas.read_parquet`, nothing else."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / "ticks"

    def load_all(self) -> pd.DataFrame:
        """Everything."""
        return pd.read_parquet(self._path)

    def load_three(self) -> pd.DataFrame:
        """Three columns."""
        return pd.read_parquet(self._path, columns=list(THREE))

    def load_month_of_pair(self, month: str) -> pd.DataFrame:
        """One folder, filtered."""
        return pd.read_parquet(self._path, filters=[("month", "==", month), ("pair", "==", PAIR)])

    def latest(self) -> pd.DataFrame:
        """The last rows by time of all: pandas does not show which folder is the last."""
        return self.load_three().nlargest(_LAST, "observed_at")


class Duckdb:
    """SQL on the files, to a frame."""

    def __init__(self, folder: Path) -> None:
        self._connection = duckdb.connect()
        self._connection.execute("SET TimeZone = 'UTC'")
        self._files = f"read_parquet('{folder}/ticks/**/*.parquet', hive_partitioning = true)"

    def load_all(self) -> pd.DataFrame:
        """Everything."""
        return self._connection.sql(f"FROM {self._files}").df()

    def load_three(self) -> pd.DataFrame:
        """Three columns."""
        return self._connection.sql(f"SELECT {', '.join(THREE)} FROM {self._files}").df()  # noqa: S608

    def load_month_of_pair(self, month: str) -> pd.DataFrame:
        """One folder, filtered."""
        query = f"FROM {self._files} WHERE month = ? AND pair = ?"
        return self._connection.sql(query, params=[month, PAIR]).df()

    def latest(self) -> pd.DataFrame:
        """The last rows by time."""
        return self._connection.sql(f"FROM {self._files} ORDER BY observed_at DESC LIMIT {_LAST}").df()


class Polars:
    """A lazy scan of the files, collected."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / "ticks"

    def _scan(self) -> pl.LazyFrame:
        return pl.scan_parquet(self._path, hive_partitioning=True)

    def load_all(self) -> pl.DataFrame:
        """Everything."""
        return self._scan().collect()

    def load_three(self) -> pl.DataFrame:
        """Three columns."""
        return self._scan().select(THREE).collect()

    def load_month_of_pair(self, month: str) -> pl.DataFrame:
        """One folder, filtered."""
        return self._scan().filter(pl.col("month") == month, pl.col("pair") == PAIR).collect()

    def latest(self) -> pl.DataFrame:
        """The last rows by time."""
        return self._scan().top_k(_LAST, by="observed_at").collect()
