"""From the store to frames: every stored row once, sorted, with the documented types."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable
from datetime import datetime
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from fxticker.errors import NoData
from fxticker.model.records import TimeBasis
from fxticker.model.timestamps import Moment, instant, last_instant
from fxticker.store.arrow import is_in, microseconds, order_by, take, text_codes, to_int64
from fxticker.store.read_columns import SOURCE, Gathered, read_columns
from fxticker.store.read_last import read_last
from fxticker.store.read_span import Span, read_span, segments_of, with_source
from fxticker.store.schema import TICKS
from fxticker.store.segments import SegmentTable
from fxticker.store.store import Store, opened

if TYPE_CHECKING:
    import pandas as pd

_NULLABLE_NUMBERS = {"duration_ms", "http_status", "body_bytes"}
StorePath = str | os.PathLike[str] | Store


def load(
    store: StorePath,
    *,
    pairs: Iterable[str] | None = None,
    start: Moment | None = None,
    end: Moment | None = None,
    sources: Iterable[str] | None = None,
    as_of: Moment | None = None,
    columns: Iterable[str] | None = None,
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
    columns
        Only these columns, in this order; fewer are read faster.
    bands
        Add `rate_lo` and `rate_hi`: what the printed digits allow the rate to be; of a constant both are the rate.

    Returns
    -------
    pandas.DataFrame
        Sorted by observed_at, then pair. Columns: ``source`` (category), then those of the data contract: ``pair``
        (category), ``observed_at`` (datetime64[us, UTC]), ``time_basis`` (category), ``rate`` (float64, quote per one
        unit of base), ``rate_text`` (category), ``nominal`` (int32), ``change_pct`` (float64, NaN if none was
        printed), ``change_text`` (category, null if none was printed), ``source_date`` (datetime64 without zone, NaT
        if none), ``origin`` (category), ``recorded_at`` (datetime64[us, UTC]). Categories are sorted and all occur.
        Empty, with the same columns and types, where nothing matches.

    Raises
    ------
    StoreError
        If there is no store at the path, or a file of it cannot be read: nothing is skipped.
    ValueError
        If a column is none of those.
    """
    found = opened(store)
    span = _span(start, end)
    known = [SOURCE, *TICKS.schema.names]
    wanted = known if columns is None else names(columns)
    if not set(wanted) <= set(known):
        raise ValueError(f"no column {min(set(wanted) - set(known))}; there are {', '.join(known)}")
    needed = {*wanted, *(("rate_text", "nominal", "origin") if bands else ())}
    frame = _frame_of(_gathered(found.ticks, needed, sources=sources, span=span, pairs=pairs, as_of=as_of))
    if bands:
        from fxticker.frames.settle import with_bands

        return with_bands(frame)[[*wanted, "rate_lo", "rate_hi"]]
    return frame[wanted]


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
    span = _span(start, end)
    table = read_span(opened(store).polls, sources=None if sources is None else names(sources), span=span)
    table = table.unify_dictionaries()
    return _to_frame(take(table, order_by(table, ("slot", "source"))))


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
        that instant. Several values at one instant are settled as `fxticker.frames.settle.one_per_instant` says.

    Raises
    ------
    ValueError
        If the store has several sources and none is named.
    """
    from fxticker.frames.settle import one_per_instant

    frame = load(store, sources=None if source is None else [source], pairs=pairs, start=start, end=end)
    held = sorted(frame["source"].unique())
    if len(held) > 1:
        raise ValueError(f"the store holds several sources, name one: {', '.join(held)}")
    one_each = one_per_instant(frame)
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
        instant it is the last recorded one, and one that has an instant before one that has a date only. A pair that
        is in none of the last twelve months for which the source has ticks is left out.

    Raises
    ------
    NoData
        If the store holds no tick.
    """
    return _to_frame(latest_table(opened(store), sources=sources))


