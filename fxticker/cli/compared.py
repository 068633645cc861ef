"""Columns of the table of ticks beside official rates."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from fxticker.cli.columns import Columns, Value, banded

if TYPE_CHECKING:
    import pandas as pd

_DAY_H = 24
_OFFICIAL: Columns = (
    banded("official"),
    Value("ticker", ("ticker_lo", "ticker_hi"), "ticker_text", "ticker_nominal", "ticker_values", band="ticker_band"),
    "inside",
    replace(banded("distance", "_pct"), heading="dist %"),
)


class OfficialAge:
    """How many days older than the tick's day the official rate is, in a table: for both dates there is no room."""

    needs = ("official_age_h",)
    """That age in hours."""

    def cells(self, row: Mapping[Any, Any]) -> dict[str, Any]:
        """Return what a table shows of a row, by heading."""
        return {"age d": round(row["official_age_h"] / _DAY_H)}


def compared_columns(frame: pd.DataFrame) -> Columns:
    """Return what a table shows of a frame of `fxticker.compare`; ages where an official rate is of an earlier day."""
    ages = [OfficialAge()] if frame["official_age_h"].any() else []
    return ["observed_at", "pair", "source", *ages, "official_at", *_OFFICIAL]
