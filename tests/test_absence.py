"""Slots that passed without a poll get one outcome each, whatever the clock did; a poll that died is recognised."""

from datetime import UTC, datetime, timedelta

import pytest
from builders import NOON, snapshot_ticks

from fxticker.daemon.clock_watch import JumpWatch, jump_of
from fxticker.daemon.slot_ledger import SlotLedger
from fxticker.model.records import Outcome, Poll
from fxticker.model.schedule import Every
from fxticker.sources.timesca.page import SOURCE
from fxticker.store.arrow import records_of
from fxticker.store.read_span import read_span
from fxticker.store.store import Store

QUARTER = Every(timedelta(minutes=15))
HOUR = timedelta(hours=1)


def at(text):
    return datetime.fromisoformat(f"2025-11-14T{text}").replace(tzinfo=UTC)


def missed(slot):
    return Poll("timesca", slot, Outcome.MISSED)


class Recording:
    """A store's `record` that keeps each batch it was given."""

    def __init__(self, store):
        self.store = store
        self.batches = []

    def __call__(self, polls):
        self.batches.append([(f"{poll.slot:%H:%M}", str(poll.outcome)) for poll in polls])
        return self.store.record(polls)


@pytest.fixture
def store(tmp_path):
    return Store(tmp_path)


@pytest.fixture
def recording(store):
    return Recording(store)


def begun(store, recording, now):
    ledger = SlotLedger("timesca", store, recording)
    return ledger, ledger.recover(SOURCE, QUARTER, now, why="nobody was there")


def test_all_that_passed_is_written_at_once(store, recording):
    store.record([Poll("timesca", at("11:00"), Outcome.OK)])
    _, following = begun(store, recording, at("12:00:10"))
    assert recording.batches == [[("11:15", "missed"), ("11:30", "missed"), ("11:45", "missed")]]
    assert following == NOON


def test_months_of_absence_are_one_write(store, recording):
    store.record([Poll("timesca", NOON - timedelta(days=180), Outcome.OK)])
    begun(store, recording, at("12:00:10"))
    assert [len(batch) for batch in recording.batches] == [17_279]


def test_a_poll_that_read_its_page_after_the_next_slot_had_come_is_recognised(store, recording):
    store.record([Poll("timesca", at("11:30"), Outcome.OK)])
    store.append(snapshot_ticks(at("12:00:20")))
    _, following = begun(store, recording, at("12:01:00"))
    assert recording.batches == [[("11:45", "ok")]]
    assert following == NOON


def test_only_the_ticks_of_one_page_count_as_those_of_the_poll_that_died(store, recording):
    store.record([Poll("timesca", at("11:30"), Outcome.OK)])
    store.append(snapshot_ticks(at("11:45:20")) + snapshot_ticks(at("11:50:20")))
    begun(store, recording, at("12:00:10"))
    assert recording.batches == [[("11:45", "ok")]]
    assert [row["ticks"] for row in records_of(read_span(store.polls))] == [0, 5]


def test_slots_that_a_clock_ahead_left_outcomes_for_get_no_second_one(store, recording):
    store.record([Poll("timesca", at(text), Outcome.OK) for text in ("11:00", "11:30", "13:00")])
    ledger, _ = begun(store, recording, at("11:01:00"))
    ledger.settle(QUARTER, at("12:00"), missed)
    assert recording.batches == [[("11:15", "missed"), ("11:45", "missed")]]
    assert not ledger.is_settled(NOON)
    assert ledger.is_settled(at("13:00"))


def test_after_a_clock_was_set_back_polling_goes_on_at_the_first_slot_without_an_outcome(store, recording):
    store.record([Poll("timesca", at(text), Outcome.OK) for text in ("10:45", "11:00", "11:15", "11:30")])
    ledger, _ = begun(store, recording, at("11:31:00"))
    assert ledger.resync(QUARTER, at("10:46:00"))
    assert not ledger.resync(QUARTER, at("10:46:00"))
    assert ledger.next_open(QUARTER, at("10:46:00")) == at("11:45")
    ledger.settle(QUARTER, at("11:45"), missed)
    assert recording.batches == []


def test_slots_that_a_clock_set_back_uncovers_are_settled_from_the_last_one_before_it(store, recording):
    store.record([Poll("timesca", at(text), Outcome.OK) for text in ("10:30", "12:00")])
    ledger, _ = begun(store, recording, at("12:01:00"))
    ledger.resync(QUARTER, at("11:00:10"))
    ledger.settle(QUARTER, at("11:00"), missed)
    assert recording.batches == [[("10:45", "missed")]]
    assert not ledger.is_settled(at("11:00"))


def test_a_clock_set_back_before_every_record_has_missed_nothing(store, recording):
    store.record([Poll("timesca", NOON, Outcome.OK)])
    ledger, _ = begun(store, recording, at("12:01:00"))
    ledger.resync(QUARTER, at("03:01:00"))
    ledger.settle(QUARTER, at("03:00"), missed)
    assert recording.batches == []
    assert not ledger.is_settled(at("03:00"))


def test_another_grid_begins_where_it_comes_into_force(store, recording):
    store.record([Poll("timesca", NOON, Outcome.OK)])
    ledger, _ = begun(store, recording, at("12:01:00"))
    ledger.begin_grid(at("12:07:00"))
    ledger.settle(Every(timedelta(minutes=1)), at("12:10"), missed)
    assert recording.batches == [[("12:08", "missed"), ("12:09", "missed")]]


def test_a_jump_says_which_instants_the_clock_left_out():
    slept = jump_of(HOUR, NOON)
    assert (slept.after, slept.until) == (at("11:00"), NOON)
    assert slept.why == "the machine slept or the clock was set forward by 3600 s"
    assert jump_of(-HOUR, NOON).why == "the clock was set back by 3600 s"


class Hands:
    """A wall clock and seconds that pass, each moved by hand."""

    def __init__(self):
        self.wall, self.passed_s = NOON, 100.0

    def now(self):
        return self.wall

    def monotonic(self):
        return self.passed_s


@pytest.mark.parametrize(
    ("wall_s", "passed_s", "jumped_s"),
    [(5, 5, None), (6.9, 5, None), (7, 5, 2), (3.1, 5, None), (3, 5, -2), (3605, 5, 3600), (-3595, 5, -3600)],
)
def test_a_wall_clock_that_goes_on_otherwise_than_time_jumped(wall_s, passed_s, jumped_s):
    hands = Hands()
    watch = JumpWatch(hands, hands.monotonic)
    hands.wall += timedelta(seconds=wall_s)
    hands.passed_s += passed_s
    assert watch.jump() == (None if jumped_s is None else timedelta(seconds=jumped_s))
    assert watch.jump() is None


def test_a_long_absence_stops_between_two_writes_and_goes_on_where_it_was(store, recording):
    store.record([Poll("timesca", at("10:30"), Outcome.OK)])
    is_to_pause = iter([False, True, False])
    ledger = SlotLedger("timesca", store, recording, lambda: next(is_to_pause), batch_slots=2)

    ledger.recover(SOURCE, QUARTER, at("12:00:10"), why="nobody was there")
    assert [len(batch) for batch in recording.batches] == [2, 2]
    assert ledger.settle(QUARTER, NOON, missed)
    assert recording.batches[2:] == [[("11:45", "missed")]]
