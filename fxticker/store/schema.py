"""The two tables: their columns, identities and the version of both."""

from __future__ import annotations

from dataclasses import dataclass

import pyarrow as pa

from fxticker.errors import NewerSchema, SchemaMismatch

SCHEMA_VERSION = 1
"""Raised by one with every change of columns. A newer version may add nullable columns and nothing else, so that a
file of an older one is read by adding nulls."""
_VERSION_KEY = b"fxticker.schema_version"

_INSTANT = pa.timestamp("us", "UTC")
_TEXT = pa.dictionary(pa.int32(), pa.string())
"""Repeating texts are dictionaries: as plain strings they cost three times the load time of everything else."""


@dataclass(frozen=True)
class TableSpec:
    """What makes a table of the store.

    Attributes
    ----------
    name
        The folder's name.
    schema
        Columns with types, version in its metadata; `source` and month stand in the path.
    time_column
        The instant that decides the month and the order.
    identity
        Columns that name a row within its source, `time_column` first; each identity is stored once.
    order
        Columns by which a file is sorted.
    series_column
        The column that tells one series of values from another, if there are several in a source.
    unique_columns
        Columns whose values hardly ever repeat.
    """

    name: str
    schema: pa.Schema
    time_column: str
    identity: tuple[str, ...]
    order: tuple[str, ...]
    series_column: str | None = None
    unique_columns: tuple[str, ...] = ()


def _schema(*fields: tuple[str, pa.DataType, bool]) -> pa.Schema:
    return pa.schema(
        [pa.field(name, kind, nullable) for name, kind, nullable in fields],
        metadata={_VERSION_KEY: str(SCHEMA_VERSION).encode()},
    )


TICKS = TableSpec(
    name="ticks",
    schema=_schema(
        ("pair", _TEXT, False),
        ("observed_at", _INSTANT, False),
        ("time_basis", _TEXT, False),
        ("rate", pa.float64(), False),
        ("rate_text", _TEXT, False),
        ("nominal", pa.int32(), False),
        ("change_pct", pa.float64(), True),
        ("change_text", _TEXT, True),
        ("source_date", pa.date32(), True),
        ("origin", _TEXT, False),
        ("recorded_at", _INSTANT, False),
    ),
    time_column="observed_at",
    identity=("observed_at", "pair", "rate_text", "change_text"),
    order=("observed_at", "pair"),
    series_column="pair",
)

POLLS = TableSpec(
    name="polls",
    schema=_schema(
        ("slot", _INSTANT, False),
        ("started_at", _INSTANT, True),
        ("duration_ms", pa.int32(), True),
        ("outcome", _TEXT, False),
        ("ticks", pa.int32(), False),
        ("http_status", pa.int16(), True),
        ("source_date", pa.date32(), True),
        ("body_sha256", pa.string(), True),
        ("body_bytes", pa.int64(), True),
        ("attempts", pa.int16(), False),
        ("detail", _TEXT, True),
    ),
    time_column="slot",
    identity=("slot",),
    order=("slot",),
    unique_columns=("body_sha256",),
)


def conform(table: pa.Table, schema: pa.Schema) -> pa.Table:
    """Bring what a file holds to `schema`: equal if of its version, with nulls for later columns if older.

    Raises
    ------
    NewerSchema
        If the file is of a newer version.
    SchemaMismatch
        If it is of none, or differs from what its version says.
    """
    current = SCHEMA_VERSION if (named := version_of(schema)) is None else named
    version = version_of(table.schema)
    if version is None:
        raise SchemaMismatch("no fxticker schema version: this is no segment of ours")
    if version > current:
        raise NewerSchema(f"schema version {version}; this fxticker reads up to {current}: use a newer one")
    if version < current:
        for field in schema:
            if field.name not in table.column_names and field.nullable:
                table = table.append_column(field, pa.nulls(table.num_rows, field.type))
        table = table.select([name for name in schema.names if name in table.column_names])
    if not table.schema.equals(schema):
        raise SchemaMismatch(f"columns differ from schema version {version}: {_difference(table.schema, schema)}")
    return table.replace_schema_metadata(schema.metadata)


def version_of(schema: pa.Schema) -> int | None:
    """The fxticker schema version that a file's schema names; null if it names none."""
    text = (schema.metadata or {}).get(_VERSION_KEY, b"")
    return int(text) if text.isdigit() else None


def _difference(found: pa.Schema, wanted: pa.Schema) -> str:
    lacking = [str(field) for field in wanted if field not in found]
    surplus = [str(field) for field in found if field not in wanted]
    return f"lacking {lacking}, surplus {surplus}" if lacking or surplus else "the columns' order differs"
