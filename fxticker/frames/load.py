"""Loading: reads the store into frames; every stored row once, sorted, with the documented types."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from datetime import UTC
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from fxticker.frames.dates_in_zone import counted_at, reach_of, span_of
from fxticker.frames.now_and_zone import in_zone, resolved, zone_of
from fxticker.frames.pairs import StorePath, require_stored
from fxticker.model.days import Lookup
from fxticker.model.invalid import InvalidArgument
from fxticker.model.records import TimeBasis
from fxticker.model.selection import Selection, Zone
from fxticker.model.timestamps import Moment, last_instant
from fxticker.store.arrow import is_in, order_by, take, to_int64
from fxticker.store.polls_by import polls_by
from fxticker.store.read_last import read_last
from fxticker.store.read_span import ALL_TIME, matching, read_span, segments_of, with_source
from fxticker.store.schema import TICKS
from fxticker.store.segments import SegmentTable
from fxticker.store.store import Store, opened

if TYPE_CHECKING:
    import pandas as pd

    from fxticker.store.read_columns import Gathered

_NULLABLE_NUMBERS = {"duration_ms", "http_status", "body_bytes", "parser_version"}
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
) -> pd.DataFrame:
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

    Returns
    -------
    pandas.DataFrame
        Sorted by observed_at, then pair. Columns: ``pair`` (category), ``observed_at`` (datetime64[us, UTC]), ``rate``
        (float64, quote per one unit of base), ``time_basis`` (category), ``rate_text`` (category), ``change_pct``
        (float64, NaN if none was printed), ``change_text`` (category, null if none was printed), ``source_date``
        (datetime64 without zone, NaT if none), ``recorded_at`` (datetime64[us, UTC]), ``nominal`` (int32), ``origin``,
        ``source`` (categories); ``evidence`` (category, null if none is kept) only if it is among `columns`. Categories
        are sorted and all occur. Retracted ticks are left out.
        Empty, with the same columns and types, where nothing matches.

    Raises
    ------
    StoreError
        If there is no store at the path, or a file of it cannot be read: no file is skipped.
    NotStored
        If one of `pairs` is not stored; the message lists those that are.
    ValueError
        If a column does not exist, a text is no date or instant, the span ends before it begins, or begins after now.
    """
    selection = Selection.of(pairs=pairs, sources=sources, start=start, end=end, as_of=as_of, tz=tz)
    frame = in_zone(load_selected(store, selection, columns=columns, bands=bands), tz)
    require_stored(selection.pairs, frame["pair"].cat.categories if "pair" in frame.columns else (), store)
    return frame


def load_selected(
    store: StorePath, selection: Selection, *, columns: Iterable[str] | None = None, bands: bool = False
) -> pd.DataFrame:
    """Return what `load` does; pairs that are not stored are no error."""
    selection = resolved(selection)
    known = ["source", *TICKS.schema.names]
    wanted = list(DEFAULT_COLUMNS) if columns is None else [columns] if isinstance(columns, str) else list(columns)
    if not set(wanted) <= set(known):
        raise InvalidArgument(f"no column {min(set(wanted) - set(known))}; there are {', '.join(known)}")
    needed = {*wanted, *(("rate_text", "nominal", "origin") if bands else ())}
    frame = _frame_of(_columns(opened(store), needed, selection))
    if bands:
        from fxticker.frames.one_per_instant import with_bands

        return with_bands(frame)[[*wanted, "rate_lo", "rate_hi"]]
    return frame[wanted]


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
    return _frame_of(_columns(opened(store), columns, resolved(selection), thin))[list(columns)]


def load_polls(
    store: StorePath,
    *,
    sources: Iterable[str] | None = None,
    start: Moment | None = None,
    end: Moment | None = None,
    as_of: Moment | None = None,
    tz: Zone = "UTC",
) -> pd.DataFrame:
    """Return the outcome of every slot, one row each.

    Parameters
    ----------
    store
        The store's folder, or an open store.
    sources
        Read only these sources; ``None`` for all.
    start, end
        Span of `slot`, as for `load`.
    as_of
        Read only outcomes that were recorded by then; a date stands for its end. One that 0.1.0 recorded counts from
        its slot on.
    tz
        Whose days are meant, as ``Asia/Tashkent``, and the zone of the instants that are returned.

    Returns
    -------
    pandas.DataFrame
        Sorted by slot, then source. Columns: ``source``, then those of the data contract, from ``slot`` to
        ``detail``; whole numbers that may be null are float64.
    """
    return in_zone(_polls(store, Selection.of(sources=sources, start=start, end=end, as_of=as_of, tz=tz)), tz)


def load_outcomes(
    store: StorePath,
    *,
    sources: Iterable[str] | None = None,
    end: Moment | None = None,
    as_of: Moment | None = None,
) -> pd.DataFrame:
    """Return what `load_polls` does, of source, slot and outcome alone, which takes less memory."""
    selection = Selection.of(sources=sources, end=end, as_of=as_of)
    return _polls(store, selection, ["slot", "outcome", "recorded_at"])[["source", "slot", "outcome"]]


def _polls(store: StorePath, selection: Selection, columns: Sequence[str] | None = None) -> pd.DataFrame:
    selection = resolved(selection)
    table = read_span(opened(store).polls, sources=selection.sources, span=span_of(selection), columns=columns)
    as_of = None if selection.as_of is None else last_instant(selection.as_of)
    table = polls_by(table, as_of).unify_dictionaries()
    return to_frame(take(table, order_by(table, ("slot", "source"))))


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
    found = opened(store)
    as_of = None if selection.as_of is None else last_instant(selection.as_of)
    retracted = found.retracted(sources=selection.sources, as_of=as_of)
    parts = [
        read_last(
            found.ticks,
            source,
            upto=at.upto,
            dated_upto=at.dated_upto,
            pairs=selection.pairs,
            as_of=as_of,
            retracted=retracted,
        )
        for source in sources_of(found.ticks, selection.sources)
    ]
    empty = with_source(pa.Table.from_batches([], TICKS.schema), "")
    return to_frame(pa.concat_tables([empty, *filter(None, parts)]).select(DEFAULT_COLUMNS))


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


def _frame_of(gathered: Gathered) -> pd.DataFrame:
    import pandas as pd

    def series(name: str, values: np.ndarray) -> Any:
        if name in gathered.texts:
            categories = pd.Index(gathered.texts[name], dtype="str")
            return pd.Categorical.from_codes(values, dtype=pd.CategoricalDtype(categories), validate=False)
        if name.endswith("_at"):
            return pd.array(values, dtype=pd.DatetimeTZDtype("us", "UTC"), copy=False)
        return values.view("M8[ms]") if name.endswith("_date") else values

    return pd.DataFrame({name: series(name, values) for name, values in gathered.columns.items()}, copy=False)


def to_frame(table: pa.Table) -> pd.DataFrame:
    """Return rows as a frame with the types of `load`."""
    import pandas as pd

    # dates as datetime64: a column of Python dates takes longer to load than all others together
    frame: pd.DataFrame = table.unify_dictionaries().to_pandas(date_as_object=False)
    for name in frame.columns[frame.dtypes == "category"]:
        kept = frame[name].cat.remove_unused_categories()
        frame[name] = kept if len(kept.cat.categories) else kept.cat.set_categories(pd.Index([], dtype="str"))
    for name in _NULLABLE_NUMBERS & set(frame.columns):
        frame[name] = frame[name].astype("float64")
    return frame
