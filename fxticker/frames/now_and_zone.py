"""Now and zone: gives the dates and instants of a call their meaning, by the machine's clock and a time zone."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, tzinfo
from typing import TYPE_CHECKING

from fxticker.model.days import lookup, span_of
from fxticker.model.invalid import InvalidArgument
from fxticker.model.selection import Selection, Zone

if TYPE_CHECKING:
    import pandas as pd


def present() -> datetime:
    """Return the present, aware UTC."""
    return datetime.now(UTC)


def zone_of(tz: Zone | None) -> tzinfo:
    """Return a time zone; UTC for None.

    Raises
    ------
    ValueError
        If there is no time zone of that name.
    """
    if tz is None or tz == "UTC":
        return UTC
    if isinstance(tz, tzinfo):
        return tz
    from zoneinfo import ZoneInfo

    try:
        return ZoneInfo(tz)
    except (LookupError, ValueError, OSError) as error:
        raise InvalidArgument(f"{tz!r} is no time zone such as Asia/Tashkent or UTC") from error


def resolved(selection: Selection) -> Selection:
    """Return a selection with its dates and instants as aware UTC: see `fxticker.model.days`.

    `start` is included and `end` is not; both are None where they are open. What is resolved resolves to itself.

    Raises
    ------
    ValueError
        If a text is no date or instant, the span ends before it begins, `start` or `as_of` are later than now, or there
        is no such time zone.
    """
    zone = zone_of(selection.tz)
    if selection.start is None and selection.end is None and selection.as_of is None:
        return selection
    now = present()
    start, end = span_of(selection.start, selection.end, now, zone)
    as_of = None if selection.as_of is None else lookup(selection.as_of, now, zone).upto
    return replace(selection, start=start, end=end, as_of=as_of)


def in_zone(frame: pd.DataFrame, tz: Zone | None) -> pd.DataFrame:
    """Return a frame whose instants are in a time zone; it is itself changed if they are in another one."""
    zone = zone_of(tz)
    for name, dtype in frame.dtypes.items():
        if getattr(dtype, "tz", None) not in (None, zone):
            frame[name] = frame[name].dt.tz_convert(zone)
    return frame
