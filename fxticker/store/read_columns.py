"""Reader of many segments into one array per column, sorted in the documented order.

Each array is allocated once, at its full length, and every segment is decoded directly into its slice, several segments
at a time: at 13 million rows a load spends most of its time on memory that is touched for the first time, so that every
further copy of the rows would cost as much as reading them.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import pyarrow as pa

from fxticker.store.arrow import filter_rows, to_int64, validity, values_of
from fxticker.store.load_threads import each
from fxticker.store.read_span import ALL_TIME, Span
from fxticker.store.read_span import SOURCE as SOURCE_FIELD
from fxticker.store.segment_file import SegmentFile
from fxticker.store.segments import SegmentName, SegmentTable

SOURCE = "source"
ORDER = ("observed_at", "pair", SOURCE, "recorded_at", "rate_text")
"""Sort order of the result; the first two columns suffice unless a pair has several values at one instant."""
_FEW = frozenset([SOURCE, "pair", "time_basis", "origin"])
"""Columns that almost certainly have at most 127 distinct texts; if not, everything is read again with wider codes."""
_DAY_MS = 86_400_000
_BLOCK_ROWS = 1 << 17
"""Rows processed at once, so that their temporary arrays fit in the cache."""
_SAMPLES = (slice(512), slice(None, None, 17), slice(None))
"""Samples of a segment's rows in which the used texts are looked for; all rows are rarely needed to see every text."""
NO_DATE = np.iinfo(np.int64).min
"""A null date: the value that numpy treats as NaT."""

_Files = Sequence[tuple[str, SegmentFile]]
"""Source and file of each segment."""
Select = Callable[[str, pa.Table], np.ndarray | None]
"""Returns which rows of a source's segment to keep, a bool each; None for all."""


@dataclass(frozen=True, slots=True)
class Gathered:
    """Ticks, column by column.

    Attributes
    ----------
    columns
        Timestamps as microseconds since the epoch (UTC), dates as milliseconds since the epoch (`NO_DATE` if null),
        texts as codes of their vocabulary (-1 if null), numbers unchanged (NaN if null).
    texts
        Vocabulary of each column of texts: the texts that occur, sorted.
    """

    columns: dict[str, np.ndarray]
    texts: dict[str, list[str]]


def read_columns(
    table: SegmentTable,
    segments: Sequence[SegmentName],
    *,
    span: Span,
    columns: Collection[str],
    select: Select,
) -> Gathered:
    """Return rows of ticks from segments, sorted by `ORDER`.

    Parameters
    ----------
    table
        The ticks.
    segments
        Segments of the table, in the order of months and numbers.
    span
        Only rows in it.
    columns
        Columns to read at least: the wanted ones and those that `select` uses. Columns of `ORDER` are added as far as
        sorting needs them.
    select
        Which rows of a segment to keep, given its source and those columns of it.

    Raises
    ------
    SegmentUnreadable
        If a segment is damaged.
    """

    def chosen(source: str, rows: pa.Table) -> np.ndarray | None:
        kept = select(source, rows)
        if span == ALL_TIME:
            return kept
        within = span.within(to_int64(rows.column("observed_at")))
        return within if kept is None else within & kept

    sources = (segment.source for segment in segments)
    files = [
        (source, file)
        for source, file in zip(sources, each(table.open, segments), strict=True)
        if span.overlaps(file.summary)
    ]
    for keys in (ORDER[:2], ORDER) if _are_consecutive(files) else (ORDER,):
        wanted = pa.schema([field for field in (SOURCE_FIELD, *table.spec.schema) if field.name in {*columns, *keys}])
        if (result := _sorted(_gathered(files, wanted, chosen))) is not None:
            return result
    raise AssertionError("all columns of the order were read")


def _are_consecutive(files: _Files) -> bool:
    """Whether each file begins after the end of the one before it."""
    spans = [(file.summary.first, file.summary.last) for _, file in files if file.summary.rows]
    return all(before[1] < after[0] for before, after in pairwise(spans))


