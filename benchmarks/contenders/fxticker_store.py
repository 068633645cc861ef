"""fxticker: its own store, read and written by its public functions."""

from __future__ import annotations

import inspect
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa

import fxticker as fx
from benchmarks.answers import PAIR, THREE, bounds
from benchmarks.synthetic import Row
from fxticker.model.records import Origin, Tick, TimeBasis
from fxticker.store.schema import TICKS
from fxticker.store.store import Store

SOURCE = "timesca"


class FxTicker:
    """A store, opened anew by each load as in a script, and kept open between appends as in the daemon."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._store = Store(folder)

    def create(self, table: pa.Table) -> None:
        """Fill the store."""
        fill(self._store, table)

    def append_snapshot(self, rows: list[Row]) -> None:
        """`Store.append`, building its ticks included."""
        self._store.append([tick_of(row) for row in rows])

    def load_all(self) -> pd.DataFrame:
        """`fx.load`."""
        return fx.load(self._folder)

    def load_three(self) -> pd.DataFrame:
        """`fx.load` of three columns."""
        if "columns" not in inspect.signature(fx.load).parameters:
            raise NotImplementedError
        return fx.load(self._folder, columns=list(THREE))

    def load_month_of_pair(self, month: str) -> pd.DataFrame:
        """`fx.load` of a span and a pair."""
        start, end = bounds(month)
        return fx.load(self._folder, pairs=[PAIR], start=start, end=end)

    def latest(self) -> pd.DataFrame:
        """`fx.latest`."""
        return fx.latest(self._folder)


class FxTickerToArrow:
    """`fx.load` with Arrow tables as result; `fx.latest` has none."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def load_all(self) -> pa.Table:
        """Everything."""
        return fx.load(self._folder, returns="arrow")

    def load_three(self) -> pa.Table:
        """Three columns."""
        return fx.load(self._folder, columns=list(THREE), returns="arrow")

    def load_month_of_pair(self, month: str) -> pa.Table:
        """A span and a pair."""
        start, end = bounds(month)
        return fx.load(self._folder, pairs=[PAIR], start=start, end=end, returns="arrow")

    def latest(self) -> pa.Table:
        """Refuse: `fx.latest` returns pandas only."""
        raise NotImplementedError


def fill(store: Store, table: pa.Table) -> None:
    """Fill an empty store as if every poll had been appended at its time.

    It bypasses `Store.append`, which would give all rows one `recorded_at` and make files smaller than real ones.
    """
    months = table["observed_at"].to_numpy().astype("M8[M]")
    cuts = [0, *(np.flatnonzero(months[1:] != months[:-1]) + 1).tolist(), len(months)]
    evidence = TICKS.schema.field("evidence")
    table = table.append_column(evidence, pa.nulls(table.num_rows, evidence.type))
    rows = table.cast(TICKS.schema.remove_metadata()).replace_schema_metadata(TICKS.schema.metadata)
    with store.backend.write_lock(timeout_s=1):
        for start, end in pairwise(cuts):
            part = rows.slice(start, end - start).combine_chunks()
            store.ticks.append(SOURCE, str(months[start]), part)


def tick_of(row: Row) -> Tick:
    """Convert a row to the store's record."""
    return Tick(
        source=SOURCE,
        pair=row.pair,
        observed_at=row.observed_at,
        time_basis=TimeBasis(row.time_basis),
        rate=row.rate,
        rate_text=row.rate_text,
        nominal=row.nominal,
        change_pct=row.change_pct,
        change_text=row.change_text,
        source_date=row.source_date,
        origin=Origin(row.origin),
    )
