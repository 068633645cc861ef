"""Rate: the rate of a pair by one source, which a stated order chooses, beside what all other sources have."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta, tzinfo

import numpy as np
import pandas as pd

from fxticker.analysis.first_tick import first_in_force_after
from fxticker.analysis.quotes import Ticks, check_derivable
from fxticker.analysis.rate_grid import Grid, grid_at, grid_every
from fxticker.analysis.rate_lines import RateLine, rate_lines
from fxticker.analysis.rate_texts import other_sources
from fxticker.errors import NoData
from fxticker.frames.now_and_zone import in_zone, present, resolved, zone_of
from fxticker.model.days import Lookup
from fxticker.model.durations import OTHER_LIMIT
from fxticker.model.invalid import InvalidArgument
from fxticker.model.selection import Selection, Zone
from fxticker.model.timestamps import EPOCH, MICROSECOND, Moment
from fxticker.sources.age_limits import LIMIT, TICKER, AgeLimit, MaxAge
from fxticker.sources.rate_order import Leg, SourceOrder

_HOUR_US = timedelta(hours=1) // MICROSECOND
DEFAULT_EVERY = "1D"
"""Step of a series for which none is given."""


def rate(
    ticks: Ticks,
    pairs: Iterable[str] | str,
    *,
    at: Moment | None = None,
    start: Moment | None = None,
    end: Moment | None = None,
    every: str | timedelta | None = None,
    order: Iterable[str] | None = None,
    sources: Iterable[str] | None = None,
    max_age: MaxAge = None,
    as_of: Moment | None = None,
    tz: Zone = "UTC",
) -> pd.DataFrame:
    """Return the rate of pairs by the first source of a stated order that has it, at one instant or as a series.

    The order alone decides which source answers, never the width of a band: print width is not accuracy. Nothing is
    averaged or intersected across sources, and a series uses one source throughout. What the other sources have stands
    beside it.

    Parameters
    ----------
    ticks
        A store, or a frame of ticks.
    pairs
        Stored (``KZT/USD``), inverse (``USD/KZT``) or cross pairs (``KZT/UZS``), one or several. A cross rate is of one
        source, or of the rates of two sources against USD.
    at
        The instant of the lookup; a date stands for its end; ``None`` for now, if there is no `start`.
    start, end
        Period of a series, as for `fxticker.load`; an open end is now.
    every
        Step of the series: ``15min``, ``1h``, ``7D``; ``None`` for a day. Steps of whole days are looked up at the ends
        of days, others at instants from the start on.
    order
        Which source answers, the foremost first: ids of sources and the words ``official`` (rates that a central bank
        sets), ``ticker``, ``market`` (the ticker, aggregators and plug-ins that do not state otherwise) and ``peg``, in
        an iterable or as text with commas; ``None`` for ``official, ticker, peg``. Within a word a source that prints
        the pair goes before one from which it follows, then the id that is alphabetically first. Of a cross rate the
        leg that stands last in the order counts; of equal ones that of one source goes before that of two.
    sources
        Use only these sources; ``None`` for all.
    max_age
        The greatest age of a tick at each instant; ``None`` for the limit of each source, as for `fxticker.drift`.
    as_of
        Use only rows that were recorded by then.
    tz
        Whose days are meant, as ``Asia/Tashkent``, and the zone of the instants that are returned. Value dates are the
        bank's.

    Returns
    -------
    pandas.DataFrame
        One row per instant and pair, by instant and then in the order of `pairs`: ``pair`` (category), ``at``
        (datetime64[us, UTC], the instant), ``rate``, ``rate_lo``, ``rate_hi`` (float64, quote per one unit of base; the
        rate is the printed one, which is the middle of its interval, or follows from printed ones, and is no likelier
        than any other point of the interval), ``kind`` (category; ``official``, ``market``, ``peg``, or two with a
        plus), ``source`` (category; of two ``nbk+cbu``), ``legs`` (category; the printed pairs that the rate follows
        from, each with its source), ``value_date`` (datetime64 without zone; the day of an official rate, of a market
        rate the UTC day on which it was observed, of a peg the first day in force; of two sources the older one),
        ``observed_at`` (datetime64[us, UTC]; instant of the tick, of all but the ticker 00:00 UTC of the value date),
        ``age_h`` (float64; hours from the tick to `at`, of a date from its end), ``others`` (category; each other
        source that has a rate within its limit of age, ``"cbr agrees; timesca contradicts by -0.12 %"``, null if none;
        two agree if their bands share a point, else the distance of the nearest points of both, the other one minus
        this rate, in percent of this rate; cross rates of sources of two kinds are left out), ``contradictions``
        (int64; number of them that contradict), ``passed_over`` (category; sources that stand before in the order and
        why they do not answer, null if none) and ``reason`` (category; why a pair has no rate, null if it has one).

    Raises
    ------
    NoData
        If no pair has a rate, or in a series if one pair has no source with a rate at all instants; names what is
        missing.
    ValueError
        If a pair is neither stored nor derivable, `order` names something unknown, or a moment or a step is invalid.
    """
    wanted = replace(resolved(Selection.of(pairs=pairs, sources=sources, as_of=as_of, tz=tz)), tz=None)
    grid = _grid(at, start, end, every, zone_of(tz))
    limit = AgeLimit.of(max_age)
    choices = choices_of(ticks, wanted, grid, limit, order)
    missing = [choice.reason for choice in choices if choice.reason is not None]
    if missing and (len(missing) == len(choices) or start is not None):
        raise NoData("; ".join(missing))
    rows = pd.concat([rows_of(choice, grid) for choice in choices], ignore_index=True)
    order_of_rows = np.arange(len(rows)).reshape(len(choices), -1).T.ravel()
    rows = rows.iloc[order_of_rows].reset_index(drop=True)
    texts = ["pair", "kind", "source", "legs", "others", "passed_over", "reason"]
    return in_zone(rows.astype(dict.fromkeys(texts, "category")), tz)


def choices_of(
    ticks: Ticks, wanted: Selection, grid: Grid, limit: AgeLimit, order: Iterable[str] | None
) -> list[Choice]:
    """Return which line of each pair answers: parameters as for `rate`, resolved.

    Raises
    ------
    ValueError
        If a pair is neither stored nor derivable, or `order` names something unknown.
    """
    choices = _choices(ticks, wanted, grid, limit, order, is_far=False)
    if any(choice.line is None or choice.hides_ticker for choice in choices):
        choices = _choices(ticks, wanted, grid, limit, order, is_far=True)  # for the age of what is too old
    first = Lookup(_instant(grid.upto[0]), _instant(grid.dated_upto[0]))
    return [
        replace(choice, later=first_in_force_after(ticks, choice.pair, first, wanted)) if choice.begins_late else choice
        for choice in choices
    ]


def _choices(
    ticks: Ticks, wanted: Selection, grid: Grid, limit: AgeLimit, order: Iterable[str] | None, *, is_far: bool
) -> list[Choice]:
    lines = rate_lines(ticks, wanted.pairs or (), grid, wanted, limit, is_far=is_far)
    check_derivable(ticks, [pair for pair, found in lines.items() if not found])
    ids = {leg.source for found in lines.values() for line in found for leg in line.legs}
    by = SourceOrder.of(order, ids)
    return [choose(pair, found, by, limit, grid) for pair, found in lines.items()]


def _grid(
    at: Moment | None, start: Moment | None, end: Moment | None, every: str | timedelta | None, zone: tzinfo
) -> Grid:
    now = present()
    if start is None:
        if end is not None or every is not None:
            raise InvalidArgument("a series has a start: give `start`, or `at` for one instant")
        return grid_at("now" if at is None else at, now, zone)
    if at is not None:
        raise InvalidArgument("give either `at` for one instant, or `start` for a series")
    grid = grid_every(DEFAULT_EVERY if every is None else every, start, end, now, zone)
    if not len(grid):
        raise InvalidArgument(f"the period from {start} has no instant")
    return grid


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
    def reason(self) -> str | None:
        """Why no line answers; ``None`` if one does."""
        if self.line is not None:
            return None
        hint = (OTHER_LIMIT,) if any(LIMIT in text for text in self.passed_over) else ()
        return "; ".join([f"no source has a rate of {self.pair} {self.where}{self.later}", *self.passed_over, *hint])


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
    first, last = (f"{_instant(grid.upto[place]):%Y-%m-%d %H:%M}" for place in (0, -1))
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
    instant = f"{_instant(grid.upto[place]):%Y-%m-%d %H:%M} UTC"
    return f"{line.source}: lacks {len(lacking)} of {len(grid)} instants, the first {instant}: {', '.join(causes)}"


def _cause(line: RateLine, place: int, limit: AgeLimit) -> str:
    age = timedelta(microseconds=int(line.age[place]))
    return (limit.excess(line.source, age) if line.has_rate[place] else None) or "none by then"


def _instant(microseconds: int) -> datetime:
    return EPOCH + int(microseconds) * MICROSECOND


def rows_of(choice: Choice, grid: Grid) -> pd.DataFrame:
    """Return the rows of a pair, by instant."""
    line = choice.line
    head = {"pair": choice.pair, "at": pd.to_datetime(grid.upto.view("M8[us]"), utc=True)}
    if line is None:
        return pd.DataFrame({**head, "contradictions": 0, "reason": choice.reason})
    observed_at = line.observed_at.view("M8[us]")
    others, contradictions = other_sources(line, choice.others)
    return pd.DataFrame(
        {
            **head,
            "rate": line.rate,
            "rate_lo": line.lo,
            "rate_hi": line.hi,
            "kind": line.kind,
            "source": line.source,
            "legs": ", ".join(f"{pair} of {source}" for source, pair in line.printed),
            "value_date": observed_at.astype("M8[D]").astype("M8[ms]"),
            "observed_at": pd.to_datetime(observed_at, utc=True),
            "age_h": line.age / _HOUR_US,
            "others": others,
            "contradictions": contradictions,
            "passed_over": "; ".join(choice.passed_over) or None,
            "reason": None,
        }
    )
