"""Answers of banks: reads days and rates for a nominal, and checks them against printed differences and requests."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Generic, NoReturn, TypeVar

from fxticker.errors import DamagedPage, NoTicker, OtherDate
from fxticker.model.printed import InvalidNumber, check_rate, read_recorded_rate
from fxticker.model.records import PrintedTick, Snapshot
from fxticker.sources.source import Source

_Item = TypeVar("_Item")
_CODE = re.compile(r"[A-Z]{3}")
_SHOWN_ITEMS = 3
"""Unreadable items that a remark names by their place: the line of a poll's detail is short."""
_DAY_FIRST = re.compile(r"([0-9]{1,2})\.([0-9]{1,2})\.([0-9]{4})|([0-9]{2})/([0-9]{2})/([0-9]{4})")
"""With a slash only as these banks write it, of two digits each: 1/4/2026 is January in other places."""
_YEAR_FIRST = re.compile(r"([0-9]{4})-([0-9]{1,2})-([0-9]{1,2})(?:[T ]00:00(?::00(?:\.0{1,9})?)?Z?)?")
"""Perhaps with midnight behind it, as programs write a day that they hold as an instant."""
_NOMINAL = re.compile(r"[1-9][0-9]{0,5}")
"""Units of base: 10,000 is the largest nominal that any of these banks has printed."""
_DIFFERENCE = re.compile(r"[+-]?[0-9]{1,12}(?:[.,][0-9]{1,12})?")


def read_day(text: str) -> date:
    """Read a printed day: ``01.04.2026``, ``01/04/2026`` (the day first, as these banks write it) or ``2026-04-01``.

    Beside points and dashes the leading zeros may be missing: ``2026-4-1``.

    Raises
    ------
    DamagedPage
        If the text is no day.
    """
    day_first = _DAY_FIRST.fullmatch(text)
    try:
        if day_first:
            day, month, year = (int(part) for part in day_first.groups() if part)
            return date(year, month, day)
        if year_first := _YEAR_FIRST.fullmatch(text):
            return date(*(int(part) for part in year_first.groups()))
    except ValueError:
        pass
    raise DamagedPage(f"not a day: {text[:40]!r}")


def quoted(
    pair: str, rate_text: str, *, nominal: str = "1", difference: str = "", decimal_mark: str = "."
) -> PrintedTick:
    """Return a printed rate as a tick, once it is checked.

    Parameters
    ----------
    pair, rate_text, nominal, difference
        As in `PrintedTick`, all as printed.
    decimal_mark
        The character that the bank prints before decimals; the snapshot has the same.

    Raises
    ------
    DamagedPage
        If rate, nominal or difference is no number.
    """
    try:
        check_rate(rate_text, decimal_mark)
    except InvalidNumber as error:
        raise DamagedPage(f"{pair}: {error}") from error
    if not _NOMINAL.fullmatch(nominal):
        raise DamagedPage(f"{pair}: not a nominal: {nominal[:40]!r}")
    if difference and not _DIFFERENCE.fullmatch(difference):
        raise DamagedPage(f"{pair}: not a difference: {difference[:40]!r}")
    return PrintedTick(pair, rate_text, None, int(nominal), difference or None)


@dataclass(frozen=True, slots=True)
class Listed(Generic[_Item]):
    """Items of a bank's list.

    Attributes
    ----------
    items
        Those of the wanted currencies by code, in the list's order.
    remarks
        Names the items whose currency cannot be read; empty if there is none.
    """

    items: Mapping[str, _Item]
    remarks: tuple[str, ...]

    def item_of(self, code: str) -> _Item:
        """Return the item of a currency.

        Raises
        ------
        NoTicker, DamagedPage
            If there is none; damage if one of the unreadable items may be it.
        """
        if code not in self.items:
            self.refuse(code)
        return self.items[code]

    def refuse(self, wanted: str) -> NoReturn:
        """Raise that the list lacks what is wanted: no ticker, or damage if an unreadable item may be it."""
        if self.remarks:
            raise DamagedPage(f"the answer holds no {wanted}, and {'; '.join(self.remarks)}")
        raise NoTicker(f"the answer holds no {wanted}")


def listed(
    items: Iterable[_Item], codes_of: Callable[[_Item], Sequence[object]], wanted: Collection[str]
) -> Listed[_Item]:
    """Find the items of some currencies in a list. An item of another currency that is broken does not spoil them.

    Parameters
    ----------
    items
        All items of the list.
    codes_of
        Returns what stands where an item has its currency: one ISO 4217 code, if it is not broken.
    wanted
        Codes of the currencies.

    Raises
    ------
    DamagedPage
        If one of these currencies is in the list twice, or an item has its code beside another one.
    """
    found: dict[str, _Item] = {}
    unreadable: list[int] = []
    for place, item in enumerate(items, 1):
        codes = [code for code in codes_of(item) if isinstance(code, str)]
        if len(codes) == 1 and _CODE.fullmatch(codes[0]):
            if codes[0] in found:
                raise DamagedPage(f"the answer holds {codes[0]} twice")
            if codes[0] in wanted:
                found[codes[0]] = item
        elif any(code in wanted for code in codes):
            raise DamagedPage(f"item {place} of the list has more than one currency")
        else:
            unreadable.append(place)
    return Listed(found, (_remark(unreadable),) if unreadable else ())


def remark_on(pair: str, error: DamagedPage) -> str:
    """Return the reason why a pair is left out of a snapshot, for its remarks."""
    reason = str(error)
    return reason if reason.startswith(f"{pair}:") else f"{pair}: {reason}"


def _remark(places: Sequence[int]) -> str:
    shown = ", ".join(map(str, places[:_SHOWN_ITEMS])) + (", …" if len(places) > _SHOWN_ITEMS else "")
    return f"{len(places)} of the list's items without a currency's code (number {shown})"


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
    return read_recorded_rate(new.rate_text).value - read_recorded_rate(old.rate_text).value == difference
