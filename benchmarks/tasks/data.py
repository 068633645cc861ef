"""Data: generates the data of one size, and the expected answer of each load."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from benchmarks import synthetic
from benchmarks.answers import expected, middle_month, month_of_pair


def make(path: str, rows: int) -> None:
    """Write `rows` ticks to `path`."""
    synthetic.write(Path(path), synthetic.history(rows))


def answers(path: str, last_rows: int | None) -> dict[str, Any]:
    """Return the expected answers of loads of the data, or of their last rows, and the month of the load of a month."""
    table = synthetic.read(Path(path))
    if last_rows is not None:
        table = table.slice(max(0, table.num_rows - last_rows))
    month = middle_month(table)
    return {
        "month": month,
        "loads": {name: answer.facts() for name, answer in expected(table, month).items()},
        "last_month_rows_of_pair": month_of_pair(table, f"{synthetic.END:%Y-%m}").num_rows,
    }
