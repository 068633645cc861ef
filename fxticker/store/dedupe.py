"""Deduplication: two rows are the same row if they agree in every column of their table's identity."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from fxticker.store.arrow import text_codes, to_int64
from fxticker.store.schema import TableSpec


def first_of_identity(stored: Sequence[pa.Table], rows: pa.Table, spec: TableSpec) -> np.ndarray:
    """Return the positions of the rows that are neither in `stored` nor repeat an earlier row, ascending."""
    tables = [*stored, rows.select(spec.identity)]
    keys = [np.concatenate(_codes(tables, name)) for name in spec.identity]
    order = np.lexsort([np.arange(len(keys[0])), *keys])  # equal identities become neighbours, the stored one first
    repeats = np.zeros(len(order), bool)
    repeats[1:] = np.all([key[order[1:]] == key[order[:-1]] for key in keys], axis=0)
    kept = np.sort(order[~repeats])
    offset = len(keys[0]) - rows.num_rows
    fresh: np.ndarray = kept[kept >= offset] - offset
    return fresh


def is_strictly_sorted(rows: pa.Table, spec: TableSpec) -> bool:
    """Whether rows sorted by their table's order each differ in it from the row before, so that none repeats."""
    keys = [np.concatenate(_codes([rows], name)) for name in spec.order]
    return bool(np.any([key[1:] != key[:-1] for key in keys], axis=0).all())


def _codes(tables: Sequence[pa.Table], name: str) -> list[np.ndarray]:
    if not pa.types.is_dictionary(tables[0].schema.field(name).type):
        return [to_int64(table.column(name)) for table in tables]
    vocabulary: dict[str | None, int] = {}
    return [text_codes(table.column(name), vocabulary) for table in tables]
