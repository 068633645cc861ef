"""Provenance: the stored rows behind a rate of one source, with their file, poll, kept evidence and checks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from fractions import Fraction
from typing import Any

import numpy as np
import pandas as pd

from fxticker.analysis.value_dates import by_effective_day
from fxticker.errors import FxTickerError, SegmentUnreadable, one_line
from fxticker.frames.load import load_selected
from fxticker.frames.one_per_instant import effective_rows
from fxticker.model.bands import previous_rate, rate_band
from fxticker.model.printed import read_recorded_rate
from fxticker.model.records import Evidence, Origin, Outcome
from fxticker.model.selection import Selection
from fxticker.model.timestamps import MICROSECOND
from fxticker.sources.age_limits import TICKER
from fxticker.sources.registry import source_of
from fxticker.sources.source import parsed
from fxticker.store.arrow import records_of
from fxticker.store.poll_log import poll_log
from fxticker.store.read_span import Span, segments_of
from fxticker.store.schema import TICKS
from fxticker.store.store import Store

_DAY = timedelta(days=1)
_SECOND = timedelta(seconds=1)
"""What a poll may take after its recorded duration: that is rounded to milliseconds."""
_POLLS = 10
"""Polls of the day before a tick that are looked at for the one that it is of."""
_POLL_FIELDS = (
    "slot",
    "started_at",
    "outcome",
    "http_status",
    "body_sha256",
    "parser_version",
    "recorded_at",
    "detail",
)


@dataclass(frozen=True, slots=True)
class Check:
    """A check of a stored rate.

    Attributes
    ----------
    name
        What is checked.
    passed
        Whether it passed; ``None`` if it cannot be done.
    detail
        What was found; ``None`` if there is nothing to add.
    """

    name: str
    passed: bool | None
    detail: str | None = None


@dataclass(frozen=True, slots=True)
class PrintedRate:
    """A stored row that a rate follows from.

    Attributes
    ----------
    row
        The columns of `fxticker.load` with ``evidence``, null ones as None.
    rate_lo, rate_hi
        Bounds that the printed digits allow, per one unit of base; of a fixed rate both are the rate.
    file
        The file that the row lies in, as a path inside the store; None if it was rewritten meanwhile.
    poll
        Of a live row, the row of its poll: ``slot``, ``started_at``, ``outcome``, ``http_status``, ``body_sha256``
        (hash of the whole answer), ``parser_version``, ``recorded_at``, ``detail``; None if there is none.
    evidence_file
        The file of the kept piece of the page; None if none is kept.
    checks
        What was checked, and with which result.
    """

    row: Mapping[str, Any]
    rate_lo: float
    rate_hi: float
    file: str | None
    poll: Mapping[str, Any] | None
    evidence_file: str | None
    checks: tuple[Check, ...]

    def facts(self) -> dict[str, Any]:
        """Return it for a document."""
        checks = [asdict(check) for check in self.checks]
        facts = {"rate_lo": self.rate_lo, "rate_hi": self.rate_hi, "file": self.file, "poll": self.poll}
        return {**self.row, **facts, "evidence_file": self.evidence_file, "checks": checks}


def printed_rates(
    store: Store, source: str, pair: str, observed_at: datetime, as_of: datetime | None
) -> list[PrintedRate]:
    """Return the rows of a source that count for a pair at an instant.

    Parameters
    ----------
    store
        An open store.
    source, pair
        As stored.
    observed_at
        Of the ticker the instant of the tick, of all others 00:00 UTC of the value date.
    as_of
        Only what was known then; None for now.

    Returns
    -------
    list of PrintedRate
        One; several where several values share a date and their hull counts.
    """
    is_dated = source != TICKER
    selection = Selection(pairs=(pair,), sources=(source,), as_of=as_of)
    if not is_dated:
        selection = replace(selection, start=observed_at, end=observed_at + MICROSECOND)
    rows = load_selected(store, selection, columns=["source", *TICKS.schema.names])
    if is_dated:
        rows = by_effective_day(rows.assign(shown_at=rows["observed_at"], basis=rows["time_basis"]))
        rows = rows[rows["observed_at"] == observed_at]
        rows = rows.assign(observed_at=rows["shown_at"], time_basis=rows["basis"]).drop(columns=["shown_at", "basis"])
    else:
        rows = effective_rows(rows)
    return [_printed_rate(store, row) for row in map(_plain, rows.to_dict("records"))]


def _plain(row: Mapping[Any, Any]) -> dict[str, Any]:
    """Return a row with Python values, and None for nulls."""
    values = {str(name): None if pd.isna(value) else value for name, value in row.items()}
    for name, value in values.items():
        if isinstance(value, pd.Timestamp):
            values[name] = value.date() if name.endswith("_date") else value.to_pydatetime()
        elif isinstance(value, np.generic):
            values[name] = value.item()
    return values


def _printed_rate(store: Store, row: dict[str, Any]) -> PrintedRate:
    poll = _poll_of(store, row)
    name = next((each for each in store.evidence.names(row["source"]) if each.sha256 == row["evidence"]), None)
    problem, piece = None, None
    if name is not None:
        try:
            piece = store.evidence.read(name)
        except SegmentUnreadable as error:
            problem = one_line(error)
    band = rate_band(row["rate_text"], row["nominal"])
    lo, hi = (row["rate"], row["rate"]) if row["origin"] == Origin.CONSTANT else (float(band.lo), float(band.hi))
    checks = (*_number_checks(row), *_poll_checks(row, poll), _evidence_check(row, piece, problem))
    return PrintedRate(row, lo, hi, _file_of(store, row), poll, None if name is None else name.name, checks)


def _file_of(store: Store, row: Mapping[str, Any]) -> str | None:
    at = row["observed_at"]
    identity = ("pair", "observed_at", "rate_text", "change_text")
    for segment in segments_of(store.ticks, [row["source"]], Span(at, at + MICROSECOND)):
        found = records_of(store.ticks.open(segment).read(list(identity)))
        if any(all(each[name] == row[name] for name in identity) for each in found):
            return segment.name
    return None


def _poll_of(store: Store, row: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return the poll that a live row was observed in: the last one that had begun, and had not ended before."""
    if row["origin"] != Origin.LIVE:
        return None
    at = row["observed_at"]
    recent = poll_log(store, limit=_POLLS, sources=[row["source"]], start=at - _DAY, end=at + MICROSECOND)
    for poll in reversed(recent):
        began = poll["started_at"]
        if began is None or began > at:
            continue
        if poll["duration_ms"] is not None and began + timedelta(milliseconds=poll["duration_ms"]) + _SECOND < at:
            return None
        return {name: poll[name] for name in _POLL_FIELDS}
    return None


