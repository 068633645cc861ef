"""Order of sources: which source's rate of a pair answers, by kinds and ids, never by the width of its band.

An official USD/KZT of 478.77 has a band of 0.002 %, the ticker's KZT/USD of 0.00209 one of 0.5 %. The narrower one is
not the more accurate one: they are different quantities, a rate that a bank sets and one that a market had. Which of
them is wanted is stated once, before any figure is looked at.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from fxticker.model.invalid import InvalidArgument
from fxticker.sources.age_limits import TICKER
from fxticker.sources.fixed import CONSTANTS
from fxticker.sources.source import Kind

TICKER_WORD = "ticker"
"""The ticker, in an order."""
DEFAULT_ORDER = (str(Kind.OFFICIAL), TICKER_WORD, str(Kind.PEG))
WORDS = (str(Kind.OFFICIAL), str(Kind.MARKET), TICKER_WORD, str(Kind.PEG))
"""What an order names beside the ids of sources."""
RATE = "rate"
"""In place of a source: the one that an order chooses."""


def kind_of(source: str) -> Kind:
    """Return the kind of a source; one that is not installed is a market source: nothing states that it is official."""
    if source == TICKER:  # without the import of all sources
        return Kind.MARKET
    if source in CONSTANTS:
        return Kind.PEG
    from fxticker.sources.registry import source_of

    known_source = source_of(source)
    return Kind.MARKET if known_source is None else known_source.kind


def is_market(source: str) -> bool:
    """Return whether a source, or one of the two of ``timesca+nbk``, is a market source."""
    return any(kind_of(name) is Kind.MARKET for name in source.split("+"))


@dataclass(frozen=True, slots=True)
class Leg:
    """What a source contributes to a rate.

    Attributes
    ----------
    source
        Its id.
    is_derived
        The source does not print the pair or its inverse: the rate is a cross rate of two that it prints.
    """

    source: str
    is_derived: bool


@dataclass(frozen=True, slots=True)
class SourceOrder:
    """Kinds and ids of sources, the first one that has a rate answers.

    Attributes
    ----------
    entries
        Words of `WORDS` and ids of sources.
    """

    entries: tuple[str, ...] = DEFAULT_ORDER

    @classmethod
    def of(cls, entries: Iterable[str] | None, also_known: Iterable[str] = ()) -> SourceOrder:
        """Return the order that a caller gave; ``None`` is the default.

        Parameters
        ----------
        entries
            The entries, or one text with commas between them.
        also_known
            Ids of sources that need not be installed.

        Raises
        ------
        ValueError
            If it is empty, names something twice, or an entry is neither a word nor a source.
        """
        if entries is None:
            return cls()
        given = entries.split(",") if isinstance(entries, str) else entries
        names = tuple(entry.strip() for entry in given)
        if not names or len({*names}) < len(names):
            raise InvalidArgument(f"an order names each entry once, and at least one, not {', '.join(names) or 'none'}")
        unknown = [name for name in names if name not in WORDS and name not in {*also_known}]
        if unknown:
            from fxticker.sources.registry import known_sources

            known = {*known_sources(), *CONSTANTS}
            if others := [name for name in unknown if name not in known]:
                raise InvalidArgument(
                    f"unknown source {', '.join(others)}; an order names {', '.join(WORDS)} and the sources "
                    f"{', '.join(sorted(known))}"
                )
        return cls(names)

    def place(self, source: str) -> int | None:
        """Return the place of a source's first entry, 0 the foremost; ``None`` if it has none and never answers."""
        names = {source, str(kind_of(source))} | ({TICKER_WORD} if source == TICKER else set())
        return next((place for place, entry in enumerate(self.entries) if entry in names), None)

    def rank(self, legs: Sequence[Leg]) -> tuple[Any, ...] | None:
        """Return the rank of a rate by its legs, the lowest answers; ``None`` if a source has no place.

        The leg whose source stands last in the order decides. Of equal ones a rate that the sources print goes before
        one that is derived from others of theirs, one source before two, and then the id that is alphabetically first.
        """
        keys = []
        for leg in legs:
            place = self.place(leg.source)
            if place is None:
                return None
            keys.append((place, leg.is_derived))
        sources = tuple(dict.fromkeys(leg.source for leg in legs))
        return (max(keys), len(sources), min(keys), sources)

    def __str__(self) -> str:
        return ", ".join(self.entries)
