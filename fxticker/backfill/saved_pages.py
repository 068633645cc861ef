"""Saved pages and WARC files into the store, each page when it was captured or at its printed date; tables of ticks."""

from __future__ import annotations

import glob
import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from fxticker.backfill.local_warc import read_captures
from fxticker.backfill.parquet_files import PARQUET, batches, is_table
from fxticker.backfill.warc import WARC, is_warc
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

MAX_PAGE_BYTES = 50_000_000
"""A saved page of the site has some 150 kB; what is larger than this is no page."""
STDIN = "-"
_MAX_NAMED = 20
"""Damaged records of a WARC file that are named; the others are counted."""
_TIME_ZONES = timedelta(days=1)
"""A page printed east of here may already carry tomorrow's date."""
_BATCH_TICKS = 20_000
"""Ticks per append: some 4,000 pages share the cost of a durable write, and memory stays bounded."""


class Page(Protocol):
    """Something that can be read once."""

    @property
    def name(self) -> str:
        """What to call it in messages."""

    def read(self) -> bytes:
        """Its bytes, at most one more than MAX_PAGE_BYTES."""


@dataclass(frozen=True, slots=True)
class FilePage:
    """A saved page on disk."""

    path: Path

    @property
    def name(self) -> str:
        """The path."""
        return str(self.path)

    def read(self) -> bytes:
        """The file's bytes."""
        with self.path.open("rb") as file:
            return file.read(MAX_PAGE_BYTES + 1)


@dataclass(frozen=True, slots=True)
class StdinPage:
    """The page on standard input."""

    name: str = "standard input"

    def read(self) -> bytes:
        """All of it."""
        if sys.stdin is None:
            raise FileNotFoundError("standard input is closed")
        return sys.stdin.buffer.read(MAX_PAGE_BYTES + 1)


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


def find_pages(arguments: Iterable[str]) -> list[Page]:
    """The pages that files, folders (with all below them), glob patterns and ``-`` stand for, each once, in order.

    Hidden files and folders are left out of folders, and so is what is no file.

    Raises
    ------
    FileNotFoundError
        If an argument is no file, no folder, and matches none, or is a folder without files.
    OSError
        If a folder cannot be listed.
    """
    pages: dict[str, Page] = {}
    for argument in arguments:
        if argument == STDIN:
            pages.setdefault(STDIN, StdinPage())
            continue
        for path in _paths(argument):
            pages.setdefault(os.path.abspath(path), FilePage(path))  # noqa: PTH100  resolve() fails on loops
    return list(pages.values())


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
                summary.refused.append((f"{page.name} at byte {found.offset}", found.why))
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


def _paths(argument: str) -> Iterator[Path]:
    path = Path(argument)
    if path.is_dir():
        files = sorted(_files_below(path))
        if not files:
            raise FileNotFoundError(f"{argument}: a folder without files")
        yield from files
    elif path.exists():
        yield path
    else:
        found = sorted(glob.glob(argument, recursive=True))  # noqa: PTH207  patterns may be absolute
        if not found:
            raise FileNotFoundError(f"{argument}: no such file or folder, and no file matches it")
        for match in found:
            yield from _paths(match)


def _files_below(folder: Path) -> Iterator[Path]:
    seen: set[tuple[int, int]] = set()  # linked folders are followed, each once
    for parent, folders, names in os.walk(folder, onerror=_raise, followlinks=True):
        status = Path(parent).stat()
        if (status.st_dev, status.st_ino) in seen:
            folders.clear()
            continue
        seen.add((status.st_dev, status.st_ino))
        folders[:] = [name for name in folders if not name.startswith(".")]
        for path in (Path(parent, name) for name in names if not name.startswith(".")):
            if path.is_file() or path.is_symlink():
                yield path


def _raise(error: OSError) -> None:
    raise error
