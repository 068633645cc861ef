"""Health of a source by two clocks: whether its polls succeed, and whether what it prints still changes.

When a source counts as stale is decided here: `STALE_SLOTS` and `problem_of`. The outcome `stale` of one page is
decided in `fxticker.collect.page_outcome`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

from fxticker.model.records import Outcome, Poll
from fxticker.model.schedule import Schedule
from fxticker.sources.registry import ScheduledSource
from fxticker.store.read_recent import DAY, PairSeen, Recent
from fxticker.store.recorders import Recorder

STALE_SLOTS = 3
"""Slots without a successful poll after which a source is stale: one failure is ordinary, and two may be one fault."""


@dataclass(frozen=True, slots=True)
class Problem:
    """Why a source is not healthy.

    Attributes
    ----------
    reason
        One line for a person.
    since
        Start of the problem, aware UTC; ``None`` if that is not known.
    kind
        Tells problems apart that are solved in different ways: ``"silent"``, ``"old"``, ``"ahead"``, ``"frozen"``
        or ``"damaged"``.
    """

    reason: str
    since: datetime | None
    kind: str = "silent"


@dataclass(frozen=True, slots=True)
class Health:
    """Health of a source.

    Attributes
    ----------
    source
        Id of the source.
    problem
        ``None`` if it is healthy.
    last
        Its newest poll that is not in the future, with slot, outcome, ticks and detail; ``None`` if none is recent.
    last_ok
        The slot of its last successful poll; ``None`` if none was found in the newest segments.
    next_slot
        Its next slot that will be polled: it has no outcome, and is not skipped.
    outcomes_24h
        Number of polls by outcome in the last 24 hours.
    gaps_24h
        Periods of those hours without a successful poll, counted as `fxticker.gaps` does; ``None`` if its files cannot
        be read, so that nothing is known of its polls.
    pairs, changes_since
        As in `Recent`.
    """

    source: str
    problem: Problem | None
    last: Poll | None
    last_ok: datetime | None
    next_slot: datetime
    outcomes_24h: Mapping[Outcome, int]
    gaps_24h: int | None
    pairs: Sequence[PairSeen]
    changes_since: datetime


def health_of(
    scheduled: ScheduledSource,
    recent: Recent,
    now: datetime,
    next_slot: datetime | None = None,
    damage: Problem | None = None,
    recorders: Sequence[Recorder] = (),
) -> Health:
    """Health of a source at `now`, aware UTC, from its polls and ticks, damage to its files, and the store's recorders.

    `next_slot` is the next one that will be polled; `None` for the next one.
    """
    schedule = scheduled.schedule
    past = [poll for poll in recent.polls if poll.slot <= now]
    return Health(
        source=scheduled.source.id,
        problem=problem_in(scheduled, recent, now, damage, recorders),
        last=past[-1] if past else None,
        last_ok=recent.last_ok,
        next_slot=next_slot or schedule.after(now),
        outcomes_24h=Counter(poll.outcome for poll in past if poll.slot > now - DAY),
        gaps_24h=_gaps(past, schedule, now),
        pairs=recent.pairs,
        changes_since=recent.changes_since,
    )


def unread_health(scheduled: ScheduledSource, reason: str, now: datetime) -> Health:
    """Health of a source whose files cannot be read: not healthy, and nothing else is known but its next slot."""
    return Health(
        scheduled.source.id, Problem(reason, None), None, None, scheduled.schedule.after(now), {}, None, (), now
    )


def problem_in(
    scheduled: ScheduledSource,
    recent: Recent,
    now: datetime,
    damage: Problem | None,
    recorders: Sequence[Recorder] = (),
) -> Problem | None:
    """Return why a source is not healthy, by its damaged files, its polls and ticks, and the store's recorders."""
    by_polls = problem_of(scheduled, recent.last_ok, recent.last_stale, now, recent.unchanged_since)
    return damage or by_polls or silence_of(recorders, recent.last_ok, now)


