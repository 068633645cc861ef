"""Measurements: medians, minima and peaks of the raw results, as tables and charts show them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from statistics import median
from typing import Any

LOAD_NAMES = {
    "load_all": "all rows",
    "load_three": "three columns",
    "load_month_of_pair": "a month of a pair",
    "latest": "the last tick",
}
"""Captions of the loads, in the order of tables and charts."""
Statistic = Callable[[Iterable[float]], float]


def sizes(results: dict[str, Any]) -> list[int]:
    """Return the numbers of rows at which contenders were compared, ascending."""
    return [part["rows"] for part in results["comparison"]]


def records(results: dict[str, Any], rows: int) -> dict[str, dict[str, Any]]:
    """Return the contenders' records at one size, by name."""
    [part] = [part for part in results["comparison"] if part["rows"] == rows]
    return {record["contender"]: record for record in part["contenders"]}


def names(results: dict[str, Any], *, with_: str) -> list[str]:
    """Return the contenders that have ``appends`` or ``loads`` at the largest size, in the order of the comparison."""
    return [name for name, record in records(results, sizes(results)[-1]).items() if with_ in record]


def append_ms(results: dict[str, Any], rows: int, name: str, statistic: Statistic = median) -> float | None:
    """Return the median, or another statistic, of a contender's appends in ms; `None` if it has none."""
    record = records(results, rows).get(name, {})
    return statistic(record["appends"]["seconds"]) * 1000 if "appends" in record else None


def load_ms(results: dict[str, Any], rows: int, name: str, load: str, statistic: Statistic = median) -> float | None:
    """Return the median, or another statistic, of a contender's loads in ms; `None` if it has none."""
    measured = _load(results, rows, name, load)
    return statistic(measured["seconds"]) * 1000 if measured else None


def load_peak_mb(results: dict[str, Any], rows: int, name: str, load: str) -> float | None:
    """Return the peak memory of a load in 10^6 bytes, its result included; `None` if the contender has no such load."""
    measured = _load(results, rows, name, load)
    return measured["peak_mb"] if measured else None


def is_part(results: dict[str, Any], rows: int, name: str) -> bool:
    """Whether a contender stored only a part of the rows."""
    record = records(results, rows).get(name)
    return record is not None and record["rows"] < rows


def whole(results: dict[str, Any], rows: int) -> list[str]:
    """Return the contenders that load and stored all rows."""
    return [name for name in names(results, with_="loads") if not is_part(results, rows, name)]


def import_rows_per_s(record: dict[str, Any]) -> float:
    """Return the rows that an import stored per second."""
    return record["rows"] / record["seconds"]


def _load(results: dict[str, Any], rows: int, name: str, load: str) -> dict[str, Any] | None:
    return records(results, rows).get(name, {}).get("loads", {}).get(load)