def last_by(
    store: StorePath,
    upto: datetime,
    *,
    pairs: Iterable[str] | None = None,
    sources: Iterable[str] | None = None,
    as_of: Moment | None = None,
) -> pd.DataFrame:
    """All rows of each source's pair at its last instant not later than `upto`: see `read_last`.

    Returns
    -------
    pandas.DataFrame
        The columns of `load`; several rows of a pair if there are several values at that instant.
    """
    ticks = opened(store).ticks
    wanted = None if pairs is None else names(pairs)
    known_by = None if as_of is None else last_instant(as_of)
    parts = [
        read_last(ticks, source, upto=upto, pairs=wanted, as_of=known_by) for source in _sources_of(ticks, sources)
    ]
    return _to_frame(pa.concat_tables([with_source(pa.Table.from_batches([], TICKS.schema), ""), *filter(None, parts)]))


def latest_table(store: Store, *, sources: Iterable[str] | None = None) -> pa.Table:
    """`latest` as an Arrow table, made without pandas: what a command line can wait for."""
    wanted = _sources_of(store.ticks, sources)
    parts = [read_last(store.ticks, source) for source in wanted]
    found = [_counting(part) for part in parts if part is not None]
    if not found:
        raise NoData(f"{store.backend}: no tick is stored" + (f" for {', '.join(wanted)}" if sources else ""))
    return pa.concat_tables(found)


def _counting(rows: pa.Table) -> pa.Table:
    """One row of each pair, by pair: the last recorded; one that has an instant before one that has a date only."""
    order = order_by(rows, ("recorded_at", "rate_text"))
    is_exact = ~is_in(rows.column("time_basis"), [TimeBasis.DATE])
    order = order[np.argsort(is_exact[order], kind="stable")]
    order = order[order_by(take(rows, order), ("pair",))]
    codes = text_codes(rows.column("pair"), {})[order]
    is_last = np.append(codes[1:] != codes[:-1], True)
    return take(rows, order[is_last])


def _gathered(
    table: SegmentTable,
    columns: Collection[str],
    *,
    sources: Iterable[str] | None,
    span: Span,
    pairs: Iterable[str] | None,
    as_of: Moment | None,
) -> Gathered:
    wanted = None if pairs is None else names(pairs)
    known_by = None if as_of is None else microseconds(last_instant(as_of))

    def select(rows: pa.Table) -> np.ndarray | None:
        if wanted is None and known_by is None:
            return None
        kept = np.ones(rows.num_rows, bool)
        if wanted is not None:
            kept &= is_in(rows.column("pair"), wanted)
        if known_by is not None:
            kept &= to_int64(rows.column("recorded_at")) <= known_by
        return kept

    held = segments_of(table, None if sources is None else names(sources), span)
    needed = {*columns, *(() if as_of is None else ("recorded_at",))}
    return read_columns(table, held, span=span, columns=needed, select=select)


def _span(start: Moment | None, end: Moment | None) -> Span:
    return Span(None if start is None else instant(start), None if end is None else instant(end))


def _sources_of(table: SegmentTable, sources: Iterable[str] | None) -> list[str]:
    """The sources asked for, or all there are, each once and sorted."""
    return table.sources() if sources is None else sorted(set(names(sources)))


def names(given: Iterable[str]) -> list[str]:
    """Names as a list: one alone may be given as plain text."""
    return [given] if isinstance(given, str) else list(given)


def stored_pairs(store: StorePath) -> set[str]:
    """The pairs of which ticks are stored, read from the segments' summaries alone."""
    ticks = opened(store).ticks
    return {pair for segment in ticks.segments() for pair in ticks.summary(segment).series}


def _frame_of(found: Gathered) -> pd.DataFrame:
    import pandas as pd

    def series(name: str, values: np.ndarray) -> Any:
        if name in found.texts:
            categories = pd.Index(found.texts[name], dtype="str")
            return pd.Categorical.from_codes(values, dtype=pd.CategoricalDtype(categories), validate=False)
        if name.endswith("_at"):
            return pd.array(values, dtype=pd.DatetimeTZDtype("us", "UTC"), copy=False)
        return values.view("M8[ms]") if name.endswith("_date") else values

    return pd.DataFrame({name: series(name, values) for name, values in found.columns.items()}, copy=False)


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
