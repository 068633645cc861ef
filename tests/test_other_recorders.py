"""Several recorders of one store: whose turn a slot is, which outcomes wait, and who takes over within one slot."""

import sys
import threading
from dataclasses import replace
from datetime import timedelta
from itertools import pairwise

import pytest
from builders import FixedClock
from daemons import QUARTER, RecordingObserver, at, daemon_of, outcomes, planned
from object_faults import WatchedObjectCalls, in_memory
from processes import run

from fxticker.daemon.other_recorders import OtherRecorders, PatientWriter, Turn
from fxticker.daemon.recorder_lock import recorder_lock
from fxticker.daemon.recorder_note import RecorderNote, recorder_name
from fxticker.daemon.slot_grace import slot_grace
from fxticker.errors import SegmentUnreadable, StoreLocked
from fxticker.model.records import Outcome, Poll
from fxticker.model.schedule import Cron, Every
from fxticker.sources.registry import ScheduledSource
from fxticker.sources.timesca.page import SOURCE
from fxticker.store.lease import Lease, lease_holders
from fxticker.store.object_storage import ObjectStorage
from fxticker.store.open_slots import outcome_at
from fxticker.store.recorders import read_recorders
from fxticker.store.store import Store

pytest.importorskip("obstore")

SLOT = at("12:00")
SECOND = timedelta(seconds=1)


class WaitingClock(FixedClock):
    """A clock, and the event whose waits advance it; each of `events` is called by the wait that passes its instant."""

    def __init__(self, instant):
        super().__init__(instant)
        self.events = []
        self.stopped = False

    def wait(self, timeout_s):
        until = self.at + timedelta(seconds=timeout_s)
        while self.events and self.events[0][0] <= until:
            self.events.pop(0)[1]()
        self.at = until

    def is_set(self):
        return self.stopped


@pytest.fixture
def storage():
    return in_memory()[0]


def recorder(storage, name, clock, recorded=None):
    store = Store(ObjectStorage(storage._calls, "memory"), clock=clock)
    others = OtherRecorders(
        "timesca",
        store,
        Lease(store.backend, "timesca", name),
        clock=clock,
        stop_asked=clock,
        on_recorded=(recorded if recorded is not None else []).append,
    )
    others.schedule = QUARTER
    return store, others


# how long an outcome waits


@pytest.mark.parametrize(("every_s", "grace_s"), [(900, 60), (120, 60), (60, 30), (2, 1)])
def test_grace_is_half_the_interval_and_at_most_a_minute(every_s, grace_s):
    assert slot_grace(Every(timedelta(seconds=every_s)), SLOT) == timedelta(seconds=grace_s)


@pytest.mark.parametrize(("outcome", "written_after_s"), [(Outcome.OK, 3), (Outcome.TIMEOUT, 60), (Outcome.MISSED, 60)])
def test_outcome_other_than_ok_waits_for_the_grace(storage, outcome, written_after_s):
    clock = WaitingClock(SLOT + 3 * SECOND)
    store, others = recorder(storage, "a", clock)

    assert PatientWriter(store, others).record([Poll("timesca", SLOT, outcome)]) == 1
    assert clock.at == SLOT + timedelta(seconds=written_after_s)


def test_failure_is_not_written_where_another_recorder_wrote_ok_meanwhile(storage):
    clock = WaitingClock(SLOT + 3 * SECOND)
    store, others = recorder(storage, "a", clock)
    other = Store(ObjectStorage(storage._calls, "memory"))
    clock.events.append((SLOT + 40 * SECOND, lambda: other.record([Poll("timesca", SLOT, Outcome.OK, ticks=5)])))

    assert PatientWriter(store, others).record([Poll("timesca", SLOT, Outcome.TIMEOUT)]) == 0
    assert outcomes(store) == [(SLOT, "ok")]


def test_outcome_that_waits_when_the_daemon_stops_is_left_to_others(storage):
    clock = WaitingClock(SLOT)
    clock.stopped = True
    store, others = recorder(storage, "a", clock)

    PatientWriter(store, others).record([Poll("timesca", SLOT, Outcome.TIMEOUT)])

    assert outcome_at(store.polls, "timesca", SLOT) is None


# whose turn a slot is


def test_first_recorder_polls_at_once_and_the_other_waits_for_its_outcome(storage):
    clock, recorded = WaitingClock(SLOT), []
    first, first_others = recorder(storage, "a", clock)
    _, second_others = recorder(storage, "b", clock, recorded)
    poll = Poll("timesca", SLOT, Outcome.OK, SLOT, 800, 5, http_status=200, attempts=1)

    assert first_others.turn(SLOT) is Turn.OURS
    assert clock.at == SLOT
    clock.events.append((SLOT + SECOND, lambda: first.record([poll])))
    assert second_others.turn(SLOT) is Turn.RECORDED

    assert clock.at == SLOT + 30 * SECOND
    assert recorded == [replace(poll, detail="recorded by another recorder")]
    assert lease_holders(storage) == {"timesca": "a"}


