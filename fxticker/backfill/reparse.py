"""Reparse: read all kept evidence with the present parsers, and put right what was read otherwise.

A tick is right if the present parser reads it in any piece of evidence that a tick of its instant names: several saved
pages of one date share their equal ticks. New rows are stored before old ones are retracted, so that a process that
ends in between leaves an instant with both, of which the last recorded counts, and another run completes it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import zip_longest
from typing import Any

from fxticker.backfill.differing import instants_to_compare
from fxticker.backfill.readings import Printed, Readings, RereadBody
from fxticker.errors import one_line
from fxticker.model.formatting import printed_text
from fxticker.model.normalise import normalise
from fxticker.model.records import Origin, PrintedTick, Retraction, Tick, TimeBasis
from fxticker.model.timestamps import MICROSECOND
from fxticker.sources.fixed import CONSTANTS
from fxticker.sources.registry import source_of
from fxticker.sources.source import Source
from fxticker.store.read_span import Span, month_of, read_span
from fxticker.store.rejected import rejected_names
from fxticker.store.store import Store

UNWRITABLE = "cannot be written"
"""Effect of a difference in what does not identify a tick: a row with the same rate cannot be stored beside it."""


@dataclass(frozen=True, slots=True)
class Difference:
    """A difference between what is stored and what the present parser reads.

    Attributes
    ----------
    source, observed_at, pair
        Where it is.
    stored
        The tick that counts now, as printed; None if there is none.
    read_now
        What the present parser reads, as printed, or its refusal.
    effect
        ``"correct"``, ``"retract"``, ``"add"``, ``"restore"``, or `UNWRITABLE`.
    """

    source: str
    observed_at: datetime
    pair: str
    stored: str | None
    read_now: str
    effect: str


@dataclass(slots=True)
class ReparseSummary:
    """Result of a reparse.

    Attributes
    ----------
    pieces
        Pieces of evidence that were read: those that ticks name.
    missing_evidence
        Pieces that ticks name and that are no longer kept: nothing follows for these ticks.
    differences
        In order of source and instant.
    problems
        One line for each source, piece or body that could not be read.
    added, retracted, restored
        Rows that were written.
    """

    pieces: int = 0
    missing_evidence: int = 0
    differences: list[Difference] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    added: int = 0
    retracted: int = 0
    restored: int = 0

    @property
    def unwritable(self) -> int:
        """Number of differences that cannot be written."""
        return sum(difference.effect == UNWRITABLE for difference in self.differences)


@dataclass(slots=True)
class _Changes:
    """What has to be written."""

    ticks: list[Tick] = field(default_factory=list)
    retracted: list[Retraction] = field(default_factory=list)
    restored: list[Retraction] = field(default_factory=list)


def reparse(
    store: Store,
    *,
    since: datetime | None = None,
    write: bool = False,
    find: Callable[[str], Source | None] = source_of,
) -> ReparseSummary:
    """Compare the stored ticks that name evidence with what the present parsers read in it, and the rejected bodies.

    Parameters
    ----------
    store
        The store.
    since
        Only ticks observed, and polls planned, at or after this instant, aware UTC.
    write
        Whether to store corrections at the same instants, and to retract what is read otherwise or refused.
        Outcomes are not changed.
    find
        Returns the source with an id.

    Raises
    ------
    StoreError
        If the store refuses; a reparse can be repeated safely.
    """
    summary = ReparseSummary()
    kept = {name.source for name in store.evidence.names()} | {name.source for name in rejected_names(store.backend)}
    for name in sorted(kept - {*CONSTANTS}):
        source = find(name)
        if source is None:
            summary.problems.append(f"{name}: no such source is installed, so its evidence is not read")
            continue
        readings = Readings(source, store, lambda text: summary.problems.append(one_line(text)))
        for month in store.ticks.months(name):
            if since is None or month >= month_of(since):
                changes = _changes_of_month(source, store, month, readings, since, summary)
                if write:
                    _write(changes, store, summary)
        changes = _changes_of_bodies(source, store, readings, since, summary, write=write)
        if write:
            _write(changes, store, summary)
        summary.pieces += readings.pieces
        summary.missing_evidence += len(readings.missing_evidence)
    return summary


def _write(changes: _Changes, store: Store, summary: ReparseSummary) -> None:
    if changes.ticks:
        summary.added += store.append(changes.ticks).added
    if changes.retracted or changes.restored:
        store.retract([*changes.restored, *changes.retracted])
        summary.retracted += len(changes.retracted)
        summary.restored += len(changes.restored)


def _changes_of_month(
    source: Source,
    store: Store,
    month: str,
    readings: Readings,
    since: datetime | None,
    summary: ReparseSummary,
) -> _Changes:
    changes = _Changes()
    for rows in instants_to_compare(store, source.id, month, since, readings):
        comparison = _Comparison(source, rows, readings)
        summary.differences += comparison.differences(changes)
    return changes


def _changes_of_bodies(
    source: Source, store: Store, readings: Readings, since: datetime | None, summary: ReparseSummary, *, write: bool
) -> _Changes:
    """The ticks of rejected bodies that can be read now, where no tick of that instant is stored yet."""
    changes = _Changes()
    for body in readings.rejected(since):
        span = Span(body.observed_at, body.observed_at + MICROSECOND)
        if read_span(store.ticks, sources=[source.id], span=span).num_rows:
            continue
        sha256 = None
        if write and body.evidence is not None:
            sha256 = store.keep_evidence(source.id, body.observed_at, body.evidence)
        changes.ticks += normalise(
            body.snapshot,
            source=source.id,
            observed_at=body.observed_at,
            time_basis=TimeBasis.CLOCK,
            origin=Origin.LIVE,
            evidence=sha256,
        )
        summary.differences += _additions(source, body)
    return changes


def _additions(source: Source, body: RereadBody) -> Iterator[Difference]:
    for tick in body.snapshot.ticks:
        text = _text(tick.rate_text, tick.change_text, tick.nominal)
        yield Difference(source.id, body.observed_at, tick.pair, f"nothing ({body.outcome})", text, "add")


class _Comparison:
    """The rows of a source at one instant, and what is read in the evidence that they name."""

    def __init__(self, source: Source, rows: Sequence[dict[str, Any]], readings: Readings) -> None:
        self._source = source
        self._observed_at: datetime = rows[0]["observed_at"]
        self._rows = {(row["pair"], row["rate_text"], row["change_text"]): row for row in rows}
        hashes = dict.fromkeys(row["evidence"] for row in rows if row["evidence"] is not None)
        self._readings = {sha256: reading for sha256 in hashes if (reading := readings.of(sha256)) is not None}
        self._read: dict[Printed, str] = {}
        for sha256, reading in self._readings.items():
            for key in reading.printed():
                self._read.setdefault(key, sha256)

    def differences(self, changes: _Changes) -> Iterator[Difference]:
        """Yield the differences, sorted by pair, and add what has to be written to `changes`."""
        wrong = [key for key, row in self._rows.items() if self._is_wrong(key, row)]
        fresh = [key for key in self._read if key not in self._rows]
        for pair in sorted({key[0] for key in (*wrong, *fresh)}):
            of_pair = ([key for key in keys if key[0] == pair] for keys in (wrong, fresh))
            for old, new in zip_longest(*of_pair):
                yield self._difference(old, new, changes)
        for key in sorted(self._rows, key=lambda key: key[0]):
            if key in self._read:
                yield from self._known(key, self._rows[key], changes)

    def _is_wrong(self, key: Printed, row: dict[str, Any]) -> bool:
        return bool(row["counts"]) and row["evidence"] in self._readings and key not in self._read

    def _difference(self, old: Printed | None, new: Printed | None, changes: _Changes) -> Difference:
        key = old or new
        assert key is not None
        if new is not None:
            changes.ticks.append(self._tick(new))
        reading = self._refusal(old) if new is None and old is not None else self._shown(new or key)
        if old is not None:
            changes.retracted.append(self._retraction(old, one_line(f"reparse: {reading}")))
        effect = "add" if old is None else "retract" if new is None else "correct"
        return Difference(
            self._source.id, self._observed_at, key[0], None if old is None else self._shown(old), reading, effect
        )

    def _known(self, key: Printed, row: dict[str, Any], changes: _Changes) -> Iterator[Difference]:
        """A stored tick that is read again: restored if it is retracted, and compared in what does not identify it."""
        text = _text(*key[1:])
        if not row["counts"]:
            changes.restored.append(self._retraction(key, None))
            yield Difference(self._source.id, self._observed_at, key[0], None, self._shown(key), "restore")
        reading = self._readings.get(row["evidence"])
        tick = None if reading is None else reading.printed().get(key)
        if reading is None or tick is None or reading.snapshot is None:
            return
        stored = {"dated": row["source_date"], "nominal": row["nominal"]}
        now = {"dated": reading.snapshot.source_date, "nominal": tick.nominal}
        for name, value in stored.items():
            if value != now[name]:
                before, after = (f"{text}, {name} {fact or 'nothing'}" for fact in (value, now[name]))
                yield Difference(self._source.id, self._observed_at, key[0], before, after, UNWRITABLE)

    def _shown(self, key: Printed) -> str:
        """The text of a tick, with the nominal that is stored, or read where none is stored."""
        row = self._rows.get(key)
        nominal = self._readings[self._read[key]].printed()[key].nominal if row is None else row["nominal"]
        return _text(*key[1:], nominal)

    def _refusal(self, key: Printed) -> str:
        refusal = self._readings[self._rows[key]["evidence"]].refusal
        return "the pair is not read" if refusal is None else f"refused: {refusal}"

    def _tick(self, key: Printed) -> Tick:
        sha256 = self._read[key]
        snapshot = self._readings[sha256].snapshot
        assert snapshot is not None
        like = next(row for row in self._rows.values() if row["evidence"] == sha256)
        printed: PrintedTick = self._readings[sha256].printed()[key]
        [tick] = normalise(
            replace(snapshot, ticks=(printed,)),
            source=self._source.id,
            observed_at=self._observed_at,
            time_basis=TimeBasis(like["time_basis"]),
            origin=Origin(like["origin"]),
            evidence=sha256,
        )
        return tick

    def _retraction(self, key: Printed, reason: str | None) -> Retraction:
        return Retraction(self._source.id, key[0], self._observed_at, *key[1:], self._source.parser_version, reason)


def _text(rate_text: str, change_text: str | None, nominal: int = 1) -> str:
    rate = printed_text(rate_text, nominal)
    return rate if change_text is None else f"{rate} {change_text}"
