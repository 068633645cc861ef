"""Time zones of what commands print."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, tzinfo
from typing import TYPE_CHECKING, Any

from fxticker.cli.blocks import Block, Records, blocks_of
from fxticker.model.records import TimeBasis

if TYPE_CHECKING:
    import pandas as pd

_AT, _BASIS = "observed_at", "time_basis"


def rows_in_zone(rows: Sequence[Mapping[Any, Any]], zone: tzinfo) -> list[dict[Any, Any]]:
    """Return rows whose instants are in a zone."""
    if zone is UTC:
        return [dict(row) for row in rows]
    return [
        {name: value.astimezone(zone) if isinstance(value, datetime) else value for name, value in row.items()}
        for row in rows
    ]


def blocks_with_days(rows: pd.DataFrame | Records, names: Sequence[str]) -> Iterator[Block]:
    """Yield what `blocks_of` does, with the day in place of the instant where only the date is known."""
    return blocks_of(rows, names, _with_days)


def _with_days(rows: pd.DataFrame | Records) -> pd.DataFrame | Records:
    """Return rows with these days.

    The store has 00:00 UTC for a date: by the clock of a zone an hour at which nothing was observed, and west of UTC
    one of the day before.
    """
    if isinstance(rows, Sequence):
        return [
            {**row, _AT: row[_AT].astimezone(UTC).date()} if row.get(_BASIS) == TimeBasis.DATE else row for row in rows
        ]
    if not {_AT, _BASIS} <= {*rows.columns}:
        return rows
    is_date = rows[_BASIS] == TimeBasis.DATE
    if not is_date.any():
        return rows
    instants = rows[_AT]
    days = instants.dt.tz_convert(UTC).dt.date
    return rows.assign(**{_AT: instants.astype(object).where(~is_date, days)})


def zone_text(values: Iterable[Any]) -> str | None:
    """Return the zone of the first instant among values; ``None`` if it is UTC, or there is none."""
    zones = (value.tzinfo for value in values if isinstance(value, datetime) and value.tzinfo is not None)
    zone = str(next(zones, UTC))
    return None if zone in ("UTC", "UTC+00:00") else zone
