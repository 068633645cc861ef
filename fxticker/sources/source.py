"""Source record: what a publisher of rates is, what is polled, and how its answers are parsed."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

from fxticker.model.records import MAX_EVIDENCE_BYTES, Evidence, Snapshot

Parse = Callable[[bytes, Mapping[str, str]], Snapshot]
FindEvidence = Callable[[bytes, Mapping[str, str], Snapshot], Evidence | None]
_CONTENT_TYPE = re.compile(
    r"""\s*(?P<media_type>[^\s;,]+/[^\s;,]+)(?:.*?;\s*charset\s*=\s*["']?(?P<charset>[A-Za-z0-9_:.-]{1,40}))?""",
    re.IGNORECASE | re.DOTALL,
)
EVERY_DAY = frozenset(range(7))
"""Days of the week, Monday 0: all."""
WORKING_DAYS = frozenset(range(5))
"""Days of the week, Monday 0: Monday to Friday."""
TUESDAY_TO_SATURDAY = frozenset(range(1, 6))
"""Days of the week, Monday 0: the dates of rates that banks set on working days for the next day."""
_WEEK_DAYS = 7
_MAX_CONTENT_TYPE_CHARS = 200
"""Characters of a Content-Type that are looked at: usual ones have 30."""


class Kind(StrEnum):
    """What a rate is: rates of different kinds are different quantities."""

    OFFICIAL = "official"
    """Set by a central bank for a day."""
    MARKET = "market"
    """Observed by the source, which does not set it."""
    PEG = "peg"
    """Fixed by a central bank from a day on."""


@dataclass(frozen=True, slots=True)
class History:
    """The past rates that a source publishes.

    Attributes
    ----------
    since
        The first day for which the source has a rate.
    span_days
        The most days that one request may cover; 1 if each day needs a request of its own.
    path
        Maps the first and last day of a request to its URL, relative to the URL of the source: the host stays the same.
    media_types
        Content types that an answer may have.
    parse
        Pure function of body, headers (by lower-case name), first and last requested day. Returns one snapshot per day
        that the source has, with `source_date` that day. Raises `ParseError`, and `OtherDate` if the answer is for
        other days.
    pause_s
        Seconds between two requests.
    """

    since: date
    span_days: int
    path: Callable[[date, date], str]
    media_types: frozenset[str]
    parse: Callable[[bytes, Mapping[str, str], date, date], Sequence[Snapshot]]
    pause_s: float


def whole_answer(body: bytes, headers: Mapping[str, str], snapshot: Snapshot) -> Evidence | None:
    """Return a whole answer as evidence; None if it has more than `MAX_EVIDENCE_BYTES`."""
    del snapshot
    if len(body) > MAX_EVIDENCE_BYTES:
        return None
    declared = _CONTENT_TYPE.match(headers.get("content-type", "")[:_MAX_CONTENT_TYPE_CHARS])
    if declared is None:
        return Evidence(None, None, body)
    return Evidence(declared["media_type"].lower(), declared["charset"], body)


@dataclass(frozen=True, slots=True)
class Source:
    """A publisher of rates.

    Attributes
    ----------
    id
        The table's name in the configuration, and the `source` of the rows.
    url
        The URL that a poll requests.
    every
        The default interval between polls, ``"15min"``.
    terms_url
        The page with the publisher's terms; None if there is none.
    media_types
        Content types that an answer may have.
    stale_after_days
        Number of publishing days: a page whose printed date is this many of them before the day of the poll is stale.
    parse
        Pure function of body and headers (by lower-case name). Returns what is printed. Raises `ParseError`.
    parser_version
        Number of `parse`: incremented with every change that may read an answer otherwise.
    evidence
        Pure function of body, headers and the snapshot that `parse` read. Returns the piece of the answer to keep,
        which `parse` must read alike, or None if there is none that is small enough; by default the whole answer.
        None for a source whose answers are not kept.
    publishes
        Days of the week, Monday 0, of the dates that are printed beside new rates. These may be the days after those
        on which the rates were set.
    frozen_after_days
        Days: rates that stay unchanged for longer are a stuck copy; None if they may stay unchanged for months.
    holds_days
        Days that a printed rate can be in force without a newer one, which is the length of the longest holidays; None
        if it is in force until the next one, because the source publishes only days with a new rate.
    history
        Its past rates; None if it publishes none.
    kind
        What its rates are; `Kind.OFFICIAL` if it is the central bank that sets them.
    """

    id: str
    url: str
    every: str
    terms_url: str | None
    media_types: frozenset[str]
    stale_after_days: int
    parse: Parse
    publishes: frozenset[int] = EVERY_DAY
    frozen_after_days: int | None = 7
    holds_days: int | None = 14
    history: History | None = None
    parser_version: int = 1
    evidence: FindEvidence | None = whole_answer
    kind: Kind = Kind.MARKET

    def publishing_days(self, after: date, upto: date) -> int:
        """Count the publishing days later than `after` and up to `upto`; 0 if `upto` is not later."""
        weeks, rest = divmod(max((upto - after).days, 0), _WEEK_DAYS)
        return weeks * len(self.publishes) + sum(
            (upto - timedelta(days)).weekday() in self.publishes for days in range(rest)
        )


def parsed(source: Source, body: bytes, headers: Mapping[str, str]) -> Snapshot:
    """Return what a source reads in an answer; a SystemExit of its code must not pass for the end of a command."""
    try:
        return source.parse(body, headers)
    except SystemExit as error:
        raise RuntimeError(f"the parser of {source.id} ended with SystemExit") from error
