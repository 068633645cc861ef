"""Tables on a terminal, CSV and JSON for programs."""

from __future__ import annotations

import math
import re
import sys
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING, Any, Protocol

from fxticker.cli.options import Format
from fxticker.cli.zones import zone_text
from fxticker.errors import NoData, one_line
from fxticker.model.formatting import (
    band_decimals,
    decimal_text,
    format_with_band,
    plain_decimal,
    printed_text,
    short_text,
)

if TYPE_CHECKING:
    import pandas as pd

_NUMBER = re.compile(r"-?[0-9.]+")
_FACTORED = ("source", "pair", "time_basis", "origin", "start_at", "end_at", "base_at")
_DATE = "_date"
"""A column whose name ends so holds days."""
_WIDTH = 1000
"""Wider than any table."""


def show(rows: Sequence[Mapping[Any, Any]], columns: Sequence[str], form: Format) -> None:
    """Print rows on standard output.

    CSV and JSON carry full figures and ISO 8601 instants; a missing value is an empty field or null.
    """
    if form == "json":
        import json

        json.dump([{name: _plain(name, row[name]) for name in columns} for row in rows], sys.stdout, indent=1)
        print()
    elif form == "csv":
        import csv

        writer = csv.writer(sys.stdout, lineterminator="\n")
        writer.writerow(columns)
        writer.writerows([_field(_plain(name, row[name])) for name in columns] for row in rows)
    else:
        _show_table(rows, columns)


def warn(text: object) -> None:
    """Print a line on standard error."""
    print(f"fxticker: {one_line(text)}", file=sys.stderr)


def terminal_text(text: str) -> str:
    """Return a text whose lines are safe to print: control, direction and invisible characters become escapes."""
    return "".join(
        char if char == "\n" or char.isprintable() else char.encode("unicode_escape").decode() for char in text
    )


def show_document(document: Mapping[str, Any]) -> None:
    """Print one JSON document on standard output, its instants as ISO 8601."""
    import json

    json.dump(document, sys.stdout, indent=1, default=lambda value: _plain("", value))
    print()


class Column(Protocol):
    """What a table shows of a row under one heading or several."""

    def cells(self, row: Mapping[Any, Any]) -> dict[str, Any]:
        """Return the cells by heading."""


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
    band: str | None = None
    shows_value: bool = True
    heading: str | None = None

    def cells(self, row: Mapping[Any, Any]) -> dict[str, Any]:
        """Return what a table shows of a row, by heading."""
        heading = self.heading or self.name
        lo, hi = (_missing_to_none(row[bound]) for bound in self.bounds)
        if lo is None or hi is None:
            return dict.fromkeys(filter(None, [heading if self.shows_value or not self.band else None, self.band]))
        texts = format_with_band(row.get(self.name, lo), lo, hi)
        if not self.shows_value:
            return {self.band or heading: texts.band}
        # the text of a rate for several units is no rate per one unit
        text = _missing_to_none(row[self.text]) if self.text is not None and row[self.nominal] == 1 else None
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

    def cells(self, row: Mapping[Any, Any]) -> dict[str, Any]:
        """Return what a table shows of a row, by heading."""
        value, lo, hi = (_missing_to_none(row[name]) for name in (self.name, *self.bounds))
        if value is None or lo is None or hi is None or lo == hi:
            return {self.name: value}
        return {self.name: decimal_text(value, band_decimals(hi - lo))}


@dataclass(frozen=True, slots=True)
class Printed:
    """A printed rate in a table, with the units of base that it is for."""

    name: str = "rate_text"
    nominal: str = "nominal"

    def cells(self, row: Mapping[Any, Any]) -> dict[str, Any]:
        """Return what a table shows of a row, by heading."""
        text = _missing_to_none(row[self.name])
        return {self.name: text and printed_text(text, row[self.nominal])}


Columns = Sequence[str | Column]
"""Columns of a table: of a frame, as they are, or numbers with their digits."""


