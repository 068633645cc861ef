"""Dates in a zone: a tick of which only the date is known is of that date in every zone, and counts from its midnight.

The store has 00:00 UTC for a date. In a zone the tick is in the spans that contain the zone's midnight of that date.
"""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta, tzinfo
from typing import TYPE_CHECKING

import numpy as np

from fxticker.frames.now_and_zone import zone_of
from fxticker.model.days import Lookup
from fxticker.model.records import TimeBasis
from fxticker.model.selection import Selection
from fxticker.model.timestamps import EPOCH, MICROSECOND, instant
from fxticker.sources.age_limits import TICKER
from fxticker.store.read_span import Span

if TYPE_CHECKING:
    import pandas as pd

_DAY = timedelta(days=1)


def midnights_of(dates: np.ndarray, zone: tzinfo) -> np.ndarray:
    """Return the first instants of dates in a zone, both ``datetime64[us]``, the instants in UTC."""
    import pandas as pd

    first = np.ones(len(dates), bool)
    return pd.DatetimeIndex(dates).tz_localize(zone, ambiguous=first, nonexistent="shift_forward").to_numpy("M8[us]")


def dated_upto(at: Lookup, source: str) -> datetime:
    """Return until when the dates of a source count for a lookup, by their ends.

    At some time of its date the ticker showed a rate whose time is not known: it counts from the end on. The rate of a
    bank is in force from the beginning of its value date on.
    """
    if source == TICKER:
        return at.dated_upto
    return at.dated_upto.astimezone(UTC).replace(hour=23, minute=59, second=59, microsecond=999_999)


def counted_at(instants: np.ndarray, is_date: np.ndarray, zone: tzinfo) -> np.ndarray:
    """Return instants, ``datetime64[us]`` in UTC, those that stand for a date as the zone's midnight of that date."""
    if zone is UTC or not is_date.any():
        return instants
    result = instants.copy()
    result[is_date] = midnights_of(instants[is_date], zone)
    return result


def instants_in_zone(rows: pd.DataFrame, zone: tzinfo) -> pd.Series:
    """Return `observed_at` of ticks or quotes in a zone, a date as the zone's midnight of that date."""
    import pandas as pd

    at = rows["observed_at"]
    is_date = (rows["time_basis"] == TimeBasis.DATE).to_numpy()
    counted = pd.Series(counted_at(at.to_numpy("M8[us]"), is_date, zone), at.index)
    return counted.dt.tz_localize("UTC").dt.tz_convert(zone)


def one_each_in_zone(rows: pd.DataFrame, zone: tzinfo) -> pd.DataFrame:
    """Return rows, one per source, pair and instant, as such rows in a zone, a date at the zone's midnight of it.

    Where there is another row at that instant, that one counts.
    """
    is_date = (rows["time_basis"] == TimeBasis.DATE).to_numpy()
    if zone is UTC or not is_date.any():
        return rows
    in_zone = rows.assign(observed_at=instants_in_zone(rows, zone)).iloc[np.argsort(is_date, kind="stable")]
    return in_zone.drop_duplicates(["source", "pair", "observed_at"])


def by_instant(rows: pd.DataFrame) -> pd.DataFrame:
    """Return rows by observed_at, pair and source, which those by the instants of the store are, but for dates."""
    if rows["observed_at"].is_monotonic_increasing:
        return rows
    keys = [name for name in ("observed_at", "pair", "source") if name in rows.columns]
    return rows.sort_values(keys, kind="stable", ignore_index=True)


def in_span(rows: pd.DataFrame, selection: Selection) -> np.ndarray:
    """Return which ticks or quotes are in the span of a resolved selection, a bool each."""
    span, zone = span_of(selection), zone_of(selection.tz)
    at = rows["observed_at"].to_numpy("M8[us]")
    if zone is not UTC and "time_basis" in rows.columns:
        at = counted_at(at, (rows["time_basis"] == TimeBasis.DATE).to_numpy(), zone)
    return span.within(at.view(np.int64))


def span_of(selection: Selection) -> Span:
    """Return the span of a resolved selection."""
    start, end = (None if moment is None else instant(moment) for moment in (selection.start, selection.end))
    return Span(start, end)


def reach_of(span: Span, zone: tzinfo) -> Span:
    """Return the span of the store that has all ticks of a span: also the dates that are of it in a zone."""
    if zone is UTC:
        return span
    start, end = span.start, span.end
    if start is not None:
        start = min(start, _date_of(start, zone))
    if end is not None:
        end = max(end, _date_of(max(end, EPOCH + MICROSECOND) - MICROSECOND, zone) + _DAY)
    return Span(start, end)


def _date_of(moment: datetime, zone: tzinfo) -> datetime:
    """Return 00:00 UTC of the date that an instant has in a zone."""
    return datetime.combine(max(moment, EPOCH).astimezone(zone).date(), time(), UTC)
