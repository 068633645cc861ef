"""When the ticker was looked at, and when it was not."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pandas as pd

from fxticker.frames import typed
from fxticker.instants import Moment, instant
from fxticker.loading import StorePath, load_polls
from fxticker.models import Outcome

GAP_CADENCES = 3
"""A distance of more than three times the usual one is a hole, not a late poll."""
COLUMNS = {
    "source": "str",
    "start_at": "datetime64[us, UTC]",
    "end_at": "datetime64[us, UTC]",
    "slots": "int64",
    "why": "str",
}


def gaps(
    store: StorePath,
    *,
    sources: Iterable[str] | None = None,
    start: Moment | None = None,
    end: Moment | None = None,
) -> pd.DataFrame:
    """The stretches without a sound poll.

    Parameters
    ----------
    store
        The store's folder, or an open store.
    sources
        Only these.
    start, end
        Half-open span of slots that are looked at. With `end` given, silence from the last poll up to it is a
        stretch too.

    Returns
    -------
    pandas.DataFrame
        One row per stretch, by source and start: ``source``, ``start_at`` (its first slot without a sound poll; where
        nothing is on record, the last slot before), ``end_at`` (the next slot with a sound poll; NaT if there is none
        yet), ``slots`` (outcomes on record in it), ``why`` (those outcomes with their counts, or that nothing is on
        record: the distance of two polls is more than three times the source's median).
    """
    polls = load_polls(store, sources=sources, start=start, end=end)
    rows = [
        (source, *stretch)
        for source, held in polls.groupby("source", observed=True, sort=True)
        for stretch in _stretches(held, None if end is None else pd.Timestamp(instant(end)))
    ]
    return typed(rows, COLUMNS)


def _stretches(polls: pd.DataFrame, end: pd.Timestamp | None) -> list[tuple[Any, Any, int, str]]:
    slots = polls["slot"].reset_index(drop=True)
    sound = (polls["outcome"] == Outcome.OK).reset_index(drop=True)
    outcomes = polls["outcome"].astype(str).reset_index(drop=True)
    usual = slots.diff().median()
    found: list[tuple[Any, Any, int, str]] = []
    for _, run in slots.groupby((sound != sound.shift()).cumsum()):
        if not sound[run.index[0]]:
            after = run.index[-1] + 1
            following = slots[after] if after < len(slots) else pd.NaT
            counts = outcomes[run.index].value_counts()
            why = ", ".join(f"{name} x {count}" for name, count in counts.items())
            found.append((run.iloc[0], following, len(run), why))
    silent = slots.index[slots.diff() > GAP_CADENCES * usual]
    found.extend((slots[position - 1], slots[position], 0, "nothing is on record") for position in silent)
    last = slots.iloc[-1]
    if end is not None and sound.iloc[-1] and end - last > GAP_CADENCES * usual:
        found.append((last, pd.NaT, 0, "nothing is on record"))
    return sorted(found, key=lambda stretch: stretch[0])
