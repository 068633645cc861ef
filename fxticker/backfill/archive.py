"""Web archives: captures of a source's pages, each stored at the instant at which the archive took it.

An archive's own robots.txt is not asked for. It governs programs that follow links through an archive's pages (RFC
9309, 1); here nothing is followed. What is asked for are the interfaces that the archives offer to programs, index and
captures, in the manner their operators and the libraries written for them describe: one request at a time, pauses, a
User-Agent that names the program, Retry-After, an end after repeated refusals. A request goes to the configured roots
only: nothing that an index answers can lead elsewhere.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Protocol

from fxticker.backfill.cdx import site_of, stamp_of
from fxticker.backfill.known_absent import empty_captures, record_empty_captures
from fxticker.errors import BadStatus, BodyTooLarge, FetchError, ParseError, UnexpectedContent, one_line
from fxticker.fetch.throttle import is_of_one_answer
from fxticker.model.normalise import normalise
from fxticker.model.records import Origin, Tick, TimeBasis
from fxticker.sources import Source
from fxticker.store.arrow import instant_of, is_in, to_int64
from fxticker.store.read_span import Span, read_span
from fxticker.store.store import Store

INDEX_PAUSE_S = 3.0
"""20 requests a minute: the Wayback Machine's index takes 30, and its clients' authors recommend 24 at most."""
FIRST_DAY = date(2024, 1, 1)
"""No capture before May 2024 is known to carry the ticker."""
_FIRST_ARCHIVED = date(1996, 1, 1)
"""The Wayback Machine began in this year; years of fewer than four digits would not be understood."""
MAX_CAPTURES = 150_000
"""Of one run: as many as the Wayback Machine's index gives in an answer."""
MAX_NAMED = 20
"""Refused captures that are named; the others are counted."""
GONE = frozenset(range(300, 500)) - {403, 408, 429}
"""By these an archive says that it does not have what was asked for; by the others, that it has had enough of us."""
MAX_FAILING = 3
"""Captures in a row for which a server fails, each tried several times: it is the server then, and no capture."""
_BATCH_CAPTURES = 50
"""Captures per append: a minute of work that a killed process does again."""


@dataclass(frozen=True, slots=True)
class Capture:
    """A page as an archive's index names it.

    Attributes
    ----------
    at
        When it was taken, to the second.
    url
        Of the page, one of the source's site.
    place
        File, first byte and length, where an archive keeps it so.
    """

    at: datetime
    url: str
    place: tuple[str, int, int] | None = None


@dataclass(frozen=True, slots=True)
class CapturedPage:
    """What a server once sent.

    Attributes
    ----------
    headers
        By lower-case name.
    """

    body: bytes
    headers: Mapping[str, str]


class Archive(Protocol):
    """A place that keeps captures."""

    @property
    def id(self) -> str:
        """Its name."""

    @property
    def requests(self) -> int:
        """Made so far."""

    def listings(self, site: str, first: date, last: date) -> Iterator[Sequence[Capture]]:
        """Captures of HTML pages of a site in a span of days, piece by piece, each in the order of time."""

    def page(self, capture: Capture, media_types: frozenset[str]) -> CapturedPage:
        """A capture as it was taken."""


