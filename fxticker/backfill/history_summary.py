"""History summary: what a backfill from a source's own history stored, and what it left out."""

from __future__ import annotations

from dataclasses import dataclass, field

from fxticker.store.store import Appended


@dataclass(slots=True)
class BackfillSummary:
    """Counts of a backfill from a source's own history.

    Attributes
    ----------
    days
        Days in the requested span.
    known
        Days that were stored or recorded as absent before the run.
    requests
        Requests made, repeated ones included.
    filled
        Days whose rates were stored.
    absent
        Days that the source does not have. Those of the last week are not recorded and are requested again later.
    added, already
        Rows that were new, and rows that were stored before.
    refused
        Span and reason of each unusable answer.
    remarks
        Day and anomaly of each stored day that a person should check.
    stopped
        Why the run ended early; `None` if it did not.
    """

    days: int = 0
    known: int = 0
    requests: int = 0
    filled: int = 0
    absent: int = 0
    added: int = 0
    already: int = 0
    refused: list[tuple[str, str]] = field(default_factory=list)
    remarks: list[tuple[str, str]] = field(default_factory=list)
    stopped: str | None = None

    def count_stored(self, appended: Appended, items: int) -> None:
        """Add durable rows, and the number of their days."""
        self.added += appended.added
        self.already += appended.known
        self.filled += items

    def count_absent(self, items: int) -> None:
        """Add the number of days that the source does not have."""
        self.absent += items
