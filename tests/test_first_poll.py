"""A source that has not been polled for long is polled at the start, off the grid, so that no slot is hidden."""

from dataclasses import replace
from datetime import timedelta

import pytest
from daemons import ANSWER, QUARTER, ManualClock, at, daemon_of, outcomes, planned, running
from servers import RawServer

import fxticker as fx
from fxticker.daemon.first_poll import FirstPoll
from fxticker.model.records import Outcome, Poll
from fxticker.model.schedule import Cron, Every
from fxticker.store.store import Store

LATE = at("12:10:00")
OFF_GRID = timedelta(microseconds=1)


@pytest.fixture
def store(root):
    return Store(root)


def first_slot(store, now, schedule=QUARTER):
    first = FirstPoll("timesca", store)
    first.open()
    return first.slot(schedule, now)


def record(store, slot, outcome=Outcome.OK):
    store.record([Poll("timesca", slot, outcome, started_at=slot)])


# Whether there is one


def test_empty_store_is_polled_at_once_at_its_own_instant(store):
    assert first_slot(store, LATE) == LATE + OFF_GRID
    assert first_slot(store, LATE.replace(microsecond=7)) == LATE.replace(microsecond=7)


def test_last_successful_poll_may_be_one_interval_old(store):
    record(store, at("11:55:00"))
    assert first_slot(store, at("12:10:00")) is None
    assert first_slot(store, at("12:10:01")) == at("12:10:01") + OFF_GRID


def test_failed_polls_do_not_count(store):
    record(store, at("11:30:00"))
    record(store, at("12:00:00"), Outcome.TIMEOUT)
    assert first_slot(store, LATE) == LATE + OFF_GRID


def test_poll_of_a_person_counts(store):
    record(store, at("12:03:00") + OFF_GRID)
    assert first_slot(store, LATE) is None


def test_poll_of_another_source_does_not_count(store):
    store.record([Poll("cbu", at("12:03:00"), Outcome.OK)])
    assert first_slot(store, LATE) == LATE + OFF_GRID


def test_poll_in_the_future_is_none_that_was_recent(store):
    """A clock was wrong then or is wrong now, and the answer to a poll may tell which."""
    record(store, at("18:00:00"))
    assert first_slot(store, LATE) is not None


def test_slot_that_comes_at_once_is_waited_for(store):
    assert first_slot(store, at("12:14:50")) == at("12:14:50") + OFF_GRID
    assert first_slot(store, at("12:14:51")) is None
    assert first_slot(store, LATE, Every(timedelta(seconds=5))) is None


def test_interval_of_an_uneven_grid_is_the_present_one(store):
    record(store, at("11:05:00"))
    grid = Cron("0,5 * * * *")
    assert first_slot(store, at("11:59:00"), grid) is None  # 54 of 55 minutes
    assert first_slot(store, at("12:02:00"), grid) == at("12:02:00") + OFF_GRID


def test_it_is_decided_once(store):
    first = FirstPoll("timesca", store)
    assert first.slot(QUARTER, LATE) is None  # not open
    first.open()
    assert first.slot(QUARTER, LATE) is not None
    assert first.slot(QUARTER, LATE) is None
    first.open()
    first.close()
    assert first.slot(QUARTER, LATE) is None


def test_store_that_cannot_be_read_gives_none(store, root, caplog):
    record(store, at("11:00:00"))
    [segment] = root.rglob("*.parquet")
    segment.write_bytes(b"no segment")
    assert first_slot(store, LATE) is None
    assert "timesca: no poll at the start: polls/source=timesca" in caplog.text


# In a daemon


def test_newcomer_sees_rates_at_once_and_the_next_slot_is_polled(root, site):
    clock = ManualClock(LATE)
    with running(Store(root, clock=clock), planned(site.url), clock=clock) as run:
        run.wait()
        assert [poll.slot for poll in run.taken] == [LATE + OFF_GRID]
        assert len(fx.latest(root)) == 5
        run.clock.go_on(timedelta(minutes=5))
        run.daemon.reload([planned(site.url, replace(QUARTER))])
        run.jump(seconds=3)
        run.wait()
    assert outcomes(root) == [(LATE + OFF_GRID, "ok"), (at("12:15:00"), "ok")]


def test_current_slot_is_polled_in_its_place_if_it_is_not_late(root, site):
    clock = ManualClock(at("12:05:00"))
    with running(Store(root, clock=clock), planned(site.url), clock=clock) as run:
        run.wait()
    assert outcomes(root) == [(at("12:00:00"), "ok")]


def test_slots_before_the_start_are_missed_and_stand_beside_the_first_poll(root, site):
    record(Store(root), at("11:30:00"))
    clock = ManualClock(LATE)
    with running(Store(root, clock=clock), planned(site.url), clock=clock) as run:
        run.wait(3)
    assert outcomes(root) == [
        (at("11:30:00"), "ok"),
        (at("11:45:00"), "missed"),
        (at("12:00:00"), "missed"),
        (LATE + OFF_GRID, "ok"),
    ]


def test_second_start_within_the_interval_takes_no_further_poll(root, site):
    for _ in range(2):
        clock = ManualClock(LATE)
        with running(Store(root, clock=clock), planned(site.url), clock=clock) as run:
            if not outcomes(root):
                run.wait()
    assert [outcome for _, outcome in outcomes(root)] == ["ok"]


def test_slot_that_comes_during_the_first_poll_is_polled_afterwards(root):
    clock = ManualClock(at("12:14:40"))

    def answer_late(exchange):
        clock.wall = at("12:15:05")
        exchange.send(ANSWER)

    with (
        RawServer(answer_late) as server,
        running(Store(root, clock=clock), planned(server.url), clock=clock) as run,
    ):
        run.wait(2)
    assert [slot for slot, _ in outcomes(root)] == [at("12:14:40") + OFF_GRID, at("12:15:00")]


def test_source_added_by_a_reload_waits_for_its_slot(root, site):
    record(Store(root), at("12:00:00"))
    clock = ManualClock(LATE)
    with daemon_of(Store(root, clock=clock), planned(site.url), clock=clock) as (daemon, taken):
        daemon.reload([])
        daemon.stop()
        daemon.run()
    with running(Store(root, clock=clock), planned(site.url), clock=clock) as run:
        run.daemon.reload([planned(site.url), planned(site.url, id="another")])
        run.jump(minutes=5, seconds=3)
        run.wait(2)
    assert {poll.slot.microsecond for poll in run.taken} == {0}
    assert taken == []