def _number_checks(row: Mapping[str, Any]) -> Iterator[Check]:
    exact = Fraction(read_recorded_rate(row["rate_text"]).value) / row["nominal"]
    yield Check("the number follows from the printed text", row["rate"] == float(exact))
    if row["source"] == TICKER and row["change_text"] is not None:
        possible = previous_rate(row["rate_text"], row["change_text"]) is not None
        yield Check("the printed percentage is possible beside the rate", possible, row["change_text"])


def _poll_checks(row: Mapping[str, Any], poll: Mapping[str, Any] | None) -> Iterator[Check]:
    name = "its poll succeeded: the page is whole and of its day"
    if poll is None:
        reason = "no poll is on record" if row["origin"] == Origin.LIVE else f"not polled, origin {row['origin']}"
        yield Check(name, None, reason)
        return
    yield Check(name, poll["outcome"] == Outcome.OK, None if poll["outcome"] == Outcome.OK else poll["outcome"])
    yield Check("the poll noted no anomaly", poll["detail"] is None, poll["detail"])


def _evidence_check(row: Mapping[str, Any], piece: Evidence | None, problem: str | None) -> Check:
    """Read the kept piece again with the present parser."""
    name = "the kept piece of page is read alike today"
    if row["evidence"] is None:
        return Check(name, None, "no evidence was kept")
    if piece is None:
        return Check(name, None if problem is None else False, problem or "the piece is not in this store")
    source = source_of(row["source"])
    if source is None:
        return Check(name, None, f"the source {row['source']} is not installed")
    try:
        ticks = parsed(source, piece.body, piece.headers).ticks
    except FxTickerError as error:
        return Check(name, passed=False, detail=one_line(f"refused: {error}"))
    texts = [tick.rate_text for tick in ticks if tick.pair == row["pair"]]
    detail = f"{', '.join(texts) or 'nothing'} by parser version {source.parser_version}"
    return Check(name, row["rate_text"] in texts, detail)
