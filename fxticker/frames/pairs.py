"""Stored pairs: lists them, and refuses those that are not stored."""

from __future__ import annotations

import os
from collections.abc import Collection
from typing import TYPE_CHECKING

from fxticker.errors import NotStored
from fxticker.frames.tick_columns import require_columns
from fxticker.model.pairs import inverse_of
from fxticker.store.store import Store, opened

if TYPE_CHECKING:
    import pandas as pd

StorePath = str | os.PathLike[str] | Store


def pairs_by_source(store: StorePath, sources: Collection[str] | None = None) -> dict[str, set[str]]:
    """Return the stored pairs of some sources, or of each, read from the segments' summaries alone."""
    ticks = opened(store).ticks
    found: dict[str, set[str]] = {}
    for segment in ticks.segments():
        if sources is None or segment.source in sources:
            found.setdefault(segment.source, set()).update(ticks.summary(segment).series)
    return found


def stored_pairs(store: StorePath, sources: Collection[str] | None = None) -> set[str]:
    """Return the stored pairs of some sources together, or of all."""
    return set[str]().union(*pairs_by_source(store, sources).values())


def turned_pairs(store: StorePath, pairs: Collection[str], sources: Collection[str] | None) -> dict[str, list[str]]:
    """Return the inverse pairs of some that sources had in their newest month, and which sources."""
    ticks = opened(store).ticks
    found: dict[str, list[str]] = {}
    for source in ticks.sources() if sources is None else sorted({*sources}):
        for segment in ticks.segments(source, (ticks.months(source) or [""])[-1])[-1:]:
            summary = ticks.summary(segment)
            for pair in {*map(inverse_of, pairs)} & {*(summary.month_series or summary.series)} - {*pairs}:
                found.setdefault(pair, []).append(source)
    return found


def pairs_in(ticks: StorePath | pd.DataFrame, sources: Collection[str] | None = None) -> set[str]:
    """Return the pairs of a store or of a frame of ticks."""
    if isinstance(ticks, str | os.PathLike | Store):
        return stored_pairs(ticks, sources)
    require_columns(ticks, ["pair"] if sources is None else ["pair", "source"])
    return {*(ticks if sources is None else ticks[ticks["source"].isin([*sources])])["pair"].unique()}


def require_stored(
    pairs: Collection[str] | None,
    found: Collection[str],
    ticks: StorePath | pd.DataFrame,
    sources: Collection[str] | None = None,
) -> None:
    """Refuse pairs that are not stored.

    Parameters
    ----------
    pairs
        The pairs; ``None`` for no restriction.
    found
        Pairs that are known to be stored.
    ticks
        A store or a frame of ticks, where others are looked up.
    sources
        Those of which one has to have them; ``None`` for all.

    Raises
    ------
    NotStored
        If one is not stored. If nothing is stored at all, none is refused.
    """
    missing = {*(pairs or ())} - {*found}
    if missing:
        known = pairs_in(ticks, sources)
        if known and not missing <= known:
            raise NotStored(sorted(missing - known), sorted(known), sorted(sources or ()))
