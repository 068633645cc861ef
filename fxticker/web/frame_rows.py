"""Frame rows: the rows of a frame as JSON has them, instants as text and nothing as null."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pandas as pd

from fxticker.model.timestamps import iso_text

_WHOLE = frozenset({"duration_ms", "http_status", "body_bytes", "parser_version"})
"""Columns of whole numbers that may be null, which frames have as floats."""


def rows_of_frame(frame: pd.DataFrame, names: Sequence[str] | None = None) -> list[dict[str, Any]]:
    """Return the rows of a frame.

    Parameters
    ----------
    frame
        Any frame of the package.
    names
        Only these columns; None for all.
    """
    chosen = list(frame.columns) if names is None else list(names)
    columns = [_values(frame[name]) for name in chosen]
    return [dict(zip(chosen, values, strict=True)) for values in zip(*columns, strict=True)]


def _values(column: pd.Series) -> list[Any]:
    missing, dtype, values = column.isna().to_numpy(), column.dtype, column.astype("object").tolist()
    convert: Callable[[Any], Any] = _same
    if isinstance(dtype, pd.DatetimeTZDtype):
        convert = _instant
    elif isinstance(dtype, np.dtype) and dtype.kind == "M":
        convert = _day
    elif column.name in _WHOLE:
        convert = int
    return [None if gone else convert(value) for value, gone in zip(values, missing, strict=True)]


def _same(value: Any) -> Any:
    return value


def _instant(value: pd.Timestamp) -> str:
    return iso_text(value.to_pydatetime())


def _day(value: pd.Timestamp) -> str:
    return value.date().isoformat()