@dataclass(slots=True)
class ArchiveSummary:
    """What became of an archive's captures.

    Attributes
    ----------
    listed
        Captures that the index names.
    known
        Captures not fetched: a ticker of their hour is stored, or they are on record as without one.
    requests
        Made, index and repeated ones included.
    read
        Captures whose ticker was read.
    empty
        Captures without a ticker that can be read; they are on record and not fetched again.
    added, already
        Rows that were not stored before, and that were.
    refused
        Captures that the archive did not give.
    named
        The first of those, with the reason.
    stopped
        Why the archive is left alone before all was asked; null if all was.
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


def backfill_from_archive(
    source: Source,
    archive: Archive,
    *,
    first: date,
    last: date,
    store: Store,
    progress: Callable[[int, int], object] = lambda done, of: None,
    summary: ArchiveSummary | None = None,
) -> ArchiveSummary:
    """Store the ticker of an archive's captures, one an hour: any page of the site carries it.

    An hour with a stored capture is not asked for again. Where a capture shows no ticker, the next one of that hour
    is tried. Broken off, the next run goes on where this one was.

    Parameters
    ----------
    source
        Whose pages; its site is the host of its URL with all hosts below.
    archive
        Where to look.
    first, last
        The days, both included.
    store
        Where the ticks go.
    progress
        Is told how many captures are done, and of how many that are listed by now.
    summary
        Kept up to date as rows become durable.

    Raises
    ------
    StoreError
        If the store refuses; backfilling again is safe.
    """
    summary = summary if summary is not None else ArchiveSummary()
    batch = _Batch(source, archive.id, store, summary, _stored_hours(store, source.id))
    empty = empty_captures(store.medium, source.id, archive.id)
    done = 0
    try:
        for captures in archive.listings(site_of(source.url), max(first, _FIRST_ARCHIVED), last):
            summary.listed += len(captures)
            for capture in captures:
                progress(done, summary.listed)
                done += 1
                if _hour(capture.at) in batch.hours or stamp_of(capture.at) in empty:
                    summary.known += 1
                else:
                    _take(capture, source, archive, batch)
        progress(done, summary.listed)
    except (FetchError, ParseError) as error:
        summary.stopped = one_line(error)
    finally:  # what came is stored, whatever broke the rest off
        summary.requests = archive.requests
        batch.flush()
    return summary


@dataclass(slots=True)
class _Batch:
    """Captures that were looked at and are yet to be made durable."""

    source: Source
    archive: str
    store: Store
    summary: ArchiveSummary
    hours: set[datetime]
    ticks: list[Tick] = field(default_factory=list)
    read: int = 0
    empty: list[str] = field(default_factory=list)
    failing: int = 0

    def take(self, at: datetime, ticks: Sequence[Tick]) -> None:
        """Take a capture's ticks, or that it has none."""
        if ticks:
            self.ticks += ticks
            self.read += 1
            self.hours.add(_hour(at))
        else:
            self.empty.append(stamp_of(at))
        if self.read + len(self.empty) >= _BATCH_CAPTURES:
            self.flush()

    def flush(self) -> None:
        """Make all durable."""
        if self.ticks:
            appended = self.store.append(self.ticks)
            self.summary.added += appended.added
            self.summary.already += appended.known
        if self.empty:
            record_empty_captures(self.store.medium, self.source.id, self.archive, self.empty)
        self.summary.read += self.read
        self.summary.empty += len(self.empty)
        self.ticks, self.read, self.empty = [], 0, []


def _take(capture: Capture, source: Source, archive: Archive, batch: _Batch) -> None:
    """Fetch a capture and read its ticker; one that the archive does not give is named, and the others go on."""
    try:
        page = archive.page(capture, source.media_types)
    except (BadStatus, BodyTooLarge, UnexpectedContent, ParseError) as error:
        if isinstance(error, BadStatus) and error.http_status not in GONE:
            batch.failing += 1
            if not is_of_one_answer(error) or batch.failing == MAX_FAILING:
                raise
        batch.summary.refused += 1
        if len(batch.summary.named) < MAX_NAMED:
            batch.summary.named.append((f"{stamp_of(capture.at)} {capture.url}", one_line(error)))
        return
    batch.failing = 0
    batch.take(capture.at, ticks_of(source, page.body, page.headers, capture.at) or ())


def ticks_of(source: Source, body: bytes, headers: Mapping[str, str], at: datetime) -> Sequence[Tick] | None:
    """The ticks of a captured page; null if it shows no ticker that can be read."""
    try:
        snapshot = source.parse(body, headers)
    except ParseError:
        return None
    return normalise(snapshot, source=source.id, observed_at=at, time_basis=TimeBasis.CAPTURE, origin=Origin.ARCHIVE)


def _stored_hours(store: Store, source: str) -> set[datetime]:
    """The hours in which captures of a source are stored."""
    rows = read_span(store.ticks, sources=[source], span=Span())
    at = to_int64(rows.column("observed_at"))[is_in(rows.column("time_basis"), [TimeBasis.CAPTURE])]
    return {_hour(instant_of(int(moment))) for moment in set(at.tolist())}


def _hour(at: datetime) -> datetime:
    return at - timedelta(minutes=at.minute, seconds=at.second, microseconds=at.microsecond)
