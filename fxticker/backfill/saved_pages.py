"""Saved pages: import pages, files of captured pages and tables of ticks into the store, in large batches."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta
from typing import TYPE_CHECKING, BinaryIO, Union

from fxticker.backfill.capture_import import CaptureImport, FileCaptures
from fxticker.backfill.captures import read_captures
from fxticker.backfill.file_kinds import HEAD_BYTES, ZIP, named, packing_of, require_readable
from fxticker.backfill.import_evidence import Keep, evidence_keeper, keep_nothing
from fxticker.backfill.import_progress import ImportProgress, Reached
from fxticker.backfill.import_summary import ImportSummary, Refusals
from fxticker.backfill.packed_files import unpacked, warc_files
from fxticker.backfill.page_files import MAX_PAGE_BYTES, FilePage, Page
from fxticker.backfill.parquet_files import PARQUET, batches, is_table
from fxticker.backfill.stretch_chain import Reading, ahead
from fxticker.backfill.stretched_files import Pool, StretchedFiles, planned, read_before
from fxticker.backfill.stretches import Stretch
from fxticker.backfill.text_tables import form_of, text_batches
from fxticker.backfill.warc import WarcReader, is_warc
from fxticker.errors import NoTicker, ParseError, SchemaMismatch, StoreLocked, UndatedPage, WriteFailed
from fxticker.model.clock import Clock, SystemClock
from fxticker.model.normalise import normalise
from fxticker.model.records import Origin, Tick, TimeBasis
from fxticker.model.timestamps import EPOCH, Moment, instant, is_date
from fxticker.sources.source import Source, parsed
from fxticker.store.store import Appended, Store

if TYPE_CHECKING:
    import pyarrow as pa

_TIME_ZONES = timedelta(days=1)
"""Tolerance for dates in the future: a page printed east of UTC may already carry tomorrow's date."""
_AHEAD = 3
"""Stretches of files that are read ahead, per process: some are done while an earlier one is stored."""
_BATCH_TICKS = 20_000
"""Ticks per append: some 4,000 pages share the cost of a durable write, in bounded memory."""


def import_pages(
    pages: Iterable[Page],
    *,
    source: Source,
    store: Store,
    observed_at: Moment | None = None,
    clock: Clock | None = None,
    summary: ImportSummary | None = None,
    pool: Pool | None = None,
    progress: Callable[[int], object] = lambda done: None,
) -> ImportSummary:
    """Store the ticker of each page; an unusable page is refused by name, and the import continues.

    A Parquet file is read as a table of ticks, such as an export or a segment of another store, and so is an export as
    CSV or JSON; a WARC or WACZ file as captured pages of the source's site, each with the timestamp of its record. A
    revisit in it, which is the record of an unchanged page, shows the ticks of the capture that it refers to, in any
    file of the import or stored before. Other files may be packed with gzip, xz, bzip2 or zstd.

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
    pool
        Reads WARC files, but those in another file, at several places at once; what is stored is the same. How far is
        recorded, and an import that was interrupted goes on from there. `None` reads them in this process.
    progress
        Called with the number of pages done.

    Raises
    ------
    ValueError
        If `observed_at` is neither a date nor an instant.
    StoreError
        If the store refuses; an import can be repeated safely.
    """
    summary = summary if summary is not None else ImportSummary()
    latest = (clock or SystemClock()).now() + _TIME_ZONES
    keep = evidence_keeper(source, store, latest=latest)
    resumed = None if pool is None or observed_at is not None else ImportProgress(store.backend, source)
    captures = CaptureImport(source.id, store, summary, resumed)
    run = _Run(source, store, observed_at, latest, keep, summary, captures)
    for is_first, parts in run.parts_of_all(pages, pool, resumed):
        if is_first:
            progress(summary.pages)
            summary.pages += 1
        for part in parts:
            run.take(part)
    run.flush()
    if resumed and captures.is_waiting():
        for part in read_before(resumed, source, latest):
            captures.note(part)
    captures.close()
    if resumed:
        summary.continued_files = len(resumed.continued)
        summary.continued_bytes = sum(reached.size_bytes for reached in resumed.continued)
        resumed.clear()
    return summary


