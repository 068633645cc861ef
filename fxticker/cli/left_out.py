"""Rows without figures: named on standard error, with the reason, and the column that a table shows of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fxticker.cli.output import warn

if TYPE_CHECKING:
    import pandas as pd


def warn_left_out(frame: pd.DataFrame) -> None:
    """Print on standard error which pairs have rows without figures, and why: the column ``reason``."""
    rows = frame.loc[frame["reason"].notna(), ["source", "pair", "reason"]].astype("str")
    for row in rows.value_counts(sort=False).reset_index().to_dict("records"):
        count = f", {row['count']} rows" if row["count"] > 1 else ""
        warn(f"{row['pair']} of {row['source']}: {row['reason']}{count}")


def reason_of(frame: pd.DataFrame) -> list[str]:
    """Return the column of reasons if a row has one, and print them on standard error."""
    warn_left_out(frame)
    return ["reason"] if frame["reason"].notna().any() else []
