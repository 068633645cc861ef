"""Whether a source is well, by two clocks: do its polls run, and does what it prints go on changing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise

from fxticker.model.records import Outcome, Poll
from fxticker.model.schedule import Schedule
from fxticker.sources.registry import ScheduledSource
from fxticker.store.read_recent import DAY, PairSeen, Recent

STALE_SLOTS = 3
"""Slots without a sound poll after which a source is not well: one failed poll is no news, and two may be one fault."""


@dataclass(frozen=True, slots=True)
class Problem:
    """Why a source is not well.

    Attributes
    ----------
    reason
        One line for a person.
    since
        From when on; null if that is not known.
    """

    reason: str
    since: datetime | None


@dataclass(frozen=True, slots=True)
class Health:
    """How a source is doing.

    Attributes
    ----------
    problem
        Null if it is well.
    last
        Its newest poll that is not in the future, with slot, outcome, ticks and detail; null if there is none of late.
    last_ok
        The slot of its last sound poll; null if there is none of late.
    next_slot
        Its next slot.
    outcomes_24h
        How many of the last 24 hours' polls had which outcome.
    gaps_24h
        Stretches of those hours without a sound poll, counted as `fxticker.gaps` does.
    pairs, changes_since
        As in `Recent`.
    """

    source: str
    problem: Problem | None
    last: Poll | None
    last_ok: datetime | None
    next_slot: datetime
    outcomes_24h: Mapping[Outcome, int]
    gaps_24h: int
    pairs: Sequence[PairSeen]
    changes_since: datetime


def health_of(plan: ScheduledSource, recent: Recent, now: datetime) -> Health:
    """How a source is doing at an instant."""
    schedule = plan.schedule
    upto_now = [poll for poll in recent.polls if poll.slot <= now]
    return Health(
        source=plan.source.id,
        problem=problem_of(plan, recent.last_ok, recent.last_stale, now, recent.unchanged_since),
        last=upto_now[-1] if upto_now else None,
        last_ok=recent.last_ok,
        next_slot=schedule.after(now),
        outcomes_24h=Counter(poll.outcome for poll in upto_now if poll.slot > now - DAY),
        gaps_24h=_gaps(upto_now, schedule, now),
        pairs=recent.pairs,
        changes_since=recent.changes_since,
    )


def problem_of(
    plan: ScheduledSource,
    last_ok: datetime | None,
    last_stale: datetime | None,
    now: datetime,
    unchanged_since: datetime | None = None,
) -> Problem | None:
    """Why a source is not well at an instant; null if it is.

    Parameters
    ----------
    plan
        The source, which says how long its figures may stand still, and the grid that says how many slots have passed.
    last_ok, last_stale
        The last slots with these outcomes. A page that was found old stays so until a sound poll, whatever comes
        between.
    now
        The instant.
    unchanged_since
        As in `Recent`.
    """
    if last_stale is not None and (last_ok is None or last_stale > last_ok):
        return Problem("the page prints an old date", last_stale)
    if last_ok is None:
        return Problem("no sound poll is on record of late", None)
    # A clock put right by seconds puts the last slot just ahead; it is not ahead of the next one.
    if last_ok > plan.schedule.after(now):
        return Problem(f"the last sound poll lies in the future, {last_ok:%Y-%m-%dT%H:%M:%SZ}: a clock was wrong", None)
    due = _slots_on(last_ok, plan.schedule)
    if now > due:
        return Problem(f"no sound poll since {last_ok:%Y-%m-%dT%H:%M:%SZ}", due)
    days = plan.source.frozen_after_days
    if days is not None and unchanged_since is not None and now - unchanged_since > timedelta(days):
        return Problem(f"nothing it prints has changed since {unchanged_since:%Y-%m-%dT%H:%M:%SZ}", unchanged_since)
    return None


def _slots_on(slot: datetime, schedule: Schedule) -> datetime:
    """The slot that comes so many slots after one that lies on the grid or was asked for between."""
    slot = schedule.at_or_before(slot)
    for _ in range(STALE_SLOTS):
        slot = schedule.after(slot)
    return slot


def _gaps(polls: Sequence[Poll], schedule: Schedule, now: datetime) -> int:
    """Runs of polls that are not sound, and silences, in the 24 h up to an instant."""
    start = now - DAY
    sound = [True, *(poll.outcome is Outcome.OK for poll in polls if poll.slot > start)]
    runs = sum(was_sound and not is_sound for was_sound, is_sound in pairwise(sound))
    slots = [*(poll.slot for poll in polls), now] if polls else []
    return runs + sum(_is_silence(earlier, later, schedule) for earlier, later in pairwise(slots) if later > start)


def _is_silence(earlier: datetime, later: datetime, schedule: Schedule) -> bool:
    # nearly always the next slot: a cron expression is slow to ask three times
    return later > schedule.after(earlier) and later > _slots_on(earlier, schedule)