@dataclass(slots=True)
class _Run:
    """State of one import.

    Attributes
    ----------
    source, store, observed_at, summary
        As of `import_pages`.
    latest
        Latest accepted `observed_at`.
    waiting
        Ticks that are not stored yet.
    captures
        Stores captures of WARC files.
    """

    source: Source
    store: Store
    observed_at: Moment | None
    latest: datetime
    keep: Keep
    summary: ImportSummary
    captures: CaptureImport
    waiting: list[Tick] = field(default_factory=list)

    def parts_of_all(
        self, pages: Iterable[Page], pool: Pool | None, resumed: ImportProgress | None
    ) -> Iterator[tuple[bool, Iterator[_Part]]]:
        """Yield what `parts` yields for each page; of a WARC file for each stretch, and whether it is the first one."""
        if pool is None or resumed is None:
            yield from ((True, self.parts(page)) for page in pages)
            return

        def submit(stretch: Stretch) -> Reading:
            return pool.submit(stretch, self.source, self.latest)

        files = StretchedFiles(submit, self.summary.refused)
        for page, stretch, reading in ahead(planned(pages, resumed), submit, _AHEAD * pool.count):
            if stretch is None:
                yield True, self.parts(page)
            else:
                yield stretch.is_first, files.parts(page.name, stretch, reading)

    def parts(self, page: Page) -> Iterator[_Part]:
        """Yield the ticks or tables of a file in parts; an unusable file is added to the summary."""
        try:
            if isinstance(page, FilePage) and is_table(page.path):
                yield from batches(page.path, self.latest)
            elif isinstance(page, FilePage) and page.path.is_file():
                with page.path.open("rb") as file:
                    yield from self._content(page.name, file)
            else:
                body = io.BytesIO(page.read())
                _require_readable_once(body)
                yield from self._content(page.name, body)
        except (WriteFailed, StoreLocked):
            raise  # an OSError of the store, whose evidence could not be kept, and not of the file
        except (ParseError, UndatedPage, SchemaMismatch, OSError) as error:
            self.summary.refused.append((page.name, getattr(error, "strerror", None) or str(error)))

    def take(self, part: _Part) -> None:
        """Store a table, month by month; collect ticks and captures until they make a batch."""
        if isinstance(part, FileCaptures):
            self.captures.take(part)
        elif isinstance(part, Reached):
            self.captures.reach(part)
        elif isinstance(part, Sequence):
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

    def _content(self, name: str, file: BinaryIO, packed_bytes: int | None = None) -> Iterator[_Part]:
        """Yield the ticks or tables of a file that is no Parquet file; `packed_bytes` is its size if it was packed."""
        file.seek(0)
        head = file.read(HEAD_BYTES)
        if is_warc(file):
            yield from self._captures(name, file, packed_bytes)
        elif head.startswith(ZIP):
            for member, content, size in warc_files(file):
                if isinstance(content, str):
                    self.summary.refused.append((f"{name}: {member}", content))
                else:
                    yield from self._captures(f"{name}: {member}", content, size)
        elif packing := packing_of(head):
            if packed_bytes is not None:
                raise ParseError("a file that is packed twice: unpack it")
            size = file.seek(0, io.SEEK_END)
            with unpacked(file, packing) as content:
                yield from self._content(name, content, size)
        elif head.startswith(PARQUET):
            raise ParseError("a packed Parquet file: unpack it")
        elif form := form_of(head):
            file.seek(0)
            yield from text_batches(file, form, self.latest)
        else:
            file.seek(0)
            body = file.read(MAX_PAGE_BYTES + 1)
            ticks = read_page(body, source=self.source, observed_at=self.observed_at, keep=self.keep)
            yield _plausible(ticks, self.latest)

    def _captures(self, name: str, file: BinaryIO, packed_bytes: int | None) -> Iterator[_Part]:
        """Yield the captures of the source's site in a WARC file in parts."""
        if self.observed_at is not None:
            raise UndatedPage("a WARC file has the timestamp of each capture: leave --observed-at out")
        refused = Refusals(self.summary.refused)
        for captures in read_captures(WarcReader(file, packed_bytes=packed_bytes), self.source, self.latest):
            yield FileCaptures(name, captures, refused)
        refused.close(name, "unusable records")


_Part = Union[Sequence[Tick], "pa.Table", FileCaptures, Reached]


def read_page(
    body: bytes, *, source: Source, observed_at: Moment | None = None, keep: Keep = keep_nothing
) -> Sequence[Tick]:
    """Return the ticks of one saved page.

    Parameters
    ----------
    body
        The page, or its first `MAX_PAGE_BYTES` + 1 bytes.
    observed_at
        When the page was captured; `None` uses its printed date, at 00:00 UTC.
    keep
        Keeps the evidence of the page.

    Raises
    ------
    ParseError
        If the page has no readable ticker, is no page, or is larger than `MAX_PAGE_BYTES`.
    UndatedPage
        If it has no date and `observed_at` is `None`.
    """
    if len(body) > MAX_PAGE_BYTES:
        raise ParseError(f"larger than {MAX_PAGE_BYTES} bytes: no page")
    require_readable(body[:HEAD_BYTES])
    try:
        snapshot = parsed(source, body, {})
    except NoTicker as error:
        raise named(error, body[:HEAD_BYTES]) from error
    if observed_at is not None:
        page_at = instant(observed_at)
        basis = TimeBasis.DATE if is_date(observed_at) else TimeBasis.CAPTURE
    elif snapshot.source_date is not None:
        page_at, basis = datetime.combine(snapshot.source_date, time(), UTC), TimeBasis.DATE
    else:
        raise UndatedPage("the page has no date after the ticker; give its capture time with --observed-at")
    evidence = keep(body, {}, snapshot, page_at)
    return normalise(
        snapshot, source=source.id, observed_at=page_at, time_basis=basis, origin=Origin.PAGE, evidence=evidence
    )


def _require_readable_once(body: BinaryIO) -> None:
    """Check that input which is not a file can be imported from there: large files cannot."""
    for kind, is_of_kind in (("Parquet", body.read(len(PARQUET)) == PARQUET), ("WARC", is_warc(body))):
        if is_of_kind:
            raise ParseError(f"a {kind} file from a pipe or standard input: save it, and name the file")


def _plausible(ticks: Sequence[Tick], latest: datetime) -> Sequence[Tick]:
    page_at = ticks[0].observed_at
    if not EPOCH <= page_at <= latest:
        raise UndatedPage(f"the page is dated {page_at.date()}: before 1970 or in the future")
    return ticks
