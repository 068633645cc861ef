"""When the ticker was looked at and when not."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pandas as pd

from fxticker.frames import typed
from fxticker.health import DAY
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
SILENCE = "nothing is on record"


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
        Half-open span of slots that are looked at. Silence from the last poll before `start` on is a stretch too if
        it reaches into the span, and with `end` given so is silence from the last poll up to it.

    Returns
    -------
    pandas.DataFrame
        One row per stretch, by source and start: ``source``, ``start_at`` (its first slot without a sound poll; where
        nothing is on record, the last slot before), ``end_at`` (the next slot with a sound poll, or, where nothing is
        on record, with any; NaT if there is none yet), ``slots`` (outcomes on record in it), ``why`` (those outcomes
        with their counts, or that nothing is on record: the distance of two polls is more than three times the
        source's median). Of a source without any poll before `end` nothing is known, and it has no stretch.
    """
    polls = load_polls(store, sources=sources, end=end)
    first, last = (None if moment is None else pd.Timestamp(instant(moment)) for moment in (start, end))
    rows = [
        (source, *stretch)
        for source, held in polls.groupby("source", observed=True, sort=True)
        for stretch in _stretches(held.reset_index(drop=True), first, last)
    ]
    return typed(rows, COLUMNS)


def _stretches(
    polls: pd.DataFrame, start: pd.Timestamp | None, end: pd.Timestamp | None
) -> list[tuple[Any, Any, int, str]]:
    """The stretches of one source; `polls` may begin before `start`."""
    inside = polls if start is None else polls[polls["slot"] >= start]
    # The span's own cadence: it may have been another in other years. One poll has none, and a day is silence then.
    usual = (inside if len(inside) > GAP_CADENCES else polls)["slot"].diff().median()
    slots, outcomes = inside["slot"], inside["outcome"].astype(str)
    sound = outcomes == Outcome.OK
    found: list[tuple[Any, Any, int, str]] = []
    for _, run in slots.groupby((sound != sound.shift()).cumsum()):
        if not sound[run.index[0]]:
            following = slots.get(run.index[-1] + 1, pd.NaT)
            counts = outcomes[run.index].value_counts()
            why = ", ".join(f"{name} x {count}" for name, count in counts.items())
            found.append((run.iloc[0], following, len(run), why))
    before = polls["slot"][: len(polls) - len(inside)].tail(1)
    marks = [*before, *slots]
    limit = pd.Timedelta(DAY) if pd.isna(usual) else GAP_CADENCES * usual
    found.extend(
        (earlier, later, 0, SILENCE)
        for earlier, later in zip(marks, [*marks[1:], end], strict=True)
        if later is not None and later - earlier > limit
    )
    return sorted(
        ((begin, pd.NaT if until is end else until, count, why) for begin, until, count, why in found),
        key=lambda stretch: stretch[0],
    )
