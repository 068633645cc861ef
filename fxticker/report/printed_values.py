"""Printed values: the texts behind a rate of which only the date is known, of which a date may have several.

What counts for such a date is the hull of its values, whose middle was not printed; a report names the values. 0.10851
and 0.10858 of the somoni are of 2025-12-22, and 0.108545 would be a third one.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import pandas as pd

from fxticker.frames.one_per_instant import with_bands
from fxticker.model.bands import outward, width_pct
from fxticker.model.formatting import decimal_point, format_with_band
from fxticker.model.pairs import directed
from fxticker.model.records import TimeBasis
from fxticker.model.timestamps import minute_text
from fxticker.report.texts import listed, number

_MOST_NAMED = 4
"""Values of a date that a sentence has room for; the ticker had up to 5 on one day."""


@dataclass(frozen=True, slots=True)
class PrintedValue:
    """One printed value in the direction of a report: quote per one unit of base, its band, and its text."""

    rate: float
    lo: float
    hi: float
    text: str

    @property
    def step_pct(self) -> float:
        """Width of its band in percent of its middle."""
        return width_pct(self.lo, self.hi)


class PrintedValues:
    """The values of the dates of one source.

    Parameters
    ----------
    ticks
        Its ticks, as `fxticker.load` returns them.
    """

    def __init__(self, ticks: pd.DataFrame) -> None:
        dated = with_bands(ticks[ticks["time_basis"] == TimeBasis.DATE])
        self._by_date: dict[tuple[str, date], dict[str, PrintedValue]] = {}
        for row in dated.to_dict("records"):
            pair, value = _directed(row)
            day = row["observed_at"].tz_convert("UTC").date()
            self._by_date.setdefault((pair, day), {})[value.text] = value

    def of(self, pair: str, day: date) -> list[PrintedValue]:
        """Return the distinct values of a pair and a date, the lowest first."""
        return sorted(self._by_date.get((pair, day), {}).values(), key=lambda value: (value.rate, value.text))

    def between(self, pair: str, first: date, last: date) -> list[tuple[date, PrintedValue]]:
        """Return the values of the dates from the first to the last one, each date's lowest first."""
        days = sorted(day for name, day in self._by_date if name == pair and first <= day <= last)
        return [(day, value) for day in days for value in self.of(pair, day)]

    def all_of(self, pair: str, at: pd.Timestamp) -> str:
        """Return the values of a date, given its midnight in any zone: ``0.10851 and 0.10858``."""
        texts = [value.text for value in self.of(pair, at.date())]
        return listed(texts) if len(texts) <= _MOST_NAMED else f"{texts[0]} to {texts[-1]} ({len(texts)} values)"

    def range_of(self, pair: str, at: pd.Timestamp) -> str:
        """Return the lowest and the highest value of a date, given its midnight: ``0.10851 to 0.10858``."""
        texts = [value.text for value in self.of(pair, at.date())]
        return f"{texts[0]} to {texts[-1]}"

    def when(self, pair: str, at: pd.Timestamp) -> str:
        """Return an instant in its zone, or its date where it is the midnight of one of which only that is known."""
        is_date = at == at.normalize() and (pair, at.date()) in self._by_date
        return f"{at:%Y-%m-%d}" if is_date else minute_text(at)


def fewest_changes(shown: Iterable[Sequence[float]]) -> int:
    """Return the least number of changes between values that were shown one after the other.

    Parameters
    ----------
    shown
        The values of each instant or date, in their order; those of one date in any order.
    """
    values = [set(each) for each in shown]
    within = sum(len(each) - 1 for each in values)
    # cost of the best way to each possible last value, beyond the changes within dates
    cost: dict[float, int] = dict.fromkeys(values[0], 0) if values else {}
    for each in values[1:]:
        cost = {last: min(_ways(cost, each, last)) for last in each}
    return within + min(cost.values(), default=0)


def _ways(cost: dict[float, int], values: set[float], last: float) -> Iterable[int]:
    """Yield the cost of each way through the values of a date to its last one."""
    for begin in values:
        if begin != last or len(values) == 1:
            yield from (so_far + (before != begin) for before, so_far in cost.items())


def _directed(row: Mapping[Hashable, Any]) -> tuple[str, PrintedValue]:
    """Return a tick's pair in the direction of a report, and its value in it."""
    pair = str(row["pair"])
    way = directed(pair, per_usd=False)
    rate, lo, hi = (float(row[name]) for name in ("rate", "rate_lo", "rate_hi"))
    if way != pair:
        inverse_lo, inverse_hi = outward(1 / hi, 1 / lo)
        rate, lo, hi = 1 / rate, float(inverse_lo), float(inverse_hi)
    elif row["nominal"] == 1:
        return way, PrintedValue(rate, lo, hi, decimal_point(str(row["rate_text"])))
    return way, PrintedValue(rate, lo, hi, number(format_with_band(rate, lo, hi).value))
