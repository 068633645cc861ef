"""The known sources: what each is, and how its answers are read."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from fxticker.models import Snapshot
from fxticker.schedule import Schedule


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
        A printed date this many days before the day of the poll means an old page.
    parse
        Pure: bytes and headers (by lower-case name) to what is printed. Raises `ParseError`.
    """

    id: str
    url: str
    every: str
    terms_url: str | None
    media_types: frozenset[str]
    stale_after_days: int
    parse: Callable[[bytes, Mapping[str, str]], Snapshot]


@dataclass(frozen=True, slots=True)
class Planned:
    """A source and its grid."""

    source: Source
    schedule: Schedule


def known_sources() -> Mapping[str, Source]:
    """All sources by id."""
    from fxticker.sources import timesca

    return MappingProxyType({timesca.SOURCE.id: timesca.SOURCE})
