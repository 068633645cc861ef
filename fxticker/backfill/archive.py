"""Web archives: store the ticker of a source's captured pages, each at the instant at which it was captured."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import partial
from typing import Protocol

from fxticker.backfill.archive_request import GONE
from fxticker.backfill.batch import Batch
from fxticker.backfill.cdx import site_of, stamp_of
from fxticker.backfill.known_absent import empty_captures, record_empty_captures
from fxticker.errors import BadStatus, BodyTooLarge, FetchError, ParseError, UnexpectedContent, one_line
from fxticker.fetch.throttle import Throttle, is_of_one_answer
from fxticker.model.normalise import normalise
from fxticker.model.records import Origin, Tick, TimeBasis
from fxticker.sources.source import Source
from fxticker.store.arrow import instant_of, is_in, to_int64
from fxticker.store.read_span import Span, read_span
from fxticker.store.store import Appended, Store

FIRST_DAY = date(2024, 1, 1)
"""Default first day: no capture before May 2024 is known to carry the ticker."""
_FIRST_ARCHIVED = date(1996, 1, 1)
"""Earliest day that is requested: the Wayback Machine began in this year, and years of fewer than four digits would not
be understood."""
MAX_CAPTURES = 150_000
"""Captures of one run at most: as many as the Wayback Machine's index gives in an answer."""
MAX_NAMED = 20
"""Refused captures that are listed with their reason; the others are counted."""
MAX_FAILING = 3
"""Captures in a row for which a server fails, each after several tries, that end a run: the server is failing then."""
_BATCH_CAPTURES = 50
"""Captures per append: a killed process loses a minute of work."""


@dataclass(frozen=True, slots=True, order=True)
class Capture:
    """A page as listed in an archive's index.

    Attributes
    ----------
    instant
        When it was captured, aware UTC, whole seconds.
    url
        URL of the page, on the source's site.
    place
        File, offset and length in bytes, where the archive stores captures that way; `None` elsewhere.
    """

    instant: datetime
    url: str
    place: tuple[str, int, int] | None = None


@dataclass(frozen=True, slots=True)
class CapturedPage:
    """A server's answer as it was captured.

    Attributes
    ----------
    body
        Content without transfer and content encodings.
    headers
        Header fields by lower-case name.
    """

    body: bytes
    headers: Mapping[str, str]


class Archive(Protocol):
    """A web archive.

    Attributes
    ----------
    id
        Name of the archive, as in file names and messages.
    throttle
        Makes and counts the requests.
    """

    id: str
    throttle: Throttle

    def listings(self, site: str, first: date, last: date) -> Iterator[Sequence[Capture]]:
        """Yield the captures of a site's HTML pages in a span of days in parts, each in chronological order."""

    def page(self, capture: Capture, media_types: frozenset[str]) -> CapturedPage:
        """Return a capture as it was taken."""


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
        Captures whose ticker was stored.
    empty
        Captures without a readable ticker; they are recorded and not requested again.
    added, already
        Rows that were new, and rows that were stored before.
    refused
        Captures that the archive did not deliver.
    named
        Capture and reason of the first `MAX_NAMED` of those.
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

    def count_stored(self, appended: Appended, items: int) -> None:
        """Add durable rows, and the number of their captures."""
        self.added += appended.added
        self.already += appended.known
        self.read += items

    def count_absent(self, items: int) -> None:
        """Add the number of captures without a ticker."""
        self.empty += items


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
    """Store the ticker of an archive's captures, one per hour: any page of the site carries it.

    Captures of an hour with a stored capture are not requested. If a capture has no ticker, the next one of that hour
    is tried. After an interruption the next run continues where this one ended.

    Parameters
    ----------
    source
        Source of the pages; its site is the host of its URL with all subdomains.
    archive
        Archive to search.
    first, last
        Span of days, both included.
    store
        Receives ticks and captures without a ticker.
    progress
        Called with the captures done so far and the captures listed so far.
    summary
        Updated as rows become durable, so that it is right even if the run is interrupted.

    Raises
    ------
    StoreError
        If the store refuses; a backfill can be repeated safely.
    """
    summary = summary if summary is not None else ArchiveSummary()
    batch = Batch(store, partial(record_empty_captures, store.backend, source.id, archive.id), summary)
    empty = empty_captures(store.backend, source.id, archive.id)
    run = _Run(source, archive, summary, batch, _stored_hours(store, source.id), empty)
    try:
        run.take_all(first, last, progress)
    except (FetchError, ParseError) as error:
        summary.stopped = one_line(error)
    finally:  # whatever ended the run, the captures so far are stored
        summary.requests = archive.throttle.requests
        batch.flush()
    return summary


