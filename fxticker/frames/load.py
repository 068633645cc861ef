"""Loading: reads the store into frames; every stored row once, sorted, with the documented types."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import replace
from datetime import UTC
from typing import TYPE_CHECKING, Literal, TypedDict, Unpack, overload

import numpy as np
import pyarrow as pa

from fxticker.frames.dates_in_zone import counted_at, dated_upto, reach_of, span_of
from fxticker.frames.loaded_types import Returns, converter, gathered_of, pandas_frame, with_bands
from fxticker.frames.now_and_zone import resolved, zone_of
from fxticker.frames.pairs import StorePath, require_stored
from fxticker.frames.read_cost import counted
from fxticker.model.days import Lookup
from fxticker.model.invalid import InvalidArgument
from fxticker.model.records import TimeBasis
from fxticker.model.selection import Selection, Zone
from fxticker.model.timestamps import Moment, last_instant
from fxticker.store.arrow import is_in, to_int64
from fxticker.store.read_last import read_last
from fxticker.store.read_span import ALL_TIME, matching, segments_of, with_source
from fxticker.store.schema import TICKS
from fxticker.store.segments import SegmentTable
from fxticker.store.store import Store

if TYPE_CHECKING:
    import pandas as pd
    import polars as pl

    from fxticker.store.read_columns import Gathered

_FIRST, _LAST = ("pair", "observed_at", "rate"), ("nominal", "origin", "source")
"""The columns that stay when a frame is printed: pandas leaves out those in the middle, as many as do not fit."""
DEFAULT_COLUMNS = (
    *_FIRST,
    *(name for name in TICKS.schema.names if name not in {*_FIRST, *_LAST, "evidence"}),
    *_LAST,
)
"""Hashes of evidence serve to look pages up, and would cost every load a tenth of its time."""
Thin = Callable[[pa.Table, np.ndarray | None], np.ndarray]
"""Returns which rows of a file to keep, of those that count; ``None`` if all of them do."""


class Filters(TypedDict, total=False):
    """Arguments of `load` that choose rows and columns."""

    pairs: Iterable[str] | None
    start: Moment | None
    end: Moment | None
    sources: Iterable[str] | None
    as_of: Moment | None
    tz: Zone
    columns: Iterable[str] | None
    bands: bool


@overload
def load(store: StorePath, *, returns: Literal["pandas"] = "pandas", **filters: Unpack[Filters]) -> pd.DataFrame: ...


@overload
def load(store: StorePath, *, returns: Literal["arrow"], **filters: Unpack[Filters]) -> pa.Table: ...


@overload
def load(store: StorePath, *, returns: Literal["polars"], **filters: Unpack[Filters]) -> pl.DataFrame: ...


def load(
    store: StorePath,
    *,
    pairs: Iterable[str] | None = None,
    start: Moment | None = None,
    end: Moment | None = None,
    sources: Iterable[str] | None = None,
    as_of: Moment | None = None,
    tz: Zone = "UTC",
    columns: Iterable[str] | None = None,
    bands: bool = False,
    returns: Returns = "pandas",
) -> pd.DataFrame | pa.Table | pl.DataFrame:
    """Return all stored ticks that match, one row each.

    Parameters
    ----------
    store
        The store's folder, or an open store.
    pairs
        Pairs in the orientation of the source, written as ``KZT/USD``, ``kztusd`` or ``KZT``; ``None`` for all.
    start, end
        Span of `observed_at`: days are whole, both included, an instant at the end is excluded; None is open. Text may
        also be ``2025-11``, ``2025-Q4``, ``2025``, ``today``, ``yesterday``, ``-30d`` or ``-12h``: see
        `fxticker.model.days`. A tick of which only the date is known counts at the midnight of that date in `tz`.
    sources
        Read only these sources; ``None`` for all.
    as_of
        Read only what was known then: rows recorded by then, without those retracted by then; a date stands for its
        end.
    tz
        Whose days are meant, as ``Asia/Tashkent``, and the zone of the instants that are returned; that of a date is
        00:00 UTC of it in every zone, as in the store.
    columns
        Return only these columns, in this order; fewer are read faster.
    bands
        Add `rate_lo` and `rate_hi`, the bounds that the printed digits allow; of a constant both are the rate.
    returns
        ``"pandas"``, ``"arrow"`` for a table or ``"polars"`` for a frame of these, without a copy by way of pandas.

    Returns
    -------
    pandas.DataFrame, pyarrow.Table or polars.DataFrame
        Sorted by observed_at, then pair. Columns: ``pair`` (category), ``observed_at`` (datetime64[us, UTC]), ``rate``
        (float64, quote per one unit of base), ``time_basis`` (category), ``rate_text`` (category), ``change_pct``
        (float64, NaN if none was printed), ``change_text`` (category, null if none was printed), ``source_date``
        (datetime64 without zone, NaT if none), ``recorded_at`` (datetime64[us, UTC]), ``nominal`` (int32), ``origin``,
        ``source`` (categories); ``evidence`` (category, null if none is kept) only if it is among `columns`. Categories
        are sorted and all occur. Retracted ticks are left out.
        Empty, with the same columns and types, where nothing matches.

        An Arrow table has the same rows and columns as dictionaries of strings, ``timestamp[us]`` with the zone,
        ``date32``, ``double`` and ``int32``, and a null where the frame has NaN or NaT. A Polars frame is made of that
        table: ``Categorical``, ``Datetime``, ``Date``, ``Float64`` and ``Int32``.

    Raises
    ------
    StoreError
        If there is no store at the path, or a file of it cannot be read: no file is skipped.
    MissingExtra
        If Polars is asked for and not installed.
    NotStored
        If one of `pairs` is not stored; the message lists those that are.
    ValueError
        If a column or type does not exist, a text is no date or instant, the span ends before it begins, or begins
        after now.
    """
    selection = Selection.of(pairs=pairs, sources=sources, start=start, end=end, as_of=as_of, tz=tz)
    converted = converter(returns)
    gathered = _gathered(store, selection, columns, bands=bands)
    require_stored(selection.pairs, gathered.texts.get("pair", ()), store, selection.sources)
    return converted(gathered, zone_of(tz))


def load_selected(
    store: StorePath, selection: Selection, *, columns: Iterable[str] | None = None, bands: bool = False
) -> pd.DataFrame:
    """Return what `load` does; pairs that are not stored are no error."""
    return pandas_frame(_gathered(store, selection, columns, bands=bands))


def load_thinned(store: StorePath, selection: Selection, *, columns: Sequence[str], thin: Thin) -> pd.DataFrame:
    """Return what `load_selected` does, of the rows alone that `thin` keeps: the others never take memory.

    Parameters
    ----------
    store
        The store's folder, or an open store.
    selection
        Which rows count.
    columns
        Those that are returned, among them all that `thin` looks at.
    thin
        Called with the rows of each file, by several threads.
    """
    with counted(store) as found:
        return pandas_frame(_columns(found, columns, resolved(selection), thin))[list(columns)]


def last_by(store: StorePath, at: Lookup, selection: Selection) -> pd.DataFrame:
    """Return all rows of each source's pair at its last instant as of `at`: see `read_last`.

    Parameters
    ----------
    store
        The store's folder, or an open store.
    at
        The instants of the lookup.
    selection
        Pairs as stored, sources, and `as_of`; a span is ignored.

    Returns
    -------
    pandas.DataFrame
        The columns of `load`; several rows of a pair if there are several values at that instant.
    """
    with counted(store) as found:
        return pandas_frame(gathered_of(_last_rows(found, at, selection).select(DEFAULT_COLUMNS)))


def _last_rows(store: Store, at: Lookup, selection: Selection) -> pa.Table:
    as_of = None if selection.as_of is None else last_instant(selection.as_of)
    retracted = store.retracted(sources=selection.sources, as_of=as_of)
    parts = [
        read_last(
            store.ticks,
            source,
            upto=at.upto,
            dated_upto=dated_upto(at, source),
            pairs=selection.pairs,
            as_of=as_of,
            retracted=retracted,
        )
        for source in sources_of(store.ticks, selection.sources)
    ]
    empty = with_source(pa.Table.from_batches([], TICKS.schema), "")
    return pa.concat_tables([empty, *filter(None, parts)])


def _gathered(store: StorePath, selection: Selection, columns: Iterable[str] | None, *, bands: bool) -> Gathered:
    """Return the columns that are asked for, in that order."""
    known = ["source", *TICKS.schema.names]
    wanted = list(DEFAULT_COLUMNS) if columns is None else [columns] if isinstance(columns, str) else list(columns)
    if not set(wanted) <= set(known):
        raise InvalidArgument(f"no column {min(set(wanted) - set(known))}; there are {', '.join(known)}")
    needed = {*wanted, *(("rate_text", "nominal", "origin") if bands else ())}
    with counted(store) as found:
        gathered = _columns(found, needed, resolved(selection))
    if bands:
        gathered, wanted = with_bands(gathered), [*wanted, "rate_lo", "rate_hi"]
    return replace(gathered, columns={name: gathered.columns[name] for name in wanted})


def _columns(store: Store, columns: Collection[str], selection: Selection, thin: Thin | None = None) -> Gathered:
    from fxticker.store.read_columns import read_columns  # its threads take 10 ms to import, and `latest` needs none

    pairs, span, zone = selection.pairs, span_of(selection), zone_of(selection.tz)
    reach, has_own_dates = reach_of(span, zone), zone is not UTC and span != ALL_TIME
    as_of = None if selection.as_of is None else last_instant(selection.as_of)
    retracted = store.retracted(sources=selection.sources, span=reach, as_of=as_of)

    def select(source: str, rows: pa.Table) -> np.ndarray | None:
        kept = counting = retracted.counting(source, rows)
        if pairs is not None or as_of is not None:
            kept = matching(rows, pairs, as_of)
            kept = kept if counting is None else kept & counting
        if has_own_dates:
            instants, is_date = to_int64(rows.column("observed_at")), is_in(rows.column("time_basis"), [TimeBasis.DATE])
            within = span.within(counted_at(instants.view("M8[us]"), is_date, zone).view(np.int64))
            kept = within if kept is None else kept & within
        return kept if thin is None else thin(rows, kept)

    segments = segments_of(store.ticks, selection.sources, reach)
    needed = {*columns, *retracted.columns, *(() if as_of is None else ("recorded_at",))}
    needed |= {"time_basis"} if has_own_dates else set()
    return read_columns(store.ticks, segments, span=reach, columns=needed, select=select)


def sources_of(table: SegmentTable, sources: Collection[str] | None) -> list[str]:
    """Return the selected sources, or all there are, each once and sorted."""
    return table.sources() if sources is None else sorted(set(sources))