def banded(stem: str, unit: str = "", *, text: str | None = None) -> Value:
    """Return the value of the column `stem` and `unit`, with its bounds ``_lo`` and ``_hi``: ``drift_lo_pct``."""
    return Value(stem + unit, (f"{stem}_lo{unit}", f"{stem}_hi{unit}"), text, band=f"{stem}_band")


def band_of(stem: str, unit: str = "") -> Value:
    """Return the band of a value that has no column of its own."""
    return Value(stem + unit, (f"{stem}_lo{unit}", f"{stem}_hi{unit}"), shows_value=False)


def show_frame(frame: pd.DataFrame, columns: Columns, form: Format) -> None:
    """Print a frame; in a table each value with as many decimals as its band supports.

    Parameters
    ----------
    frame
        At least one row, or `NoData` is raised.
    columns
        What a table shows, in this order. CSV and JSON have all columns as they are.
    form
        How to print.
    """
    if frame.empty:
        raise NoData("nothing stored answers that")
    rows = frame.to_dict("records")
    if form != "table":
        show(rows, list(frame.columns), form)
    else:
        show_rows(rows, columns)


def show_rows(rows: Sequence[Mapping[Any, Any]], columns: Columns) -> None:
    """Print at least one row as a table; each number with as many decimals as its band supports."""
    shown = [
        {
            heading: cell
            for column in columns
            for heading, cell in ({column: row[column]} if isinstance(column, str) else column.cells(row)).items()
        }
        for row in rows
    ]
    show(shown, list(shown[0]), "table")


def _show_table(rows: Sequence[Mapping[Any, Any]], columns: Sequence[str]) -> None:
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table

    # What is the same in all rows stands above the table once: it fits an 80-column terminal then.
    factored = _FACTORED if len(rows) > 1 else ()
    same = [name for name in columns if name in factored and len({_cell(name, row[name]) for row in rows}) == 1]
    # A figure is never folded or cut: a table that is too wide for the terminal runs over.
    console = Console(highlight=False, width=_WIDTH)
    console.begin_capture()  # printed below: Rich ends the process with 1 where a reader of the output is gone
    head = [f"{name} {_cell(name, rows[0][name])}" for name in same]
    head += [f"times {zone}" for zone in [zone_text(rows)] if zone]
    if head:
        console.print(", ".join(head))
    table = Table(box=SIMPLE_HEAD, pad_edge=False, show_edge=False)
    shown = [name for name in columns if name not in same]
    for name in shown:
        figures = all(_NUMBER.fullmatch(_cell(name, row[name]) or "0") for row in rows)
        table.add_column(name, justify="right" if figures else "left", no_wrap=True)
    for row in rows:
        table.add_row(*(_cell(name, row[name]) for name in shown))
    console.print(table)
    print(console.end_capture(), end="")


def _cell(name: str, value: Any) -> str:
    from rich.markup import escape

    value = _missing_to_none(value)
    if value is None:
        return ""
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d}" if name.endswith(_DATE) else f"{value:%Y-%m-%d %H:%M:%S}"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return short_text(value)
    return escape(one_line(value))  # a text of the store may hold terminal control sequences


def _plain(name: str, value: Any) -> Any:
    value = _missing_to_none(value)
    if isinstance(value, datetime) and not name.endswith(_DATE):
        return value.isoformat().replace("+00:00", "Z")
    if isinstance(value, date):
        return str(value.date() if isinstance(value, datetime) else value)
    return value.item() if hasattr(value, "item") else value


def _field(value: Any) -> Any:
    """A value of CSV: a number without an exponent, and text without terminal control sequences.

    Spaces of all kinds stay, as numbers may have them.
    """
    if isinstance(value, float):
        return plain_decimal(value)
    if not isinstance(value, str) or value.isprintable():
        return value
    return "".join(
        mark if mark.isprintable() or unicodedata.category(mark) == "Zs" else "\N{REPLACEMENT CHARACTER}"
        for mark in value
    )


def _missing_to_none(value: Any) -> Any:
    # NaT and NaN are the values that differ from themselves
    if value is None or value != value or (isinstance(value, float) and math.isnan(value)):  # noqa: PLR0124
        return None
    return value
