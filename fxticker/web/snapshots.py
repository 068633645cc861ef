"""Snapshots: the rates of one base at one instant, each by the first source of the order that has it."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from fxticker.analysis.rate_choice import Choice, choose
from fxticker.analysis.rate_grid import Grid, grid_of
from fxticker.analysis.rate_lines import rate_lines
from fxticker.model.days import Lookup
from fxticker.model.pairs import COMMON, currencies_of
from fxticker.model.selection import Selection
from fxticker.sources.age_limits import AgeLimit
from fxticker.sources.rate_order import SourceOrder
from fxticker.web.errors import Refused, not_found
from fxticker.web.rows import RateRow, identity, rows_of_line
from fxticker.web.view import View

DEFAULT_BASE = "EUR"
"""Frankfurter's base where none is asked for."""


@dataclass(frozen=True, slots=True)
class Question:
    """Which rates are asked for.

    Attributes
    ----------
    base
        Code; None for `DEFAULT_BASE`.
    quotes
        Codes; None for all.
    sources
        Only these; None for all.
    limit
        The greatest age.
    max_width_pct
        The widest band, in percent of its middle; None for any.
    as_of
        What the store knew then; None for now.
    """

    base: str | None = None
    quotes: tuple[str, ...] | None = None
    sources: tuple[str, ...] | None = None
    limit: AgeLimit = field(default_factory=AgeLimit)
    max_width_pct: float | None = None
    as_of: datetime | None = None


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Rates at one instant.

    Attributes
    ----------
    base
        The base.
    rows
        By quote; the identity is among them if it is asked for.
    missing
        Why a currency that is asked for, or that is stored, has no rate, by its code.
    """

    base: str
    rows: list[RateRow]
    missing: dict[str, str]

    @property
    def day(self) -> date:
        """The newest day of a rate."""
        return max(row.day for row in self.rows)

    def facts(self, question: Question) -> dict[str, Any]:
        """Return what is added to shapes that have a number for each currency: day, source, and why one is missing."""
        rows = [row for row in self.rows if row.source is not None]
        facts: dict[str, Any] = {
            "dates": {row.quote: row.day.isoformat() for row in rows},
            "sources": {row.quote: row.source for row in rows},
        }
        return facts | ({"missing": self.missing} if question.quotes is not None and self.missing else {})


def snapshot(view: View, question: Question, by: Lookup) -> Snapshot:
    """Return the rates at an instant.

    Raises
    ------
    Refused
        404 with the reasons, if no pair has a rate.
    """
    base = base_of(view, question)
    pairs = pairs_of(view, question)
    missing = unknown_quotes(view, question)
    rows = []
    grid = grid_of([by])
    for choice in choices(view, question, pairs, grid):
        _, quote = currencies_of(choice.pair)
        if choice.line is None:
            missing[quote] = "; ".join(choice.passed_over) or _nothing_by(by, question)
            continue
        others = [line for line in choice.others if len(line.legs) == 1]
        row = rows_of_line(choice.line, [by.upto.date()], others)[0]
        assert row is not None
        if (reason := too_wide(row, question)) is not None:
            missing[quote] = reason
        else:
            rows.append(row)
    if question.quotes is None or base in question.quotes:
        day = max((row.day for row in rows), default=by.upto.date())
        rows.append(identity(base, day))
    if not any(row.source is not None for row in rows) and (missing or not rows):
        raise not_found(reasons_text(base, missing))
    return Snapshot(base, sorted(rows, key=lambda row: row.quote), missing)


def _nothing_by(by: Lookup, question: Question) -> str:
    named = f" by {', '.join(question.sources)}" if question.sources else ""
    known = f", as recorded by {question.as_of:%Y-%m-%d %H:%M} UTC" if question.as_of else ""
    return f"nothing that it follows from was shown{named} until {by.upto:%Y-%m-%d %H:%M} UTC{known}"


def reasons_text(base: str, missing: Mapping[str, str]) -> str:
    """Return why pairs of a base have no rate, in one line."""
    return "; ".join(f"{base}/{quote}: {reason}" for quote, reason in missing.items()) or "no quote is asked for"


def base_of(view: View, question: Question) -> str:
    """Return the base of a question.

    Raises
    ------
    Refused
        404, if nothing is stored for it; names USD where no base was asked for.
    """
    known = view.catalogue.currencies
    base = question.base or DEFAULT_BASE
    if base in known:
        return base
    if question.base is None:
        raise _no_default(known)
    raise not_found(f"nothing is stored for {base}; there are {', '.join(sorted(known)) or 'no rates'}")


def _no_default(known: Collection[str]) -> Refused:
    instead = COMMON if COMMON in known else next(iter(sorted(known)), None)
    hint = f": give base={instead}" if instead else ", nor of any other currency"
    return not_found(f"no rate of {DEFAULT_BASE} is stored, the base where none is given{hint}")


def pairs_of(view: View, question: Question) -> list[str]:
    """Return the pairs of a question between stored currencies, without the identity."""
    base, known = base_of(view, question), view.catalogue.currencies
    quotes = sorted(known) if question.quotes is None else question.quotes
    return [f"{base}/{quote}" for quote in quotes if quote != base and quote in known]


def unknown_quotes(view: View, question: Question) -> dict[str, str]:
    """Return why currencies that are asked for and not stored have no rate."""
    known = view.catalogue.currencies
    return {quote: "nothing is stored for it" for quote in question.quotes or () if quote not in known}


def choices(view: View, question: Question, pairs: Collection[str], grid: Grid) -> list[Choice]:
    """Return which line of each pair answers; pairs that do not follow from stored ones are left out."""
    found = _choices(view, question, pairs, grid, is_far=False)
    if all(choice.line is not None for choice in found):
        return found
    return _choices(view, question, pairs, grid, is_far=True)  # for the age of what is too old


def _choices(view: View, question: Question, pairs: Collection[str], grid: Grid, *, is_far: bool) -> list[Choice]:
    if not pairs:
        return []
    selection = Selection(sources=question.sources, as_of=question.as_of)
    lines = rate_lines(view.store, pairs, grid, selection, question.limit, is_far=is_far, with_ticks=True)
    ids = {leg.source for found in lines.values() for line in found for leg in line.legs}
    order = SourceOrder.of(view.order, ids)
    return [choose(pair, found, order, question.limit, grid) for pair, found in lines.items()]


def too_wide(row: RateRow, question: Question) -> str | None:
    """Return why a band is too wide; None if it is not."""
    limit = question.max_width_pct
    if limit is None or row.width_pct <= limit * (1 + 1e-9):  # a width of one printed step is computed in doubles
        return None
    return f"{row.source}: the band is {row.width_pct:.3g} % wide, max_width is {limit:g} %"
