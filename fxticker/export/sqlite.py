"""SQLite: tables as a database, one of SQLite's for each, with indexes by pair and by instant."""

from __future__ import annotations

import errno
import sqlite3
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path

import pandas as pd

from fxticker.export.columns import kind_of, rows_of, values_of, with_index

_TYPES = {"instant": "TEXT", "day": "TEXT", "text": "TEXT", "number": "REAL", "integer": "INTEGER", "flag": "INTEGER"}
_INDEXED = ("pair", "observed_at", "start_at", "slot")


def write_sqlite(tables: Mapping[str, pd.DataFrame], path: str) -> None:
    """Write tables into an empty file.

    Instants are texts in ISO 8601 with microseconds (``2025-11-14T12:00:00.000000Z``), which sort by time and which
    SQLite's own functions take; days are ``2025-11-14``, numbers REAL or INTEGER, yes and no are 1 and 0.

    Parameters
    ----------
    tables
        Frames by the name of their table.
    path
        An empty file.

    Raises
    ------
    OSError
        If SQLite cannot write, as on a full disk.
    """
    try:
        with closing(sqlite3.connect(path, isolation_level=None)) as database:
            # The file is complete or thrown away, so it needs no journal beside it.
            database.execute("PRAGMA journal_mode = OFF")
            database.execute("PRAGMA synchronous = OFF")
            database.execute("BEGIN")
            for name, frame in tables.items():
                _write_table(database, name, with_index(frame))
            database.execute("COMMIT")
    except sqlite3.Error as error:
        raise OSError(errno.EIO, f"SQLite: {error}") from error


def require_replaceable(path: Path, tables: Mapping[str, object]) -> None:
    """Refuse to replace a database that holds other tables, or that another program has open for writing.

    Raises
    ------
    FileExistsError
        If it does; names the other table or the file beside it.
    """
    for beside in (path.with_name(path.name + "-wal"), path.with_name(path.name + "-journal")):
        if beside.exists():
            raise FileExistsError(f"{path}: another program writes this database: {beside.name} is beside it")
    if not path.is_file():
        return
    try:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as database:
            found = {name for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    except sqlite3.DatabaseError:
        return  # no database: replaced as any other file
    if others := sorted(found - {*tables}):
        raise FileExistsError(f"{path}: this database has other tables ({', '.join(others)}): name a new file")


def _write_table(database: sqlite3.Connection, name: str, frame: pd.DataFrame) -> None:
    types = ", ".join(f"{_quoted(column)} {_TYPES[kind_of(frame[column])]}" for column in frame.columns)
    database.execute(f"CREATE TABLE {_quoted(name)} ({types})")
    marks = ", ".join("?" * len(frame.columns))
    database.executemany(f"INSERT INTO {_quoted(name)} VALUES ({marks})", rows_of(frame, values_of))  # noqa: S608  quoted
    indexed = [column for column in _INDEXED if column in frame.columns]
    for columns in (indexed, indexed[1:]):
        if columns:
            index = _quoted("_".join((name, *columns)))
            database.execute(f"CREATE INDEX {index} ON {_quoted(name)} ({', '.join(map(_quoted, columns))})")


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
