"""Stored pairs: lists them, and refuses those that are not stored."""

from __future__ import annotations

import os
from collections.abc import Collection
from typing import TYPE_CHECKING

from fxticker.errors import NotStored
from fxticker.frames.tick_columns import require_columns
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
    if isinstance(ticks, str | os.PathLike | Store):
        return stored_pairs(ticks)
    require_columns(ticks, ["pair"])
    return {*ticks["pair"].unique()}


def require_stored(pairs: Collection[str] | None, found: Collection[str], ticks: StorePath | pd.DataFrame) -> None:
    """Refuse pairs that are not stored.

    Parameters
    ----------
    pairs
        The pairs; ``None`` for no restriction.
    found
        Pairs that are known to be stored.
    ticks
        A store or a frame of ticks, where others are looked up.

    Raises
    ------
    NotStored
        If one is not stored. If nothing is stored at all, none is refused.
    """
    missing = {*(pairs or ())} - {*found}
    if missing:
        known = pairs_in(ticks)
        if known and not missing <= known:
            raise NotStored(sorted(missing - known), sorted(known))
