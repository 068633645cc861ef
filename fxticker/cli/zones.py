"""Time zones of what commands print."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
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


def zone_text(values: Iterable[Any]) -> str | None:
    """Return the zone of the first instant among values; ``None`` if it is UTC, or there is none."""
    zones = (value.tzinfo for value in values if isinstance(value, datetime) and value.tzinfo is not None)
    zone = str(next(zones, UTC))
    return None if zone in ("UTC", "UTC+00:00") else zone
