"""Types of loaded rows: a pandas frame, an Arrow table or a Polars frame of the same rows."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, tzinfo
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, get_args

import numpy as np
import pyarrow as pa

from fxticker.errors import MissingExtra
from fxticker.model.invalid import InvalidArgument
from fxticker.store.arrow import compact, text_codes

if TYPE_CHECKING:
    import pandas as pd

    from fxticker.store.read_columns import Gathered

Returns: TypeAlias = Literal["pandas", "arrow", "polars"]
_NULLABLE_NUMBERS = {"duration_ms", "http_status", "body_bytes", "parser_version"}
_DAY_MS = 86_400_000
_FEW_TEXTS = 100


def converter(returns: Returns) -> Callable[[Gathered, tzinfo], Any]:
    """Return what makes columns a frame or table of a type, with instants in a time zone.

    Raises
    ------
    MissingExtra
        If Polars is not installed: ``pip install 'fxticker[readers]'``.
    ValueError
        If there is no such type.
    """
    if returns not in get_args(Returns):
        raise InvalidArgument(f"returns={returns!r} is none of {', '.join(get_args(Returns))}")
    if returns == "arrow":
        return arrow_table
    if returns == "pandas":
        return pandas_frame
    try:
        import polars as pl
    except ModuleNotFoundError as error:
        raise MissingExtra("a Polars frame needs Polars", "readers") from error
    return lambda gathered, zone: pl.from_arrow(arrow_table(gathered, zone))


def pandas_frame(gathered: Gathered, zone: tzinfo = UTC) -> pd.DataFrame:
    """Return columns as a frame, with the types of `fxticker.load` and its instants in a time zone."""
    import pandas as pd

    def series(name: str, values: np.ndarray) -> Any:
        if name in gathered.texts:
            texts = gathered.texts[name]
            kind = _few_categories(tuple(texts)) if len(texts) <= _FEW_TEXTS else _categories(texts)
            return pd.Categorical.from_codes(values, dtype=kind, validate=False)
        if name.endswith("_at"):
            return pd.array(values, dtype=pd.DatetimeTZDtype("us", zone), copy=False)
        return values.view("M8[ms]") if name.endswith("_date") else values

    return pd.DataFrame({name: series(name, values) for name, values in gathered.columns.items()}, copy=False)


def _categories(texts: Sequence[str]) -> pd.CategoricalDtype:
    import pandas as pd

    return pd.CategoricalDtype(pd.Index(list(texts), dtype="str"))


_few_categories = functools.lru_cache(256)(_categories)
"""Remembers types: to make those of a few rows takes longer than the rest of their frame."""


def gathered_of(ticks: pa.Table) -> Gathered:
    """Return ticks as columns, of which pandas makes a frame of few rows sooner than Arrow makes one of the table."""
    from fxticker.store.read_columns import Gathered, put_numbers, type_of  # `latest` without pandas needs none of it

    columns: dict[str, np.ndarray] = {}
    texts: dict[str, list[str]] = {}
    for name, column in zip(ticks.column_names, ticks.columns, strict=True):
        if pa.types.is_dictionary(column.type):
            vocabulary: dict[str | None, int] = {}
            codes = text_codes(column, vocabulary)
            counts = np.bincount(codes, minlength=len(vocabulary))
            texts[name] = sorted(text for text, code in vocabulary.items() if text is not None and counts[code])
            numbers = np.full(len(vocabulary), -1, np.min_scalar_type(-len(texts[name]) - 1))
            numbers[[vocabulary[text] for text in texts[name]]] = np.arange(len(texts[name]))
            columns[name] = numbers[codes]
        else:
            columns[name] = np.empty(ticks.num_rows, type_of(column.type))
            put_numbers(column.combine_chunks(), columns[name])
    return Gathered(columns, texts)


def arrow_table(gathered: Gathered, zone: tzinfo) -> pa.Table:
    """Return columns as a table, with the types of the store's files and its instants in a time zone.

    What takes no conversion, numbers without nulls and instants, is not copied.
    """
    instant = pa.timestamp("us", pa.lib.tzinfo_to_string(zone))

    def array(name: str, values: np.ndarray) -> pa.Array:
        if name in gathered.texts:
            codes = pa.array(values, mask=values < 0 if (values < 0).any() else None)
            return pa.DictionaryArray.from_arrays(codes, pa.array(gathered.texts[name], pa.string()), safe=False)
        if name.endswith("_at"):
            return pa.Array.from_buffers(instant, len(values), [None, pa.py_buffer(values)])
        if name.endswith("_date"):
            is_null = np.isnat(values.view("M8[ms]"))
            return pa.array(np.where(is_null, 0, values // _DAY_MS).astype(np.int32), mask=is_null).view(pa.date32())
        has_nan = values.dtype.kind == "f" and bool(np.isnan(values).any())  # NaN stands for null
        return pa.array(values, from_pandas=has_nan)  # which looks at each number by itself

    return pa.table({name: array(name, values) for name, values in gathered.columns.items()})


def with_bands(gathered: Gathered) -> Gathered:
    """Return columns with `rate_lo` and `rate_hi` after them: see `fxticker.frames.one_per_instant.with_bands`."""
    from fxticker.frames.one_per_instant import with_bands as banded

    needed = {name: gathered.columns[name] for name in ("rate_text", "nominal", "origin")}
    frame = banded(pandas_frame(replace(gathered, columns=needed)))
    bounds = {name: frame[name].to_numpy() for name in ("rate_lo", "rate_hi")}
    return replace(gathered, columns=gathered.columns | bounds)


def to_frame(table: pa.Table) -> pd.DataFrame:
    """Return rows as a frame with the types of `load`."""
    import pandas as pd

    # dates as datetime64: a column of Python dates takes longer to load than all others together
    frame: pd.DataFrame = compact(table.unify_dictionaries()).to_pandas(date_as_object=False)
    for name, column in zip(table.column_names, table.columns, strict=True):
        if pa.types.is_dictionary(column.type) and column.null_count == len(column):
            frame[name] = frame[name].cat.set_categories(pd.Index([], dtype="str"))
    for name in _NULLABLE_NUMBERS & set(frame.columns):
        frame[name] = frame[name].astype("float64")
    return frame
