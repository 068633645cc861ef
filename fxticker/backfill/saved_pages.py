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
    latest = (clock or SystemClock()).now() + _TIME_ZONES
    waiting: list[Tick] = []
    for page in pages:
        summary.pages += 1
        for part in _parts(page, source=source, observed_at=observed_at, latest=latest, summary=summary):
            if isinstance(part, list):
                waiting.extend(part)
            else:
                for appended in store.append_by_month(part):
                    _count(appended, summary)
            if len(waiting) >= _BATCH_TICKS:
                _flush(waiting, store, summary)
    _flush(waiting, store, summary)
    return summary


def _parts(
    page: Page, *, source: Source, observed_at: Moment | None, latest: datetime, summary: ImportSummary
) -> Iterator[list[Tick] | pa.Table]:
    """Yield the ticks or tables of a file in parts; an unusable file is added to the summary."""
    try:
        if isinstance(page, FilePage) and is_table(page.path):
            yield from batches(page.path, latest)
        elif isinstance(page, FilePage) and is_warc(page.path):
            yield from _captures(page, source, observed_at, latest, summary)
        else:
            yield [*_plausible(read_page(page, source=source, observed_at=observed_at), latest)]
    except (ParseError, UndatedPage, SchemaMismatch, OSError) as error:
        summary.refused.append((page.name, getattr(error, "strerror", None) or str(error)))


def _captures(
    page: FilePage, source: Source, observed_at: Moment | None, latest: datetime, summary: ImportSummary
) -> Iterator[list[Tick]]:
    """Yield the ticks of each page of the source's site in a WARC file; other records are counted in the summary."""
    if observed_at is not None:
        raise UndatedPage("a WARC file has the timestamp of each capture: leave --observed-at out")
    damaged = 0
    for record in read_captures(page.path, source, latest):
        if isinstance(record, DamagedRecord):
            damaged += 1
            if damaged <= _MAX_NAMED:
                summary.refused.append((f"{page.name} at byte {record.offset}", record.reason))
        elif isinstance(record, SkippedRecord):
            summary.elsewhere += 1
        elif record:
            summary.captures += 1
            yield [*record]
        else:
            summary.empty += 1
    if damaged > _MAX_NAMED:
        summary.refused.append((page.name, f"{damaged - _MAX_NAMED} more unusable records"))


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


def _flush(waiting: list[Tick], store: Store, summary: ImportSummary) -> None:
    if waiting:
        _count(store.append(waiting), summary)
        waiting.clear()


def _count(appended: Appended, summary: ImportSummary) -> None:
    summary.added += appended.added
    summary.known += appended.known
