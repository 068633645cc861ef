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

_FIGURES = ("rate_start", "rate_end", "drift_pct", "band_pct")
_FACTORED = ("source", "time_basis", "origin", "start_at", "end_at")
_DATE = "_date"
"""A column whose name ends so holds days."""
_WIDTH = 1000
"""Wider than any table."""


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


def show_document(document: Mapping[str, Any]) -> None:
    """Print one JSON document on standard output, its instants as ISO 8601."""
    json.dump(document, sys.stdout, indent=1, default=lambda value: _plain("", value))
    print()


def show_drift(frame: pd.DataFrame, form: Format) -> None:
    """Print drifts; in a table with the printed rates and as many decimals of the drift as its band supports."""
    rows = frame.to_dict("records")
    if form is not Format.TABLE:
        show(rows, list(frame.columns), form)
        return
    columns = ["source", "start_at", "end_at", "pair", "rate_start", "rate_end", "drift_pct", "band_pct", "significant"]
    show([row | _shown_drift(row) for row in rows], columns, form)


def _shown_drift(row: Mapping[Any, Any]) -> dict[str, str | None]:
    from fxticker.analysis.drifting import band_decimals

    shown = {
        f"rate_{end}": _cell("", _missing_to_none(row[f"rate_text_{end}"]) or row[f"rate_{end}"])
        for end in ("start", "end")
    }
    if _missing_to_none(row["drift_pct"]) is None:
        return {**shown, "drift_pct": None, "band_pct": None}
    lo, hi = row["drift_lo_pct"], row["drift_hi_pct"]
    decimals = band_decimals(hi - lo)
    band = f"{lo:.{decimals}f} to {hi:.{decimals}f}"
    return {**shown, "drift_pct": f"{row['drift_pct']:.{decimals}f}", "band_pct": band}


def _show_table(rows: Sequence[Mapping[Any, Any]], columns: Sequence[str]) -> None:
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table

    # What is the same in all rows stands above the table once: it fits an 80-column terminal then.
    factored = _FACTORED if len(rows) > 1 else ()
    same = [name for name in columns if name in factored and len({_cell(name, row[name]) for row in rows}) == 1]
    # A figure is never folded or cut: a table that is too wide for the terminal runs over.
    console = Console(highlight=False, width=_WIDTH)
    if same:
        console.print(", ".join(f"{name} {_cell(name, rows[0][name])}" for name in same))
    table = Table(box=SIMPLE_HEAD, pad_edge=False, show_edge=False)
    shown = [name for name in columns if name not in same]
    for name in shown:
        figures = name in _FIGURES or any(type(row[name]) in (int, float) for row in rows)
        table.add_column(name, justify="right" if figures else "left", no_wrap=True)
    for row in rows:
        table.add_row(*(_cell(name, row[name]) for name in shown))
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
        return str(value.date() if isinstance(value, datetime) else value)
    return value.item() if hasattr(value, "item") else value


def _missing_to_none(value: Any) -> Any:
    # NaT and NaN are the values that differ from themselves
    if value is None or value != value or (isinstance(value, float) and math.isnan(value)):  # noqa: PLR0124
        return None
    return value
