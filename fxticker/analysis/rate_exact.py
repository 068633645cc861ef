"""Exact rate: the printed numbers behind a rate line at one instant, in exact arithmetic."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import replace
from datetime import datetime, timedelta

from fxticker.analysis.lookup import Rate, crossed, rates_by
from fxticker.analysis.rate_choice import choices_of
from fxticker.analysis.rate_grid import grid_of
from fxticker.analysis.rate_lines import RateLine, rate_lines
from fxticker.analysis.source_quotes import Ticks
from fxticker.analysis.value_dates import in_force, official_ticks
from fxticker.frames.pairs import pairs_in
from fxticker.model.days import Lookup
from fxticker.model.invalid import InvalidArgument
from fxticker.model.pairs import directed, legs_of
from fxticker.model.selection import Selection
from fxticker.sources.age_limits import TICKER, AgeLimit
from fxticker.sources.rate_order import RATE

_DAY = timedelta(days=1)


def is_by_order(sources: Collection[str] | None, order: Iterable[str] | None) -> bool:
    """Return whether `RATE` is given in place of sources.

    Raises
    ------
    ValueError
        If it stands beside sources, or an order is given without it.
    """
    if sources is not None and RATE in sources:
        if len(sources) > 1:
            raise InvalidArgument(f"{RATE!r} chooses one source, so no others can be named beside it")
        return True
    if order is not None:
        raise InvalidArgument(f"an order chooses a source only for sources={RATE!r}")
    return False


def named_pairs(ticks: Ticks, selection: Selection) -> tuple[str, ...]:
    """Return the selected pairs; if none is named, all stored ones, each in one direction."""
    per_usd = bool(selection.per_usd)
    return selection.pairs or tuple(sorted({directed(pair, per_usd=per_usd) for pair in pairs_in(ticks)}))


def exact_rate(ticks: Ticks, line: RateLine, by: Lookup, as_of: datetime | None = None) -> Rate:
    """Return the rate of a line that has one at the instant of a lookup.

    Parameters
    ----------
    ticks
        The store or frame that the line was read from.
    line
        A line of the grid of that lookup.
    by
        The instants of the lookup.
    as_of
        Only what was known then; None for now.

    Returns
    -------
    Rate
        That of one source, or the cross rate of two with the ticks of both; its instant is that of the older tick.
    """
    parts = [_of_one_source(ticks, part, by, as_of) for part in line.parts or (line,)]
    if len(parts) == 1:
        return parts[0]
    return crossed(*parts)


def rates_by_order(
    ticks: Ticks, lookups: Iterable[Lookup], selection: Selection, limit: AgeLimit, order: Iterable[str] | None
) -> tuple[dict[Lookup, dict[tuple[str, str], Rate]], dict[str, str]]:
    """Return the rates of the first source of an order that has each pair at all lookups, as `fxticker.rate` does.

    Parameters
    ----------
    ticks
        A store, or a frame of ticks.
    lookups
        At least one.
    selection
        Pairs in any direction, all stored ones if None, `per_usd`, and `as_of`, resolved; sources are ignored.
    limit
        The limit of age.
    order
        The order; None for the default.

    Returns
    -------
    tuple
        For each lookup the rates by source and pair; and for each pair without a source why it has none.
    """
    instants = sorted({*lookups}, key=lambda by: by.upto)
    known = selection.as_of if isinstance(selection.as_of, datetime) else None
    wanted = Selection(pairs=named_pairs(ticks, selection), as_of=known)
    choices = choices_of(ticks, wanted, grid_of(instants), limit, order)
    answered = [(choice.pair, choice.line) for choice in choices if choice.line is not None]
    rates = {
        by: {(line.source, pair): exact_rate(ticks, line, by, known) for pair, line in answered} for by in instants
    }
    return rates, {choice.pair: choice.reason for choice in choices if choice.reason is not None}


def rates_of_sources(ticks: Ticks, by: Lookup, selection: Selection) -> dict[tuple[str, str], Rate]:
    """Return the rates of pairs at a lookup, of any age, by source, or by two, and pair.

    Parameters
    ----------
    ticks
        A store, or a frame of ticks.
    by
        The lookup.
    selection
        Pairs in any direction, and `as_of`, resolved; sources are ignored.
    """
    known = selection.as_of if isinstance(selection.as_of, datetime) else None
    wanted = Selection(as_of=known)
    found = rate_lines(ticks, selection.pairs or (), grid_of([by]), wanted, AgeLimit(is_any=True), is_far=True)
    return {(line.source, pair): exact_rate(ticks, line, by, known) for pair, lines in found.items() for line in lines}


def _of_one_source(ticks: Ticks, line: RateLine, by: Lookup, as_of: datetime | None) -> Rate:
    key = (line.source, line.pair)
    wanted = Selection(pairs=(line.pair,), sources=(line.source,), as_of=as_of)
    if line.source == TICKER:
        return rates_by(ticks, by, wanted)[key]
    dated = official_ticks(ticks, replace(wanted, pairs=tuple(legs_of(line.pair))), ticker=TICKER)
    # a rate is in force from the beginning of its value date on, and its age counts from the end of that day
    rate = rates_by(in_force(dated), replace(by, upto=by.dated_upto), replace(wanted, as_of=None))[key]
    return replace(rate, legs=tuple(replace(leg, counts_from=leg.observed_at + _DAY) for leg in rate.legs))
