"""Range source: which source answers a whole range of days, so that no step in it is one between two sources.

A bank's USD/KZT and the ticker's differ by a few tenths of a percent, as much as a week moves either. A range that
changes its source in the middle shows a move that never was. One source therefore answers throughout: of those that
have a rate at both ends of the range, and showed one in it, the first one in the order; if none has, that with ticks in
most months of it. An end where nothing is stored yet moves to where something is.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import product

from fxticker.analysis.rate_grid import DAY_US, grid_of
from fxticker.analysis.rate_lines import RateLine, rate_lines
from fxticker.model.pairs import COMMON, THROUGH, currencies_of, inverse_of
from fxticker.model.selection import Selection
from fxticker.sources.age_limits import holds_days
from fxticker.sources.rate_order import Leg, SourceOrder
from fxticker.web.catalogue import Stored
from fxticker.web.parameters import lookup_of_day
from fxticker.web.snapshots import Question
from fxticker.web.view import View

_DAY = timedelta(days=1)
_EPOCH = date(1970, 1, 1)


@dataclass(frozen=True, slots=True)
class Candidate:
    """Who may answer a range: one source, or two for a cross rate."""

    legs: tuple[Leg, ...]

    @property
    def sources(self) -> tuple[str, ...]:
        """Its ids."""
        return tuple(leg.source for leg in self.legs)


def source_of_range(view: View, question: Question, pair: str, first: date, last: date) -> Candidate | None:
    """Return who answers a range of days; None if nobody can.

    Parameters
    ----------
    view, question
        The store and which of it is asked for.
    pair
        In any direction.
    first, last
        The days, at most today.
    """
    stored = {
        source: found
        for source, found in view.catalogue.sources.items()
        if question.sources is None or source in question.sources
    }
    ranked = _ranked(candidates(stored, pair), SourceOrder.of(view.order, stored))
    if len(ranked) < 2:  # noqa: PLR2004
        return next(iter(ranked), None)
    ids = {source for candidate in ranked for source in candidate.sources}
    begin = max(first, min(stored[source].first.date() for source in ids))
    end = min(last, max(stored[source].last.date() + _DAY for source in ids), view.now.date())
    if first <= end:
        at_first = {_sources(line) for line in _young(view, question, pair, begin)}
        at_last = {_sources(line) for line in _young(view, question, pair, end) if _is_shown_since(line, first)}
        for candidate in ranked:
            if candidate.sources in at_first & at_last:
                return candidate
    return max(ranked, key=lambda candidate: len(_months(view, candidate, pair, first, last)))


def candidates(stored: dict[str, Stored], pair: str) -> Iterator[Candidate]:
    """Yield who has the ticks that a pair follows from, by the stored pairs alone."""
    base, quote = currencies_of(pair)
    for source, found in stored.items():
        pairs = _both_ways(found.pairs)
        if _follows(pair, pairs):
            yield Candidate((Leg(source, is_derived=pair not in pairs),))
    if COMMON not in (base, quote):
        for left, right in product(stored, stored):
            has_base = f"{base}/{COMMON}" in _both_ways(stored[left].pairs)
            if left != right and has_base and f"{quote}/{COMMON}" in _both_ways(stored[right].pairs):
                yield Candidate((Leg(left, is_derived=False), Leg(right, is_derived=False)))


def _follows(pair: str, pairs: Collection[str]) -> bool:
    """Return whether a pair is among others, in any direction, or is the cross rate of two of them."""
    base, quote = currencies_of(pair)
    return pair in pairs or any(f"{base}/{common}" in pairs and f"{quote}/{common}" in pairs for common in THROUGH)


def _months(view: View, candidate: Candidate, pair: str, first: date, last: date) -> set[str]:
    """Return the months of a range in which there are ticks that a pair follows from."""
    needed = [pair] if len(candidate.legs) == 1 else [f"{currency}/{COMMON}" for currency in currencies_of(pair)]
    found = [
        {
            listed.segment.month
            for listed in view.catalogue.ticks
            if listed.segment.source == source and _follows(leg, _both_ways(listed.summary.series))
        }
        for source, leg in zip(candidate.sources, needed, strict=True)
    ]
    return {month for month in set.intersection(*found) if f"{first:%Y-%m}" <= month <= f"{last:%Y-%m}"}


def _both_ways(pairs: Iterable[str]) -> set[str]:
    return {way for pair in pairs for way in (pair, inverse_of(pair))}


def _ranked(found: Iterable[Candidate], order: SourceOrder) -> list[Candidate]:
    ranks = [(rank, candidate) for candidate in found if (rank := order.rank(candidate.legs)) is not None]
    return [candidate for _, candidate in sorted(ranks, key=lambda ranked: ranked[0])]


def _young(view: View, question: Question, pair: str, day: date) -> list[RateLine]:
    """Return the lines of those that have a rate within its limit of age at the end of a day."""
    selection = Selection(sources=question.sources, as_of=question.as_of)
    lines = rate_lines(view.store, [pair], grid_of([lookup_of_day(day, view.now)]), selection, question.limit)[pair]
    return [line for line in lines if line.is_young[0]]


def _sources(line: RateLine) -> tuple[str, ...]:
    return tuple(leg.source for leg in line.legs)


def _is_shown_since(line: RateLine, first: date) -> bool:
    """Return whether a line of one instant has a row in a range that begins on a day: an older rate has none there."""
    since = (first - _EPOCH).days
    parts = line.parts or (line,)
    return any(part.observed_at[0] // DAY_US >= since or holds_days(part.source) is None for part in parts)
