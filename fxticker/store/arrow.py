"""Conversion between Python values, numpy arrays and Arrow columns, by buffers.

``pyarrow.array`` and the compute functions with a scalar argument import pandas when it is installed, which costs a
daemon 50 MB and a command half a second; ``take`` and ``dictionary_encode`` import ``pyarrow.compute``, 9 MB. Arrays
built from buffers need neither.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from datetime import date, datetime, timedelta
from typing import Any

import numpy as np
import pyarrow as pa

from fxticker.model.timestamps import EPOCH, MICROSECOND

_EPOCH_DAY = EPOCH.date().toordinal()
_NUMPY_OF = {
    pa.timestamp("us", "UTC"): np.int64,
    pa.int64(): np.int64,
    pa.int32(): np.int32,
    pa.int16(): np.int16,
    pa.date32(): np.int32,
    pa.float64(): np.float64,
}


def microseconds(instant: datetime) -> int:
    """Return the exact microseconds since the epoch of an aware UTC instant."""
    return (instant - EPOCH) // MICROSECOND


def instant_of(microseconds: int) -> datetime:
    """Return the aware UTC instant of microseconds since the epoch."""
    return EPOCH + timedelta(microseconds=microseconds)


def table_of(rows: Sequence[Any], schema: pa.Schema, value_of: Callable[[Any, str], Any]) -> pa.Table:
    """Return a table of records, with ``value_of(record, column name)`` in each cell."""
    columns = [array_of([value_of(row, field.name) for row in rows], field.type) for field in schema]
    return pa.Table.from_arrays(columns, schema=schema)


def repeated(instant: datetime, count: int) -> pa.Array:
    """Return a column that repeats one aware UTC instant."""
    return pa.Array.from_buffers(
        pa.timestamp("us", "UTC"), count, [None, pa.py_buffer(np.full(count, microseconds(instant)))]
    )


def array_of(values: Sequence[Any], kind: pa.DataType) -> pa.Array:
    """Return an Arrow array of Python values; None becomes null."""
    if pa.types.is_dictionary(kind):
        vocabulary: dict[str, int] = {}
        numbers = [None if text is None else vocabulary.setdefault(text, len(vocabulary)) for text in values]
        return pa.DictionaryArray.from_arrays(array_of(numbers, kind.index_type), _strings(list(vocabulary)))
    if pa.types.is_string(kind):
        return _strings(values)
    plain = [0 if value is None else _number(value) for value in values]
    data = np.array(plain, dtype=_NUMPY_OF[kind])
    return pa.Array.from_buffers(kind, len(values), [_validity_bits(values), pa.py_buffer(data)])


def records_of(table: pa.Table) -> list[dict[str, Any]]:
    """Return the rows of a table as Python values; a null becomes None."""
    columns = {
        field.name: _instants(column) if pa.types.is_timestamp(field.type) else column.to_pylist()
        for field, column in zip(table.schema, table.columns, strict=True)
    }
    return [dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)]


def _instants(column: pa.ChunkedArray) -> list[datetime | None]:
    # pyarrow's own datetimes have another time zone class than datetime.UTC
    numbers = [number for chunk in column.chunks for number in chunk.view(pa.int64()).to_pylist()]
    return [None if number is None else instant_of(number) for number in numbers]


def filter_rows(rows: pa.Table, kept: np.ndarray) -> pa.Table:
    """Return the rows for which `kept` is true; the table itself if that is every row."""
    return rows if kept.all() else take(rows, np.flatnonzero(kept))


def take(rows: pa.Table, positions: np.ndarray) -> pa.Table:
    """Return the rows at these positions, in their order, as ``Table.take`` does."""
    if not rows.num_rows:
        return rows
    columns = [_take_chunk(column.chunk(0), positions) for column in rows.combine_chunks().columns]
    return pa.Table.from_arrays(columns, schema=rows.schema)


def _take_chunk(array: pa.Array, positions: np.ndarray) -> pa.Array:
    if pa.types.is_dictionary(array.type):
        return pa.DictionaryArray.from_arrays(_take_chunk(array.indices, positions), array.dictionary)
    if pa.types.is_string(array.type):
        texts = array.to_pylist()
        return _strings([texts[position] for position in positions.tolist()])
    valid = validity(array)
    data = pa.py_buffer(np.take(values_of(array), positions))
    return pa.Array.from_buffers(array.type, len(positions), [None if valid is None else _bits(valid[positions]), data])


def to_int64(column: pa.ChunkedArray) -> np.ndarray:
    """Return a column of timestamps, dates or integers without nulls as signed integers of its own width."""
    return _concatenated([values_of(chunk) for chunk in column.chunks], np.int64)


def values_of(array: pa.Array) -> np.ndarray:
    """Return one chunk of numbers, timestamps or dates as numbers of its own width, undefined where it is null.

    The result is a view of the buffer, read-only.
    """
    kind = np.float64 if pa.types.is_floating(array.type) else np.dtype(f"i{array.type.bit_width // 8}")
    return np.frombuffer(array.buffers()[1], kind)[array.offset : array.offset + len(array)]


def doubles(column: pa.ChunkedArray) -> np.ndarray:
    """Return a float64 column as an array; NaN where it is null."""
    parts = []
    for chunk in column.chunks:
        valid = validity(chunk)
        parts.append(values_of(chunk) if valid is None else np.where(valid, values_of(chunk), np.nan))
    return _concatenated(parts, np.float64)


def text_codes(column: pa.ChunkedArray, vocabulary: dict[str | None, int]) -> np.ndarray:
    """Return a dictionary column as codes of `vocabulary`, which gets new texts added; null has a code too."""
    parts = []
    for chunk in column.chunks:
        texts: Iterable[str | None] = [*chunk.dictionary.to_pylist(), None]
        codes = np.array([vocabulary.setdefault(text, len(vocabulary)) for text in texts], np.int64)
        indices = values_of(chunk.indices).astype(np.int64)
        valid = validity(chunk.indices)
        parts.append(codes[indices if valid is None else np.where(valid, indices, -1)])
    return np.concatenate(parts) if parts else np.zeros(0, np.int64)


def _concatenated(parts: Sequence[np.ndarray], kind: type[np.number[Any]]) -> np.ndarray:
    if len(parts) == 1:  # nearly always; a view, read-only
        return parts[0]
    return np.concatenate(parts) if parts else np.zeros(0, kind)


def validity(array: pa.Array) -> np.ndarray | None:
    """Return which rows have a value; None if all have."""
    bits = array.buffers()[0]
    if bits is None:
        return None
    flags = np.unpackbits(np.frombuffer(bits, np.uint8), bitorder="little").view(bool)
    return flags[array.offset : array.offset + len(array)]


def validate(table: pa.Table) -> None:
    """Check that a table's buffers fit its columns.

    Equivalent to ``Table.validate(full=True)``, which takes eight times as long for dictionary indices.

    Raises
    ------
    ValueError
        If an index is outside its dictionary.
    pyarrow.ArrowInvalid
        If Arrow finds a fault, for instance text that is not UTF-8.
    """
    table.validate()
    for column in table.columns:
        if not pa.types.is_dictionary(column.type):
            if pa.types.is_string(column.type):  # Arrow's full check adds nothing for numbers
                column.validate(full=True)
            continue
        for chunk in column.chunks:
            chunk.dictionary.validate(full=True)
            numbers = values_of(chunk.indices)
            unsigned = numbers.view(f"u{numbers.itemsize}")  # a negative index becomes too large
            if len(numbers) and unsigned.max() >= len(chunk.dictionary):
                valid = validity(chunk.indices)  # the index of a null is arbitrary, mostly 0
                if valid is None or (unsigned[valid] >= len(chunk.dictionary)).any():
                    raise ValueError("an index is outside its dictionary")


def is_in(column: pa.ChunkedArray, texts: Collection[str]) -> np.ndarray:
    """Return which rows of a dictionary column have one of some texts."""
    vocabulary: dict[str | None, int] = {text: number for number, text in enumerate(dict.fromkeys(texts))}
    wanted = len(vocabulary)
    result: np.ndarray = text_codes(column, vocabulary) < wanted
    return result


def used_texts(column: pa.ChunkedArray) -> tuple[str, ...]:
    """Return the distinct texts of a dictionary column's rows, sorted; unused dictionary entries are left out."""
    vocabulary: dict[str | None, int] = {}
    counts = np.bincount(text_codes(column, vocabulary), minlength=len(vocabulary))
    return tuple(sorted(text for text, code in vocabulary.items() if text is not None and counts[code]))


