"""Who is compared: what each returns, how durable its appends are, and where its code is.

A contender is a class that takes its folder and has some of: ``create(table)``, ``append_snapshot(rows)``,
``load_all()``, ``load_three()``, ``load_month_of_pair(month)``, ``latest()`` (the rows of the last poll), ``close()``.
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
    """One way to keep ticks.

    Attributes
    ----------
    name
        As tables show it.
    code
        ``module:Class`` below this package.
    returns
        The type of a loaded result; empty if it loads nothing.
    durability
        What makes an append durable, or that nothing does; empty if it appends nothing.
    reads
        Whose data it reads; null if its own.
    packages
        What must be importable, as distributions are named.
    max_rows
        What it is given at most: the last of them; null for all.
    max_loaded_rows
        Up to where everything is loaded; null for no bound.
    rewrites
        Whether an append rewrites all rows, and so is run a few times only.
    loads_once
        Whether loads take so long that one of each must do.
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
        """The contender itself, on the data in a folder."""
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
        "pyarrow on the store",
        "store_readers:PyarrowTable",
        returns="Arrow table, dictionaries",
        reads="fxticker",
        packages=("pyarrow",),
    ),
    Contender(
        "pyarrow on the store, to pandas",
        "store_readers:PyarrowPandas",
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
        "store_readers:PolarsPandas",
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