def _gathered(files: _Files, schema: pa.Schema, select: Select) -> Gathered:
    try:
        return _Filling(files, schema, select, few=np.int8, many=np.int16).gathered()
    except OverflowError:  # more texts in a column than its type can number
        return _Filling(files, schema, select, few=np.int32, many=np.int32).gathered()


class _Filling:
    """The result's arrays while segments are decoded into them."""

    def __init__(
        self,
        files: _Files,
        schema: pa.Schema,
        select: Select,
        *,
        few: type[np.signedinteger[Any]],
        many: type[np.signedinteger[Any]],
    ) -> None:
        self._files = files
        self._select = select
        self._lock = threading.Lock()
        self._starts = np.cumsum([0, *(file.summary.rows for _, file in files)]).tolist()
        self._stored = [name for name in schema.names if name != SOURCE]
        texts = [field.name for field in schema if pa.types.is_dictionary(field.type)]
        self._vocabularies: dict[str, dict[str, int]] = {name: {} for name in texts}
        types = {field.name: type_of(field.type) for field in schema if field.name not in texts}
        types |= {name: np.dtype(few if name in _FEW else many) for name in texts}
        self._columns = {name: np.empty(self._starts[-1], kind) for name, kind in types.items()}
        self._counts = each(self._fill, range(len(files)), self._starts[-1] * len(self._columns))

    def gathered(self) -> Gathered:
        places = [slice(start, start + count) for start, count in zip(self._starts, self._counts, strict=False)]
        columns = self._columns
        if sum(self._counts) < self._starts[-1]:
            columns = {name: np.concatenate([array[place] for place in places]) for name, array in columns.items()}
        texts = {name: sorted(vocabulary) for name, vocabulary in self._vocabularies.items()}

        def ranked(name: str) -> np.ndarray:
            return _renumbered(columns[name], self._vocabularies[name], texts[name])

        columns |= zip(texts, each(ranked, list(texts), self._starts[-1] * len(texts)), strict=True)
        return Gathered(columns, texts)

    def _fill(self, position: int) -> int:
        source, file = self._files[position]
        rows = file.read(self._stored)
        if (kept := self._select(source, rows)) is not None:
            rows = filter_rows(rows, kept)
        if not rows.num_rows:
            return 0
        place = slice(self._starts[position], self._starts[position] + rows.num_rows)
        for name, column in zip(self._stored, rows.combine_chunks().columns, strict=True):
            target, chunk = self._columns[name][place], column.chunk(0)
            if name in self._vocabularies:
                self._put_texts(name, chunk, target)
            else:
                put_numbers(chunk, target)
        if SOURCE in self._columns:
            self._columns[SOURCE][place] = self._numbers_of(SOURCE, [source])[0]
        return int(rows.num_rows)

    def _put_texts(self, name: str, chunk: pa.DictionaryArray, target: np.ndarray) -> None:
        words, valid = chunk.dictionary.to_pylist(), validity(chunk.indices)
        if len(words) == 1 and valid is None:  # true of about half of the columns
            target[:] = self._numbers_of(name, words)[0]
            return
        indices = values_of(chunk.indices)
        used = _used(indices, valid, len(words))
        codes = np.zeros(len(words) + 1, target.dtype)
        codes[used] = self._numbers_of(name, [words[place] for place in used])
        if (codes[used] == used).all():
            np.copyto(target, indices, casting="unsafe")  # the codes equal those of the file
        else:
            np.take(codes, indices, out=target, mode="clip")
        if valid is not None:
            target[~valid] = -1

    def _numbers_of(self, name: str, words: Sequence[str]) -> np.ndarray:
        vocabulary = self._vocabularies[name]
        with self._lock:
            # Sorted, so that most columns of few texts have their codes in order from the start.
            for word in sorted(words):
                vocabulary.setdefault(word, len(vocabulary))
        return np.array([vocabulary[word] for word in words], self._columns[name].dtype)