def test_other_recorder_takes_over_within_the_slot_and_keeps_the_lease(storage):
    clock = WaitingClock(SLOT)
    _, first = recorder(storage, "a", clock)
    _, second = recorder(storage, "b", clock)
    assert first.turn(SLOT - QUARTER.interval) is Turn.OURS

    assert second.turn(SLOT) is Turn.OURS
    assert clock.at == SLOT + 30 * SECOND

    clock.at = SLOT + QUARTER.interval
    assert second.turn(clock.at) is Turn.OURS
    assert clock.at == SLOT + QUARTER.interval
    assert first._lease.renew(clock.at) is False
    assert lease_holders(storage) == {"timesca": "b"}


def test_of_two_that_wait_one_takes_over_and_the_other_waits_on(storage):
    clock = WaitingClock(SLOT)
    third_store, third = recorder(storage, "c", clock)
    Lease(storage, "timesca", "a").take(SLOT - QUARTER.interval)
    second = Lease(storage, "timesca", "b")
    third._lease.take = lambda slot: second.take(slot) and False  # the other one is a moment faster
    clock.events.append((SLOT + 50 * SECOND, lambda: third_store.record([Poll("timesca", SLOT, Outcome.OK)])))

    assert third.turn(SLOT) is Turn.RECORDED
    assert clock.at == SLOT + 60 * SECOND


def test_recorder_that_starts_again_under_its_name_polls_at_once(storage):
    clock = WaitingClock(SLOT)
    for _ in range(2):
        _, others = recorder(storage, "a", clock)
        assert others.turn(SLOT) is Turn.OURS
    assert clock.at == SLOT


def test_holder_polls_though_the_lease_cannot_be_renewed(storage, caplog):
    clock = WaitingClock(SLOT)
    _, others = recorder(storage, "a", clock)
    assert others.turn(SLOT) is Turn.OURS
    storage._calls.before = _refused

    assert others.turn(SLOT + QUARTER.interval) is Turn.OURS
    assert "who polls is not known" in caplog.text


def _refused(kind, name):
    raise OSError(5, "connection refused")


def test_damaged_lease_is_taken(storage):
    storage.put("recorders/source=timesca.json", b"not JSON")

    assert Lease(storage, "timesca", "a").renew(SLOT)
    assert lease_holders(storage) == {"timesca": "a"}


# daemons


