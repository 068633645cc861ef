"""Rows: the rates of an answer, each with its band, its printed text and its source."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from fractions import Fraction
from typing import Any

import numpy as np

from fxticker.analysis.rate_lines import RateLine
from fxticker.model.bands import width_pct
from fxticker.model.formatting import plain_decimal
from fxticker.model.pairs import currencies_of
from fxticker.model.timestamps import iso_text
from fxticker.sources.fixed import CONSTANTS
from fxticker.store.arrow import instant_of
from fxticker.web.honest_number import honest_decimal, honest_number


@dataclass(frozen=True, slots=True)
class RateRow:
    """The rate of a pair on a day or at an instant.

    Attributes
    ----------
    day
        Day of the rate: of an official rate its value date, of a peg the requested day, else the UTC day on which it
        was observed.
    base, quote
        Codes; the rate is quote per one unit of base.
    lo, hi
        Its band.
    printed
        The printed text and its nominal; None where the rate is not a printed one.
    observed_at, recorded_at
        Microseconds since 1970; of two ticks the older instant and the later recording. None for an identity.
    source, kind
        Who answers, as in `fxticker.rate`; None for an identity.
    others
        Rates of the other sources: id, day, band.
    """

    day: date
    base: str
    quote: str
    lo: float
    hi: float
    printed: tuple[str, int] | None = None
    observed_at: int | None = None
    recorded_at: int | None = None
    source: str | None = None
    kind: str | None = None
    others: Sequence[tuple[str, date, float, float]] = ()

    @property
    def rate(self) -> float:
        """The one number that stands for the band."""
        return honest_number(self.lo, self.hi)

    def times(self, amount: Fraction) -> float:
        """Return the one number that stands for the band of an amount, which is above 0."""
        if amount == 1:
            return self.rate
        return float(honest_decimal(Fraction(self.lo) * amount, Fraction(self.hi) * amount))

    @property
    def width_pct(self) -> float:
        """Width of the band in percent of its middle."""
        return width_pct(self.lo, self.hi)

    def fields(self) -> dict[str, Any]:
        """Return the row as JSON has it: Frankfurter's four fields first, then the band and where it comes from."""
        text, nominal = self.printed or (None, 1)
        return {
            "date": self.day.isoformat(),
            "base": self.base,
            "quote": self.quote,
            "rate": self.rate,
            "rate_lo": plain_decimal(self.lo).removesuffix(".0"),
            "rate_hi": plain_decimal(self.hi).removesuffix(".0"),
            "rate_text": text,
            "nominal": nominal,
            "observed_at": None if self.observed_at is None else instant_text(self.observed_at),
            "source": self.source,
        }


def identity(currency: str, day: date) -> RateRow:
    """Return the rate of a currency to itself, which is 1."""
    return RateRow(day, currency, currency, 1.0, 1.0, ("1", 1))


def rows_of_line(line: RateLine, days: Sequence[date], others: Sequence[RateLine] = ()) -> list[RateRow | None]:
    """Return a row for each instant of a line's grid, None where it has no rate that is young enough.

    Parameters
    ----------
    line
        The line that answers.
    days
        The day that each instant stands for.
    others
        Lines of the other sources.
    """
    base, quote = currencies_of(line.pair)
    printed = [None] * len(days) if line.ticks is None else line.ticks.printed()
    recorded = recorded_at(line)
    source, kind, is_peg = line.source, line.kind, line.source in CONSTANTS
    rows: list[RateRow | None] = []
    for place, day in enumerate(days):
        if not line.is_young[place]:
            rows.append(None)
            continue
        observed = int(line.observed_at[place])
        rows.append(
            RateRow(
                day=day if is_peg else day_of(observed),
                base=base,
                quote=quote,
                lo=float(line.lo[place]),
                hi=float(line.hi[place]),
                printed=printed[place],
                observed_at=observed,
                recorded_at=int(recorded[place]),
                source=source,
                kind=kind,
                others=[_other(other, place) for other in others if other.is_young[place]],
            )
        )
    return rows


def _other(line: RateLine, place: int) -> tuple[str, date, float, float]:
    return line.source, day_of(int(line.observed_at[place])), float(line.lo[place]), float(line.hi[place])


def recorded_at(line: RateLine) -> np.ndarray:
    """Return when the newest tick behind each rate was recorded, in microseconds since 1970."""
    parts = [part.ticks.recorded_at() for part in line.parts or (line,) if part.ticks is not None]
    newest: np.ndarray = np.maximum.reduce(parts)
    return newest


def day_of(microseconds: int) -> date:
    """Return the UTC day of an instant."""
    return instant_of(microseconds).date()


def instant_text(microseconds: int) -> str:
    """Return an instant in microseconds since 1970 as ISO 8601."""
    return iso_text(instant_of(microseconds))


class Newest:
    """When the newest tick behind rows was recorded; rows pass through it."""

    def __init__(self) -> None:
        self._at: datetime | None = None

    def noting(self, parts: Iterable[list[RateRow]]) -> Iterator[list[RateRow]]:
        """Yield parts of rows, and note when their ticks were recorded."""
        for part in parts:
            found = newest(part)
            if found is not None:
                self._at = found if self._at is None else max(self._at, found)
            yield part

    def __call__(self) -> datetime | None:
        """Return the instant, aware UTC; None if none is known."""
        return self._at


def newest(rows: Sequence[RateRow]) -> datetime | None:
    """Return when the newest tick behind rows was recorded, aware UTC; None if none is known."""
    instants = [row.recorded_at for row in rows if row.recorded_at is not None]
    return instant_of(max(instants)) if instants else None
