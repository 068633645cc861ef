"""Columns of a table: which of a frame's columns they are made of, and how they are written."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from fxticker.model.formatting import band_decimals, decimal_point, decimal_text, format_with_band, printed_text


class Column(Protocol):
    """What a table shows of a row under one heading or several."""

    @property
    def needs(self) -> tuple[str, ...]:
        """The frame's columns that the cells are made of; one that the frame lacks is left out."""

    def cells(self, row: Mapping[str, Any]) -> dict[str, Any]:
        """Return the cells of a row's values by heading; what is missing is ``None``."""


@dataclass(frozen=True, slots=True)
class Plain:
    """A column of a frame, as it is."""

    name: str

    @property
    def needs(self) -> tuple[str, ...]:
        """The column."""
        return (self.name,)

    def cells(self, row: Mapping[str, Any]) -> dict[str, Any]:
        """Return its value."""
        return {self.name: row[self.name]}


@dataclass(frozen=True, slots=True)
class Tick(Plain):
    """A column of the instants of ticks that a figure is computed from: where there is no room, their days."""


@dataclass(frozen=True, slots=True)
class LookedUp(Plain):
    """A column of the instants of look-ups, with their seconds: rounded up, another rate might be the one by then."""

    def cells(self, row: Mapping[str, Any]) -> dict[str, Any]:
        """Return the instant, cut to its second."""
        value = row[self.name]
        return {self.name: value.replace(microsecond=0) if isinstance(value, datetime) else value}


@dataclass(frozen=True, slots=True)
class Dated:
    """A column of dates or instants of rates; of a cross rate of two sources the dates of both, ``leg_dates``."""

    name: str

    @property
    def needs(self) -> tuple[str, ...]:
        """The column, and the text of both dates."""
        return (self.name, "leg_dates")

    def cells(self, row: Mapping[str, Any]) -> dict[str, Any]:
        """Return the text of both dates, or else the value."""
        return {self.name: row["leg_dates"] or row[self.name]}


@dataclass(frozen=True, slots=True)
class Value:
    """A value in a table: how it is printed with its band and its text.

    Attributes
    ----------
    name
        The frame's column of the value.
    bounds
        The frame's columns of the lower and the upper bound; ``None`` if the value has no band.
    text
        The frame's column of the printed text, which is shown in place of the value where it is not null and for one
        unit of base; ``None`` if there is no such column.
    nominal
        The frame's column of the units that the text is for.
    values
        The frame's column of the number of values of one date that the value is the middle of: of several their number
        or, without a column of the band, their range is shown in its place. ``None`` if there is no such column.
    band
        The heading of the band; ``None`` if it has no column.
    shows_value
        Whether the value is shown, and not only its band, under the heading of the value if the band has none.
    heading
        The heading of the value; ``None`` for the name of its column.
    """

    name: str
    bounds: tuple[str, str]
    text: str | None = None
    nominal: str = "nominal"
    values: str | None = None
    band: str | None = None
    shows_value: bool = True
    heading: str | None = None

    @property
    def needs(self) -> tuple[str, ...]:
        """The value, its bounds, its text and the text's nominal, and the number of values."""
        texts = () if self.text is None else (self.text, self.nominal)
        return (self.name, *self.bounds, *texts, *filter(None, [self.values]))

    def cells(self, row: Mapping[str, Any]) -> dict[str, Any]:
        """Return what a table shows of a row, by heading."""
        heading = self.heading or self.name
        lo, hi = (row[bound] for bound in self.bounds)
        if lo is None or hi is None:
            return dict.fromkeys(filter(None, [heading if self.shows_value or not self.band else None, self.band]))
        texts = format_with_band(row.get(self.name, lo), lo, hi)
        if not self.shows_value:
            return {self.band or heading: texts.band}
        values = 1 if self.values is None else row.get(self.values, 1)
        if values > 1:
            return {heading: texts.band} if self.band is None else {heading: f"{values} values", self.band: texts.band}
        # the text of a rate for several units is no rate per one unit
        text = row[self.text] if self.text is not None and row[self.nominal] == 1 else None
        text = text and decimal_point(text)
        return {heading: text or texts.value, **({} if self.band is None else {self.band: texts.band})}


@dataclass(frozen=True, slots=True)
class Reference:
    """A number without a band, in a table: with the digits of the band that it is compared with.

    Attributes
    ----------
    name
        The frame's column, and the table's heading.
    bounds
        The frame's columns of that band.
    """

    name: str
    bounds: tuple[str, str]

    @property
    def needs(self) -> tuple[str, ...]:
        """The number and the bounds."""
        return (self.name, *self.bounds)

    def cells(self, row: Mapping[str, Any]) -> dict[str, Any]:
        """Return what a table shows of a row, by heading."""
        value, lo, hi = (row[name] for name in (self.name, *self.bounds))
        if value is None or lo is None or hi is None or lo == hi:
            return {self.name: value}
        return {self.name: decimal_text(value, band_decimals(hi - lo))}


@dataclass(frozen=True, slots=True)
class Printed:
    """A printed rate in a table, with the units of base that it is for."""

    name: str = "rate_text"
    nominal: str = "nominal"

    @property
    def needs(self) -> tuple[str, ...]:
        """The text and its nominal."""
        return (self.name, self.nominal)

    def cells(self, row: Mapping[str, Any]) -> dict[str, Any]:
        """Return what a table shows of a row, by heading."""
        text = row[self.name]
        return {self.name: text and printed_text(text, row[self.nominal])}


Columns = Sequence[str | Column]
"""Columns of a table: of a frame, as they are, or numbers with their digits."""


def banded(stem: str, unit: str = "", *, text: str | None = None, values: str | None = None) -> Value:
    """Return the value of the column `stem` and `unit`, with its bounds ``_lo`` and ``_hi``: ``drift_lo_pct``."""
    return Value(stem + unit, (f"{stem}_lo{unit}", f"{stem}_hi{unit}"), text, values=values, band=f"{stem}_band")


def band_of(stem: str, unit: str = "") -> Value:
    """Return the band of a value that has no column of its own."""
    return Value(stem + unit, (f"{stem}_lo{unit}", f"{stem}_hi{unit}"), shows_value=False)
