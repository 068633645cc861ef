"""SQLite: one table, an index on time."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa

from benchmarks.answers import PAIR, THREE, bounds, microseconds
from benchmarks.synthetic import PAIRS, Row

_INSTANTS = ("observed_at", "recorded_at")
_BATCH_ROWS = 100_000
# Instants are whole microseconds, exact and quick to compare; SQLite has no type for them.
_CREATE = """
CREATE TABLE ticks (
    pair TEXT NOT NULL, observed_at INTEGER NOT NULL, time_basis TEXT NOT NULL, rate REAL NOT NULL,
    rate_text TEXT NOT NULL, nominal INTEGER NOT NULL, change_pct REAL, change_text TEXT, source_date TEXT,
    origin TEXT NOT NULL, recorded_at INTEGER NOT NULL
)
"""
_INSERT = f"INSERT INTO ticks VALUES ({', '.join('?' * len(Row._fields))})"  # noqa: S608


class Sqlite:
    """The write-ahead log, as its documentation advises for most uses, with an fsync at each commit."""

    def __init__(self, folder: Path) -> None:
        self._connection = sqlite3.connect(folder / "ticks.sqlite")
        self._connection.execute("PRAGMA journal_mode = WAL")
        self._connection.execute("PRAGMA synchronous = FULL")

    def create(self, table: pa.Table) -> None:
        """Insert all, then index; without a journal, because this is not measured as an append."""
        self._connection.execute("PRAGMA journal_mode = OFF")
        with self._connection:
            self._connection.execute(_CREATE)
            for batch in table.to_batches(max_chunksize=_BATCH_ROWS):
                self._connection.executemany(_INSERT, _records(batch))
            self._connection.execute("CREATE INDEX ticks_by_time ON ticks (observed_at)")
        self._connection.execute("PRAGMA journal_mode = WAL")

    def append_snapshot(self, rows: list[Row]) -> None:
        """One transaction of five inserts."""
        with self._connection:
            self._connection.executemany(_INSERT, [_record(row) for row in rows])

    def load_all(self) -> pd.DataFrame:
        """Everything."""
        return self._frame("SELECT * FROM ticks")

    def load_three(self) -> pd.DataFrame:
        """Three columns."""
        return self._frame(f"SELECT {', '.join(THREE)} FROM ticks")  # noqa: S608

    def load_month_of_pair(self, month: str) -> pd.DataFrame:
        """A range of the index, filtered."""
        start, end = (microseconds(instant) for instant in bounds(month))
        query = "SELECT * FROM ticks WHERE observed_at >= ? AND observed_at < ? AND pair = ?"
        return self._frame(query, (start, end, PAIR))

    def latest(self) -> pd.DataFrame:
        """The last rows of the index."""
        return self._frame("SELECT * FROM ticks ORDER BY observed_at DESC LIMIT ?", (len(PAIRS),))

    def close(self) -> None:
        """Close the database, which merges the log into its file."""
        self._connection.close()

    def _frame(self, query: str, values: tuple[Any, ...] = ()) -> pd.DataFrame:
        frame = pd.read_sql_query(query, self._connection, params=values)
        instants = [name for name in _INSTANTS if name in frame.columns]
        return frame.assign(**{name: pd.to_datetime(frame[name], unit="us", utc=True) for name in instants})


def _records(batch: pa.RecordBatch) -> Iterator[tuple[Any, ...]]:
    return zip(*(_values(batch.column(field.name), field) for field in batch.schema), strict=True)


def _values(column: pa.Array, field: pa.Field) -> list[Any]:
    """Return a column as Python values; each distinct text is made once, because single conversions take minutes."""
    if field.name in _INSTANTS:
        column = column.cast(pa.int64())
    if pa.types.is_date(field.type):
        column = column.cast(pa.string()).dictionary_encode()
    if not pa.types.is_dictionary(column.type):
        return column.to_numpy().tolist()
    texts = column.dictionary.to_pylist()
    return [texts[code] for code in column.indices.to_numpy().tolist()]


def _record(row: Row) -> tuple[Any, ...]:
    return row._replace(
        observed_at=microseconds(row.observed_at),
        recorded_at=microseconds(row.recorded_at),
        source_date=row.source_date.isoformat(),
    )
