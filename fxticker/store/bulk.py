"""Tables of ticks that come from elsewhere, an export or another store, made fit for this one or refused."""

from __future__ import annotations

import re
from collections.abc import Iterator

import numpy as np
import pyarrow as pa

from fxticker.errors import SchemaMismatch
from fxticker.models import Origin, TimeBasis, require_source_id
from fxticker.store.checking import wrong_figures
from fxticker.store.columns import indices_of, integers, text_codes, used_texts
from fxticker.store.schema import TICKS

_SOURCE = pa.field("source", pa.dictionary(pa.int32(), pa.string()), nullable=False)
_GIVEN = pa.schema([_SOURCE, *(field for field in TICKS.schema if field.name != "recorded_at")])
_PAIR = re.compile("[A-Z]{3}/[A-Z]{3}")
_YEARS_1_TO_9999_US = (-62_135_596_800_000_000, 253_402_300_799_999_999)
"""Since the epoch: what a month of four digits and Python's datetime can name."""


def fitting(table: pa.Table) -> pa.Table:
    """The columns of a tick, `recorded_at` aside, in the types of the store; other columns are left out.

    Raises
    ------
    SchemaMismatch
        If a column is missing, of another kind, or null where it must not be, if a text is none of those that the
        column can have, or if a number is not what its text says.
    """
    columns = [_as(table, field) for field in _GIVEN]
    found = pa.Table.from_arrays(columns, schema=_GIVEN).unify_dictionaries()
    if problem := _problem(found):
        raise SchemaMismatch(f"not the ticks of a store: {problem}")
    return found


def partitions(rows: pa.Table) -> Iterator[tuple[str, str, pa.Table]]:
    """Each source and month of fitting rows with its rows, in the order of both."""
    vocabulary: dict[str | None, int] = {}
    source = text_codes(rows.column("source"), vocabulary)
    month = integers(rows.column("observed_at")).astype("M8[us]").astype("M8[M]").astype(np.int64)
    order = np.lexsort([month, source])
    cuts = np.flatnonzero((np.diff(source[order]) != 0) | (np.diff(month[order]) != 0)) + 1
    names = list(vocabulary)
    ordered = rows.drop_columns(["source"]).take(indices_of(order)).combine_chunks()
    for start, end in zip([0, *cuts.tolist()], [*cuts.tolist(), len(order)], strict=True):
        if end > start:
            first = order[start]
            yield str(names[source[first]]), str(month[first].astype("M8[M]")), ordered.slice(start, end - start)


def _as(table: pa.Table, field: pa.Field) -> pa.ChunkedArray:
    if field.name not in table.column_names:
        raise SchemaMismatch(f"not the ticks of a store: no column {field.name}")
    column = table.column(field.name)
    if column.type == field.type:
        return column
    try:
        if pa.types.is_dictionary(field.type):
            return column.cast(pa.string()).dictionary_encode()
        return column.cast(field.type)
    except pa.ArrowException as error:
        raise SchemaMismatch(f"not the ticks of a store: column {field.name} is {column.type}") from error


def _problem(rows: pa.Table) -> str | None:
    for field, column in zip(rows.schema, rows.columns, strict=True):
        if column.null_count and not field.nullable:
            return f"{column.null_count} rows without {field.name}"
    for source in used_texts(rows.column("source")):
        try:
            require_source_id(source)
        except ValueError as error:
            return str(error)
    for name, kind in (("time_basis", TimeBasis), ("origin", Origin)):
        for text in used_texts(rows.column(name)):
            if text not in [*kind]:
                return f"{name} {text!r} is none of {', '.join(kind)}"
    if odd := [pair for pair in used_texts(rows.column("pair")) if _PAIR.fullmatch(pair) is None]:
        return f"{odd[0]!r} is no pair"
    at = integers(rows.column("observed_at"))
    first, last = _YEARS_1_TO_9999_US
    if len(at) and not (at.min() >= first and at.max() <= last):
        return "observed_at outside the years 1 to 9999"
    return wrong_figures(rows) if len(at) else None
