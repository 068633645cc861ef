"""From raw results to the figures that tables and pictures show."""

from __future__ import annotations

from statistics import median
from typing import Any

LOAD_NAMES = {
    "load_all": "all rows",
    "load_three": "three columns",
    "load_month_of_pair": "a month of a pair",
    "latest": "the last tick",
}


def sizes(results: dict[str, Any]) -> list[int]:
    """Rows at which contenders were compared, ascending."""
    return [part["rows"] for part in results["comparison"]]


def records(results: dict[str, Any], rows: int) -> dict[str, dict[str, Any]]:
    """The contenders' records at one size."""
    [part] = [part for part in results["comparison"] if part["rows"] == rows]
    return {record["contender"]: record for record in part["contenders"]}


def names(results: dict[str, Any], *, with_: str) -> list[str]:
    """Contenders that have something (``appends``, ``loads``) at the largest size, in the order of the comparison."""
    return [name for name, record in records(results, sizes(results)[-1]).items() if with_ in record]


def append_ms(results: dict[str, Any], rows: int, name: str) -> float | None:
    """The median of a contender's appends."""
    record = records(results, rows).get(name, {})
    return median(record["appends"]["seconds"]) * 1000 if "appends" in record else None


def append_min_ms(results: dict[str, Any], rows: int, name: str) -> float | None:
    """The quickest of a contender's appends."""
    record = records(results, rows).get(name, {})
    return min(record["appends"]["seconds"]) * 1000 if "appends" in record else None


def load_ms(results: dict[str, Any], rows: int, name: str, load: str) -> float | None:
    """The median of a contender's loads."""
    measured = records(results, rows).get(name, {}).get("loads", {}).get(load)
    return median(measured["seconds"]) * 1000 if measured else None


def load_min_ms(results: dict[str, Any], rows: int, name: str, load: str) -> float | None:
    """The quickest of a contender's loads."""
    measured = records(results, rows).get(name, {}).get("loads", {}).get(load)
    return min(measured["seconds"]) * 1000 if measured else None


def load_peak_mb(results: dict[str, Any], rows: int, name: str, load: str) -> float | None:
    """The memory that a load takes at its peak, the result included."""
    measured = records(results, rows).get(name, {}).get("loads", {}).get(load)
    return measured["peak_mb"] if measured else None


def is_part(results: dict[str, Any], rows: int, name: str) -> bool:
    """Whether a contender held only a part of the rows."""
    record = records(results, rows).get(name)
    return record is not None and record["rows"] < rows


def import_rows_per_s(record: dict[str, Any]) -> float:
    """Rows an import stored in a second."""
    return record["rows"] / record["seconds"]
