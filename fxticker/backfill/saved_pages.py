"""Saved pages: import pages, files of captured pages and tables of ticks into the store, in large batches."""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta
from typing import TYPE_CHECKING, BinaryIO

from fxticker.backfill.file_kinds import HEAD_BYTES, ZIP, named, packing_of, require_readable
from fxticker.backfill.import_evidence import Keep, evidence_keeper, keep_nothing
from fxticker.backfill.import_summary import ImportSummary, Refusals
from fxticker.backfill.packed_files import unpacked, warc_files
from fxticker.backfill.page_files import MAX_PAGE_BYTES, FilePage, Page
from fxticker.backfill.parquet_files import PARQUET, batches, is_table
from fxticker.backfill.revisits import KnownCaptures, UnknownCapture, stored_captures
from fxticker.backfill.text_tables import form_of, text_batches
from fxticker.backfill.warc import is_warc, read_captures
from fxticker.backfill.warc_page import DamagedRecord, Revisit, SkippedRecord
from fxticker.errors import NoTicker, ParseError, SchemaMismatch, StoreLocked, UndatedPage, WriteFailed
from fxticker.model.clock import Clock, SystemClock
from fxticker.model.normalise import normalise
from fxticker.model.records import Origin, Tick, TimeBasis
from fxticker.model.timestamps import EPOCH, Moment, instant, is_date
from fxticker.sources.source import Source, parsed
from fxticker.store.store import Appended, Store

if TYPE_CHECKING:
    import pyarrow as pa

_MAX_WAITING = 100_000
"""Revisits that wait for a capture that is not known yet, at most."""
_TIME_ZONES = timedelta(days=1)
"""Tolerance for dates in the future: a page printed east of UTC may already carry tomorrow's date."""
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

    Raises
    ------
    ValueError
        If `observed_at` is neither a date nor an instant.
    StoreError
        If the store refuses; an import can be repeated safely.
    """
    summary = summary if summary is not None else ImportSummary()
    latest = (clock or SystemClock()).now() + _TIME_ZONES
    run = _Run(source, store, observed_at, latest, evidence_keeper(source, store, latest=latest), summary)
    for page in pages:
        summary.pages += 1
        for part in run.parts(page):
            run.take(part)
    run.flush()
    for ticks in run.late_revisits():
        run.take(ticks)
    run.flush()
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
    known
        Captures that revisits may refer to.
    revisits
        Those of captures that are not known yet, with the name of their file.
    """

    source: Source
    store: Store
    observed_at: Moment | None
    latest: datetime
    keep: Keep
    summary: ImportSummary
    waiting: list[Tick] = field(default_factory=list)
    known: KnownCaptures = field(default_factory=KnownCaptures)
    revisits: list[tuple[str, Revisit]] = field(default_factory=list)

    def parts(self, page: Page) -> Iterator[Sequence[Tick] | pa.Table]:
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

    def _content(
        self, name: str, file: BinaryIO, packed_bytes: int | None = None
    ) -> Iterator[Sequence[Tick] | pa.Table]:
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

    def _captures(self, name: str, file: BinaryIO, packed_bytes: int | None) -> Iterator[Sequence[Tick]]:
        """Yield the ticks of each page of the source's site in a WARC file; other records are counted."""
        if self.observed_at is not None:
            raise UndatedPage("a WARC file has the timestamp of each capture: leave --observed-at out")
        damaged = Refusals(self.summary.refused)
        records = read_captures(file, self.source, self.latest, self.known, keep=self.keep, packed_bytes=packed_bytes)
        for record in records:
            if isinstance(record, DamagedRecord):
                damaged.add(f"{name} at byte {record.offset}", record.reason)
            elif isinstance(record, SkippedRecord):
                self.summary.elsewhere += 1
            elif isinstance(record, Revisit):
                yield from self._revisit(name, record, damaged)
            else:
                yield from self._counted(record)
        damaged.close(name, "unusable records")

    def _revisit(self, name: str, revisit: Revisit, refused: Refusals) -> Iterator[Sequence[Tick]]:
        """Yield the ticks of a revisit; one whose capture is not known yet waits for the end of the import."""
        try:
            ticks = self.known.ticks_of(revisit)
        except UnknownCapture as error:
            if len(self.revisits) < _MAX_WAITING:
                self.revisits.append((name, revisit))
            else:
                refused.add(f"{name} at byte {revisit.offset}", str(error))
        except ParseError as error:
            refused.add(f"{name} at byte {revisit.offset}", str(error))
        else:
            yield from self._counted(ticks, is_revisit=True)

    def late_revisits(self) -> Iterator[Sequence[Tick]]:
        """Yield the ticks of the revisits that wait, by all captures of the import and those that are stored."""
        instants = {revisit.refers_to[1] for _, revisit in self.revisits if revisit.refers_to}
        stored = stored_captures(self.store, self.source.id, instants)
        refused = Refusals(self.summary.refused)
        for name, revisit in self.revisits:
            try:
                ticks = self.known.ticks_of(revisit, stored)
            except ParseError as error:
                refused.add(f"{name} at byte {revisit.offset}", str(error))
            else:
                yield from self._counted(ticks, is_revisit=True)
        refused.close("WARC files", "revisits of captures that are not known")

    def _counted(self, ticks: Sequence[Tick] | None, *, is_revisit: bool = False) -> Iterator[Sequence[Tick]]:
        """Count a capture, and yield its ticks if there are some."""
        if ticks is None:
            self.summary.elsewhere += 1
        elif not ticks:
            self.summary.empty += 1
        else:
            if is_revisit:
                self.summary.revisits += 1
            else:
                self.summary.captures += 1
            yield ticks


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
