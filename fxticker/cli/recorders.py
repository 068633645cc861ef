"""Recorders of a shared store, as `status` shows them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from fxticker.store.backend import StorageBackend
    from fxticker.store.recorders import Recorder


def recorder_rows(backend: StorageBackend, recorders: Sequence[Recorder], now: datetime) -> list[dict[str, Any]]:
    """Return a row for each of the recorders that left something in the store."""
    from fxticker.store.lease import lease_holders

    holders = lease_holders(backend) if recorders else {}
    return [
        {
            "name": each.name,
            "process": each.process,
            "since": each.since,
            "seen_at": each.seen_at,
            "is_silent": now > each.expected_by,
            "polls": sorted(source for source, holder in holders.items() if holder == each.name),
        }
        for each in recorders
    ]


def recorder_text(row: dict[str, Any]) -> str:
    """Return a row as one line."""
    polls = f"polls {', '.join(row['polls'])} first" if row["polls"] else "stands by"
    state = "SILENT, last seen" if row["is_silent"] else f"{polls}; last seen"
    return f"{row['name']}: {state} {row['seen_at']:%Y-%m-%d %H:%M:%S}, since {row['since']:%Y-%m-%d %H:%M:%S}"