def problem_of(
    scheduled: ScheduledSource,
    last_ok: datetime | None,
    last_stale: datetime | None,
    now: datetime,
    unchanged_since: datetime | None = None,
) -> Problem | None:
    """Why a source is not healthy at an instant; ``None`` if it is.

    Parameters
    ----------
    scheduled
        The source, with the days that its rates may stay unchanged, and its grid, by which slots are counted.
    last_ok, last_stale
        The last slots with these outcomes; ``None`` if there is none. A stale page stays so until a successful poll.
    now
        The instant, aware UTC.
    unchanged_since
        As in `Recent`.
    """
    if last_stale is not None and (last_ok is None or last_stale > last_ok):
        return Problem("the page prints an old date", last_stale, "old")
    if last_ok is None:
        return Problem("no recent successful poll", None)
    # A clock corrected by seconds can put the last slot just ahead of now, but not ahead of the next one.
    if last_ok > scheduled.schedule.after(now):
        return Problem(
            f"the last successful poll is in the future, {last_ok:%Y-%m-%dT%H:%M:%SZ}: a clock was wrong", None, "ahead"
        )
    due = _slots_on(last_ok, scheduled.schedule)
    if now > due:
        return Problem(f"no successful poll since {last_ok:%Y-%m-%dT%H:%M:%SZ}", due)
    days = scheduled.source.frozen_after_days
    if days is not None and unchanged_since is not None and now - unchanged_since > timedelta(days):
        reason = f"no rate or percentage has changed since {unchanged_since:%Y-%m-%dT%H:%M:%SZ}"
        return Problem(reason, unchanged_since, "frozen")
    return None


def silence_of(recorders: Sequence[Recorder], last_ok: datetime | None, now: datetime) -> Problem | None:
    """Return the problem that all recorders of a shared store are silent; ``None`` if one is not, or there is none.

    This does not depend on a schedule, which the reader may not know. A successful poll after the last of them fell
    silent is another one's: `fxticker snapshot` leaves no note.
    """
    since = max((each.expected_by for each in recorders), default=now)
    if now <= since or (last_ok is not None and last_ok > since):
        return None
    seen_at = max(each.seen_at for each in recorders)
    return Problem(f"every recorder of the store is silent, the last one was seen {seen_at:%Y-%m-%dT%H:%M:%SZ}", since)


def _slots_on(slot: datetime, schedule: Schedule) -> datetime:
    """The slot `STALE_SLOTS` after an instant; one between two slots counts as the earlier of them."""
    slot = schedule.at_or_before(slot)
    for _ in range(STALE_SLOTS):
        slot = schedule.after(slot)
    return slot


def _gaps(polls: Sequence[Poll], schedule: Schedule, now: datetime) -> int:
    """Number of runs of unsuccessful polls, and of silences, in the 24 h up to `now`."""
    start = now - DAY
    are_ok = [True, *(poll.outcome is Outcome.OK for poll in polls if poll.slot > start)]
    runs = sum(was_ok and not is_ok for was_ok, is_ok in pairwise(are_ok))
    slots = [*(poll.slot for poll in polls), now] if polls else []
    return runs + sum(_is_silence(earlier, later, schedule) for earlier, later in pairwise(slots) if later > start)


def _is_silence(earlier: datetime, later: datetime, schedule: Schedule) -> bool:
    # nearly always it is the next slot, and three steps on a cron grid are slow
    return later > schedule.after(earlier) and later > _slots_on(earlier, schedule)


def health_text(reasons: Sequence[str]) -> bytes:
    """Return the answer of ``/healthz`` as text: a line per reason, or ``ok``."""
    return "".join(f"{reason}\n" for reason in reasons or ["ok"]).encode()


def health_facts(reasons: Sequence[str], next_slots: Mapping[str, datetime]) -> dict[str, Any]:
    """Return the answer of ``/healthz`` as a JSON object."""
    slots = {name: f"{slot:%Y-%m-%dT%H:%M:%SZ}" for name, slot in next_slots.items()}
    return {"well": not reasons, "reasons": reasons, "next_slots": slots}
