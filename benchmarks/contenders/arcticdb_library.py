"""ArcticDB in LMDB, one symbol with a sorted index of time; its environment has no fxticker."""

from __future__ import annotations

from pathlib import Path

import arcticdb
import pandas as pd
import pyarrow as pa

from benchmarks.answers import PAIR, THREE, bounds
from benchmarks.synthetic import PAIRS, Row, plain

_SYMBOL = "ticks"
_MAP_SIZE = "16GB"
"""Limit of LMDB's size, not its size."""


class ArcticLibrary:
    """`write` once, `append` per snapshot, as its documentation shows; its defaults otherwise."""

    def __init__(self, folder: Path) -> None:
        self._arctic = arcticdb.Arctic(f"lmdb://{folder}?map_size={_MAP_SIZE}")
        self._library = self._arctic.get_library("ticks", create_if_missing=True)

    def create(self, table: pa.Table) -> None:
        """Write one frame."""
        self._library.write(_SYMBOL, _frame(plain(table).to_pandas(date_as_object=False)))

    def append_snapshot(self, rows: list[Row]) -> None:
        """Append a frame of five rows; earlier versions are pruned, because 2.6 million of them are of no use."""
        self._library.append(_SYMBOL, _frame(pd.DataFrame(rows)), prune_previous_versions=True)

    def load_all(self) -> pd.DataFrame:
        """Everything."""
        return self._library.read(_SYMBOL).data

    def load_three(self) -> pd.DataFrame:
        """Two columns and the index."""
        return self._library.read(_SYMBOL, columns=[name for name in THREE if name != "observed_at"]).data

    def load_month_of_pair(self, month: str) -> pd.DataFrame:
        """A range of the index, filtered."""
        start, end = bounds(month)
        query = arcticdb.QueryBuilder()
        query = query[query["pair"] == PAIR]
        closed = (pd.Timestamp(start), pd.Timestamp(end) - pd.Timedelta(1))
        return self._library.read(_SYMBOL, date_range=closed, query_builder=query).data

    def latest(self) -> pd.DataFrame:
        """The last rows."""
        return self._library.tail(_SYMBOL, len(PAIRS)).data


def _frame(ticks: pd.DataFrame) -> pd.DataFrame:
    """Convert instants to nanoseconds and index by time, as ArcticDB requires; it drops the zone of `recorded_at`."""
    instants = {name: ticks[name].dt.as_unit("ns") for name in ("observed_at", "recorded_at")}
    days = pd.to_datetime(ticks["source_date"]).dt.as_unit("ns")
    return ticks.assign(**instants, source_date=days, nominal=ticks["nominal"].astype("int32")).set_index("observed_at")
