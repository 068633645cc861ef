"""Many segments into one array per column, in the order that readers are promised.

Each array is made once, at its full length, and every segment is decoded straight into its place, several at a time:
at 13 million rows most of the time of a load goes to memory that is touched for the first time, so that every further
copy of the rows would cost as much as reading them.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import pyarrow as pa

from fxticker.store.columns import doubles, indices_of, integers, validity
from fxticker.store.segment_file import SegmentFile

SOURCE = "source"
ORDER = ("observed_at", "pair", SOURCE, "recorded_at", "rate_text")
"""Sort order of what is gathered; the first two decide unless there are several values at one instant."""
_DAY_MS = 86_400_000
_BLOCK_ROWS = 1 << 16
NO_DATE = np.iinfo(np.int64).min
"""A date that is null: what numpy takes for not-a-time."""

Select = Callable[[pa.Table], np.ndarray | None]
"""Row numbers of a segment to keep; null for all."""


@dataclass(frozen=True, slots=True)
class Gathered:
    """Rows of ticks, column by column.

    Attributes
    ----------
    columns
        Instants as microseconds since the epoch, dates as milliseconds since the epoch (the smallest int64 if null),
        texts as numbers of their vocabulary (-1 if null), numbers as they are (NaN if null).
    texts
        Of each column of texts its vocabulary: those that occur, sorted.
    """

    columns: dict[str, np.ndarray]
    texts: dict[str, list[str]]


def gather(
    segments: Sequence[tuple[str, SegmentFile]], schema: pa.Schema, *, columns: Collection[str], select: Select
) -> Gathered:
    """Gather rows of ticks from segments, sorted by `ORDER`.

    Parameters
    ----------
    segments
        Each with its source, in the order of months and numbers.
    schema
        Of the ticks.
    columns
        Which of its columns to read at least: those wanted, and those that `select` looks at. `source` is added, and
        so are columns of `ORDER` as far as sorting needs them.
    select
        Which rows of a segment, given those columns of it.

    Raises
    ------
    SegmentUnreadable
        If a segment is damaged.
    """
    for keys in (ORDER[:2], ORDER) if _follow_each_other(segments) else (ORDER,):
        wanted = pa.schema([field for field in schema if field.name in {*columns, *keys}])
        if (found := _sorted(_gathered(segments, wanted, select))) is not None:
            return found
    raise AssertionError("all columns of the order were read")


def _follow_each_other(segments: Sequence[tuple[str, SegmentFile]]) -> bool:
    """Whether each segment begins after the end of the one before it."""
    spans = [(file.summary.first, file.summary.last) for _, file in segments if file.summary.rows]
    return all(before[1] < after[0] for before, after in pairwise(spans))


def _gathered(segments: Sequence[tuple[str, SegmentFile]], schema: pa.Schema, select: Select) -> Gathered:
    try:
        return _Filling(segments, schema, select, np.int16).gathered()
    except OverflowError:  # more texts in a column than this type can number
        return _Filling(segments, schema, select, np.int32).gathered()


class _Filling:
    """The arrays while they are being filled, segment by segment."""

    def __init__(
        self,
        segments: Sequence[tuple[str, SegmentFile]],
        schema: pa.Schema,
        select: Select,
        code_type: type[np.signedinteger[Any]],
    ) -> None:
        self._segments = segments
        self._schema = schema
        self._select = select
        self._lock = threading.Lock()
        self._starts = np.cumsum([0, *(file.summary.rows for _, file in segments)]).tolist()
        texts = [SOURCE, *(field.name for field in schema if pa.types.is_dictionary(field.type))]
        self._vocabularies: dict[str, dict[str, int]] = {name: {} for name in texts}
        types = {field.name: _type_of(field.type, code_type) for field in schema} | {SOURCE: np.dtype(code_type)}
        self._columns = {name: np.empty(self._starts[-1], kind) for name, kind in types.items()}
        self._counts = _each(self._fill, range(len(segments)))

    def gathered(self) -> Gathered:
        places = [slice(start, start + count) for start, count in zip(self._starts, self._counts, strict=False)]
        columns = self._columns
        if sum(self._counts) < self._starts[-1]:
            columns = {name: np.concatenate([array[place] for place in places]) for name, array in columns.items()}
        texts = {name: sorted(vocabulary) for name, vocabulary in self._vocabularies.items()}

        def ranked(name: str) -> np.ndarray:
            return _renumbered(columns[name], self._vocabularies[name], texts[name])

        columns |= zip(texts, _each(ranked, list(texts)), strict=True)
        return Gathered(columns, texts)

    def _fill(self, position: int) -> int:
        source, file = self._segments[position]
        rows = file.read(self._schema.names)
        kept = self._select(rows)
        if kept is not None:
            rows = rows.take(indices_of(kept))
        if not rows.num_rows:
            return 0
        place = slice(self._starts[position], self._starts[position] + rows.num_rows)
        for field, column in zip(self._schema, rows.combine_chunks().columns, strict=True):
            target, chunk = self._columns[field.name][place], column.chunk(0)
            if field.name in self._vocabularies:
                self._put_texts(field.name, chunk, target)
            else:
                _put_numbers(chunk, target)
        self._columns[SOURCE][place] = self._numbers_of(SOURCE, [source])[0]
        return int(rows.num_rows)

    def _put_texts(self, name: str, chunk: pa.DictionaryArray, target: np.ndarray) -> None:
        indices, valid = integers(pa.chunked_array([chunk.indices])), validity(chunk.indices)
        words = chunk.dictionary.to_pylist()
        used = np.bincount(indices if valid is None else indices[valid], minlength=len(words)) > 0
        codes = np.full(len(words) + 1, -1, target.dtype)
        codes[:-1][used] = self._numbers_of(name, [word for word, is_used in zip(words, used, strict=True) if is_used])
        np.take(codes, indices, out=target, mode="clip")
        if valid is not None:
            target[~valid] = -1

    def _numbers_of(self, name: str, words: Sequence[str]) -> np.ndarray:
        vocabulary = self._vocabularies[name]
        with self._lock:
            return np.array([vocabulary.setdefault(word, len(vocabulary)) for word in words], self._columns[name].dtype)


def _put_numbers(chunk: pa.Array, target: np.ndarray) -> None:
    column = pa.chunked_array([chunk])
    if pa.types.is_floating(chunk.type):
        target[:] = doubles(column)
        return
    target[:] = integers(column)
    if pa.types.is_date(chunk.type):
        target *= _DAY_MS
        if (valid := validity(chunk)) is not None:
            target[~valid] = NO_DATE


def _renumbered(codes: np.ndarray, vocabulary: dict[str, int], texts: list[str]) -> np.ndarray:
    """Numbers of the sorted texts, in place of those of the order in which the texts were met; -1 stays."""
    numbers = np.full(len(texts) + 1, -1, np.min_scalar_type(-len(texts) - 1))
    numbers[[vocabulary[text] for text in texts]] = np.arange(len(texts))
    found = np.empty(len(codes), numbers.dtype)
    for start in range(0, len(codes), _BLOCK_ROWS):  # numpy widens what it looks up by: as little as the cache holds
        place = slice(start, start + _BLOCK_ROWS)
        np.take(numbers, codes[place], out=found[place], mode="wrap")
    return found


def _sorted(found: Gathered) -> Gathered | None:
    """The rows sorted by `ORDER`, as those of one source mostly are already; null if a column for that lacks."""
    at, pair = (found.columns[name] for name in ORDER[:2])
    if not _disordered(at, pair).any():
        return found
    if not found.columns.keys() >= set(ORDER):
        return None
    # Every file is sorted, so a stable sort by time merges runs; then only rows of one instant may still be wrong.
    order = np.argsort(at, kind="stable")
    keys = [found.columns[name][order] for name in ORDER]
    instant = np.concatenate([[0], np.cumsum(keys[0][1:] != keys[0][:-1])])
    is_wrong = np.zeros(instant[-1] + 1, bool)
    is_wrong[instant[1:][_disordered(*keys[:2])]] = True
    places = np.flatnonzero(is_wrong[instant])
    order[places] = order[places][np.lexsort([key[places] for key in reversed(keys)])]
    columns = dict(zip(found.columns, _each(lambda array: array[order], list(found.columns.values())), strict=True))
    return Gathered(columns, found.texts)


def _disordered(at: np.ndarray, pair: np.ndarray) -> np.ndarray:
    """For each row but the first whether it does not stand strictly behind the row before it."""
    same = at[1:] == at[:-1]
    wrong: np.ndarray = at[1:] < at[:-1]
    wrong |= same & (pair[1:] <= pair[:-1])
    return wrong


def _type_of(kind: pa.DataType, code_type: type[np.signedinteger[Any]]) -> np.dtype[Any]:
    if pa.types.is_dictionary(kind):
        return np.dtype(code_type)
    if pa.types.is_temporal(kind):
        return np.dtype(np.int64)
    found: np.dtype[Any] = np.dtype(kind.to_pandas_dtype())
    return found


def _each(work: Callable[[Any], Any], items: Sequence[Any]) -> list[Any]:
    """The results of the work on each item, in order.

    Threads do it, as many as there are processors: Arrow and numpy let go of the interpreter's lock.
    """
    if len(items) < 2:  # noqa: PLR2004
        return [work(item) for item in items]
    with ThreadPoolExecutor(len(os.sched_getaffinity(0))) as pool:
        return list(pool.map(work, items))
