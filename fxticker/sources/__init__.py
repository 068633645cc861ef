"""The known sources: what each is, and how its answers are read."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from types import MappingProxyType

from fxticker.models import Snapshot
from fxticker.schedule import Schedule


Parse = Callable[[bytes, Mapping[str, str]], Snapshot]
EVERY_DAY = frozenset(range(7))
WORKING_DAYS = frozenset(range(5))


@dataclass(frozen=True, slots=True)
class History:
    """What a source tells of past days.

    Attributes
    ----------
    since
        The first day it has.
    span_days
        Days that one request may ask for; 1 where each day is a request of its own.
    path
        First and last day of a request to its URL, relative to the source's own: the host is never another.
    media_types
        Content types that an answer may have.
    parse
        Pure: body, headers (by lower-case name), first and last day asked for, to a snapshot for each day that the
        source has, its `source_date` that day. Raises `ParseError`, and `OtherDate` for an answer for other days.
    pause_s
        Between two requests.
    """

    since: date
    span_days: int
    path: Callable[[date, date], str]
    media_types: frozenset[str]
    parse: Callable[[bytes, Mapping[str, str], date, date], Sequence[Snapshot]]
    pause_s: float


@dataclass(frozen=True, slots=True)
class Source:
    """A place that publishes rates.

    Attributes
    ----------
    id
        The table's name in the configuration and the `source` of its rows.
    url
        What a poll asks for.
    every
        The cadence that suits the source, ``"15min"``.
    terms_url
        Where the publisher states its terms; null if nowhere.
    media_types
        Content types that an answer may have.
    stale_after_days
        A printed date this many publishing days before the day of the poll means an old page.
    parse
        Pure: bytes and headers (by lower-case name) to what is printed. Raises `ParseError`.
    publishes
        The days of the week with new figures, Monday 0.
    frozen_after_days
        Figures that stand still for longer are a stuck copy; null where they may for months.
    history
        Its past days; null where it tells of none.
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
    history: History | None = None


@dataclass(frozen=True, slots=True)
class Planned:
    """A source and its grid."""

    source: Source
    schedule: Schedule


def known_sources() -> Mapping[str, Source]:
    """All sources by id."""
    from fxticker.sources import timesca

    return MappingProxyType({timesca.SOURCE.id: timesca.SOURCE})
