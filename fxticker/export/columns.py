"""Columns: what a file holds of a frame's column, as Python values and as texts, computed once per distinct value."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any, Literal

import numpy as np
import pandas as pd

from fxticker.model.formatting import plain_decimal

_PART_ROWS = 50_000
"""Rows that are Python objects at one time: some 30 MB."""
Kind = Literal["instant", "day", "number", "integer", "flag", "text"]


def with_index(frame: pd.DataFrame) -> pd.DataFrame:
    """Return a frame whose named index, as that of `fxticker.wide`, is its first column."""
    return frame if frame.index.name is None else frame.reset_index()


def kind_of(column: pd.Series) -> Kind:
    """Return what a column holds.

    A column of timestamps with a zone holds instants, and one without a zone days.
    """
    kind = column.dtype
    if isinstance(kind, pd.DatetimeTZDtype):
        return "instant"
    if pd.api.types.is_datetime64_dtype(kind):
        return "day"
    if pd.api.types.is_bool_dtype(kind):
        return "flag"
    if pd.api.types.is_integer_dtype(kind):
        return "integer"
    return "number" if pd.api.types.is_float_dtype(kind) else "text"


def rows_of(frame: pd.DataFrame, cells: Callable[[pd.Series], list[Any]]) -> Iterator[tuple[Any, ...]]:
    """Yield the rows of a frame, the values of each column as `cells` returns them for a part of it."""
    for begin in range(0, len(frame), _PART_ROWS):
        part = frame.iloc[begin : begin + _PART_ROWS]
        yield from zip(*(cells(part[name]) for name in part.columns), strict=True)


def values_of(column: pd.Series) -> list[Any]:
    """Return a column's values for JSON and databases.

    Instants are texts in ISO 8601 with microseconds and zone (``2025-11-14T12:00:00.000000Z``), days texts
    (``2025-11-14``), numbers Python's; what is missing or no finite number is None.
    """
    kind = kind_of(column)
    if kind in ("instant", "day"):
        return _by_value(column, _instant if kind == "instant" else _day)
    if kind == "number":
        return [value if math.isfinite(value) else None for value in column.tolist()]
    return [None if value is pd.NA or value != value else value for value in column.tolist()]  # noqa: PLR0124  NaN


def texts_of(column: pd.Series, decimal_mark: str) -> list[Any]:
    """Return a column's values for CSV: as `values_of`, and numbers as texts without an exponent, 0.00008."""
    if kind_of(column) != "number":
        return values_of(column)
    return _by_value(column, lambda value: plain_decimal(value).replace(".", decimal_mark))


def _by_value(column: pd.Series, text: Callable[[Any], str]) -> list[Any]:
    """Return the text of each value, None where it is missing; each distinct one is written once."""
    codes, values = pd.factorize(column)
    texts = np.array([*map(text, values), None], dtype=object)  # a missing value has the code -1: the last one
    result: list[Any] = texts[codes].tolist()
    return result


def _instant(value: pd.Timestamp) -> str:
    return value.isoformat(timespec="microseconds").replace("+00:00", "Z")


def _day(value: pd.Timestamp) -> str:
    return f"{value:%Y-%m-%d}"