def put_numbers(chunk: pa.Array, target: np.ndarray) -> None:
    """Write a chunk of numbers, timestamps or dates as in `Gathered` into an array of its `type_of`."""
    valid = validity(chunk)
    if pa.types.is_floating(chunk.type):
        target[:] = values_of(chunk)
        if valid is not None:
            target[~valid] = np.nan
    elif pa.types.is_date(chunk.type):
        np.multiply(values_of(chunk), _DAY_MS, out=target, dtype=target.dtype)
        if valid is not None:
            target[~valid] = NO_DATE
    else:
        target[:] = values_of(chunk)


def _used(indices: np.ndarray, valid: np.ndarray | None, count: int) -> np.ndarray:
    """The positions of a dictionary's words that occur in rows."""
    for rows in _SAMPLES:
        some = indices[rows] if valid is None else indices[rows][valid[rows]]
        is_used = np.bincount(some, minlength=count) > 0
        if is_used.all():
            break
    return np.flatnonzero(is_used)


def _renumbered(codes: np.ndarray, vocabulary: dict[str, int], texts: list[str]) -> np.ndarray:
    """Codes of the sorted texts instead of codes in order of first occurrence; -1 is kept."""
    smallest = np.min_scalar_type(-len(texts) - 1)
    if codes.dtype == smallest and list(vocabulary) == texts:
        return codes
    numbers = np.full(len(texts) + 1, -1, smallest)
    numbers[[vocabulary[text] for text in texts]] = np.arange(len(texts))
    result = codes if codes.dtype == smallest else np.empty(len(codes), smallest)
    for start in range(0, len(codes), _BLOCK_ROWS):  # numpy widens the indices: in blocks they fit in the cache
        place = slice(start, start + _BLOCK_ROWS)
        result[place] = np.take(numbers, codes[place], mode="wrap")
    return result


def _sorted(rows: Gathered) -> Gathered | None:
    """The rows sorted by `ORDER`, as those of one source mostly are already; None if a column to sort by is missing."""
    observed_at, pair = (rows.columns[name] for name in ORDER[:2])

    def has_disorder(start: int) -> bool:
        block = slice(start, start + _BLOCK_ROWS + 1)
        return bool(_disordered(observed_at[block], pair[block]).any())

    if not any(each(has_disorder, range(0, len(observed_at), _BLOCK_ROWS), 2 * len(observed_at))):
        return rows
    if not rows.columns.keys() >= set(ORDER):
        return None
    # Every file is sorted, so a stable sort by time merges runs; then only rows of one instant may still be wrong.
    order = np.argsort(observed_at, kind="stable")
    keys = [rows.columns[name][order] for name in ORDER]
    instant = np.concatenate([[0], np.cumsum(keys[0][1:] != keys[0][:-1])])
    is_wrong = np.zeros(instant[-1] + 1, bool)
    is_wrong[instant[1:][_disordered(*keys[:2])]] = True
    places = np.flatnonzero(is_wrong[instant])
    order[places] = order[places][np.lexsort([key[places] for key in reversed(keys)])]
    arrays = list(rows.columns.values())
    arrays = each(lambda array: array[order], arrays, len(order) * len(arrays))
    return Gathered(dict(zip(rows.columns, arrays, strict=True)), rows.texts)


def _disordered(observed_at: np.ndarray, pair: np.ndarray) -> np.ndarray:
    """Whether each row but the first does not come strictly after the row before it."""
    same = observed_at[1:] == observed_at[:-1]
    wrong: np.ndarray = observed_at[1:] < observed_at[:-1]
    wrong |= same & (pair[1:] <= pair[:-1])
    return wrong


def type_of(kind: pa.DataType) -> np.dtype[Any]:
    """Return the numpy type of a column of numbers, timestamps or dates."""
    if pa.types.is_temporal(kind):
        return np.dtype(np.int64)
    result: np.dtype[Any] = np.dtype(kind.to_pandas_dtype())
    return result
