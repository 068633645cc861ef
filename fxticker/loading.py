"""From the store to frames: every stored row once, sorted, with the documented types."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from fxticker.errors import NoData
from fxticker.instants import Moment, instant, last_instant
from fxticker.models import TimeBasis
from fxticker.store import Store, opened
from fxticker.store.columns import indices_of, integers, microseconds, order_by, text_codes
from fxticker.store.scanning import scan, with_source
from fxticker.store.segments import SegmentName, SegmentTable

if TYPE_CHECKING:
    import pandas as pd

_NULLABLE_NUMBERS = {"duration_ms", "http_status", "body_bytes"}
StorePath = str | os.PathLike[str] | Store
_ORDER = ("observed_at", "pair", "source", "recorded_at", "rate_text")


def load(
    store: StorePath,
    *,
    pairs: Iterable[str] | None = None,
    start: Moment | None = None,
    end: Moment | None = None,
    sources: Iterable[str] | None = None,
    as_of: Moment | None = None,
    bands: bool = False,
) -> pd.DataFrame:
    """All stored ticks that match, one row each.

    Parameters
    ----------
    store
        The store's folder, or an open store.
    pairs
        Only these, as the source orients them.
    start, end
        Half-open span of `observed_at`; a date stands for its 00:00 UTC.
    sources
        Only these.
    as_of
        Only rows that were recorded by then; a date reaches to its end.
    bands
        Add `rate_lo` and `rate_hi`: what the printed digits allow the rate to be.

    Returns
    -------
    pandas.DataFrame
        Sorted by observed_at, then pair. Columns: ``source`` (category), then those of the data contract: ``pair``
        (category), ``observed_at`` (datetime64[us, UTC]), ``time_basis`` (category), ``rate`` (float64, quote per one
        unit of base), ``rate_text`` (category), ``nominal`` (int32), ``change_pct`` (float64, NaN if none was
        printed), ``change_text`` (category, null if none was printed), ``source_date`` (datetime64 without zone, NaT
        if none), ``origin`` (category), ``recorded_at`` (datetime64[us, UTC]). Empty, with the same columns and types,
        where nothing matches.

    Raises
    ------
    StoreError
        If there is no store at the path, or a file of it cannot be read: nothing is skipped.
    """
    found = opened(store)
    table = _scanned(found.ticks, sources=sources, start=start, end=end)
    table = _filtered(table, pairs=pairs, as_of=as_of)
    table = table.take(indices_of(order_by(table, _ORDER)))
    frame = _to_frame(table)
    if bands:
        from fxticker.frames import with_bands

        return with_bands(frame)
    return frame


def load_polls(
    store: StorePath,
    *,
    sources: Iterable[str] | None = None,
    start: Moment | None = None,
    end: Moment | None = None,
) -> pd.DataFrame:
    """What became of every slot, one row each.

    Parameters
    ----------
    store
        The store's folder, or an open store.
    sources
        Only these.
    start, end
        Half-open span of `slot`; a date stands for its 00:00 UTC.

    Returns
    -------
    pandas.DataFrame
        Sorted by slot, then source. Columns: ``source``, then those of the data contract, from ``slot`` to
        ``detail``; whole numbers that may be null are float64.
    """
    table = _scanned(opened(store).polls, sources=sources, start=start, end=end)
    return _to_frame(table.take(indices_of(order_by(table, ("slot", "source")))))


def wide(
    store: StorePath,
    *,
    source: str | None = None,
    pairs: Iterable[str] | None = None,
    start: Moment | None = None,
    end: Moment | None = None,
) -> pd.DataFrame:
    """One source's rates side by side.

    Returns
    -------
    pandas.DataFrame
        Index ``observed_at`` (UTC), a float64 column per pair in alphabetical order, NaN where a pair was not shown at
        that instant. Several values at one instant are settled as `fxticker.frames.settled` says.

    Raises
    ------
    ValueError
        If the store has several sources and none is named.
    """
    from fxticker.frames import settled

    frame = load(store, sources=None if source is None else [source], pairs=pairs, start=start, end=end)
    held = sorted(frame["source"].unique())
    if len(held) > 1:
        raise ValueError(f"the store holds several sources, name one: {', '.join(held)}")
    one_each = settled(frame)
    return (
        one_each.assign(pair=one_each["pair"].astype(str))
        .set_index(["observed_at", "pair"])["rate"]
        .unstack("pair")
        .sort_index(axis="columns")
        .rename_axis(columns=None)
        .astype("float64")
    )


def latest(store: StorePath, *, sources: Iterable[str] | None = None) -> pd.DataFrame:
    """The last tick of each source and pair.

    Returns
    -------
    pandas.DataFrame
        The columns of `load`, one row per source and pair, sorted by source and pair. Of several values at the last
        instant it is the last recorded one, and one that has an instant before one that has a date only.

    Raises
    ------
    NoData
        If the store holds no tick.
    """
    return _to_frame(latest_table(opened(store), sources=sources))


def latest_table(store: Store, *, sources: Iterable[str] | None = None) -> pa.Table:
    """`latest` as an Arrow table, made without pandas: what a command line can wait for."""
    segments = store.ticks.segments()
    wanted = sorted({segment.source for segment in segments}) if sources is None else sorted(set(_names(sources)))
    parts = [_latest_of(store.ticks, [item for item in segments if item.source == source]) for source in wanted]
    found = [part for part in parts if part is not None]
    if not found:
        raise NoData(f"{store.medium}: no tick is stored" + (f" for {', '.join(wanted)}" if sources else ""))
    return pa.concat_tables(found)


def _latest_of(table: SegmentTable, segments: Sequence[SegmentName]) -> pa.Table | None:
    rows: pa.Table | None = None
    for month in sorted({segment.month for segment in segments}, reverse=True):
        held = [with_source(table.read(item), item.source) for item in segments if item.month == month]
        rows = pa.concat_tables(held if rows is None else [*held, rows])
        # at one instant a row that has an instant counts before one that has a date only: see frames.settled
        is_exact = text_codes(rows.column("time_basis"), {TimeBasis.DATE: 0}) > 0
        order = order_by(rows, ("recorded_at", "rate_text"))
        order = order[np.argsort(is_exact[order], kind="stable")]
        order = order[order_by(rows.take(indices_of(order)), ("pair", "observed_at"))]
        codes = text_codes(rows.column("pair"), {})[order]
        is_last = np.append(codes[1:] != codes[:-1], True)[: len(codes)]
        rows = rows.take(indices_of(order[is_last])).combine_chunks()
    return rows


def _scanned(
    table: SegmentTable, *, sources: Iterable[str] | None, start: Moment | None, end: Moment | None
) -> pa.Table:
    return scan(
        table,
        sources=None if sources is None else _names(sources),
        start=None if start is None else instant(start),
        end=None if end is None else instant(end),
    ).unify_dictionaries()


def _filtered(table: pa.Table, *, pairs: Iterable[str] | None, as_of: Moment | None) -> pa.Table:
    kept = np.ones(table.num_rows, bool)
    if pairs is not None:
        vocabulary: dict[str | None, int] = {}
        codes = text_codes(table.column("pair"), vocabulary)
        kept &= np.isin(codes, [vocabulary[pair] for pair in set(_names(pairs)) if pair in vocabulary])
    if as_of is not None:
        kept &= integers(table.column("recorded_at")) <= microseconds(last_instant(as_of))
    return table if kept.all() else table.take(indices_of(np.flatnonzero(kept)))


def _names(names: Iterable[str]) -> list[str]:
    """Names as a list: one alone may be given as plain text."""
    return [names] if isinstance(names, str) else list(names)


def _to_frame(table: pa.Table) -> pd.DataFrame:
    import pandas as pd

    # dates as datetime64: a column of Python dates takes longer to load than all others together
    frame: pd.DataFrame = table.unify_dictionaries().to_pandas(date_as_object=False)
    for name in frame.columns[frame.dtypes == "category"]:
        kept = frame[name].cat.remove_unused_categories()
        frame[name] = kept if len(kept.cat.categories) else kept.cat.set_categories(pd.Index([], dtype="str"))
    for name in _NULLABLE_NUMBERS & set(frame.columns):
        frame[name] = frame[name].astype("float64")
    return frame
