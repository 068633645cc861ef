"""Readings: what the present parser of a source reads in its kept evidence and in its rejected bodies."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from fxticker.errors import ParseError, SegmentUnreadable, one_line
from fxticker.model.normalise import normalise
from fxticker.model.records import Evidence, Origin, PrintedTick, Snapshot, TimeBasis
from fxticker.model.timestamps import EPOCH, MICROSECOND
from fxticker.sources.evidence import evidence_of
from fxticker.sources.source import Source
from fxticker.store.arrow import records_of
from fxticker.store.evidence import EvidenceName
from fxticker.store.read_span import Span, read_span
from fxticker.store.rejected import RejectedName, read_rejected, rejected_names
from fxticker.store.store import Store

Printed = tuple[str, str, str | None]
"""Pair, rate and change as printed: what identifies a tick at its instant."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What a parser reads in an answer: a snapshot, or the reason why it refuses it."""

    snapshot: Snapshot | None
    refusal: str | None = None

    def printed(self) -> dict[Printed, PrintedTick]:
        """Return the ticks by what identifies them; none if the answer is refused."""
        ticks = () if self.snapshot is None else self.snapshot.ticks
        return {(tick.pair, tick.rate_text, tick.change_text): tick for tick in ticks}


@dataclass(frozen=True, slots=True)
class RereadBody:
    """A rejected body that can be read now, with the instant and the refusal of its poll."""

    snapshot: Snapshot
    evidence: Evidence | None
    observed_at: datetime
    outcome: str


class Readings:
    """The evidence of a source as its present parser reads it; each piece is read once.

    Parameters
    ----------
    source
        Whose evidence it is.
    store
        The store that keeps it.
    problem
        Called with one line for each piece that cannot be read at all, of which nothing follows.
    """

    def __init__(self, source: Source, store: Store, problem: Callable[[str], object]) -> None:
        self._source = source
        self._store = store
        self._problem = problem
        self._names: Mapping[str, EvidenceName] = {name.sha256: name for name in store.evidence.names(source.id)}
        self._read: dict[str, Reading | None] = {}
        self.missing_evidence: set[str] = set()

    @property
    def pieces(self) -> int:
        """Number of pieces that were read."""
        return sum(reading is not None for reading in self._read.values())

    def of(self, sha256: str) -> Reading | None:
        """Return what is read in a piece; None if it is not kept any more, or cannot be read at all."""
        if sha256 not in self._read:
            self._read[sha256] = self._reading(sha256)
        return self._read[sha256]

    def _reading(self, sha256: str) -> Reading | None:
        name = self._names.get(sha256)
        if name is None:
            self.missing_evidence.add(sha256)
            return None
        try:
            evidence = self._store.evidence.read(name)
        except SegmentUnreadable as error:
            self._problem(str(error))
            return None
        return self._parsed(name.name, evidence.body, evidence.headers)

    def _parsed(self, name: str, body: bytes, headers: Mapping[str, str]) -> Reading | None:
        try:
            snapshot = self._source.parse(body, headers)
            normalise(
                snapshot, source=self._source.id, observed_at=EPOCH, time_basis=TimeBasis.CLOCK, origin=Origin.LIVE
            )
        except ParseError as error:
            return Reading(None, one_line(f"{error.outcome}: {error}"))
        except (Exception, SystemExit) as error:  # noqa: BLE001  a fault of a parser is no reason to retract what was read
            self._problem(f"{name}: {type(error).__name__} in the parser of {self._source.id}: {error}")
            return None
        return Reading(snapshot)

    def rejected(self, since: datetime | None) -> Iterator[RereadBody]:
        """Yield the rejected bodies that the present parser reads, from polls at or after an instant."""
        for name in rejected_names(self._store.backend):
            if name.source != self._source.id or (since is not None and name.slot < since):
                continue
            try:
                body, content_type = read_rejected(self._store.backend, name.name)
            except SegmentUnreadable as error:
                self._problem(f"{error.name}: cannot be read ({error.cause}); it may be deleted")
                continue
            headers = {} if content_type is None else {"content-type": content_type}
            reading = self._parsed(name.name, body, headers)
            if reading is None or reading.snapshot is None:
                continue
            if (poll := self._poll_of(name, body)) is not None:
                evidence, _ = evidence_of(self._source, body, headers, reading.snapshot)
                ended_at = poll["started_at"] + timedelta(milliseconds=poll["duration_ms"])
                yield RereadBody(reading.snapshot, evidence, ended_at, poll["outcome"])

    def _poll_of(self, name: RejectedName, body: bytes) -> Mapping[str, Any] | None:
        """The poll that refused a body; a slot's first outcome is final, so its body may be that of a later poll."""
        span = Span(name.slot, name.slot + MICROSECOND)
        polls = records_of(read_span(self._store.polls, sources=[name.source], span=span))
        if not polls or polls[0]["started_at"] is None or polls[0]["duration_ms"] is None:
            self._problem(f"{name.name}: can be read now, but no poll on record has its instant")
            return None
        if polls[0]["body_sha256"] != hashlib.sha256(body).hexdigest():
            self._problem(f"{name.name}: can be read now, but the poll on record at its instant had another body")
            return None
        return polls[0]
