"""Archive summary: what a backfill from a web archive stored, and what it left out."""

from __future__ import annotations

from dataclasses import dataclass, field

from fxticker.store.store import Appended

MAX_NAMED = 20
"""Refused captures, and malformed rows, that are listed with their reason; the others are counted."""


@dataclass(slots=True)
class ArchiveSummary:
    """Counts of a backfill from an archive.

    Attributes
    ----------
    listed
        Captures in the index.
    known
        Captures not requested: a ticker of their hour is stored, or they are recorded as without a ticker.
    requests
        Requests made, those to the index and repeated ones included.
    read
        Captures whose ticker was stored, revisits included.
    revisits
        Captures of an unchanged page that were stored with the ticker of the capture that they repeat.
    empty
        Captures without a readable ticker; they are recorded and not requested again.
    added, already
        Rows that were new, and rows that were stored before.
    refused
        Captures that the archive did not deliver.
    named
        Capture and reason of the first `MAX_NAMED` of those.
    bad_rows
        Malformed rows of the index, which are left out.
    named_rows
        Text and fault of the first `MAX_NAMED` of those.
    stopped
        Why the run ended early; `None` if it did not.
    """

    listed: int = 0
    known: int = 0
    requests: int = 0
    read: int = 0
    empty: int = 0
    added: int = 0
    already: int = 0
    refused: int = 0
    named: list[tuple[str, str]] = field(default_factory=list)
    stopped: str | None = None
    revisits: int = 0
    bad_rows: int = 0
    named_rows: list[str] = field(default_factory=list)

    @property
    def is_whole(self) -> bool:
        """Whether the run came to its end and nothing was left out."""
        return self.stopped is None and not self.refused and not self.bad_rows

    def count_bad_row(self, reason: str) -> None:
        """Add a row that is left out, and name the first ones."""
        self.bad_rows += 1
        if len(self.named_rows) < MAX_NAMED:
            self.named_rows.append(reason)

    def count_stored(self, appended: Appended, items: int) -> None:
        """Add durable rows, and the number of their captures."""
        self.added += appended.added
        self.already += appended.known
        self.read += items

    def count_absent(self, items: int) -> None:
        """Add the number of captures without a ticker."""
        self.empty += items
