"""The known sources: what each is, and how its answers are read."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from types import MappingProxyType

from fxticker.model.records import Snapshot
from fxticker.model.schedule import Cron, Schedule
from fxticker.model.schedule import every as grid_of

Parse = Callable[[bytes, Mapping[str, str]], Snapshot]
EVERY_DAY = frozenset(range(7))
WORKING_DAYS = frozenset(range(5))
TUESDAY_TO_SATURDAY = frozenset(range(1, 6))
"""What banks set on working days for the day after."""
_WEEK_DAYS = 7


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
        The days of the week, Monday 0, for which there are new figures: those printed beside them, which may be the
        days after they were set.
    frozen_after_days
        Figures that stand still for longer are a stuck copy; null where they may for months.
    holds_days
        How long a printed rate can be in force without a newer one, which is the longest holidays; null where it holds
        until the next, and only days with another one are told of.
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
    holds_days: int | None = 14
    history: History | None = None

    def publishing_days(self, after: date, upto: date) -> int:
        """How many days with new figures come after a day, up to another; 0 if that is not later."""
        weeks, rest = divmod(max((upto - after).days, 0), _WEEK_DAYS)
        return weeks * len(self.publishes) + sum(
            (upto - timedelta(days)).weekday() in self.publishes for days in range(rest)
        )


@dataclass(frozen=True, slots=True)
class ScheduledSource:
    """A source and its grid."""

    source: Source
    schedule: Schedule


def scheduled(
    name: str, *, url: str | None = None, every: str | None = None, cron: str | None = None
) -> ScheduledSource:
    """A known source as configured: its own URL and cadence where none are given."""
    source = source_of(name)
    if source is None:
        raise LookupError(f"no source {name}")
    schedule: Schedule = Cron(cron) if cron else grid_of(every or source.every, name)
    return ScheduledSource(replace(source, url=url or source.url), schedule)


def known_sources() -> Mapping[str, Source]:
    """All sources by id: the built-in ones, and those of installed packages (`fxticker.sources.plugins`)."""
    from fxticker.sources.plugins import installed

    built_in = _built_in()
    return MappingProxyType({**built_in, **installed(frozenset(built_in))})


def source_of(name: str) -> Source | None:
    """The source with an id; null if there is none. For a built-in one no package is looked for."""
    return _built_in().get(name) or known_sources().get(name)


def _built_in() -> Mapping[str, Source]:
    from fxticker.sources import cbr, cbu, fawazahmed0, nbk, nbkr, nbt
    from fxticker.sources.timesca import page as timesca

    modules = (timesca, cbu, nbk, nbkr, nbt, fawazahmed0, cbr)
    return {module.SOURCE.id: module.SOURCE for module in modules}