def ticks_of(source: Source, body: bytes, headers: Mapping[str, str], captured_at: datetime) -> Sequence[Tick]:
    """Return the ticks of a captured page; none if it has no readable ticker."""
    try:
        snapshot = source.parse(body, headers)
    except ParseError:
        return ()
    return normalise(
        snapshot, source=source.id, observed_at=captured_at, time_basis=TimeBasis.CAPTURE, origin=Origin.ARCHIVE
    )


@dataclass(slots=True)
class _Run:
    """State of one backfill.

    Attributes
    ----------
    hours
        Hours with a stored ticker.
    empty
        Captures recorded as without a ticker by earlier runs.
    failing
        Captures in a row for which the server failed.
    """

    source: Source
    archive: Archive
    summary: ArchiveSummary
    batch: Batch[str]
    hours: set[datetime]
    empty: set[str]
    failing: int = 0

    def take_all(self, first: date, last: date, progress: Callable[[int, int], object]) -> None:
        """Take the captures of a span of days, but those of an hour with a ticker and those known to be empty."""
        done = 0
        for captures in self.archive.listings(site_of(self.source.url), max(first, _FIRST_ARCHIVED), last):
            self.summary.listed += len(captures)
            for capture in captures:
                progress(done, self.summary.listed)
                done += 1
                if _hour(capture.instant) in self.hours or stamp_of(capture.instant) in self.empty:
                    self.summary.known += 1
                else:
                    self.take(capture)
        progress(done, self.summary.listed)

    def take(self, capture: Capture) -> None:
        """Request a capture and add its ticks to the batch; an undelivered capture is counted."""
        try:
            page = self.archive.page(capture, self.source.media_types)
        except (BadStatus, BodyTooLarge, UnexpectedContent, ParseError) as error:
            self._refuse(capture, error)
            return
        self.failing = 0
        if ticks := ticks_of(self.source, page.body, page.headers, capture.instant):
            self.batch.ticks += ticks
            self.batch.filled += 1
            self.hours.add(_hour(capture.instant))
        else:
            self.batch.absent.append(stamp_of(capture.instant))
        if self.batch.filled + len(self.batch.absent) >= _BATCH_CAPTURES:
            self.batch.flush()

    def _refuse(self, capture: Capture, error: FetchError | ParseError) -> None:
        """Count an undelivered capture; raise the error if the server itself refuses or fails."""
        if isinstance(error, BadStatus) and error.http_status not in GONE:
            self.failing += 1
            if not is_of_one_answer(error) or self.failing == MAX_FAILING:
                raise error
        self.summary.refused += 1
        if len(self.summary.named) < MAX_NAMED:
            self.summary.named.append((f"{stamp_of(capture.instant)} {capture.url}", one_line(error)))


def _stored_hours(store: Store, source: str) -> set[datetime]:
    """Return the hours of which captures of a source are stored."""
    rows = read_span(store.ticks, sources=[source], span=Span())
    instants_us = to_int64(rows.column("observed_at"))[is_in(rows.column("time_basis"), [TimeBasis.CAPTURE])]
    return {_hour(instant_of(instant_us)) for instant_us in set(instants_us.tolist())}


def _hour(instant: datetime) -> datetime:
    return instant.replace(minute=0, second=0, microsecond=0)
