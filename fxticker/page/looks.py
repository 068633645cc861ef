"""Looks: when each source was last polled, with which outcome, and when it is polled next."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from fxticker.frames.polls import load_polls
from fxticker.model.records import Outcome
from fxticker.model.schedule import Schedule
from fxticker.model.timestamps import MICROSECOND
from fxticker.page.answers import plain
from fxticker.sources.age_limits import AgeLimit
from fxticker.sources.rate_order import kind_of
from fxticker.store.open_slots import next_open_slot
from fxticker.store.store import Store

_POLLS_DAYS = 62
"""Days in which the last poll is looked for."""


def looks(store: Store, at: datetime, schedules: Mapping[str, Schedule]) -> list[dict[str, Any]]:
    """Return what is known of each source's polls at an instant.

    Parameters
    ----------
    store
        The store.
    at
        The instant.
    schedules
        The configured grids by source; a source without one is not polled, as far as is known.

    Returns
    -------
    list
        A mapping per source, by id: ``source``, ``kind``, ``holds_s`` (seconds for which a rate answers; ``None`` for
        no limit), ``last_slot`` and ``last_outcome`` of the last poll, ``last_ok_slot`` of the last successful one
        (``None`` if there is none in two months), and ``next_slot``.
    """
    first = at - timedelta(days=_POLLS_DAYS)
    polls = load_polls(store, start=first, end=at + MICROSECOND)
    found = []
    for source in sorted({*store.ticks.sources(), *store.polls.sources(), *schedules}):
        rows = polls[(polls["source"] == source).to_numpy()].sort_values("slot")
        successful = rows[(rows["outcome"] == Outcome.OK).to_numpy()]
        schedule = schedules.get(source)
        holds = AgeLimit().of_source(source)
        found.append(
            {
                "source": source,
                "kind": str(kind_of(source)),
                "holds_s": None if holds is None else holds.total_seconds(),
                "last_slot": rows["slot"].iloc[-1] if len(rows) else None,
                "last_outcome": rows["outcome"].iloc[-1] if len(rows) else None,
                "last_ok_slot": successful["slot"].iloc[-1] if len(successful) else None,
                "next_slot": None if schedule is None else next_open_slot(store.polls, source, schedule, at),
            }
        )
    return [plain(each) for each in found]
