"""Tables on a terminal, CSV and JSON for programs."""

from __future__ import annotations

import csv
import json
import math
import re
import sys
from collections.abc import Collection, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from fxticker.cli.options import Format
from fxticker.errors import NoData
from fxticker.model.formatting import format_with_band

if TYPE_CHECKING:
    import pandas as pd

_END = re.compile(r"(.+)_(lo|hi)((?:_pct)?)")
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
        json.dump([{name: _plain(name, row[name]) for name in columns} for row in rows], sys.stdout, indent=1)
        print()
    elif form == "csv":
        writer = csv.writer(sys.stdout, lineterminator="\n")
        writer.writerow(columns)
        writer.writerows([_plain(name, row[name]) for name in columns] for row in rows)
    else:
        _show_table(rows, columns)


def show_document(document: Mapping[str, Any]) -> None:
    """Print one JSON document on standard output, its instants as ISO 8601."""
    json.dump(document, sys.stdout, indent=1, default=lambda value: _plain("", value))
    print()


def show_banded(frame: pd.DataFrame, form: Format, *, hidden: Collection[str] = ()) -> None:
    """Print a frame whose figures have bands; in a table each with as many decimals as its band supports.

    Parameters
    ----------
    frame
        ``rate_lo`` and ``rate_hi`` are the band of ``rate``, ``drift_lo_pct`` and ``drift_hi_pct`` that of
        ``drift_pct``. Where a text was printed for a rate, in ``rate_text``, it is shown.
    form
        CSV and JSON have all columns as they are.
    hidden
        Columns that a table has no room for.
    """
    if frame.empty:
        raise NoData("nothing stored answers that")
    if "significant" in frame.columns:  # nothing is said of a change that is not there
        frame = frame.assign(significant=frame["significant"].astype(object).where(frame["drift_pct"].notna()))
    if form != "table":
        show(frame.to_dict("records"), list(frame.columns), form)
        return
    columns: list[str] = []
    for column in frame.columns:
        stem, end, unit = _ends(column)
        if end == "lo" and stem + unit not in frame.columns:
            columns.append(stem + unit)  # a band alone
        elif end == "lo":
            columns.append(f"{stem}_band")
        elif not end and not _is_text_of(column, frame.columns) and column not in hidden:
            columns.append(column)
    show([_banded(row) for row in frame.to_dict("records")], columns, form)


def _ends(column: str) -> tuple[str, str, str]:
    """Of ``drift_lo_pct``: ``drift``, the end ``lo``, ``_pct``; of what is no end of a band no end."""
    match = _END.fullmatch(column)
    return (match[1], match[2], match[3]) if match else (column, "", "")


def _is_text_of(column: str, columns: Collection[str]) -> bool:
    return column.startswith("rate_text") and column.replace("_text", "") in columns


def _banded(row: Mapping[Any, Any]) -> dict[str, Any]:
    """A row as a table shows it."""
    shown = dict(row)
    for column in row:
        stem, end, unit = _ends(column)
        if end != "lo":
            continue
        lo, hi = _missing_to_none(row[column]), _missing_to_none(row[f"{stem}_hi{unit}"])
        middle = stem + unit
        if lo is None or hi is None:
            shown[f"{stem}_band"] = None
            shown.setdefault(middle, None)
            continue
        texts = format_with_band(row.get(middle, lo), lo, hi)
        shown[f"{stem}_band" if middle in row else middle] = texts.band
        if middle in row:
            shown[middle] = texts.value
    for column in row:
        name = column.replace("_text", "")
        if _is_text_of(column, row.keys()) and (text := _missing_to_none(row[column])) is not None:
            shown[name] = text
        elif name in row and name != column and f"{name}_band" not in shown and _missing_to_none(row[name]) is not None:
            # derived, and of a band that is not at hand: no more digits than any ticker prints
            shown[name] = f"{Decimal(f'{row[name]:.6g}'):f}"
    return shown


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
    if same:
        console.print(", ".join(f"{name} {_cell(name, rows[0][name])}" for name in same))
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
        return f"{Decimal(f'{value:.9g}'):f}"  # as a rate is written: 0.00008, not 8e-05
    return escape(str(value))


def _plain(name: str, value: Any) -> Any:
    value = _missing_to_none(value)
    if isinstance(value, datetime) and not name.endswith(_DATE):
        return value.isoformat().replace("+00:00", "Z")
    if isinstance(value, date):
        return str(value.date() if isinstance(value, datetime) else value)
    return value.item() if hasattr(value, "item") else value


def _missing_to_none(value: Any) -> Any:
    # NaT and NaN are the values that differ from themselves
    if value is None or value != value or (isinstance(value, float) and math.isnan(value)):  # noqa: PLR0124
        return None
    return value
