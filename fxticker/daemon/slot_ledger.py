"""Slot ledger: tracks which slots of a source have a recorded outcome, and records those that were never polled."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from functools import partial
from itertools import islice, takewhile

from fxticker.collect.page_outcome import outcome_of
from fxticker.daemon.slot_grace import slot_grace
from fxticker.daemon.unpolled import is_late
from fxticker.errors import SegmentUnreadable, one_line
from fxticker.model.records import Outcome, Poll
from fxticker.model.schedule import Schedule, slots_between
from fxticker.model.timestamps import END_OF_TIME, MICROSECOND
from fxticker.sources.source import Source
from fxticker.store.damage import is_damage
from fxticker.store.deferred import Stretch, read_deferred, write_deferred
from fxticker.store.open_slots import next_open_slot
from fxticker.store.read_recording import damaged_segments, damaged_spans
from fxticker.store.read_span import Span
from fxticker.store.store import Store

UNCONFIRMED_SPAN = timedelta(days=1)
"""How far after the last outcome slots are settled by a clock that nothing confirms: a clock that lost its time is
mostly wrong by more, and an ordinary absence is shorter."""
BATCH_SLOTS = 20_000
"""Slots written at once: half a year of them at 15 min, and 12 MB of memory during the write."""

_log = logging.getLogger("fxticker")


class SlotLedger:
    """The slots of one source that have their outcome.

    Outcomes are written in the order of the grid, that of a poll before those of slots that came while it ran. So
    every slot before the last recorded one has its outcome, and an interrupted process leaves at most the slot after it
    half done.

    Slots whose outcome a damaged file may hold get none, as a second one would contradict it.

    Recorded outcomes stay: those that were written while the clock was ahead, `missed` ones too, are those of their
    slots. When the clock is right again, polling goes on at the first slot that has none.

    An unconfirmed clock settles slots up to `UNCONFIRMED_SPAN` after the last outcome. Later ones that passed are
    deferred: a stretch of them is on record in the store, and they get their outcomes when the clock is confirmed.

    Parameters
    ----------
    source_id
        Id of the source.
    store
        Where its outcomes are read.
    record
        Writes outcomes: makes them durable or raises.
    is_to_pause
        Called between batches of a long absence; true interrupts it, and a later call goes on.
    batch_slots
        Slots written at once.
    """

    def __init__(
        self,
        source_id: str,
        store: Store,
        record: Callable[[Iterable[Poll]], int],
        is_to_pause: Callable[[], bool] = lambda: False,
        *,
        batch_slots: int = BATCH_SLOTS,
    ) -> None:
        self._source_id = source_id
        self._store = store
        self._record = record
        self._is_to_pause = is_to_pause
        self._batch_slots = batch_slots
        self._settled = self._newest = datetime.min.replace(tzinfo=UTC)
        self._deferred: list[Stretch] = []
        self._stored_deferred: list[Stretch] = []
        self._damaged_spans: list[Span] = []

    def recover(self, source: Source, schedule: Schedule, now: datetime) -> datetime:
        """Find where polling goes on, and return the first slot that may be polled; earlier ones are to be settled.

        That is the current slot, if it was not polled yet and is not too late for it, or else the next one. Slots
        before the first outcome ever recorded were never planned.
        """
        damaged_segments(self._store.tables, self._source_id, search=True)  # noted, and logged there
        has_records = self._look_up(schedule, now)
        # where others record, too, a slot within its grace may be one that is polled just now
        settled_by = now - slot_grace(schedule, now) if self._store.backend.is_shared else now
        self._record_interrupted_poll(source, schedule, settled_by)
        if not has_records:
            self._skip_late_slot(schedule, now)
        current = schedule.at_or_before(now)
        is_due = current > self._settled and not is_late(schedule, current, now) and not self._is_in_damage(current)
        return current if is_due else schedule.after(now)

    def begin_grid(self, now: datetime) -> None:
        """Use another grid from `now` on: no slot before was planned on it."""
        self._settled = now

    def resync(self, schedule: Schedule, now: datetime) -> bool:
        """Go back with a clock that was set back behind the last outcome; whether it was."""
        if now >= self._settled:
            return False
        if not self._look_up(schedule, now):
            self._skip_late_slot(schedule, now)
        return True

    def settle(
        self, schedule: Schedule, until: datetime, outcome: Callable[[datetime], Poll], *, is_confirmed: bool = True
    ) -> bool:
        """Record an outcome for every slot after the last settled one and before `until` that has none.

        Parameters
        ----------
        is_confirmed
            Whether the clock is; if not, slots far after the last settled one are deferred.

        Returns
        -------
        bool
            Whether all of them have one now, or are deferred; false if `is_to_pause` interrupted it.
        """
        start = self._settled
        end = until if is_confirmed else self._defer(schedule, until, outcome)
        is_complete = self._fill(schedule, start, end, outcome)
        if is_complete and end < until:
            self.mark_settled(schedule.at_or_before(until - MICROSECOND))
        if is_complete and is_confirmed and self._deferred:
            is_complete = self._settle_deferred(schedule, until)
        return is_complete

    def mark_settled(self, slot: datetime) -> None:
        """Note that the slot, and every one before it, has its outcome."""
        self._settled = max(self._settled, slot)
        self._newest = max(self._newest, slot)

    def is_settled(self, slot: datetime) -> bool:
        """Whether the slot has its outcome."""
        if slot <= self._settled or self._is_in_damage(slot):
            return True
        return slot <= self._newest and slot in self._recorded(slot, slot)

    def next_open(self, schedule: Schedule, now: datetime) -> datetime:
        """The first slot after `now` that has no outcome, and none that a damaged file may hold."""
        slot = next_open_slot(self._store.polls, self._source_id, schedule, now)
        while (span := self._span_of(slot)) is not None and span.end is not None:
            slot = next_open_slot(self._store.polls, self._source_id, schedule, span.end - MICROSECOND)
        return slot

    def _look_up(self, schedule: Schedule, now: datetime) -> bool:
        """Go to the last recorded slot that is not later than `now`; whether there is one.

        Without one, the current slot is the first that can have been planned.
        """
        self._newest = next(self._store.planned_slots(self._source_id, END_OF_TIME), self._newest)
        last = next(self._store.planned_slots(self._source_id, now), None)
        before_current = schedule.at_or_before(schedule.at_or_before(now) - MICROSECOND)
        self._settled = before_current if last is None else last
        upto = max(now, self._newest)
        self._damaged_spans = damaged_spans(self._store.polls, self._source_id, self._settled, upto)
        self._take_up_deferred(schedule, now, before_current)
        return last is not None

    def _take_up_deferred(self, schedule: Schedule, now: datetime, before_current: datetime) -> None:
        """Read the deferred stretches; their slots that have passed count as settled.

        An interrupted process may have left slots before a stretch without an outcome: these are deferred with it.
        """
        self._deferred = []
        last = self._settled
        self._stored_deferred = read_deferred(self._store.backend, self._source_id)
        for stretch in self._stored_deferred:
            has_begun = stretch.after < now
            self._deferred.append(replace(stretch, after=min(stretch.after, last)) if has_begun else stretch)
            if has_begun:
                self.mark_settled(min(schedule.at_or_before(stretch.until - MICROSECOND), before_current))

    def _fill(self, schedule: Schedule, start: datetime, until: datetime, outcome: Callable[[datetime], Poll]) -> bool:
        """Record an outcome for every slot between two instants that has none; whether it was not interrupted."""
        slots = slots_between(schedule, start, until)
        written = 0
        is_complete = True
        while is_complete and (batch := list(islice(slots, self._batch_slots))):
            recorded = self._recorded(batch[0], batch[-1])
            polls = [outcome(slot) for slot in batch if slot not in recorded and not self._is_in_damage(slot)]
            if polls:
                self._record(polls)
            written += len(polls)
            self.mark_settled(batch[-1])
            is_complete = len(batch) < self._batch_slots or not self._is_to_pause()
        if written:
            _log.warning("%s: %d slots after %s passed without a poll", self._source_id, written, start.isoformat())
        return is_complete

    def _defer(self, schedule: Schedule, until: datetime, outcome: Callable[[datetime], Poll]) -> datetime:
        """Defer the slots before `until` that are far after the last settled one, durably; returns the first of them.

        If a stretch begins there already, its beginning counts, so that repeated starts do not settle ever more.
        """
        limit = min(
            [self._settled + UNCONFIRMED_SPAN, *(item.after for item in self._deferred if item.after >= self._settled)]
        )
        first = schedule.after(limit)
        if first >= until:
            return until
        known = [item.until for item in self._deferred if item.after == limit]
        if not known or known[0] < until:
            stretch = Stretch(limit, until, outcome(first).detail)
            self._keep_deferred([item for item in self._deferred if item.after != limit] + [stretch])
            _log.warning(
                "%s: nothing confirms this machine's clock: slots from %s to %s get no outcome before something does",
                self._source_id,
                first.isoformat(),
                until.isoformat(),
            )
        return first

    def _settle_deferred(self, schedule: Schedule, until: datetime) -> bool:
        """Record `missed` for deferred slots before `until`; later ones lie ahead, and are polled."""
        for stretch in self._deferred:
            polls = partial(Poll, self._source_id, outcome=Outcome.MISSED, detail=stretch.why)
            if not self._fill(schedule, stretch.after, min(stretch.until, until), polls):
                return False
        self._keep_deferred([])
        return True

    def _keep_deferred(self, stretches: list[Stretch]) -> None:
        write_deferred(self._store.backend, self._source_id, stretches, replaced=self._stored_deferred)
        self._deferred = self._stored_deferred = stretches

    def _is_in_damage(self, slot: datetime) -> bool:
        """Whether a damaged file may hold the outcome of the slot."""
        return self._span_of(slot) is not None

    def _span_of(self, slot: datetime) -> Span | None:
        spans = (span for span in self._damaged_spans if span.start and span.end and span.start <= slot < span.end)
        return next(spans, None)

    def _recorded(self, first: datetime, last: datetime) -> set[datetime]:
        """The slots from `first` to `last` that have an outcome."""
        # as nearly always: nothing is read; but where others record, too, this ledger does not know the newest
        if first > self._newest and not self._store.backend.is_shared:
            return set()
        return set(takewhile(lambda slot: slot >= first, self._store.planned_slots(self._source_id, last)))

    def _skip_late_slot(self, schedule: Schedule, now: datetime) -> None:
        """Where nothing is recorded, a current slot that is too late to be polled was never planned."""
        current = schedule.at_or_before(now)
        if is_late(schedule, current, now):
            self._settled = max(self._settled, current)

    def _record_interrupted_poll(self, source: Source, schedule: Schedule, now: datetime) -> None:
        """Record the outcome of a poll whose process ended between storing its ticks and recording it, if one did.

        Only the first slot without an outcome can have been polled by it. It may have read its page after the next
        slot had come, so both slots' time is searched. Ticks that `fxticker snapshot` may have stored prove nothing.
        """
        slot = schedule.after(self._settled)
        end = schedule.after(schedule.after(slot))
        if slot > now or self._is_in_damage(slot):
            return
        try:
            ticks = self._store.live_ticks(self._source_id, slot, end)
            if not ticks or self._store.has_polls(self._source_id, slot, end):
                return
        except SegmentUnreadable as error:
            if not is_damage(error):
                raise
            _log.warning("%s: slot %s gets no outcome: %s", self._source_id, slot.isoformat(), one_line(error))
            self.mark_settled(slot)
            return
        observed_at = min(tick["observed_at"] for tick in ticks)
        snapshot = [tick for tick in ticks if tick["observed_at"] == observed_at]
        source_date = snapshot[0]["source_date"]
        poll = Poll(
            self._source_id,
            slot,
            self._outcome_of(source_date, observed_at, source),
            ticks=len(snapshot),
            source_date=source_date,
            detail="its ticks were stored; the process ended before this outcome was",
        )
        self._record([poll])
        self.mark_settled(slot)

    def _outcome_of(self, source_date: date | None, observed_at: datetime, source: Source) -> Outcome:
        """The outcome of stored ticks; a fault in a source's own fields must not end every start of the daemon."""
        try:
            return outcome_of(source_date, observed_at, source)
        except Exception:  # noqa: BLE001  recorded as the outcome
            _log.exception("%s: error while the outcome of stored ticks was looked for", self._source_id)
            return Outcome.ERROR
