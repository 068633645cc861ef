"""Rows on standard output: tables for people, CSV and JSON for programs."""

from __future__ import annotations

import sys
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from fxticker.cli.blocks import Block, Records, blocks_of
from fxticker.cli.columns import Columns, Plain
from fxticker.cli.formats import Format
from fxticker.errors import NoData, one_line
from fxticker.model.formatting import plain_decimal
from fxticker.model.timestamps import iso_text

if TYPE_CHECKING:
    import pandas as pd

_DATE = "_date"
"""A column whose name ends so holds days."""
TERMINAL_ROWS = 40
"""Rows that a table has on a terminal: about a screen, whose last rows stay in view."""


def show(rows: pd.DataFrame | Records, columns: Columns, form: Format, *, fields: Sequence[str] | None = None) -> None:
    """Print rows on standard output.

    On a terminal a table has the last 40 rows, and a line on standard error says how many there are before them.

    Parameters
    ----------
    rows
        Any number of rows.
    columns
        What a table shows, in this order, if it fits 80 characters.
    form
        How to print, and how many rows.
    fields
        What CSV and JSON have, and a table with all columns: full figures and ISO 8601 instants; what is missing is an
        empty field or null. ``None`` for `columns`, which are then names.
    """
    names = [column for column in columns if isinstance(column, str)] if fields is None else [*fields]
    limit = limit_of(form)
    left_out = 0 if limit is None else max(len(rows) - limit, 0)
    rows = rows[left_out:]
    if form.kind == "json":
        _write_json(rows, names)
    elif form.kind == "csv":
        _write_csv(rows, names)
    else:
        _write_table(rows, columns, names, is_wide=form.is_wide)
    if left_out:
        sys.stdout.flush()
        warn(f"{left_out:,} rows before these are not shown; --all prints them, --limit sets how many")


def show_frame(frame: pd.DataFrame, columns: Columns, form: Format) -> None:
    """Print a frame of at least one row, or raise `NoData`; CSV and JSON have all its columns."""
    if frame.empty:
        raise NoData("nothing stored answers that")
    show(frame, columns, form, fields=list(frame.columns))


def limit_of(form: Format) -> int | None:
    """Return how many rows are printed at most; ``None`` for all."""
    is_screen = form.kind == "table" and not form.is_all and sys.stdout.isatty()
    return TERMINAL_ROWS if form.limit is None and is_screen else form.limit


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


def _write_table(rows: pd.DataFrame | Records, columns: Columns, fields: Sequence[str], *, is_wide: bool) -> None:
    from fxticker.cli.colours import colours_wanted
    from fxticker.cli.table import WIDTH, write_table

    shown = [Plain(column) if isinstance(column, str) else column for column in columns]
    if is_wide:
        there = {name for column in shown for name in column.needs}
        shown += [Plain(name) for name in fields if name not in there]
    is_coloured = colours_wanted(sys.stdout)
    width = max(WIDTH, _terminal_width()) if sys.stdout.isatty() else WIDTH
    left_out = write_table(rows, shown, width=None if is_wide else width, is_coloured=is_coloured)
    if left_out:
        sys.stdout.flush()
        warn(f"not shown, for want of room: {', '.join(left_out)}; --wide prints all columns")


def _terminal_width() -> int:
    from shutil import get_terminal_size  # its archive formats take 3 ms to import, and a pipe has no width

    return get_terminal_size().columns


def _write_csv(rows: pd.DataFrame | Records, names: Sequence[str]) -> None:
    import csv

    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(names)
    for block in blocks_of(rows, names):
        writer.writerows(zip(*_by_value(block, _field), strict=True))


def _write_json(rows: pd.DataFrame | Records, names: Sequence[str]) -> None:
    """Write one array, as ``json.dump(…, indent=1)`` does."""
    import json

    keys = {name: json.dumps(name) for name in names}
    between = ",\n"
    for number, block in enumerate(blocks_of(rows, names)):
        members = _by_value(block, lambda name, value: f"  {keys[name]}: {json.dumps(_plain(name, value))}")
        objects = (f" {{\n{between.join(row)}\n }}" for row in zip(*members, strict=True))
        sys.stdout.write((between if number else "[\n") + between.join(objects))
    sys.stdout.write("\n]\n" if len(rows) else "[]\n")


def _by_value(block: Block, text: Callable[[str, Any], Any]) -> list[list[Any]]:
    """Return the texts of a block's columns; each distinct value of a column is written once."""
    columns = []
    for name, values in block.items():
        texts = {value: text(name, value) for value in {*values}}
        columns.append([texts[value] for value in values])
    return columns


def _plain(name: str, value: Any) -> Any:
    if isinstance(value, datetime) and not name.endswith(_DATE):
        return iso_text(value)
    if isinstance(value, date):
        return str(value.date() if isinstance(value, datetime) else value)
    return value.item() if hasattr(value, "item") else value


def _field(name: str, value: Any) -> Any:
    """A value of CSV: a number without an exponent, and text without what a terminal obeys.

    Spaces of all kinds stay, as numbers may have them.
    """
    value = _plain(name, value)
    if isinstance(value, float):
        return plain_decimal(value)
    if not isinstance(value, str) or value.isprintable():
        return value
    return "".join(
        mark if mark.isprintable() or unicodedata.category(mark) == "Zs" else "\N{REPLACEMENT CHARACTER}"
        for mark in value
    )
