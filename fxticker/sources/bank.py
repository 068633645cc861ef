"""Answers of banks: reads days and rates for a nominal, and checks them against printed differences and requests."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import TypeVar

from fxticker.errors import DamagedPage, NoTicker, OtherDate
from fxticker.model.printed import InvalidNumber, check_rate, read_rate
from fxticker.model.records import PrintedTick, Snapshot
from fxticker.sources.source import Source

_Item = TypeVar("_Item")
_DAY_FIRST = re.compile(r"([0-9]{2})([./])([0-9]{2})\2([0-9]{4})")
_YEAR_FIRST = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_NOMINAL = re.compile(r"[1-9][0-9]{0,5}")
"""Units of base: 10,000 is the largest nominal that any of these banks has printed."""
_DIFFERENCE = re.compile(r"[+-]?[0-9]{1,12}(?:[.,][0-9]{1,12})?")


def read_day(text: str) -> date:
    """Read a printed day: ``01.04.2026``, ``01/04/2026`` (the day first, as these banks write it) or ``2026-04-01``.

    Raises
    ------
    DamagedPage
        If the text is no day.
    """
    day_first = _DAY_FIRST.fullmatch(text)
    try:
        if day_first:
            return date(int(day_first[4]), int(day_first[3]), int(day_first[1]))
        if _YEAR_FIRST.fullmatch(text):
            return date.fromisoformat(text)
    except ValueError:
        pass
    raise DamagedPage(f"not a day: {text[:40]!r}")


def quoted(pair: str, rate_text: str, *, nominal: str = "1", difference: str = "") -> PrintedTick:
    """Return a printed rate as a tick, once it is checked.

    Raises
    ------
    DamagedPage
        If rate, nominal or difference is no number.
    """
    try:
        check_rate(rate_text)
    except InvalidNumber as error:
        raise DamagedPage(f"{pair}: {error}") from error
    if not _NOMINAL.fullmatch(nominal):
        raise DamagedPage(f"{pair}: not a nominal: {nominal[:40]!r}")
    if difference and not _DIFFERENCE.fullmatch(difference):
        raise DamagedPage(f"{pair}: not a difference: {difference[:40]!r}")
    return PrintedTick(pair, rate_text, None, int(nominal), difference or None)


def only(items: Sequence[_Item], what: str) -> _Item:
    """Return the only item.

    Raises
    ------
    NoTicker, DamagedPage
        If there is none, or there are several.
    """
    if not items:
        raise NoTicker(f"the answer holds no {what}")
    if len(items) > 1:
        raise DamagedPage(f"the answer holds {what} {len(items)} times")
    return items[0]


def for_day(snapshot: Snapshot, day: date) -> tuple[Snapshot]:
    """Return a snapshot, once it is known to be of a day.

    Raises
    ------
    OtherDate
        If it is of another.
    """
    if snapshot.source_date != day:
        assert snapshot.source_date is not None
        raise OtherDate(day.isoformat(), snapshot.source_date)
    return (snapshot,)


def for_span(snapshots: Sequence[Snapshot], first: date, last: date) -> list[Snapshot]:
    """Return snapshots in the order of their days, once all are known to lie within a span.

    Raises
    ------
    OtherDate
        If one lies outside.
    DamagedPage
        If two are of one day.
    """
    by_day: dict[date, Snapshot] = {}
    for snapshot in snapshots:
        day = snapshot.source_date
        assert day is not None
        if not first <= day <= last:
            raise OtherDate(f"{first} to {last}", day)
        if day in by_day:
            raise DamagedPage(f"the answer holds {day} twice")
        by_day[day] = snapshot
    return [by_day[day] for day in sorted(by_day)]


def difference_mismatches(source: Source, before: Snapshot, after: Snapshot) -> list[str]:
    """Return the pairs whose printed difference is not the difference of two snapshots' rates.

    Banks print by how much a rate differs from the one before it. A pair is left out where that cannot be decided:
    where there may have been a snapshot between the two, no difference is printed, or the nominals differ.
    """
    if before.source_date is None or after.source_date is None:
        return []
    if source.publishing_days(before.source_date, after.source_date) != 1:
        return []
    old = {tick.pair: tick for tick in before.ticks}
    return [tick.pair for tick in after.ticks if tick.pair in old and not _fits(old[tick.pair], tick)]


def _fits(old: PrintedTick, new: PrintedTick) -> bool:
    if new.difference_text is None or new.nominal != old.nominal:
        return True
    if not _DIFFERENCE.fullmatch(new.difference_text):  # possible in a plug-in's tick
        return False
    difference = Decimal(new.difference_text.replace(",", "."))
    return read_rate(new.rate_text).value - read_rate(old.rate_text).value == difference
