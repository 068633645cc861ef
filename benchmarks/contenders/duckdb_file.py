"""DuckDB with a table of its own in one file."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pandas as pd
import pyarrow as pa

from benchmarks.answers import PAIR, THREE, bounds
from benchmarks.synthetic import PAIRS, Row

# Enums for closed sets, as its documentation advises: they load as categories. Printed texts are no closed set.
_CREATE = f"""
CREATE TYPE pair AS ENUM {PAIRS};
CREATE TYPE time_basis AS ENUM ('clock', 'capture', 'date');
CREATE TYPE origin AS ENUM ('live', 'page', 'archive');
CREATE TABLE ticks (
    pair pair NOT NULL, observed_at TIMESTAMPTZ NOT NULL, time_basis time_basis NOT NULL, rate DOUBLE NOT NULL,
    rate_text VARCHAR NOT NULL, nominal INTEGER NOT NULL, change_pct DOUBLE, change_text VARCHAR, source_date DATE,
    origin origin NOT NULL, recorded_at TIMESTAMPTZ NOT NULL
);
"""
_ROW = ", ".join("?" * len(Row._fields))
_INSERT = f"INSERT INTO ticks VALUES {', '.join([f'({_ROW})'] * len(PAIRS))}"  # noqa: S608


class DuckdbFile:
    """One table, no index: row groups have minima and maxima."""

    def __init__(self, folder: Path) -> None:
        self._connection = duckdb.connect(folder / "ticks.duckdb")
        self._connection.execute("SET TimeZone = 'UTC'")

    def create(self, table: pa.Table) -> None:
        """Insert all, in the order of time, and write it out of the log."""
        self._connection.execute(_CREATE)
        self._connection.register("given", table)
        self._connection.execute("INSERT INTO ticks FROM given")
        self._connection.execute("CHECKPOINT")

    def append_snapshot(self, rows: list[Row]) -> None:
        """One insert of five rows, committed."""
        self._connection.execute(_INSERT, [value for row in rows for value in row])

    def load_all(self) -> pd.DataFrame:
        """Everything."""
        return self._connection.sql("FROM ticks").df()

    def load_three(self) -> pd.DataFrame:
        """Three columns."""
        return self._connection.sql(f"SELECT {', '.join(THREE)} FROM ticks").df()  # noqa: S608

    def load_month_of_pair(self, month: str) -> pd.DataFrame:
        """A span of time, filtered."""
        query = "FROM ticks WHERE observed_at >= ? AND observed_at < ? AND pair = ?"
        return self._connection.sql(query, params=[*bounds(month), PAIR]).df()

    def latest(self) -> pd.DataFrame:
        """The last rows by time."""
        return self._connection.sql(f"FROM ticks ORDER BY observed_at DESC LIMIT {len(PAIRS)}").df()

    def close(self) -> None:
        """Close the database, which merges the log into its file."""
        self._connection.close()