@pytest.mark.slow
def test_two_daemons_leave_one_outcome_for_each_slot(storage):
    plan = planned(schedule=Every(2 * SECOND))
    with daemon_of(Store(storage), plan, polls=3, recorder="a") as (first, _):
        other_store = Store(ObjectStorage(storage._calls, "memory"))
        with daemon_of(other_store, plan, polls=2, recorder="b") as (second, _):
            threads = [threading.Thread(target=daemon.run) for daemon in (first, second)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()

    found = [slot for slot, _ in outcomes(Store(storage))]
    assert len(found) == len({*found})
    assert {later - earlier for earlier, later in pairwise(found)} <= {2 * SECOND}


@pytest.mark.slow
def test_daemon_goes_on_where_object_storage_refuses_writes_for_a_while():
    class Refusing(WatchedObjectCalls):
        refuses = False

        def before(self, kind, name):
            if self.refuses and kind == "put" and "ticks/" in name:
                raise PermissionError(13, "denied")

    storage, calls = in_memory(Refusing)
    store, observer = Store(storage), RecordingObserver()

    def refuse(poll):
        calls.refuses = len(observer.taken) == 1

    observer.on_poll = refuse
    with daemon_of(store, planned(schedule=Every(SECOND)), observers=[observer], recorder="a") as (daemon, _):
        timer = threading.Timer(2.5, lambda: setattr(calls, "refuses", False))
        end = threading.Timer(3.5, daemon.stop)
        timer.start()
        end.start()
        daemon.run()
    assert len(outcomes(store)) >= 2


# what recorders leave of themselves


def noted(storage, clock, *schedules):
    note = RecorderNote(storage, "a", clock)
    note.started([ScheduledSource(SOURCE, schedule) for schedule in schedules])
    return note


def test_recorder_is_noted_a_minute_apart_at_least(storage):
    clock = FixedClock(SLOT)
    note = noted(storage, clock, QUARTER)
    for seconds in (0, 30, 59, 61):
        clock.at = SLOT + timedelta(seconds=seconds)
        note.caught_up("timesca", None)

    [left] = read_recorders(storage)
    assert (left.name, left.since, left.seen_at) == ("a", SLOT, SLOT + 61 * SECOND)
    assert [kind for kind, _ in storage._calls.made].count("put") == 2


@pytest.mark.parametrize(
    ("schedules", "expected_by"),
    [
        ([QUARTER], at("12:31:30")),
        ([Every(10 * SECOND)], at("12:01:55")),
        ([Every(timedelta(days=1)), Every(10 * SECOND)], at("12:01:55")),
        ([Cron("0 12 * * 1-5")], at("12:01:30") + timedelta(days=4)),  # `SLOT` is on a Friday
    ],
)
def test_recorder_is_expected_by_the_second_slot_at_which_it_writes_again(storage, schedules, expected_by):
    noted(storage, FixedClock(SLOT), *schedules)

    [left] = read_recorders(storage)
    assert left.expected_by == expected_by


def test_note_that_could_not_be_written_is_written_at_the_next_slot(storage):
    clock = FixedClock(SLOT)
    note = noted(storage, clock, Every(10 * SECOND))
    storage._calls.before = _refused
    clock.at = SLOT + 60 * SECOND
    note.caught_up("timesca", None)
    del storage._calls.before
    clock.at = SLOT + 70 * SECOND
    note.caught_up("timesca", None)

    [left] = read_recorders(storage)
    assert left.seen_at == SLOT + 70 * SECOND


def test_recorder_that_cannot_read_a_file_of_its_source_is_noted(storage):
    clock = FixedClock(SLOT)
    note = noted(storage, clock, QUARTER)
    clock.at = SLOT + QUARTER.interval
    note.refused("timesca", clock.at, SegmentUnreadable("polls/a.parquet", "damaged"))

    [left] = read_recorders(storage)
    assert left.seen_at == clock.at


def test_reload_with_a_longer_interval_moves_the_instant_by_which_a_recorder_is_expected(storage):
    clock = FixedClock(SLOT)
    note = noted(storage, clock, Every(10 * SECOND))
    clock.at = SLOT + SECOND
    note.started([ScheduledSource(SOURCE, QUARTER)])

    [left] = read_recorders(storage)
    assert left.expected_by == at("12:31:30")


def test_name_of_a_recorder_is_kept_over_restarts_and_differs_between_stores(tmp_path):
    environ = {"XDG_STATE_HOME": str(tmp_path)}

    name = recorder_name("s3://rates/a", environ)

    assert recorder_name("s3://rates/a", environ) == name
    assert recorder_name("s3://rates/b", environ) != name


def test_second_recorder_with_the_state_folder_of_one_that_runs_is_refused(tmp_path):
    environ = {"STATE_DIRECTORY": str(tmp_path / "state")}
    other = {"STATE_DIRECTORY": str(tmp_path / "other")}

    with recorder_lock("s3://rates/a", environ):
        with (
            pytest.raises(StoreLocked, match=r"state: the lock is held by another recorder .* by STATE_DIRECTORY"),
            recorder_lock("s3://rates/a", environ),
        ):
            pass
        with recorder_lock("s3://rates/b", environ), recorder_lock("s3://rates/a", other):
            pass
    with recorder_lock("s3://rates/a", environ):
        pass


def test_recorder_runs_where_its_state_folder_can_hold_no_lock(tmp_path, caplog):
    (tmp_path / "file").write_text("")

    with recorder_lock("s3://rates/a", {"STATE_DIRECTORY": str(tmp_path / "file")}), recorder_lock("s3://rates/a", {}):
        pass
    assert "a second recorder of its name is not noticed" in caplog.text


def test_daemon_with_the_state_folder_of_one_that_runs_ends_before_it_reaches_the_storage(written, tmp_path):
    environ = {
        "STATE_DIRECTORY": str(tmp_path / "state"),
        "AWS_ENDPOINT_URL": "http://127.0.0.1:9",
        "AWS_ACCESS_KEY_ID": "a",
        "AWS_SECRET_ACCESS_KEY": "b",
        "AWS_REGION": "us-east-1",
    }
    command = [sys.executable, "-m", "fxticker", "run", "--config", written(""), "--store", "s3://rates/a"]

    with recorder_lock("s3://rates/a", environ):
        done = run(command, env=environ)

    assert (done.returncode, done.stdout) == (1, "")
    assert "give this one a state folder of its own, by STATE_DIRECTORY" in done.stderr


def test_what_is_no_note_of_a_recorder_is_left_out(storage):
    storage.put("recorders/a.json", b"{}")
    storage.put("recorders/b.json", b"[" * 100_000)
    storage.put("recorders/source=timesca.json", b"{}")

    assert read_recorders(storage) == []
