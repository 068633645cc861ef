"""Poll writer: what a poll asks of the store, whether that retries, waits for other recorders, or neither."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Protocol

from fxticker.model.records import Evidence, Poll, Tick
from fxticker.store.store import Appended
from fxticker.store.wrong_clock_notes import WrongClockNote


class PollWriter(Protocol):
    """The store as a poll uses it."""

    def keep_evidence(self, source: str, observed_at: datetime, evidence: Evidence) -> str:
        """Make the piece of an answer that ticks were read from durable; returns its hash."""

    def append(self, ticks: Iterable[Tick]) -> Appended:
        """Make ticks durable."""

    def keep_wrong_clock_note(self, note: WrongClockNote) -> None:
        """Keep a note of a page that came while the machine's clock was wrong."""

    def record(self, polls: Iterable[Poll]) -> int:
        """Make outcomes durable; returns how many were new."""

    def keep_rejected(self, source: str, slot: datetime, body: bytes, content_type: str | None = None) -> None:
        """Keep a body that could not be parsed."""
