"""Saved pages and WARC files into the store, each page when it was captured or at its printed date; tables of ticks."""

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
from fxticker.model.schedule import EPOCH
from fxticker.model.timestamps import Moment, instant, is_date
from fxticker.sources import Source
from fxticker.store.store import Appended, Store

if TYPE_CHECKING:
    import pyarrow as pa

_MAX_NAMED = 20
"""Damaged records of a WARC file that are named; the others are counted."""
_TIME_ZONES = timedelta(days=1)
"""A page printed east of here may already carry tomorrow's date."""
_BATCH_TICKS = 20_000
"""Ticks per append: some 4,000 pages share the cost of a durable write, and memory stays bounded."""


@dataclass(slots=True)
class ImportSummary:
    """What became of the pages.

    Attributes
    ----------
    pages
        Pages and tables read, refused ones included.
    added
        Rows that were not stored before.
    known
        Rows that were.
    refused
        Name and reason of each page that gave no rows, and of each table that was not stored to its end; of the
        damaged records of a WARC file, the first ones and how many more there are.
    captures
        Pages in WARC files whose ticker was read.
    empty
        Pages of the site in WARC files without a ticker that can be read.
    elsewhere
        Records of WARC files that are no pages of the site: of other hosts, types or statuses.
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
    """Store the ticker of each page; a page that cannot be used is refused by name, and the others go on.

    A Parquet file is taken as a table of ticks, such as an export or a segment of another store; a WARC file as the
    pages of the source's site in it, each captured when its record says.

    Parameters
    ----------
    pages
        Read one after the other.
    source
        Whose pages they are. A table has a column `source`, or lies in a folder of that name as a segment does.
    store
        Where the ticks go.
    observed_at
        When all these pages were captured; a date means some time on that day. Without it each page's own printed
        date counts.
    clock
        Tells which pages are of the future; those are refused.
    summary
        Kept up to date as rows become durable: it tells what was stored even if the import is broken off.

    Raises
    ------
    StoreError
        If the store refuses; importing again is safe.
    """
    summary = summary if summary is not None else ImportSummary()
    latest = (clock or SystemClock()).now() + _TIME_ZONES
    waiting: list[Tick] = []
    for page in pages:
        summary.pages += 1
        for given in _given(page, source=source, observed_at=observed_at, latest=latest, summary=summary):
            if isinstance(given, list):
                waiting.extend(given)
            else:
                for appended in store.append_by_month(given):
                    _count(appended, summary)
            if len(waiting) >= _BATCH_TICKS:
                _flush(waiting, store, summary)
    _flush(waiting, store, summary)
    return summary


def _given(
    page: Page, *, source: Source, observed_at: Moment | None, latest: datetime, summary: ImportSummary
) -> Iterator[list[Tick] | pa.Table]:
    """What a page or table holds, piece by piece; what cannot be used is noted in the summary."""
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
    """The ticks of each page of the source's site in a WARC file; what else is in it is counted in the summary."""
    if observed_at is not None:
        raise UndatedPage("a WARC file says itself when each page was captured: leave --observed-at out")
    damaged = 0
    for found in read_captures(page.path, source, latest):
        if isinstance(found, DamagedRecord):
            damaged += 1
            if damaged <= _MAX_NAMED:
                summary.refused.append((f"{page.name} at byte {found.offset}", found.reason))
        elif isinstance(found, SkippedRecord):
            summary.elsewhere += 1
        elif found:
            summary.captures += 1
            yield [*found]
        else:
            summary.empty += 1
    if damaged > _MAX_NAMED:
        summary.refused.append((page.name, f"{damaged - _MAX_NAMED} more records that cannot be used"))


def read_page(page: Page, *, source: Source, observed_at: Moment | None = None) -> Sequence[Tick]:
    """The ticks of one saved page.

    Raises
    ------
    ParseError
        If the page cannot be read, or is too large for a page.
    UndatedPage
        If it prints no date and `observed_at` is not given.
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
        at = instant(observed_at)
        basis = TimeBasis.DATE if is_date(observed_at) else TimeBasis.CAPTURE
    elif snapshot.source_date is not None:
        at, basis = datetime.combine(snapshot.source_date, time(), UTC), TimeBasis.DATE
    else:
        raise UndatedPage("the page prints no date after the ticker; say when it was captured with --observed-at")
    return normalise(snapshot, source=source.id, observed_at=at, time_basis=basis, origin=Origin.PAGE)


def _plausible(ticks: Sequence[Tick], latest: datetime) -> Sequence[Tick]:
    at = ticks[0].observed_at
    if not EPOCH <= at <= latest:
        raise UndatedPage(f"the page would lie at {at.date()}: before 1970 or in the future")
    return ticks


def _flush(waiting: list[Tick], store: Store, summary: ImportSummary) -> None:
    if waiting:
        _count(store.append(waiting), summary)
        waiting.clear()


def _count(appended: Appended, summary: ImportSummary) -> None:
    summary.added += appended.added
    summary.known += appended.known
