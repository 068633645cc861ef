"""Records: ticks as printed and as stored, snapshots, polls and their outcomes."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from enum import StrEnum

from fxticker.model.invalid import InvalidArgument
from fxticker.model.outcome import Outcome

__all__ = [
    "MAX_EVIDENCE_BYTES",
    "Evidence",
    "Origin",
    "Outcome",
    "Poll",
    "PrintedTick",
    "Retraction",
    "Snapshot",
    "Tick",
    "TimeBasis",
    "require_source_id",
    "require_utc",
]

MAX_EVIDENCE_BYTES = 100_000
"""Largest piece of evidence: an answer of a bank has 1 to 30 kB, a ticker with its tags some 5 kB."""
_SOURCE_ID = re.compile("[a-z][a-z0-9_-]{0,63}")
_MEDIA_TYPE = re.compile(r"[a-z0-9!#$&^_.+-]{1,60}/[a-z0-9!#$&^_.+-]{1,60}")
_CHARSET = re.compile(r"[A-Za-z0-9_:.-]{1,40}")


class TimeBasis(StrEnum):
    """The evidence for `observed_at`."""

    CLOCK = "clock"
    """The clock of this machine when the fetch was complete."""
    CAPTURE = "capture"
    """The clock of whoever captured the page."""
    DATE = "date"
    """Only a date is known: some time on that day, written as 00:00 UTC."""


class Origin(StrEnum):
    """How a tick was obtained."""

    LIVE = "live"
    """A poll."""
    PAGE = "page"
    """A saved page that was imported."""
    ARCHIVE = "archive"
    """A web archive's capture, or the source's own history."""
    CONSTANT = "constant"
    """Nothing was requested: a fixed rate, such as a peg, from its date on."""


@dataclass(frozen=True, slots=True)
class PrintedTick:
    """One pair as a page prints it.

    Attributes
    ----------
    pair
        Base and quote as the source orients them, ``"KZT/USD"``.
    rate_text
        The rate exactly as printed, ``"0.00191"``.
    change_text
        The change exactly as printed, ``"-0%"``; None if none was printed.
    nominal
        Units of base the printed rate is for.
    difference_text
        The difference from the source's previous rate, exactly as printed, ``"-16.5"``; None if none was printed. It
        serves to check the rate, and is not stored.
    """

    pair: str
    rate_text: str
    change_text: str | None
    nominal: int = 1
    difference_text: str | None = None


@dataclass(frozen=True, slots=True)
class Snapshot:
    """All ticks that one page shows.

    Attributes
    ----------
    ticks
        One per pair, in the page's order.
    source_date
        The date that the page prints beside the ticker; None if there is none, or none that can be read.
    copies
        How many times the page repeats the ticker, all in agreement.
    remarks
        What the page holds and could not be read, a line each: the poll's `detail` names it.
    decimal_mark
        The character that the source prints before decimals, ``"."`` or ``","``. The other one is refused where it may
        stand before thousands: 12,345.
    unread_date
        The text of a date beside the ticker that cannot be read, or can be read in two ways; None if there is none. Two
        snapshots that differ in nothing else are equal.
    """

    ticks: tuple[PrintedTick, ...]
    source_date: date | None
    copies: int
    remarks: tuple[str, ...] = ()
    decimal_mark: str = "."
    unread_date: str | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Evidence:
    """The piece of an answer that ticks were read from.

    Attributes
    ----------
    media_type
        ``"text/html"``, in lower case; None if none was declared.
    charset
        The declared charset; None if none was declared outside the bytes.
    body
        The bytes, at most `MAX_EVIDENCE_BYTES`.
    """

    media_type: str | None
    charset: str | None
    body: bytes

    def __post_init__(self) -> None:
        for text, form in ((self.media_type, _MEDIA_TYPE), (self.charset, _CHARSET)):
            if text is not None and (not isinstance(text, str) or form.fullmatch(text) is None):
                raise ValueError(f"not a media type or charset: {str(text)[:80]!r}")
        if len(self.body) > MAX_EVIDENCE_BYTES:
            raise ValueError(f"{len(self.body)} bytes of evidence: more than {MAX_EVIDENCE_BYTES}")

    @property
    def headers(self) -> dict[str, str]:
        """Header fields that declare media type and charset, by lower-case name, as a source's parser takes them."""
        if self.media_type is None and self.charset is None:
            return {}
        charset = "" if self.charset is None else f"; charset={self.charset}"
        return {"content-type": f"{self.media_type or 'application/octet-stream'}{charset}"}


@dataclass(frozen=True, slots=True)
class Tick:
    """One pair's rate as one source showed it at one instant: a row of `ticks`.

    The columns are those of the data contract (``parquet/README.md``); the store adds `recorded_at`. `evidence` is the
    hash of the kept piece of the answer, hexadecimal; None if none is kept.
    """

    source: str
    pair: str
    observed_at: datetime
    time_basis: TimeBasis
    rate: float
    rate_text: str
    nominal: int
    change_pct: float | None
    change_text: str | None
    source_date: date | None
    origin: Origin
    evidence: str | None = None

    def __post_init__(self) -> None:
        require_source_id(self.source)
        require_utc("observed_at", self.observed_at)


@dataclass(frozen=True, slots=True)
class Retraction:
    """That a stored tick does not count, or counts again: a row of `retractions`.

    Attributes
    ----------
    source, pair, observed_at, rate_text, change_text
        Identity of the tick.
    parser_version
        That of the source's parser that decided it.
    reason
        One line; None if the tick counts again from now on.
    """

    source: str
    pair: str
    observed_at: datetime
    rate_text: str
    change_text: str | None
    parser_version: int
    reason: str | None

    def __post_init__(self) -> None:
        require_source_id(self.source)
        require_utc("observed_at", self.observed_at)


@dataclass(frozen=True, slots=True)
class Poll:
    """The outcome of one slot of one source: a row of `polls`.

    Attributes
    ----------
    slot
        The planned instant on the source's grid; for a poll that a command made, the instant of the command.
    started_at
        When the poll began; None if nothing ran.
    duration_ms
        Milliseconds from start to stored; None if nothing ran.
    ticks
        Ticks read, whether or not they were in the store before.
    detail
        One line for a person; None if there is nothing to add.
    parser_version
        That of the source that read or refused the page; None if there was no page.
    """

    source: str
    slot: datetime
    outcome: Outcome
    started_at: datetime | None = None
    duration_ms: int | None = None
    ticks: int = 0
    http_status: int | None = None
    source_date: date | None = None
    body_sha256: str | None = None
    body_bytes: int | None = None
    attempts: int = 0
    detail: str | None = None
    parser_version: int | None = None

    def __post_init__(self) -> None:
        require_source_id(self.source)
        require_utc("slot", self.slot)
        if self.started_at is not None:
            require_utc("started_at", self.started_at)


def require_source_id(source: str) -> None:
    """Check that plain readers can read a source's id back from the name of a folder.

    Raises
    ------
    ValueError
        If they cannot; names the id.
    """
    if _SOURCE_ID.fullmatch(source) is None:
        raise InvalidArgument(f"a source's id is made of a-z, 0-9, - and _ and begins with a letter, not {source!r}")


def require_utc(name: str, instant: datetime) -> None:
    """Check that an instant is aware and in UTC.

    Raises
    ------
    ValueError
        If it is not; names the field.
    """
    if instant.tzinfo is not UTC:
        raise ValueError(f"{name} must be an aware UTC datetime, not {instant!r}")
