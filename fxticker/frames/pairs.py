"""Stored pairs: lists them, and refuses those that are not stored."""

from __future__ import annotations

import os
from collections.abc import Collection
from typing import TYPE_CHECKING

from fxticker.errors import NotStored
from fxticker.store.store import Store, opened

if TYPE_CHECKING:
    import pandas as pd

StorePath = str | os.PathLike[str] | Store


def stored_pairs(store: StorePath) -> set[str]:
    """Return the stored pairs, read from the segments' summaries alone."""
    ticks = opened(store).ticks
    return {pair for segment in ticks.segments() for pair in ticks.summary(segment).series}


def pairs_in(ticks: StorePath | pd.DataFrame) -> set[str]:
    """Return the pairs of a store or of a frame of ticks."""
    import pandas as pd

    return {*ticks["pair"].unique()} if isinstance(ticks, pd.DataFrame) else stored_pairs(ticks)


def require_stored(rows: pd.DataFrame, pairs: Collection[str] | None, ticks: StorePath | pd.DataFrame) -> None:
    """Refuse pairs that are not stored.

    Parameters
    ----------
    rows
        Ticks that were selected by the pairs: a pair among them is stored.
    pairs
        The pairs; ``None`` for no restriction.
    ticks
        What they were selected from, where other pairs are looked up.

    Raises
    ------
    NotStored
        If one is not stored. If nothing is stored at all, none is refused.
    """
    missing = {*(pairs or ())}
    if missing and "pair" in rows.columns:
        missing -= {*rows["pair"].unique()}
    if missing:
        known = pairs_in(ticks)
        if known and not missing <= known:
            raise NotStored(sorted(missing - known), sorted(known))
