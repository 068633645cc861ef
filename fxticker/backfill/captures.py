"""Captures: the tickers of a source's pages in a stretch of a WARC file, each once, with the instants that show it.

What is read is plain data, so that it can be read in another process and stored in this one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from http import HTTPStatus
from time import monotonic

from fxticker.backfill.cdx import is_on_site, site_of
from fxticker.backfill.revisits import names_of
from fxticker.backfill.warc import WarcReader
from fxticker.backfill.warc_page import DamagedRecord, Revisit, SkippedRecord, WarcPage
from fxticker.errors import ParseError
from fxticker.model.normalise import normalise
from fxticker.model.records import Evidence, Origin, Snapshot, Tick, TimeBasis
from fxticker.model.timestamps import EPOCH
from fxticker.sources.evidence import evidence_of
from fxticker.sources.source import Source, parsed

MAX_CAPTURES = 2_000
"""Captures that are read before they are stored: some 10,000 ticks share the cost of a durable write."""
MAX_READ_S = 60.0
"""Seconds of reading after which what was read is stored; a process or worker that reads a stretch is free then."""
MAX_EVIDENCE_BYTES = 16_000_000
"""Bytes of evidence that are read before they are stored; a ticker has some 5 kB of it."""


@dataclass(frozen=True, slots=True)
class Ticker:
    """What some pages show.

    Attributes
    ----------
    ticks
        The ticks, without evidence, and at `EPOCH` instead of the instant of a capture; none if a page has no readable
        ticker.
    evidence
        The piece of the pages that they were read from; `None` if none is kept.
    """

    ticks: tuple[Tick, ...] = ()
    evidence: Evidence | None = None


@dataclass(frozen=True, slots=True)
class Capture:
    """A page of a source's site.

    Attributes
    ----------
    instant
        When it was captured, aware UTC.
    ticker
        Number of what it shows among the tickers; `None` if it is no page of the source.
    names
        What revisits may refer to it by.
    digests
        Digests of its payload.
    """

    instant: datetime
    ticker: int | None
    names: tuple[bytes, ...]
    digests: tuple[str, ...]


@dataclass(slots=True)
class Captures:
    """What was read in a stretch of a file.

    Attributes
    ----------
    tickers
        What the pages show, each once, in order of the first page.
    records
        Captures, revisits and damaged records, in file order.
    skipped
        Number of other records: of other hosts, media types or statuses.
    """

    tickers: list[Ticker] = field(default_factory=list)
    records: list[Capture | Revisit | DamagedRecord] = field(default_factory=list)
    skipped: int = 0


def read_captures(reader: WarcReader, source: Source, latest: datetime) -> Iterator[Captures]:
    """Yield what a reader reads, in parts of bounded size.

    Parameters
    ----------
    source
        Source of the pages: responses of other hosts, media types or statuses are skipped.
    latest
        Latest accepted capture time; a later record is damaged.

    Raises
    ------
    OSError
        If the file cannot be read.
    """
    site = site_of(source.url)
    part = _Part(source)
    for record in reader.records(lambda url: is_on_site(site, url)):
        if isinstance(record, WarcPage | Revisit) and not EPOCH <= record.instant <= latest:
            reason = f"captured at {record.instant}: before 1970 or in the future"
            part.captures.records.append(DamagedRecord(record.offset, reason))
        elif isinstance(record, WarcPage):
            part.add_page(record)
        elif isinstance(record, SkippedRecord):
            part.captures.skipped += 1
        else:
            part.captures.records.append(record)
        if part.is_full():
            yield part.captures
            part = _Part(source)
    yield part.captures


class _Part:
    """Captures that are being read."""

    def __init__(self, source: Source) -> None:
        self.captures = Captures()
        self._source = source
        self._numbers: dict[tuple[Snapshot, Evidence | None] | None, int] = {}
        self._evidence_bytes = 0
        self._end = monotonic() + MAX_READ_S

    def is_full(self) -> bool:
        """Whether it is to be stored before more is read."""
        is_large = len(self.captures.records) >= MAX_CAPTURES or self._evidence_bytes >= MAX_EVIDENCE_BYTES
        return is_large or monotonic() >= self._end

    def add_page(self, page: WarcPage) -> None:
        """Add a page of the site; one of another status or media type is skipped, and known as no page."""
        ticker: int | None = None
        if page.http_status != HTTPStatus.OK or not page.is_of(self._source.media_types):
            self.captures.skipped += 1
        elif page.body is None:
            self.captures.records.append(DamagedRecord(page.offset, page.problem))
            return
        else:
            ticker = self._number(page.body, page.headers)
        self.captures.records.append(Capture(page.instant, ticker, names_of(page), page.digests))

    def _number(self, body: bytes, headers: Mapping[str, str]) -> int:
        """Return the number of the ticker that a page shows; it is added if no page before shows it."""
        shown: tuple[Snapshot, Evidence | None] | None = None
        try:
            snapshot = parsed(self._source, body, headers)
            shown = snapshot, evidence_of(self._source, body, headers, snapshot)[0]
        except ParseError:
            pass
        number = self._numbers.get(shown)
        if number is None:
            number = self._numbers[shown] = len(self._numbers)
            self.captures.tickers.append(Ticker() if shown is None else self._ticker(*shown))
        return number

    def _ticker(self, snapshot: Snapshot, evidence: Evidence | None) -> Ticker:
        self._evidence_bytes += 0 if evidence is None else len(evidence.body)
        ticks = normalise(
            snapshot,
            source=self._source.id,
            observed_at=EPOCH,
            time_basis=TimeBasis.CAPTURE,
            origin=Origin.ARCHIVE,
        )
        return Ticker(ticks, evidence)
