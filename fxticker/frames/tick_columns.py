"""Tick columns: refuses a frame that is not one of ticks, as `fxticker.wide` or a part of the columns gives it."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING

from fxticker.model.invalid import InvalidArgument

if TYPE_CHECKING:
    import pandas as pd


def require_columns(frame: pd.DataFrame, names: Collection[str]) -> None:
    """Refuse a frame that lacks one of these columns, or printed texts, as derived rates of `fxticker.quotes` do.

    Raises
    ------
    InvalidArgument
        If it does: the message names what is missing and what to give instead.
    """
    if missing := [name for name in names if name not in frame.columns]:
        raise InvalidArgument(
            f"the frame lacks {', '.join(missing)}: give a store, or a frame of fxticker.load with all its columns"
        )
    if "rate_text" in names and frame["rate_text"].isna().any():
        raise InvalidArgument(
            "the frame has derived rates, which have no printed text (rate_text): give a store, or a frame of "
            "fxticker.load, and name the derived pairs in pairs="
        )
