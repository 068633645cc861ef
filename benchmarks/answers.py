"""Answers: reduce a result to its number of rows, the sum of its rates and its last instant, to compare contenders."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from benchmarks.synthetic import PAIRS

THREE = ("pair", "observed_at", "rate")
"""Columns of the narrow load."""
PAIR = "KZT/USD"
"""Pair of the load of one month."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A result reduced to comparable values.

    Attributes
    ----------
    rows
        Number of rows.
    rate_sum
        Sum of all rates; equal within 10^-9, because the order of addition differs.
    last_us
        Last `observed_at`, microseconds since the epoch.
    """

    rows: int
    rate_sum: float
    last_us: int

    def agrees(self, other: Answer) -> bool:
        """Whether both stand for the same rows."""
        same = self.rows == other.rows and self.last_us == other.last_us
        return same and math.isclose(self.rate_sum, other.rate_sum, rel_tol=1e-9)

    def facts(self) -> dict[str, Any]:
        """Return the values for JSON."""
        return asdict(self)


def answer_of(result: Any) -> Answer:
    """Reduce a result: an Arrow table, a pandas or Polars frame with `rate` and `observed_at` (perhaps the index)."""
    rates = result["rate"].to_numpy()
    return Answer(len(rates), float(rates.sum()), microseconds(_last(result)))


def expected(table: pa.Table, month: str) -> dict[str, Answer]:
    """Return the expected answer of each load, computed from the data."""
    return {
        "load_all": answer_of(table),
        "load_three": answer_of(table),
        "load_month_of_pair": answer_of(month_of_pair(table, month)),
        "latest": answer_of(table.slice(table.num_rows - len(PAIRS))),
    }


def month_of_pair(table: pa.Table, month: str) -> pa.Table:
    """Return the rows of `PAIR` in a month."""
    start, end = bounds(month)
    instants = table["observed_at"]
    within = pc.and_(pc.greater_equal(instants, _scalar(start)), pc.less(instants, _scalar(end)))
    return table.filter(pc.and_(within, pc.equal(table["pair"].cast(pa.string()), PAIR)))


def bounds(month: str) -> tuple[datetime, datetime]:
    """Return the half-open span of a month, aware UTC."""
    year, number = int(month[:4]), int(month[5:])
    start = datetime(year, number, 1, tzinfo=UTC)
    return start, datetime(year + number // 12, number % 12 + 1, 1, tzinfo=UTC)


def middle_month(table: pa.Table) -> str:
    """Return the month in the middle of the data, as ``yyyy-MM``."""
    return f"{table['observed_at'][table.num_rows // 2].as_py():%Y-%m}"


def microseconds(instant: datetime) -> int:
    """Return whole microseconds since the epoch."""
    return (instant - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)


def _scalar(instant: datetime) -> pa.Scalar:
    return pa.scalar(instant, pa.timestamp("us", "UTC"))


def _last(result: Any) -> datetime:
    if isinstance(result, pa.Table):
        return pc.max(result["observed_at"]).as_py()
    instants = result["observed_at"] if "observed_at" in result.columns else result.index
    return instants.max()
