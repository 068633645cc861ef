"""Web archives: store the ticker of a source's captured pages, each at the instant at which it was captured."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from functools import partial
from typing import Protocol

from fxticker.backfill.archive_request import GONE
from fxticker.backfill.archive_summary import MAX_NAMED, ArchiveSummary
from fxticker.backfill.batch import Batch
from fxticker.backfill.cdx import BadRow, site_of, stamp_of
from fxticker.backfill.import_evidence import Keep, evidence_keeper, keep_nothing
from fxticker.backfill.known_absent import empty_captures, record_empty_captures
from fxticker.errors import BadStatus, BodyTooLarge, FetchError, ParseError, UnexpectedContent, one_line
from fxticker.fetch.throttle import Throttle, is_of_one_answer
from fxticker.model.normalise import normalise
from fxticker.model.records import Origin, Tick, TimeBasis
from fxticker.sources.source import Source, parsed
from fxticker.store.arrow import instant_of, is_in, to_int64
from fxticker.store.read_span import Span, read_span
from fxticker.store.store import Store

FIRST_DAY = date(2024, 1, 1)
"""Default first day: no capture before May 2024 is known to carry the ticker."""
_FIRST_ARCHIVED = date(1996, 1, 1)
"""Earliest day that is requested: the Wayback Machine began in this year, and years of fewer than four digits would not
be understood."""
MAX_CAPTURES = 150_000
"""Captures of one run at most: as many as the Wayback Machine's index gives in an answer."""
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
    digest
        Digest of the page; `None` if the index gives none.
    is_revisit
        Whether the page had not changed since an earlier capture, which has the same digest.
    """

    instant: datetime
    url: str
    place: tuple[str, int, int] | None = None
    digest: str | None = field(default=None, compare=False)
    is_revisit: bool = field(default=False, compare=False)


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

    def listings(self, site: str, first: date, last: date, bad: BadRow) -> Iterator[Sequence[Capture]]:
        """Yield the captures of a site's HTML pages in a span of days in parts, each in chronological order.

        Malformed rows are left out and handed to `bad`.
        """

    def page(self, capture: Capture, media_types: frozenset[str]) -> CapturedPage:
        """Return a capture as it was taken."""


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
    is tried. After an interruption the next run continues where this one ended. A revisit, which is the capture of an
    unchanged page, shows the ticks of the capture with the same digest at its own instant.

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


def ticks_of(
    source: Source, body: bytes, headers: Mapping[str, str], captured_at: datetime, keep: Keep = keep_nothing
) -> Sequence[Tick]:
    """Return the ticks of a captured page, whose evidence is kept; none if it has no readable ticker."""
    try:
        snapshot = parsed(source, body, headers)
    except ParseError:
        return ()
    return normalise(
        snapshot,
        source=source.id,
        observed_at=captured_at,
        time_basis=TimeBasis.CAPTURE,
        origin=Origin.ARCHIVE,
        evidence=keep(body, headers, snapshot, captured_at),
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
    originals
        First listed capture of each digest, without revisits.
    ticks
        What was read, by digest.
    failing
        Captures in a row for which the server failed.
    """

    source: Source
    archive: Archive
    summary: ArchiveSummary
    batch: Batch[str]
    hours: set[datetime]
    empty: set[str]
    originals: dict[str, Capture] = field(default_factory=dict)
    ticks: dict[str, Sequence[Tick]] = field(default_factory=dict)
    failing: int = 0

    def take_all(self, first: date, last: date, progress: Callable[[int, int], object]) -> None:
        """Take the captures of a span of days, but those of an hour with a ticker and those known to be empty."""
        done = 0
        site, bad = site_of(self.source.url), self.summary.count_bad_row
        for captures in self.archive.listings(site, max(first, _FIRST_ARCHIVED), last, bad):
            self.summary.listed += len(captures)
            for capture in captures:
                progress(done, self.summary.listed)
                done += 1
                self.note(capture)
                if _hour(capture.instant) in self.hours or stamp_of(capture.instant) in self.empty:
                    self.summary.known += 1
                else:
                    self.take(capture)
        progress(done, self.summary.listed)

    def note(self, capture: Capture) -> None:
        """Remember the capture that later revisits of its page repeat."""
        if capture.digest is not None and not capture.is_revisit:
            self.originals.setdefault(capture.digest, capture)
            if stamp_of(capture.instant) in self.empty:
                self.ticks[capture.digest] = ()

    def take(self, capture: Capture) -> None:
        """Add the ticks of a capture to the batch, requested if they are not known; an undelivered one is counted."""
        ticks = self.ticks.get(capture.digest or "") if capture.is_revisit else None
        if ticks is None:
            original = self.originals.get(capture.digest or "", capture) if capture.is_revisit else capture
            try:
                page = self.archive.page(original, self.source.media_types)
            except (BadStatus, BodyTooLarge, UnexpectedContent, ParseError) as error:
                self._refuse(capture, error)
                return
            self.failing = 0
            keep = evidence_keeper(self.source, self.batch.store)
            ticks = ticks_of(self.source, page.body, page.headers, original.instant, keep)
            if capture.digest is not None:
                self.ticks[capture.digest] = ticks
        self._add(capture, ticks)

    def _add(self, capture: Capture, ticks: Sequence[Tick]) -> None:
        if ticks:
            self.batch.ticks += (replace(tick, observed_at=capture.instant) for tick in ticks)
            self.batch.filled += 1
            self.summary.revisits += capture.is_revisit
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
