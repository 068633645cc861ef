"""What every contender must agree on: how many rows, the sum of their rates, the last instant."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from benchmarks.synthetic import PAIRS

THREE = ("pair", "observed_at", "rate")
"""The columns of the narrow load."""
PAIR = "KZT/USD"
"""The pair of the load of one month."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A result, reduced to what can be compared.

    Attributes
    ----------
    rows
        How many.
    rate_sum
        Of all rates, for one part in 10^9: the order of adding differs.
    last_us
        The last `observed_at`, microseconds since the epoch.
    """

    rows: int
    rate_sum: float
    last_us: int

    def agrees(self, other: Answer) -> bool:
        """Whether both are of the same rows."""
        same = self.rows == other.rows and self.last_us == other.last_us
        return same and math.isclose(self.rate_sum, other.rate_sum, rel_tol=1e-9)

    def facts(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)


def answer_of(result: Any) -> Answer:
    """Reduce a result: an Arrow table, a pandas or Polars frame with `rate` and `observed_at` (perhaps the index)."""
    rates = result["rate"].to_numpy()
    return Answer(len(rates), float(rates.sum()), _microseconds(_last(result)))


def expected(table: pa.Table, month: str) -> dict[str, Answer]:
    """What each load must answer, from the data themselves."""
    return {
        "load_all": answer_of(table),
        "load_three": answer_of(table),
        "load_month_of_pair": answer_of(month_of_pair(table, month)),
        "latest": answer_of(table.slice(table.num_rows - len(PAIRS))),
    }


def month_of_pair(table: pa.Table, month: str) -> pa.Table:
    """The rows of `PAIR` in a month."""
    start, end = bounds(month)
    at = table["observed_at"]
    within = pc.and_(pc.greater_equal(at, _scalar(start)), pc.less(at, _scalar(end)))
    return table.filter(pc.and_(within, pc.equal(table["pair"].cast(pa.string()), PAIR)))


def bounds(month: str) -> tuple[datetime, datetime]:
    """The half-open span of a month."""
    year, number = int(month[:4]), int(month[5:])
    start = datetime(year, number, 1, tzinfo=UTC)
    return start, datetime(year + number // 12, number % 12 + 1, 1, tzinfo=UTC)


def middle_month(table: pa.Table) -> str:
    """The month in the middle of the data."""
    return f"{table['observed_at'][table.num_rows // 2].as_py():%Y-%m}"


def _scalar(instant: datetime) -> pa.Scalar:
    return pa.scalar(instant, pa.timestamp("us", "UTC"))


def _last(result: Any) -> datetime:
    if isinstance(result, pa.Table):
        return pc.max(result["observed_at"]).as_py()
    at = result["observed_at"] if "observed_at" in result.columns else result.index
    return at.max()


def _microseconds(instant: datetime) -> int:
    since = instant.astimezone(UTC) - datetime(1970, 1, 1, tzinfo=UTC)
    return (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds
