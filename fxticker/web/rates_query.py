"""Rates query: what a request for rates in the shape of Frankfurter's version 2 asks for, or why it is refused."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import date

from fxticker.analysis.periods import Freq
from fxticker.model.days import Lookup
from fxticker.web.errors import invalid, not_found
from fxticker.web.groups import GROUPS
from fxticker.web.parameters import (
    age_limit_of,
    code_of,
    codes_of,
    day_of,
    known_by,
    lookup_of_day,
    lookup_of_instant,
    names_of,
    require_known,
    width_of,
)
from fxticker.web.ranges import Days, days_of
from fxticker.web.snapshots import Question
from fxticker.web.view import View

ONE_DAY = ("date", "at")
FILTERS = ("providers", "max_width", "max_age", "as_of", "asOf", "expand")
RATES = ("base", "quotes", *ONE_DAY, "from", "to", "group", *FILTERS)
"""Parameters of `/v2/rates`."""
RATE = (*ONE_DAY, *FILTERS)
"""Parameters of `/v2/rate/KZT/USD`."""
EXPANSIONS = ("providers", "band")


@dataclass(frozen=True, slots=True)
class RatesQuery:
    """What is asked for.

    Attributes
    ----------
    question
        Base, quotes and limits.
    by
        The instants of a snapshot; None for a range.
    days
        The days of a range; None for a snapshot.
    is_latest
        Neither a day nor an instant was given.
    group
        Length of the periods of a range; None for days as they are.
    expand
        What rows have beside the usual.
    """

    question: Question
    by: Lookup | None
    days: Days | None
    is_latest: bool
    group: Freq | None
    expand: frozenset[str]

    @classmethod
    def of(cls, view: View, fields: Mapping[str, str], known: Collection[str] = RATES) -> RatesQuery:
        """Read the parameters.

        Raises
        ------
        Refused
            422, if one is unknown or invalid, or two contradict each other; 404, if nothing can be stored for it.
        """
        require_known(fields, known)
        days = {name: day_of(fields[name]) for name in ("date", "from", "to") if name in fields}
        if ("date" in days or "at" in fields) and ("from" in days or "to" in days or {"date", "at"} <= {*fields}):
            raise invalid("conflicting params")
        if "to" in days and "from" not in days:
            raise invalid("invalid date", "a range begins with `from`")
        group = group_of(fields["group"]) if "group" in fields else None
        expand = names_of(fields["expand"].lower()) if "expand" in fields else ()
        if wrong := [name for name in expand if name not in EXPANSIONS]:
            raise invalid(f"invalid expand: {','.join(wrong)[:200]}")
        question = _question(view, fields)
        by = None if "from" in days else _lookup(view, fields, days.get("date"))
        return cls(
            question=question,
            by=by,
            days=days_of(view, days["from"], days.get("to")) if by is None else None,
            is_latest=not days and "at" not in fields,
            group=group,
            expand=frozenset(expand),
        )

    def of_pair(self, base: str, quote: str) -> RatesQuery:
        """Return the query for one pair."""
        return replace(self, question=replace(self.question, base=base, quotes=(quote,)))


def group_of(text: str) -> Freq:
    """Return the length of a period.

    Raises
    ------
    Refused
        422, if it is none.
    """
    for known in GROUPS:
        if text.lower() == known:
            return known
    raise invalid("invalid group")


def _question(view: View, fields: Mapping[str, str]) -> Question:
    return Question(
        base=code_of(fields["base"]) if "base" in fields else None,
        quotes=codes_of(fields["quotes"]) if "quotes" in fields else None,
        sources=sources_of(view, fields),
        limit=age_limit_of(fields.get("max_age")),
        max_width_pct=width_of(fields["max_width"]) if "max_width" in fields else None,
        as_of=known_by(fields, view.now),
    )


def sources_of(view: View, fields: Mapping[str, str]) -> tuple[str, ...] | None:
    """Return the sources that `providers` names; None if it is not given.

    Raises
    ------
    Refused
        404, if the store has nothing of one of them.
    """
    if "providers" not in fields:
        return None
    stored = view.catalogue.sources
    named = names_of(fields["providers"].lower())
    if unknown := [name for name in named if name not in stored]:
        raise not_found(f"no provider {', '.join(unknown)}; there are {', '.join(stored) or 'none'}")
    return named


def _lookup(view: View, fields: Mapping[str, str], day: date | None) -> Lookup:
    if "at" in fields:
        return lookup_of_instant(fields["at"], view.now)
    return view.present if day is None else lookup_of_day(day, view.now)