def compact(rows: pa.Table) -> pa.Table:
    """Return the rows in one chunk, with unused texts removed from the dictionaries."""
    whole = rows.combine_chunks()
    for position, field in enumerate(rows.schema):
        if pa.types.is_dictionary(field.type) and whole.num_rows:
            whole = whole.set_column(position, field, _compact(whole.column(position).chunk(0)))
    return whole.replace_schema_metadata(rows.schema.metadata)


def _compact(column: pa.DictionaryArray) -> pa.DictionaryArray:
    numbers, valid = values_of(column.indices), validity(column.indices)
    is_used = np.bincount(numbers if valid is None else numbers[valid], minlength=len(column.dictionary)) > 0
    if is_used.all():
        return column
    new = (np.cumsum(is_used) - 1).clip(0).astype(np.int32)
    kept = np.take(new, numbers, mode="clip") if len(new) else np.zeros(len(numbers), np.int32)
    bits = None if valid is None else _bits(valid)
    texts = [text for text, used in zip(column.dictionary.to_pylist(), is_used, strict=True) if used]
    indices = pa.Array.from_buffers(pa.int32(), len(kept), [bits, pa.py_buffer(kept)])
    return pa.DictionaryArray.from_arrays(indices, _strings(texts))


def order_by(table: pa.Table, names: Sequence[str]) -> np.ndarray:
    """Return positions that sort a table by columns without nulls, texts by code point; equal rows keep their order."""
    keys = []
    for name in names:
        column = table.column(name)
        if pa.types.is_dictionary(column.type):
            vocabulary: dict[str | None, int] = {}
            codes = text_codes(column, vocabulary)
            ranks = {text: rank for rank, text in enumerate(sorted(text or "" for text in vocabulary))}
            keys.append(np.array([ranks[text or ""] for text in vocabulary], np.int64)[codes])
        else:
            keys.append(to_int64(column))
    return np.lexsort(keys[::-1])


def _number(value: Any) -> Any:
    if isinstance(value, datetime):
        return microseconds(value)
    if isinstance(value, date):
        return value.toordinal() - _EPOCH_DAY
    return value


def _strings(values: Sequence[str | None]) -> pa.Array:
    encoded = [b"" if value is None else value.encode() for value in values]
    offsets = np.zeros(len(values) + 1, np.int32)
    np.cumsum([len(part) for part in encoded], out=offsets[1:])
    data = b"".join(encoded)
    return pa.Array.from_buffers(
        pa.string(), len(values), [_validity_bits(values), pa.py_buffer(offsets), pa.py_buffer(data)]
    )


def _validity_bits(values: Sequence[Any]) -> pa.Buffer | None:
    if all(value is not None for value in values):
        return None
    return _bits(np.array([value is not None for value in values], dtype=bool))


def _bits(valid: np.ndarray) -> pa.Buffer:
    return pa.py_buffer(np.packbits(valid, bitorder="little"))
