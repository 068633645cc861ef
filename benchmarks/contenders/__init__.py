"""Contenders: what each returns, how durable its appends are, and where its code is.

A contender is a callable that takes its folder and returns an object with some of these methods:
``create(table)``, ``append_snapshot(rows)``, ``load_all()``, ``load_three()``, ``load_month_of_pair(month)``,
``latest()`` (the rows of the last poll), ``close()``.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

from benchmarks.synthetic import ROWS_PER_MONTH

LOADS = ("load_all", "load_three", "load_month_of_pair", "latest")


@dataclass(frozen=True, slots=True)
class Contender:
    """One way to store ticks.

    Attributes
    ----------
    name
        Name in tables and results.
    code
        ``module:callable`` below this package.
    returns
        Type of a loaded result; empty if it loads nothing.
    durability
        How an append is made durable, if at all; empty if it appends nothing.
    reads
        Contender whose data it reads; `None` for its own.
    packages
        Distributions that must be installed.
    max_rows
        Rows that it stores at most, the last ones; `None` for all.
    max_loaded_rows
        Number of rows up to which everything is loaded; `None` for no limit.
    rewrites
        Whether an append rewrites all rows, and is therefore repeated only a few times.
    loads_once
        Whether loads are so slow that each is run once.
    """

    name: str
    code: str
    returns: str = ""
    durability: str = ""
    reads: str | None = None
    packages: tuple[str, ...] = ()
    max_rows: int | None = None
    max_loaded_rows: int | None = None
    rewrites: bool = False
    loads_once: bool = False

    def at(self, folder: Path) -> Any:
        """Return the contender on the data in a folder."""
        module, _, name = self.code.partition(":")
        return getattr(import_module(f"benchmarks.contenders.{module}"), name)(folder)


_ALL = (
    Contender("floor", "floor:Floor", durability="fsync of file and folder"),
    Contender(
        "fxticker",
        "fxticker_store:FxTicker",
        returns="pandas, categories",
        durability="fsync of file and folder",
        packages=("fxticker",),
    ),
    Contender(
        "fxticker, to Arrow",
        "fxticker_store:FxTickerToArrow",
        returns="Arrow table, dictionaries",
        reads="fxticker",
        packages=("fxticker",),
    ),
    Contender(
        "pyarrow on the store",
        "store_readers:PyarrowTable",
        returns="Arrow table, dictionaries",
        reads="fxticker",
        packages=("pyarrow",),
    ),
    Contender(
        "pyarrow on the store, to pandas",
        "store_readers:pyarrow_pandas",
        returns="pandas, categories",
        reads="fxticker",
        packages=("pyarrow", "pandas"),
    ),
    Contender(
        "pandas on the store",
        "store_readers:Pandas",
        returns="pandas, categories",
        reads="fxticker",
        packages=("pandas",),
    ),
    Contender(
        "DuckDB on the store",
        "store_readers:Duckdb",
        returns="pandas, texts",
        reads="fxticker",
        packages=("duckdb",),
    ),
    Contender(
        "Polars on the store",
        "store_readers:Polars",
        returns="Polars, categories",
        reads="fxticker",
        packages=("polars",),
    ),
    Contender(
        "Polars on the store, to pandas",
        "store_readers:polars_pandas",
        returns="pandas, categories",
        reads="fxticker",
        packages=("polars",),
    ),
    Contender(
        "DuckDB, own file",
        "duckdb_file:DuckdbFile",
        returns="pandas, enums as categories, else texts",
        durability="fsync of the log at commit (its default)",
        packages=("duckdb",),
    ),
    Contender(
        "ArcticDB, LMDB",
        "arcticdb_library:ArcticLibrary",
        returns="pandas 2, texts as objects",
        durability="fdatasync of LMDB at commit (its default)",
        packages=("arcticdb",),
    ),
    Contender(
        "Delta Lake",
        "delta_table:Delta",
        returns="pandas, texts",
        durability="none: its writer does no fsync",
        packages=("deltalake",),
    ),
    Contender(
        "SQLite",
        "sqlite_file:Sqlite",
        returns="pandas, texts",
        durability="fsync of the log at commit (WAL, synchronous=FULL)",
        packages=("pandas",),
        max_loaded_rows=1_000_000,  # 13 million rows as Python objects take 10 GB and minutes
    ),
    Contender(
        "pandas, one file",
        "pandas_file:PandasFile",
        returns="pandas, texts",
        durability="fsync of file and folder, added by the harness",
        packages=("pandas",),
        rewrites=True,
    ),
    Contender(
        "a file per snapshot",
        "file_per_snapshot:FilePerSnapshot",
        returns="pandas, texts",
        durability="fsync of file and folder, added by the harness",
        packages=("pandas",),
        max_rows=ROWS_PER_MONTH,  # a month are 43,200 files; five years would be 2.6 million
        loads_once=True,
    ),
)
CONTENDERS = {contender.name: contender for contender in _ALL}
