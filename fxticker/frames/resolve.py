"""Resolving: gives the dates and instants of a call their meaning, by the machine's clock."""

from __future__ import annotations

from datetime import UTC, datetime


def present() -> datetime:
    """Return the present, aware UTC."""
    return datetime.now(UTC)
