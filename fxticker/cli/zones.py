"""Time zones of what commands print."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, tzinfo
from typing import Any


def rows_in_zone(rows: Sequence[Mapping[Any, Any]], zone: tzinfo) -> list[dict[Any, Any]]:
    """Return rows whose instants are in a zone."""
    if zone is UTC:
        return [dict(row) for row in rows]
    return [
        {name: value.astimezone(zone) if isinstance(value, datetime) else value for name, value in row.items()}
        for row in rows
    ]


def zone_text(rows: Sequence[Mapping[Any, Any]]) -> str | None:
    """Return the zone of the instants of rows, which is the same in all; ``None`` if it is UTC."""
    for value in rows[0].values() if rows else ():
        if isinstance(value, datetime) and value.tzinfo is not None and value == value:  # noqa: PLR0124  not NaT
            return None if str(value.tzinfo) in ("UTC", "UTC+00:00") else str(value.tzinfo)
    return None
