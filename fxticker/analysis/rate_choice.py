"""Rate choice: which line of a pair answers, by an order alone, and what the lines that do not answer lack."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

import numpy as np

from fxticker.analysis.first_tick import first_in_force_after
from fxticker.analysis.rate_grid import Grid
from fxticker.analysis.rate_lines import RateLine, rate_lines
from fxticker.analysis.source_quotes import Ticks, check_derivable
from fxticker.model.days import Lookup
from fxticker.model.durations import OTHER_LIMIT
from fxticker.model.selection import Selection
from fxticker.sources.age_limits import LIMIT, TICKER, AgeLimit
from fxticker.sources.rate_order import Leg, SourceOrder
from fxticker.store.arrow import instant_of


def choices_of(
    ticks: Ticks,
    wanted: Selection,
    grid: Grid,
    limit: AgeLimit,
    order: Iterable[str] | None,
    asked: Callable[[Sequence[RateLine]], Sequence[RateLine]] = list,
) -> list[Choice]:
    """Return which line of each pair answers: parameters as for `fxticker.rate`, resolved.

    `asked` takes the lines of a pair, and returns them as young where nothing is asked of them.

    Raises
    ------
    ValueError
        If a pair is neither stored nor derivable, or `order` names something unknown.
    """
    for is_far in (False, True):  # from afar for the age of what is too old
        lines = rate_lines(ticks, wanted.pairs or (), grid, wanted, limit, is_far=is_far)
        check_derivable(ticks, [pair for pair, found in lines.items() if not found], wanted.sources)
        ids = {leg.source for found in lines.values() for line in found for leg in line.legs}
        by = SourceOrder.of(order, ids)
        choices = [choose(pair, asked(found), by, limit, grid) for pair, found in lines.items()]
        if not any(choice.line is None or choice.hides_ticker for choice in choices):
            break
    first = Lookup(instant_of(int(grid.upto[0])), instant_of(int(grid.dated_upto[0])))
    return [
        replace(choice, later=first_in_force_after(ticks, choice.pair, first, wanted)) if choice.begins_late else choice
        for choice in choices
    ]


@dataclass(frozen=True, slots=True)
class Choice:
    """Which line of a pair answers.

    Attributes
    ----------
    pair
        The pair.
    line
        The line that answers; ``None`` if none does.
    others
        All other lines.
    passed
        Those of them that stand before it in the order.
    passed_over
        Why lines that stand before it do not answer, or why none does.
    where
        The instants, as part of a sentence.
    hides_ticker
        The ticker would stand before the line, and has no tick that is young enough anywhere.
    later
        Of when the first rate after the first instant is, as the rest of a sentence, if no source has one by then.
    """

    pair: str
    line: RateLine | None
    others: tuple[RateLine, ...]
    passed: tuple[RateLine, ...]
    passed_over: tuple[str, ...]
    where: str
    hides_ticker: bool
    later: str = ""

    @property
    def begins_late(self) -> bool:
        """Whether no source has a rate, of any age, at the first instant."""
        return self.line is None and not any(line.has_rate[0] for line in self.others)

    @property
    def missing(self) -> str:
        """What each line lacks, if none answers."""
        return "; ".join([f"no source has a rate of {self.pair} {self.where}{self.later}", *self.passed_over])

    @property
    def reason(self) -> str | None:
        """Why no line answers; ``None`` if one does."""
        if self.line is not None:
            return None
        return f"{self.missing}; {OTHER_LIMIT}" if any(LIMIT in text for text in self.passed_over) else self.missing


def choose(pair: str, lines: Sequence[RateLine], order: SourceOrder, limit: AgeLimit, grid: Grid) -> Choice:
    """Return the line that stands first in an order among those that have a rate at every instant.

    Parameters
    ----------
    pair
        The pair of the lines.
    lines
        Lines of the grid.
    order
        The order, which alone decides.
    limit
        The limit of age, for the texts.
    grid
        The instants.
    """
    ranks = [(rank, line) for line in lines if (rank := order.rank(line.legs)) is not None]
    chosen, hides_ticker, has_ticker = None, False, any(line.source == TICKER for line in lines)
    passed: list[RateLine] = []
    for rank, line in sorted(ranks, key=lambda ranked: ranked[0]):
        if line.is_young.all():
            of_ticker = order.rank([Leg(TICKER, is_derived=False)])
            chosen, hides_ticker = line, not has_ticker and of_ticker is not None and of_ticker < rank
            break
        passed.append(line)
    passed_over = [_missing(line, limit, grid) for line in passed]
    if chosen is None:
        placed = {id(line) for _, line in ranks}
        alone = [line.source for line in lines if id(line) not in placed and len(line.legs) == 1]
        passed_over += [f"{source} has no place in the order {order}" for source in alone]
    others = tuple(line for line in lines if line is not chosen)
    first, last = (f"{instant_of(int(grid.upto[place])):%Y-%m-%d %H:%M}" for place in (0, -1))
    where = f"at {first} UTC" if len(grid) == 1 else f"at all {len(grid)} instants from {first} to {last} UTC"
    return Choice(pair, chosen, others, tuple(passed), tuple(passed_over), where, hides_ticker)


def _missing(line: RateLine, limit: AgeLimit, grid: Grid) -> str:
    """Return what a line lacks."""
    lacking = np.flatnonzero(~line.is_young)
    place = lacking[0]
    causes = [
        " ".join(filter(None, (f"{part.pair} of {part.source}:" if line.parts else "", _cause(part, place, limit))))
        for part in line.parts or (line,)
        if not part.is_young[place]
    ]
    if len(grid) == 1:
        return f"{line.source}: {', '.join(causes)}"
    first, last = (f"{instant_of(int(grid.upto[each])):%Y-%m-%d %H:%M}" for each in (place, lacking[-1]))
    which = f"the first {first} UTC" if first == last else f"the last {last}, the first {first} UTC"
    return f"{line.source}: lacks {len(lacking)} of {len(grid)} instants, {which}: {', '.join(causes)}"


def _cause(line: RateLine, place: int, limit: AgeLimit) -> str:
    age = timedelta(microseconds=int(line.age[place]))
    return (limit.excess(line.source, age) if line.has_rate[place] else None) or "none by then"
