"""Schema of the tables: columns, identity, order and version."""

from __future__ import annotations

from dataclasses import dataclass

import pyarrow as pa

from fxticker.errors import NewerSchema, SchemaMismatch

SCHEMA_VERSION = 2
"""Incremented with every change of columns. A newer version may only add nullable columns, so that a file of an older
one is read by adding nulls."""
_ADDED_IN = {"evidence": 2, "parser_version": 2, "recorded_at": 2}
"""Version since which a nullable column exists; columns that are not nullable, and all others, are in every version."""
_VERSION_KEY = b"fxticker.schema_version"

_INSTANT = pa.timestamp("us", "UTC")
_TEXT = pa.dictionary(pa.int32(), pa.string())
"""Repeating texts are dictionaries: plain strings take three times the load time of all other columns together."""


@dataclass(frozen=True)
class TableSpec:
    """Definition of a table of the store.

    Attributes
    ----------
    name
        Name of the table's folder.
    schema
        Columns and types, with the version in its metadata; source and month are in the path only.
    time_column
        Timestamp that determines a row's month and position.
    identity
        Columns that identify a row within its source, `time_column` first; each identity is stored once.
    order
        Columns that a file is sorted by.
    series_column
        Column that separates the series of a source; None if a source has only one.
    unique_columns
        Columns whose values rarely repeat.
    written_column
        Timestamp that the store sets to the time of the write.
    """

    name: str
    schema: pa.Schema
    time_column: str
    identity: tuple[str, ...]
    order: tuple[str, ...]
    series_column: str | None = None
    unique_columns: tuple[str, ...] = ()
    written_column: str = "recorded_at"


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
        ("evidence", _TEXT, True),
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
        ("parser_version", pa.int16(), True),
        ("recorded_at", _INSTANT, True),
    ),
    time_column="slot",
    identity=("slot",),
    order=("slot",),
    unique_columns=("body_sha256",),
)

RETRACTIONS = TableSpec(
    name="retractions",
    schema=_schema(
        ("pair", _TEXT, False),
        ("observed_at", _INSTANT, False),
        ("rate_text", _TEXT, False),
        ("change_text", _TEXT, True),
        ("retracted_at", _INSTANT, False),
        ("parser_version", pa.int16(), False),
        ("reason", _TEXT, True),
    ),
    time_column="observed_at",
    identity=(*TICKS.identity, "retracted_at"),
    order=("observed_at", "pair", "retracted_at"),
    series_column="pair",
    written_column="retracted_at",
)


def conform(table: pa.Table, schema: pa.Schema) -> pa.Table:
    """Return a file's rows in `schema`, with nulls in columns that its older version lacks.

    Raises
    ------
    NewerSchema, SchemaMismatch
        As `expected_in`.
    """
    expected = expected_in(table.schema, schema)
    if expected is not schema:
        for field in schema:
            if field.name not in expected.names:
                table = table.append_column(field, pa.nulls(table.num_rows, field.type))
        table = table.select(schema.names)
    return table.replace_schema_metadata(schema.metadata)


def expected_in(present: pa.Schema, schema: pa.Schema) -> pa.Schema:
    """Return `schema` as the version of a file has it, `schema` itself if that is the current one.

    Raises
    ------
    NewerSchema
        If the file is of a newer version.
    SchemaMismatch
        If the file has no version, or its columns differ from those of its version.
    """
    wanted = version_of(schema)
    current = SCHEMA_VERSION if wanted is None else wanted
    version = version_of(present)
    if version is None:
        raise SchemaMismatch("no fxticker schema version: not a segment of fxticker")
    if version > current:
        raise NewerSchema(f"schema version {version}; this fxticker reads up to {current}: use a newer one")
    expected = schema if version == current else _as_of_version(schema, version)
    if not present.equals(expected):
        raise SchemaMismatch(f"columns differ from schema version {version}: {_difference(present, expected)}")
    return expected


def version_of(schema: pa.Schema) -> int | None:
    """Return the fxticker schema version in a schema's metadata; None if there is none."""
    text = (schema.metadata or {}).get(_VERSION_KEY, b"")
    return int(text) if text.isdigit() else None


def version_marks() -> list[tuple[bytes, bytes]]:
    """Return key and value in a file's metadata for each version that can be read, the current one first."""
    return [(_VERSION_KEY, str(version).encode()) for version in range(SCHEMA_VERSION, 0, -1)]


def _as_of_version(schema: pa.Schema, version: int) -> pa.Schema:
    """The columns that a version has."""
    return pa.schema([field for field in schema if not field.nullable or _ADDED_IN.get(field.name, 1) <= version])


def _difference(actual: pa.Schema, wanted: pa.Schema) -> str:
    missing = [str(field) for field in wanted if field not in actual]
    unexpected = [str(field) for field in actual if field not in wanted]
    return f"missing {missing}, unexpected {unexpected}" if missing or unexpected else "the order of columns differs"
