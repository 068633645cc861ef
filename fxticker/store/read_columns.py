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

from fxticker.store.arrow import doubles_of, filter_rows, integers_of, to_int64, validity
from fxticker.store.read_span import ALL_TIME, Span
from fxticker.store.segment_file import SegmentFile
from fxticker.store.segments import SegmentName, SegmentTable

SOURCE = "source"
ORDER = ("observed_at", "pair", SOURCE, "recorded_at", "rate_text")
"""Sort order of what is gathered; the first two decide unless there are several values at one instant."""
_FEW = frozenset([SOURCE, "pair", "time_basis", "origin"])
"""Columns with no more texts than a byte can number, all but certainly; if not, everything is read once more."""
_DAY_MS = 86_400_000
_BLOCK_ROWS = 1 << 17
_SAMPLES = (slice(512), slice(None, None, 17), slice(None))
"""Rows of a segment to look for a dictionary's texts in: hardly ever are all needed to meet every one."""
NO_DATE = np.iinfo(np.int64).min
"""A date that is null: what numpy takes for not-a-time."""

_Files = Sequence[tuple[str, SegmentFile]]
"""Each with its source."""
Select = Callable[[pa.Table], np.ndarray | None]
"""Which rows of a segment to keep, a truth value each; null for all."""


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


def read_columns(
    table: SegmentTable,
    segments: Sequence[SegmentName],
    *,
    span: Span,
    columns: Collection[str],
    select: Select,
) -> Gathered:
    """Gather rows of ticks from segments, sorted by `ORDER`.

    Parameters
    ----------
    table
        The ticks.
    segments
        Some of it, in the order of months and numbers.
    span
        Only rows in it.
    columns
        Which columns to read at least: those wanted, and those that `select` looks at. `source` is added, and so are
        columns of `ORDER` as far as sorting needs them.
    select
        Which rows of a segment to keep, given those columns of it.

    Raises
    ------
    SegmentUnreadable
        If a segment is damaged.
    """

    def chosen(rows: pa.Table) -> np.ndarray | None:
        kept = select(rows)
        if span == ALL_TIME:
            return kept
        within = span.within(to_int64(rows.column("observed_at")))
        return within if kept is None else within & kept

    sources = (segment.source for segment in segments)
    files = [
        (source, file)
        for source, file in zip(sources, _each(table.open, segments), strict=True)
        if span.overlaps(file.summary)
    ]
    for keys in (ORDER[:2], ORDER) if _follow_each_other(files) else (ORDER,):
        wanted = pa.schema([field for field in table.spec.schema if field.name in {*columns, *keys}])
        if (found := _sorted(_gathered(files, wanted, chosen))) is not None:
            return found
    raise AssertionError("all columns of the order were read")


def _follow_each_other(files: _Files) -> bool:
    """Whether each file begins after the end of the one before it."""
    spans = [(file.summary.first, file.summary.last) for _, file in files if file.summary.rows]
    return all(before[1] < after[0] for before, after in pairwise(spans))


def _gathered(files: _Files, schema: pa.Schema, select: Select) -> Gathered:
    try:
        return _Filling(files, schema, select, few=np.int8, many=np.int16).gathered()
    except OverflowError:  # more texts in a column than its type can number
        return _Filling(files, schema, select, few=np.int32, many=np.int32).gathered()


class _Filling:
    """The arrays while they are being filled, segment by segment."""

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
        self._schema = schema
        self._select = select
        self._lock = threading.Lock()
        self._starts = np.cumsum([0, *(file.summary.rows for _, file in files)]).tolist()
        texts = [SOURCE, *(field.name for field in schema if pa.types.is_dictionary(field.type))]
        self._vocabularies: dict[str, dict[str, int]] = {name: {} for name in texts}
        types = {field.name: _type_of(field.type) for field in schema if field.name not in texts}
        types |= {name: np.dtype(few if name in _FEW else many) for name in texts}
        self._columns = {name: np.empty(self._starts[-1], kind) for name, kind in types.items()}
        self._counts = _each(self._fill, range(len(files)))

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
        source, file = self._files[position]
        rows = file.read(self._schema.names)
        if (kept := self._select(rows)) is not None:
            rows = filter_rows(rows, kept)
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
        words, valid = chunk.dictionary.to_pylist(), validity(chunk.indices)
        if len(words) == 1 and valid is None:  # half of the columns, mostly: all rows have the one text
            target[:] = self._numbers_of(name, words)[0]
            return
        indices = integers_of(chunk.indices)
        used = _used(indices, valid, len(words))
        codes = np.zeros(len(words) + 1, target.dtype)
        codes[used] = self._numbers_of(name, [words[place] for place in used])
        if (codes[used] == used).all():
            np.copyto(target, indices, casting="unsafe")  # their numbers are those of the file
        else:
            np.take(codes, indices, out=target, mode="clip")
        if valid is not None:
            target[~valid] = -1

    def _numbers_of(self, name: str, words: Sequence[str]) -> np.ndarray:
        vocabulary = self._vocabularies[name]
        with self._lock:
            # Sorted, so that most columns of few texts have their numbers in order from the start.
            for word in sorted(words):
                vocabulary.setdefault(word, len(vocabulary))
        return np.array([vocabulary[word] for word in words], self._columns[name].dtype)


def _put_numbers(chunk: pa.Array, target: np.ndarray) -> None:
    valid = validity(chunk)
    if pa.types.is_floating(chunk.type):
        target[:] = doubles_of(chunk)
        if valid is not None:
            target[~valid] = np.nan
    elif pa.types.is_date(chunk.type):
        np.multiply(integers_of(chunk), _DAY_MS, out=target, dtype=target.dtype)
        if valid is not None:
            target[~valid] = NO_DATE
    else:
        target[:] = integers_of(chunk)


def _used(indices: np.ndarray, valid: np.ndarray | None, count: int) -> np.ndarray:
    """Which of so many words have rows."""
    for rows in _SAMPLES:
        some = indices[rows] if valid is None else indices[rows][valid[rows]]
        is_used = np.bincount(some, minlength=count) > 0
        if is_used.all():
            break
    return np.flatnonzero(is_used)


def _renumbered(codes: np.ndarray, vocabulary: dict[str, int], texts: list[str]) -> np.ndarray:
    """Numbers of the sorted texts, in place of those of the order in which the texts were met; -1 stays."""
    smallest = np.min_scalar_type(-len(texts) - 1)
    if codes.dtype == smallest and list(vocabulary) == texts:
        return codes
    numbers = np.full(len(texts) + 1, -1, smallest)
    numbers[[vocabulary[text] for text in texts]] = np.arange(len(texts))
    found = codes if codes.dtype == smallest else np.empty(len(codes), smallest)
    for start in range(0, len(codes), _BLOCK_ROWS):  # numpy widens what it looks up by: as little as the cache holds
        place = slice(start, start + _BLOCK_ROWS)
        found[place] = np.take(numbers, codes[place], mode="wrap")
    return found


def _sorted(found: Gathered) -> Gathered | None:
    """The rows sorted by `ORDER`, as those of one source mostly are already; null if a column for that lacks."""
    at, pair = (found.columns[name] for name in ORDER[:2])
    starts = range(0, len(at), _BLOCK_ROWS)
    if not any(
        _each(lambda start: _disordered(*(key[start : start + _BLOCK_ROWS + 1] for key in (at, pair))).any(), starts)
    ):
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


def _type_of(kind: pa.DataType) -> np.dtype[Any]:
    """Of a column of numbers or times."""
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
