"""Validation of tables of ticks from elsewhere, an export or another store: converted to the schema or refused."""

from __future__ import annotations

import re
from collections.abc import Iterator

import numpy as np
import pyarrow as pa

from fxticker.errors import SchemaMismatch
from fxticker.model.records import Origin, TimeBasis, require_source_id
from fxticker.store.arrow import is_in, take, text_codes, to_int64, used_texts, validity, values_of
from fxticker.store.number_texts import wrong_numbers
from fxticker.store.read_span import SOURCE
from fxticker.store.schema import TICKS

GIVEN = pa.schema([SOURCE, *(field for field in TICKS.schema if field.name != "recorded_at")])
"""Columns of a tick and its source."""
OPTIONAL = frozenset(["evidence"])
"""Those that a table need not have: older versions lack them."""
_EVIDENCE = re.compile("[0-9a-f]{64}")
_PAIR = re.compile("[A-Z]{3}/[A-Z]{3}")
_DAY_US = 86_400_000_000
_YEARS_1_TO_9999_US = (-62_135_596_800_000_000, 253_402_300_799_999_999)
"""Microseconds since the epoch of the years that a four-digit month and Python's datetime can represent."""


def fitting(table: pa.Table) -> pa.Table:
    """Return the columns of a tick except `recorded_at`, in the types of the store; other columns are left out.

    Raises
    ------
    SchemaMismatch
        If a column is missing, of another type, or null where that is not allowed, if a text is not allowed in its
        column, or if a number does not follow from its text.
    """
    for field in GIVEN:
        name, count = field.name, table.column_names.count(field.name)
        if not count and name in OPTIONAL:
            table = table.append_column(field, pa.nulls(table.num_rows, field.type))
        elif count != 1:
            raise SchemaMismatch(f"not the ticks of a store: {count or 'no'} column{'s' * (count > 1)} {name}")
    columns = [_as(table.column(field.name), field) for field in GIVEN]
    rows = pa.Table.from_arrays(columns, schema=GIVEN).unify_dictionaries()
    if problem := _problem(rows):
        raise SchemaMismatch(f"not the ticks of a store: {problem}")
    return rows


def partitions(rows: pa.Table) -> Iterator[tuple[str, str, pa.Table]]:
    """Yield source, month and rows of each partition; sources in order of occurrence, months ascending."""
    vocabulary: dict[str | None, int] = {}
    source = text_codes(rows.column("source"), vocabulary)
    month = to_int64(rows.column("observed_at")).astype("M8[us]").astype("M8[M]").astype(np.int64)
    order = np.lexsort([month, source])
    cuts = np.flatnonzero((np.diff(source[order]) != 0) | (np.diff(month[order]) != 0)) + 1
    names = list(vocabulary)
    ordered = take(rows.drop_columns(["source"]), order)
    for start, end in zip([0, *cuts.tolist()], [*cuts.tolist(), len(order)], strict=True):
        if end > start:
            first = order[start]
            yield str(names[source[first]]), str(month[first].astype("M8[M]")), ordered.slice(start, end - start)


def _as(column: pa.ChunkedArray, field: pa.Field) -> pa.ChunkedArray:
    kind = column.type.value_type if pa.types.is_dictionary(column.type) else column.type
    # pandas gives a column without any value the type null, or that of NaN.
    if pa.types.is_null(kind) or 0 < len(column) == column.null_count:
        return pa.chunked_array([pa.nulls(len(column), field.type)], field.type)
    if not _is_akin(kind, field.type):
        raise SchemaMismatch(f"not the ticks of a store: column {field.name} is {column.type}")
    try:
        column.validate(full=True)  # indices outside a dictionary would be stored and could not be read again
        if not pa.types.is_dictionary(field.type):
            return column if column.type == field.type else column.cast(field.type)
        has_nulls_inside = column.type != kind and any(chunk.dictionary.null_count for chunk in column.chunks)
        if column.type == field.type and not has_nulls_inside:
            return column
        return column.cast(pa.string()).dictionary_encode()
    except pa.ArrowException as error:
        cause = (str(error).splitlines() or [""])[0][:200]
        raise SchemaMismatch(f"not the ticks of a store: column {field.name}: {cause}") from error


def _is_akin(kind: pa.DataType, wanted: pa.DataType) -> bool:
    """Whether values of one type can be converted to another without guessing what they mean."""
    if pa.types.is_dictionary(wanted):
        return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind))
    if pa.types.is_timestamp(wanted):
        return bool(pa.types.is_timestamp(kind) and kind.tz is not None)
    if pa.types.is_date(wanted):
        return bool(pa.types.is_date(kind) or (pa.types.is_timestamp(kind) and kind.tz is None))
    is_akin = pa.types.is_floating if pa.types.is_floating(wanted) else pa.types.is_integer
    return bool(is_akin(kind))


def _problem(rows: pa.Table) -> str | None:
    """The first fault of the rows, in one line; None if there is none."""
    checks = (_problem_of_nulls, _problem_of_texts, _problem_of_instants, wrong_numbers)
    return next(filter(None, (check(rows) for check in checks)), None) if rows.num_rows else None


def _problem_of_nulls(rows: pa.Table) -> str | None:
    for field, column in zip(GIVEN, rows.columns, strict=True):
        if column.null_count and not field.nullable:
            return f"{column.null_count} rows without {field.name}"
    return None


def _problem_of_texts(rows: pa.Table) -> str | None:
    for source in used_texts(rows.column("source")):
        try:
            require_source_id(source)
        except ValueError as error:
            return str(error)
    for name, kind in (("time_basis", TimeBasis), ("origin", Origin)):
        for text in used_texts(rows.column(name)):
            if text not in [*kind]:
                return f"{name} {text!r} is none of {', '.join(kind)}"
    for name, form, what in (("pair", _PAIR, "pair"), ("evidence", _EVIDENCE, "hash of evidence")):
        odd = [text for text in used_texts(rows.column(name)) if form.fullmatch(text) is None]
        if odd:
            return f"{odd[0]!r} is no {what}"
    return None


def _problem_of_instants(rows: pa.Table) -> str | None:
    instants = to_int64(rows.column("observed_at"))
    if not _is_in_the_calendar(instants):
        return "observed_at outside the years 1 to 9999"
    is_date = is_in(rows.column("time_basis"), [TimeBasis.DATE])
    if (instants[is_date] % _DAY_US).any():
        return "a tick of which only the date is known, and not at 00:00"
    for chunk in rows.column("source_date").chunks:
        days, valid = values_of(chunk), validity(chunk)
        if not _is_in_the_calendar((days if valid is None else days[valid]).astype(np.int64) * _DAY_US):
            return "source_date outside the years 1 to 9999"
    return None


def _is_in_the_calendar(microseconds: np.ndarray) -> bool:
    first, last = _YEARS_1_TO_9999_US
    return bool(((microseconds >= first) & (microseconds <= last)).all())
