"""Which slots of a source have their outcome, and what is written for those that passed without a poll."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice, takewhile

from fxticker.collect.checks import outcome_of
from fxticker.model.records import Outcome, Poll
from fxticker.model.schedule import END_OF_TIME, MICROSECOND, Schedule, slots_between
from fxticker.sources.source import Source
from fxticker.store.store import Store

NOT_RUNNING = "the daemon was not running, or could not write"
NOT_CONFIGURED = "the source was not configured"
REGRIDDED = "the grid was changed before it was polled"
TOO_LATE = "the daemon did not come to it in time"
OVERRUN = "the previous poll was still running"
_BATCH = 20_000
"""Slots written at once: half a year of them at 15 min, and 12 MB of memory while it lasts."""

_log = logging.getLogger("fxticker")


@dataclass(frozen=True, slots=True)
class Jump:
    """Instants that the wall clock left out, or went back behind.

    Attributes
    ----------
    after, until
        Slots later than the one and not later than the other passed without anybody being able to poll them.
    why
        One line for their outcomes.
    """

    after: datetime
    until: datetime
    why: str


def jump_of(by: timedelta, now: datetime) -> Jump:
    """What a wall clock did that went on by so much more than time did, and now stands at `now`."""
    seconds = abs(round(by.total_seconds()))
    if by > timedelta(0):
        return Jump(now - by, now, f"the machine slept or the clock was set forward by {seconds} s")
    return Jump(datetime.min.replace(tzinfo=UTC), now, f"the clock was set back by {seconds} s")


class SlotLedger:
    """The slots of one source that have their outcome.

    Outcomes are written in the order of the grid, that of a poll before those of slots that came while it ran. So
    whatever lies behind the last one recorded has its outcome, and of a process that died at most the slot after it
    was being polled.

    What was written stays: outcomes of a clock that was ahead, `missed` ones too, are those of their slots. When the
    clock is right again, polling goes on at the first slot that has none.

    Parameters
    ----------
    source
        The source's id.
    store
        Where its outcomes are looked up.
    record
        Writes outcomes: makes them durable or raises.
    is_to_pause
        Asked between batches of a long absence, which can go on later.
    """

    def __init__(
        self,
        source: str,
        store: Store,
        record: Callable[[Iterable[Poll]], int],
        is_to_pause: Callable[[], bool] = lambda: False,
    ) -> None:
        self._source = source
        self._store = store
        self._record = record
        self._is_to_pause = is_to_pause
        self._settled = self._newest = datetime.min.replace(tzinfo=UTC)

    def recover(self, source: Source, schedule: Schedule, now: datetime, *, why: str) -> datetime:
        """Settle what passed before polling began, and return the first slot to be polled.

        That is the slot which is running now, if it was not polled yet and is not too late for it, or else the next.
        What lies before the first outcome ever recorded was never planned.
        """
        current = schedule.at_or_before(now)
        first_ever = not self._look_up(schedule, now)
        # Before anything was recorded, only the poll that runs now can be known to have been planned.
        recovered = self._recovered(source, schedule, current if first_ever else schedule.after(self._settled))
        is_due = current > self._settled and not is_late(schedule, current, now)
        if recovered is not None and recovered.slot == current:
            is_due = False
        elif first_ever and not is_due:
            self._settled = current

        def outcome(slot: datetime) -> Poll:
            if recovered is not None and recovered.slot == slot:
                return recovered
            return Poll(self._source, slot, Outcome.MISSED, detail=why)

        following = current if is_due else schedule.after(now)
        self.settle(schedule, following, outcome)
        return following

    def begin_grid(self, now: datetime) -> None:
        """Let another grid be in force from `now` on: nothing before was planned on it."""
        self._settled = now

    def resync(self, schedule: Schedule, now: datetime) -> bool:
        """Take note of a clock that was set back behind the last outcome; whether it was."""
        if now >= self._settled:
            return False
        if not self._look_up(schedule, now) and is_late(schedule, schedule.at_or_before(now), now):
            self._settled = schedule.at_or_before(now)
        return True

    def settle(self, schedule: Schedule, until: datetime, outcome: Callable[[datetime], Poll]) -> bool:
        """Write an outcome for every slot after the last settled one and before `until` that has none.

        Returns
        -------
        bool
            Whether all of them have one now; not if it was to pause.
        """
        start = self._settled
        slots = slots_between(schedule, start, until)
        written = 0
        is_whole = True
        while is_whole and (batch := list(islice(slots, _BATCH))):
            known = self._recorded(batch[0], batch[-1])
            polls = [outcome(slot) for slot in batch if slot not in known]
            if polls:
                self._record(polls)
            written += len(polls)
            self.mark_settled(batch[-1])
            is_whole = len(batch) < _BATCH or not self._is_to_pause()
        if written:
            _log.warning("%s: %d slots after %s passed without a poll", self._source, written, start.isoformat())
        return is_whole

    def mark_settled(self, slot: datetime) -> None:
        """Know that the slot, and every one before it, has its outcome."""
        self._settled = max(self._settled, slot)
        self._newest = max(self._newest, slot)

    def is_settled(self, slot: datetime) -> bool:
        """Whether the slot has its outcome."""
        return slot <= self._settled or slot in self._recorded(slot, slot)

    def next_open(self, schedule: Schedule, now: datetime) -> datetime:
        """The first slot after `now` that has no outcome."""
        known = self._recorded(now, self._newest)
        slot = schedule.after(now)
        while slot in known:
            slot = schedule.after(slot)
        return slot

    def _look_up(self, schedule: Schedule, now: datetime) -> bool:
        """Find the last recorded slot that is not later than `now`; whether there is one."""
        self._newest = next(self._store.planned_slots(self._source, END_OF_TIME), self._newest)
        last = next(self._store.planned_slots(self._source, now), None)
        self._settled = schedule.at_or_before(schedule.at_or_before(now) - MICROSECOND) if last is None else last
        return last is not None

    def _recorded(self, first: datetime, last: datetime) -> set[datetime]:
        """The slots from `first` to `last` that have an outcome."""
        if first > self._newest:  # as nearly always: nothing is read
            return set()
        return set(takewhile(lambda slot: slot >= first, self._store.planned_slots(self._source, last)))

    def _recovered(self, source: Source, schedule: Schedule, slot: datetime) -> Poll | None:
        """The outcome of a poll whose process ended between storing its ticks and recording it; null if none did.

        It may have read its page after the next slot had come, so both slots' time is looked through. Ticks that a
        person's poll may have stored prove nothing.
        """
        end = schedule.after(schedule.after(slot))
        ticks = self._store.live_ticks(self._source, slot, end)
        if not ticks or self._store.has_polls(self._source, slot, end):
            return None
        observed_at = min(tick["observed_at"] for tick in ticks)
        snapshot = [tick for tick in ticks if tick["observed_at"] == observed_at]
        source_date = snapshot[0]["source_date"]
        return Poll(
            self._source,
            slot,
            outcome_of(source_date, observed_at, source),
            ticks=len(snapshot),
            source_date=source_date,
            detail="its ticks were stored; the process ended before this outcome was",
        )


def is_late(schedule: Schedule, slot: datetime, now: datetime) -> bool:
    """Whether it is too late to poll a slot: more than half the distance to the next one has passed."""
    return now - slot > (schedule.after(slot) - slot) / 2
