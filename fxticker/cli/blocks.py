"""Rows of a frame or a list as blocks of columns of Python's values, so that few rows are Python objects at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd

BLOCK_ROWS = 10_000
"""Rows of a block: a tenth of a second's work, some 10 MB."""
Block = Mapping[str, list[Any]]
Records = Sequence[Mapping[Any, Any]]


def blocks_of(
    rows: pd.DataFrame | Records,
    names: Sequence[str],
    change: Callable[[pd.DataFrame | Records], pd.DataFrame | Records] | None = None,
) -> Iterator[Block]:
    """Yield these columns of consecutive rows, each as a list of Python's values; what is missing is ``None``.

    The rows of each block are changed before, if `change` is given.
    """
    for begin in range(0, len(rows), BLOCK_ROWS):
        part = rows[begin : begin + BLOCK_ROWS]
        if change is not None:
            part = change(part)
        if isinstance(part, Sequence):
            yield {name: [_or_none(row[name]) for row in part] for name in names}
        else:
            yield {name: _values(part[name]) for name in names}


def _values(column: pd.Series) -> list[Any]:
    import pandas as pd

    codes, distinct = pd.factorize(column)
    listed: list[Any] = distinct.tolist()
    if isinstance(distinct, pd.DatetimeIndex) and distinct.unit != "ns":  # Python's are written in half the time
        listed = distinct.to_pydatetime().tolist()
    values = [*listed, None]  # a missing value has the code -1: the last one
    return [values[code] for code in codes.tolist()]


def _or_none(value: Any) -> Any:
    # NaT and NaN are the values that differ from themselves
    return None if value is None or value != value else value  # noqa: PLR0124
