"""Tables on a terminal, CSV and JSON for programs."""

from __future__ import annotations

import csv
import json
import math
import sys
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from fxticker.cli.options import Format

if TYPE_CHECKING:
    import pandas as pd

_DRIFT_FIGURES = ("drift_pct", "drift_lo_pct", "drift_hi_pct")
_DATE = "_date"
"""A column whose name ends so holds days."""
_PIPE_WIDTH = 200
"""Characters of a table that goes into a file or a pipe, where there is no terminal to ask."""


def show(rows: Sequence[Mapping[Any, Any]], columns: Sequence[str], form: Format) -> None:
    """Print rows on standard output.

    CSV and JSON carry full figures and ISO 8601 instants; a missing value is an empty field or null.
    """
    if form is Format.JSON:
        json.dump([{name: _plain(name, row[name]) for name in columns} for row in rows], sys.stdout, indent=1)
        print()
    elif form is Format.CSV:
        writer = csv.writer(sys.stdout, lineterminator="\n")
        writer.writerow(columns)
        writer.writerows([_plain(name, row[name]) for name in columns] for row in rows)
    else:
        _show_table(rows, columns)


def show_drift(frame: pd.DataFrame, columns: Sequence[str], form: Format) -> None:
    """Print drifts; on a terminal with as many decimals as the band supports."""
    rows = frame.to_dict("records")
    if form is Format.TABLE:
        from fxticker.drifting import band_decimals

        for row in rows:
            if row["drift_pct"] == row["drift_pct"]:
                decimals = band_decimals(row["drift_hi_pct"] - row["drift_lo_pct"])
                row |= {name: f"{row[name]:.{decimals}f}" for name in _DRIFT_FIGURES}
    show(rows, columns, form)


def _show_table(rows: Sequence[Mapping[Any, Any]], columns: Sequence[str]) -> None:
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table

    console = Console(highlight=False)
    if not console.is_terminal:
        console = Console(highlight=False, width=_PIPE_WIDTH)
    table = Table(box=SIMPLE_HEAD, pad_edge=False, show_edge=False)
    for name in columns:
        figures = name in _DRIFT_FIGURES or any(type(row[name]) in (int, float) for row in rows)
        table.add_column(name, justify="right" if figures else "left", overflow="fold")
    for row in rows:
        table.add_row(*(_cell(name, row[name]) for name in columns))
    console.print(table)


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
        return f"{Decimal(repr(value)):f}"  # as a rate is written: 0.00008, not 8e-05
    return escape(str(value))


def _plain(name: str, value: Any) -> Any:
    value = _missing_to_none(value)
    if isinstance(value, datetime) and not name.endswith(_DATE):
        return value.isoformat().replace("+00:00", "Z")
    if isinstance(value, date):
        return f"{value:%Y-%m-%d}"
    return value.item() if hasattr(value, "item") else value


def _missing_to_none(value: Any) -> Any:
    # NaT and NaN are the values that differ from themselves
    if value is None or value != value or (isinstance(value, float) and math.isnan(value)):  # noqa: PLR0124
        return None
    return value
