"""Import summary: what an import stored, and what it refused."""

from __future__ import annotations

from dataclasses import dataclass, field

MAX_NAMED = 20
"""Damaged records of a WARC file that are listed with their reason; the others are counted."""


@dataclass(slots=True)
class ImportSummary:
    """Counts of an import.

    Attributes
    ----------
    pages
        Files read, refused ones included.
    added, known
        Rows that were new, and rows that were stored before.
    refused
        Name and reason of each page without rows, of each table that was not stored completely, and of the first
        damaged records of a WARC file with the number of the others.
    captures
        Pages in WARC files whose ticker was read.
    empty
        Pages of the site in WARC files without a readable ticker.
    elsewhere
        Records of WARC files that are no pages of the site: other hosts, media types or statuses.
    continued_files, continued_bytes
        WARC files of which an import that was interrupted had read a part or all, and the bytes that it had read.
    revisits
        Records of WARC files for an unchanged page that were stored with the ticks of the capture they refer to.
    """

    pages: int = 0
    added: int = 0
    known: int = 0
    refused: list[tuple[str, str]] = field(default_factory=list)
    captures: int = 0
    empty: int = 0
    elsewhere: int = 0
    revisits: int = 0
    continued_files: int = 0
    continued_bytes: int = 0


@dataclass(slots=True)
class Refusals:
    """What is refused in one file: the first ones by name and reason, the others counted.

    Attributes
    ----------
    refused
        Receives names and reasons.
    count
        Number of all.
    """

    refused: list[tuple[str, str]]
    count: int = 0

    def add(self, name: str, reason: str) -> None:
        """Add what is refused."""
        self.count += 1
        if self.count <= MAX_NAMED:
            self.refused.append((name, reason))

    def close(self, name: str, what: str) -> None:
        """Add the number of those that are not named, which are `what`."""
        if self.count > MAX_NAMED:
            self.refused.append((name, f"{self.count - MAX_NAMED} more {what}"))
