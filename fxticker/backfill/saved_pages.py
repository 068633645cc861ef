"""Saved pages: import pages, WARC files and Parquet files into the store, in large batches."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta
from typing import TYPE_CHECKING

from fxticker.backfill.page_files import MAX_PAGE_BYTES, FilePage, Page
from fxticker.backfill.parquet_files import PARQUET, batches, is_table
from fxticker.backfill.warc import WARC, is_warc, read_captures
from fxticker.backfill.warc_page import DamagedRecord, SkippedRecord
from fxticker.errors import ParseError, SchemaMismatch, UndatedPage
from fxticker.fetch.gzip import first_bytes
from fxticker.model.clock import Clock, SystemClock
from fxticker.model.normalise import normalise
from fxticker.model.records import Origin, Tick, TimeBasis
from fxticker.model.timestamps import EPOCH, Moment, instant, is_date
from fxticker.sources.source import Source
from fxticker.store.store import Appended, Store

if TYPE_CHECKING:
    import pyarrow as pa

_MAX_NAMED = 20
"""Damaged records of a WARC file that are listed with their reason; the others are counted."""
_TIME_ZONES = timedelta(days=1)
"""Tolerance for dates in the future: a page printed east of UTC may already carry tomorrow's date."""
_BATCH_TICKS = 20_000
"""Ticks per append: some 4,000 pages share the cost of a durable write, in bounded memory."""


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
    """

    pages: int = 0
    added: int = 0
    known: int = 0
    refused: list[tuple[str, str]] = field(default_factory=list)
    captures: int = 0
    empty: int = 0
    elsewhere: int = 0


def import_pages(
    pages: Iterable[Page],
    *,
    source: Source,
    store: Store,
    observed_at: Moment | None = None,
    clock: Clock | None = None,
    summary: ImportSummary | None = None,
) -> ImportSummary:
    """Store the ticker of each page; an unusable page is refused by name, and the import continues.

    A Parquet file is read as a table of ticks, such as an export or a segment of another store; a WARC file as
    captured pages of the source's site, each with the timestamp of its record.

    Parameters
    ----------
    pages
        Pages, read one after the other.
    source
        Source of the pages. A table has a column `source`, or lies in a folder ``source=…`` as a segment does.
    store
        Receives the ticks.
    observed_at
        When all these pages were captured; a date means some time on that day (UTC). `None` uses each page's own
        printed date.
    clock
        Supplies the current UTC time; pages in the future are refused.
    summary
        Updated as rows become durable, so that it is right even if the import is interrupted.

    Raises
    ------
    ValueError
        If `observed_at` is neither a date nor an instant.
    StoreError
        If the store refuses; an import can be repeated safely.
    """
    summary = summary if summary is not None else ImportSummary()
    run = _Run(source, store, observed_at, (clock or SystemClock()).now() + _TIME_ZONES, summary)
    for page in pages:
        summary.pages += 1
        for part in run.parts(page):
            run.take(part)
    run.flush()
    return summary


@dataclass(slots=True)
class _Run:
    """State of one import: `latest` is the latest accepted instant, `waiting` the ticks that are not stored yet."""

    source: Source
    store: Store
    observed_at: Moment | None
    latest: datetime
    summary: ImportSummary
    waiting: list[Tick] = field(default_factory=list)

    def parts(self, page: Page) -> Iterator[Sequence[Tick] | pa.Table]:
        """Yield the ticks or tables of a file in parts; an unusable file is added to the summary."""
        try:
            if isinstance(page, FilePage) and is_table(page.path):
                yield from batches(page.path, self.latest)
            elif isinstance(page, FilePage) and is_warc(page.path):
                yield from self._captures(page)
            else:
                yield _plausible(read_page(page, source=self.source, observed_at=self.observed_at), self.latest)
        except (ParseError, UndatedPage, SchemaMismatch, OSError) as error:
            self.summary.refused.append((page.name, getattr(error, "strerror", None) or str(error)))

    def take(self, part: Sequence[Tick] | pa.Table) -> None:
        """Store a table, month by month; collect ticks until they make a batch."""
        if isinstance(part, Sequence):
            self.waiting += part
        else:
            for appended in self.store.append_by_month(part):
                self._count(appended)
        if len(self.waiting) >= _BATCH_TICKS:
            self.flush()

    def flush(self) -> None:
        """Store the collected ticks."""
        if self.waiting:
            self._count(self.store.append(self.waiting))
            self.waiting.clear()

    def _count(self, appended: Appended) -> None:
        self.summary.added += appended.added
        self.summary.known += appended.known

    def _captures(self, page: FilePage) -> Iterator[Sequence[Tick]]:
        """Yield the ticks of each page of the source's site in a WARC file; count other records in the summary."""
        if self.observed_at is not None:
            raise UndatedPage("a WARC file has the timestamp of each capture: leave --observed-at out")
        damaged = 0
        for record in read_captures(page.path, self.source, self.latest):
            if isinstance(record, DamagedRecord):
                damaged += 1
                if damaged <= _MAX_NAMED:
                    self.summary.refused.append((f"{page.name} at byte {record.offset}", record.reason))
            elif isinstance(record, SkippedRecord):
                self.summary.elsewhere += 1
            elif record:
                self.summary.captures += 1
                yield record
            else:
                self.summary.empty += 1
        if damaged > _MAX_NAMED:
            self.summary.refused.append((page.name, f"{damaged - _MAX_NAMED} more unusable records"))


def read_page(page: Page, *, source: Source, observed_at: Moment | None = None) -> Sequence[Tick]:
    """Return the ticks of one saved page.

    Parameters
    ----------
    observed_at
        When the page was captured; `None` uses its printed date, at 00:00 UTC.

    Raises
    ------
    ParseError
        If the page has no readable ticker, or is larger than `MAX_PAGE_BYTES`.
    UndatedPage
        If it has no date and `observed_at` is `None`.
    OSError
        If the file cannot be read.
    """
    body = page.read()
    if len(body) > MAX_PAGE_BYTES:
        raise ParseError(f"larger than {MAX_PAGE_BYTES} bytes: no page")
    if body.startswith(PARQUET):
        raise ParseError("a Parquet file from a pipe or standard input: save it, and name the file")
    if first_bytes(body, len(WARC)) == WARC:
        raise ParseError("a WARC file from a pipe or standard input: save it, and name the file")
    snapshot = source.parse(body, {})
    if observed_at is not None:
        page_at = instant(observed_at)
        basis = TimeBasis.DATE if is_date(observed_at) else TimeBasis.CAPTURE
    elif snapshot.source_date is not None:
        page_at, basis = datetime.combine(snapshot.source_date, time(), UTC), TimeBasis.DATE
    else:
        raise UndatedPage("the page has no date after the ticker; give its capture time with --observed-at")
    return normalise(snapshot, source=source.id, observed_at=page_at, time_basis=basis, origin=Origin.PAGE)


def _plausible(ticks: Sequence[Tick], latest: datetime) -> Sequence[Tick]:
    page_at = ticks[0].observed_at
    if not EPOCH <= page_at <= latest:
        raise UndatedPage(f"the page is dated {page_at.date()}: before 1970 or in the future")
    return ticks
