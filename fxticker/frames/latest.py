"""Latest: the last tick of each source and pair, with its age."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from fxticker.errors import NoData
from fxticker.frames.dates_in_zone import dated_upto
from fxticker.frames.load import DEFAULT_COLUMNS, sources_of
from fxticker.frames.loaded_types import gathered_of, pandas_frame
from fxticker.frames.now_and_zone import present, zone_of
from fxticker.frames.pairs import StorePath, require_stored
from fxticker.frames.read_cost import counted
from fxticker.model.days import Lookup, lookup
from fxticker.model.records import TimeBasis
from fxticker.model.selection import Selection, Zone
from fxticker.model.timestamps import Moment
from fxticker.sources.age_limits import AgeLimit, MaxAge, is_stale
from fxticker.store.arrow import is_in, order_by, records_of, take, text_codes
from fxticker.store.read_last import read_last
from fxticker.store.store import Store

if TYPE_CHECKING:
    import pandas as pd

AGE_COLUMNS = ("age_h", "stale", "reason")
FIGURES = ("rate", "rate_text", "change_pct", "change_text")
"""What a row has not whose tick is older than the caller allows."""
_LAST = ("nominal", "stale", "source")
"""What stays in view of a printed frame beside its first columns: pandas leaves out those in the middle."""
_COLUMNS = [name for name in (*DEFAULT_COLUMNS, *AGE_COLUMNS) if name not in _LAST] + [*_LAST]
"""The order of columns is made before the frame: to add and move them in it takes as long as to read the store."""
NO_RESTRICTION, OWN_LIMITS = Selection(), AgeLimit()
_DAY, _HOUR = timedelta(days=1), timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class _Instants:
    """As of when ticks are looked up, ``None`` for the last of all, and the instant at which their age is counted."""

    at: Lookup | None
    aged_at: datetime


def latest(
    store: StorePath,
    *,
    pairs: Iterable[str] | None = None,
    sources: Iterable[str] | None = None,
    as_of: Moment | None = None,
    tz: Zone = "UTC",
    max_age: MaxAge = None,
) -> pd.DataFrame:
    """Return the last tick of each source and pair, with its age.

    Parameters
    ----------
    store
        The store's folder, or an open store.
    pairs
        Pairs in the orientation of the source, written as ``KZT/USD``, ``kztusd`` or ``KZT``; ``None`` for all.
    sources
        Read only these sources; ``None`` for all.
    as_of
        The last ticks as they were known then: observed and recorded by then, without those retracted by then; ``None``
        for now.
    tz
        Whose days are meant, as ``Asia/Tashkent``, and the zone of the instants that are returned.
    max_age
        Give no figures for a tick that is older than this: a duration, or text such as ``12h``. ``None`` and ``any``
        give them at any age.

    Returns
    -------
    pandas.DataFrame
        The columns of `load`, ``source`` last, and ``age_h`` (float64; hours since the tick, of a date-only one since
        the end of its day; never below 0), ``stale`` (bool; older than `max_age`; without one, older than its source
        allows, in days on which the source publishes: 2 for the ticker, see `Source.stale_after_days`) and ``reason``
        (why a row has no figures, null if it has). One row per source and pair, sorted by source and pair. Of several
        values at the last instant the last recorded one counts, and one with an exact timestamp takes precedence over a
        date-only one. A pair that is in none of the last twelve months for which the source has ticks is left out.

    Raises
    ------
    NoData
        If the store holds no such tick.
    NotStored
        If one of `pairs` is not stored; the message lists those that are.
    ValueError
        If `as_of` is after now, or `max_age` is no duration.
    """
    import pandas as pd

    by = _instants(as_of, tz)
    with counted(store) as found:
        table = latest_table(found, Selection.of(pairs=pairs, sources=sources), by)
    ages, stale, reasons = zip(*_ages(table, by, AgeLimit.of(max_age)), strict=True)
    gathered = gathered_of(table)
    added = {"age_h": np.array(ages), "stale": np.array(stale), "reason": pd.array(reasons, dtype="str")}
    columns: dict[str, Any] = gathered.columns | added
    frame = pandas_frame(replace(gathered, columns={name: columns[name] for name in _COLUMNS}), zone_of(tz))
    if any(reasons):
        frame.loc[frame["reason"].notna(), list(FIGURES)] = None
    return frame


def latest_records(store: Store, selection: Selection, max_age: MaxAge = None) -> list[dict[str, Any]]:
    """Return `latest` as records, without importing pandas, whose import takes longer than all the rest."""
    by = _instants(selection.as_of, selection.tz)
    table = latest_table(store, selection, by)
    ages = _ages(table, by, AgeLimit.of(max_age))
    rows = [row | dict(zip(AGE_COLUMNS, age, strict=True)) for row, age in zip(records_of(table), ages, strict=True)]
    return [row | dict.fromkeys(FIGURES) if row["reason"] else row for row in rows]


def latest_table(store: Store, selection: Selection = NO_RESTRICTION, by: _Instants | None = None) -> pa.Table:
    """Return the last tick of each source and pair as an Arrow table; as of an instant if one is given."""
    at = None if by is None else by.at
    upto = None if at is None else at.upto
    wanted = sources_of(store.ticks, selection.sources)
    retracted = store.retracted(sources=wanted, as_of=upto)
    parts = [
        read_last(
            store.ticks,
            source,
            upto=upto,
            dated_upto=None if at is None else dated_upto(at, source),
            pairs=selection.pairs,
            as_of=upto,
            retracted=retracted,
        )
        for source in wanted
    ]
    tables = [_one_per_pair(part) for part in parts if part is not None]
    if selection.pairs is not None:
        found = [pair for table in tables for pair in table.column("pair").to_pylist()]
        require_stored(selection.pairs, found, store, selection.sources)
    if not tables:
        what = ", ".join([*(selection.pairs or ()), *(selection.sources or ())])
        until = "" if at is None else f" by {at.upto:%Y-%m-%d %H:%M} UTC; imported ticks count from their import on"
        if at is not None:
            from fxticker.frames.first_recorded import first_recorded_after

            until += first_recorded_after(store, at.upto, selection)
        raise NoData(f"{store.backend}: no tick is stored" + (f" for {what}" if what else "") + until)
    return pa.concat_tables(tables)


def _instants(as_of: Moment | None, tz: Zone | None) -> _Instants:
    now, zone = present(), zone_of(tz)
    if as_of is None:
        return _Instants(None, now)
    at = lookup(as_of, now, zone)
    return _Instants(at, at.upto)


def _ages(rows: pa.Table, by: _Instants, limit: AgeLimit) -> Iterator[tuple[float, bool, str | None]]:
    """Yield the columns `AGE_COLUMNS` of each row."""
    for row in records_of(rows.select(["source", "observed_at", "time_basis", "source_date"])):
        source, observed_at = row["source"], row["observed_at"]
        counts_from = observed_at + _DAY if row["time_basis"] == TimeBasis.DATE else observed_at
        age = max(by.aged_at - counts_from, timedelta(0))
        excess = None if limit.given is None else limit.excess(source, age)
        day = min(observed_at.date(), row["source_date"] or observed_at.date())
        stale = is_stale(source, day, by.aged_at.date()) if limit == OWN_LIMITS else excess is not None
        yield age / _HOUR, stale, excess and f"tick {excess}"


def _one_per_pair(rows: pa.Table) -> pa.Table:
    """Return one row per pair.

    Rows with an exact timestamp take precedence over date-only rows; ties are resolved by the latest `recorded_at`.
    """
    pairs = rows.select(["pair"])
    if len({*pairs.column(0).to_pylist()}) == rows.num_rows:  # nearly always
        order = order_by(pairs, ("pair",))
        return rows if (order[1:] > order[:-1]).all() else take(rows, order)
    order = order_by(rows, ("recorded_at", "rate_text"))
    is_exact = ~is_in(rows.column("time_basis"), [TimeBasis.DATE])
    order = order[np.argsort(is_exact[order], kind="stable")]
    order = order[order_by(take(pairs, order), ("pair",))]
    codes = text_codes(rows.column("pair"), {})[order]
    is_last = np.append(codes[1:] != codes[:-1], True)
    return take(rows, order[is_last])
