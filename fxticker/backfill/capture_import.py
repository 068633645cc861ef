"""Capture import: stores the tickers of captures that were read from WARC files, and of the revisits of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import numpy as np
import pyarrow as pa

from fxticker.backfill.captures import Capture, Captures
from fxticker.backfill.import_progress import ImportProgress, Reached
from fxticker.backfill.import_summary import ImportSummary, Refusals
from fxticker.backfill.revisits import KnownCaptures, UnknownCapture, stored_captures
from fxticker.backfill.warc_page import Revisit
from fxticker.errors import ParseError
from fxticker.model.records import Tick
from fxticker.store.arrow import microseconds, table_of, take
from fxticker.store.store import Store
from fxticker.store.validate import GIVEN

_MAX_WAITING = 100_000
"""Revisits that wait for a capture that is not known yet, at most."""
_BATCH_CAPTURES = 4_000
"""Captures per append: some 20,000 ticks share the cost of a durable write, in bounded memory."""
_MAX_TICKERS = 50_000
"""Different tickers that are kept once each; some 90 MB."""


@dataclass(frozen=True, slots=True)
class FileCaptures:
    """A part of the captures in a file, and what is refused of the file so far."""

    name: str
    captures: Captures
    refused: Refusals


class CaptureImport:
    """Stores captures in the order in which they are given.

    Parameters
    ----------
    source
        Id of the source of the pages.
    store
        Receives evidence and ticks.
    summary
        Updated as rows become durable.
    progress
        Records how far files were read, once their captures are durable; `None` records nothing.
    """

    def __init__(
        self, source: str, store: Store, summary: ImportSummary, progress: ImportProgress | None = None
    ) -> None:
        self._source = source
        self._store = store
        self._summary = summary
        self._known = KnownCaptures()
        self._tickers: dict[Sequence[Tick], Sequence[Tick]] = {}
        self._shown: list[tuple[Sequence[Tick], datetime]] = []
        self._revisits: list[tuple[str, Revisit]] = []
        self._progress = progress
        self._reached: dict[str, Reached] = {}
        self._taken = 0

    def take(self, part: FileCaptures) -> None:
        """Store what was read in a file, or collect it until it makes a batch; damaged records are refused."""
        name, captures, refused = part.name, part.captures, part.refused
        tickers = self._kept(captures)
        self._summary.elsewhere += captures.skipped
        for record in captures.records:
            if isinstance(record, Capture):
                ticks = None if record.ticker is None else tickers[record.ticker]
                self._known.add(record.names, record.digests, ticks)
                if ticks is not None:
                    self._count(ticks, record.instant)
            elif isinstance(record, Revisit):
                self._take_revisit(name, record, refused)
            else:
                refused.add(f"{name} at byte {record.offset}", record.reason)
        self._taken += len(captures.records)
        # With a record of progress, a batch ends where it says how far a file was read, if that is not too long.
        if self._taken >= _BATCH_CAPTURES * (1 if self._progress is None else 4):
            self.flush()

    def reach(self, reached: Reached) -> None:
        """Take how far a file was read; it is recorded with the next batch.

        While revisits wait nothing more is: they would be lost if the import were interrupted.
        """
        if not self._revisits:
            self._reached[reached.path] = reached
        if self._taken >= _BATCH_CAPTURES:
            self.flush()

    def is_waiting(self) -> bool:
        """Whether there are revisits of captures that are not known yet."""
        return bool(self._revisits)

    def note(self, captures: Captures) -> None:
        """Remember captures that were stored before, for the revisits that wait for them."""
        tickers = self._kept(captures)
        for record in captures.records:
            if isinstance(record, Capture):
                ticks = None if record.ticker is None else tickers[record.ticker]
                self._known.add(record.names, record.digests, ticks)

    def flush(self) -> None:
        """Store the ticks of the captures that were collected."""
        shown, self._shown = self._shown, []
        if shown:
            for appended in self._store.append_by_month(_rows(shown)):
                self._summary.added += appended.added
                self._summary.known += appended.known
        self._taken = 0
        if self._progress and self._reached:
            self._progress.record(self._reached.values())
            self._reached = {}

    def close(self) -> None:
        """Store the rest, and the revisits that waited; those of captures that are not known are refused."""
        self.flush()
        instants = {revisit.refers_to[1] for _, revisit in self._revisits if revisit.refers_to}
        stored = stored_captures(self._store, self._source, instants)
        refused = Refusals(self._summary.refused)
        for name, revisit in self._revisits:
            try:
                ticks = self._known.ticks_of(revisit, stored)
            except ParseError as error:
                refused.add(f"{name} at byte {revisit.offset}", str(error))
            else:
                self._count(ticks, revisit.instant, is_revisit=True)
        refused.close("WARC files", "revisits of captures that are not known")
        self.flush()

    def _kept(self, captures: Captures) -> list[Sequence[Tick]]:
        """Return the ticks of each ticker with its evidence, which is kept before any of them is stored."""
        tickers = []
        years = {
            (record.ticker, record.instant.year): record.instant
            for record in reversed(captures.records)
            if isinstance(record, Capture) and record.ticker is not None
        }
        hashes = {}
        for (number, _), instant in reversed(years.items()):
            evidence = captures.tickers[number].evidence
            if evidence is not None:
                hashes[number] = self._store.keep_evidence(self._source, instant, evidence)
        for number, ticker in enumerate(captures.tickers):
            ticks = tuple(replace(tick, evidence=hashes.get(number)) for tick in ticker.ticks)
            if len(self._tickers) >= _MAX_TICKERS:
                self._tickers.clear()
            tickers.append(self._tickers.setdefault(ticks, ticks))
        return tickers

    def _take_revisit(self, name: str, revisit: Revisit, refused: Refusals) -> None:
        """Take the ticks of a revisit; one whose capture is not known yet waits for the end of the import."""
        try:
            ticks = self._known.ticks_of(revisit)
        except UnknownCapture as error:
            if len(self._revisits) < _MAX_WAITING:
                self._revisits.append((name, revisit))
            else:
                refused.add(f"{name} at byte {revisit.offset}", str(error))
        except ParseError as error:
            refused.add(f"{name} at byte {revisit.offset}", str(error))
        else:
            self._count(ticks, revisit.instant, is_revisit=True)

    def _count(self, ticks: Sequence[Tick] | None, instant: datetime, *, is_revisit: bool = False) -> None:
        """Count a page, and collect its ticks if there are some; `None` is no page of the source."""
        if ticks is None:
            self._summary.elsewhere += 1
        elif not ticks:
            self._summary.empty += 1
        else:
            self._summary.revisits += is_revisit
            self._summary.captures += not is_revisit
            self._shown.append((ticks, instant))


def _rows(shown: Sequence[tuple[Sequence[Tick], datetime]]) -> pa.Table:
    """Return the rows of captures: each ticker is converted once, and repeated at the instants that show it."""
    firsts: dict[int, int] = {}
    ticks: list[Tick] = []
    for ticker, _ in shown:
        if id(ticker) not in firsts:
            firsts[id(ticker)] = len(ticks)
            ticks += ticker
    places = np.concatenate([np.arange(len(ticker)) + firsts[id(ticker)] for ticker, _ in shown])
    instants = np.repeat([microseconds(instant) for _, instant in shown], [len(ticker) for ticker, _ in shown])
    rows = take(table_of(ticks, GIVEN, getattr), places)
    column = pa.Array.from_buffers(pa.timestamp("us", "UTC"), len(instants), [None, pa.py_buffer(instants)])
    return rows.set_column(rows.schema.get_field_index("observed_at"), GIVEN.field("observed_at"), column)
