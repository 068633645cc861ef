"""Systemd is notified of state and status, and its watchdog is fed while polls progress."""

import logging
import os
import socket
import time
from contextlib import closing
from dataclasses import replace
from datetime import datetime, timedelta
from uuid import uuid4

import pytest
from builders import cases
from daemons import QUARTER, at

from fxticker.daemon.sd_notify import SystemdNotifier, is_progressing
from fxticker.model.records import Outcome, Poll
from fxticker.model.schedule import Cron, Every
from fxticker.sources.registry import ScheduledSource
from fxticker.sources.timesca.page import SOURCE
from fxticker.store.read_recording import damaged_segments

CASES = cases("sd_notify")
TIMEOUT = timedelta(seconds=20)
PLANNED = [ScheduledSource(SOURCE, QUARTER)]


def poll(slot, outcome=Outcome.OK):
    return Poll("timesca", at(slot), outcome, ticks=5)


class Supervisor:
    """The other end of the socket."""

    def __init__(self, address):
        self.environ = {"NOTIFY_SOCKET": address}
        self.watching = self.environ | {"WATCHDOG_USEC": "120000000", "WATCHDOG_PID": str(os.getpid())}
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(address.replace("@", "\0", 1))
        self._socket.setblocking(False)

    def close(self):
        self._socket.close()

    def received(self):
        """Datagrams since the last call, each a list of its lines."""
        datagrams = []
        try:
            while len(datagrams) < 100:
                datagrams.append(self._socket.recv(4096).decode().split("\n"))
        except BlockingIOError:
            return datagrams


@pytest.fixture(params=["a path", "an abstract name"])
def address(request, tmp_path):
    return str(tmp_path / "notify") if request.param == "a path" else f"@fxticker-test-{uuid4()}"


@pytest.fixture
def supervisor():
    with closing(Supervisor(f"@fxticker-test-{uuid4()}")) as opened:
        yield opened


@pytest.fixture
def watched(supervisor, store):
    """A daemon that began at 12:00, with the watchdog on."""
    observer = SystemdNotifier(supervisor.watching, store=store, timeout_s=20)
    observer.started(PLANNED)
    observer.beat(at("12:00"))
    supervisor.received()
    return observer


def fed(supervisor, observer, *times):
    """Whether the watchdog is fed at a beat, for beats at these times."""
    supervisor.received()
    for time_of_day in times:
        observer.beat(at(time_of_day))
    return ["WATCHDOG=1" in facts for facts in supervisor.received()]


def test_daemon_is_ready_once_polling_begins(address, store):
    with closing(Supervisor(address)) as supervisor:
        observer = SystemdNotifier(supervisor.environ, store=store, timeout_s=20)
        assert supervisor.received() == []
        observer.started(PLANNED)
        assert supervisor.received() == [["READY=1"]]
        observer.started(PLANNED)
        assert supervisor.received() == []


@pytest.mark.parametrize("is_recorded", [False, True])
def test_outcome_far_ahead_hides_no_poll_that_hangs_before_it(supervisor, store, is_recorded):
    ahead = [at("12:00") + timedelta(days=200)]
    if is_recorded:  # the slots of the next day, too
        ahead += [at("12:00") + number * timedelta(minutes=15) for number in range(96)]
    store.record(Poll("timesca", slot, Outcome.OK) for slot in ahead)
    observer = SystemdNotifier(supervisor.watching, store=store, timeout_s=20)
    observer.started(PLANNED)
    observer.beat(at("12:00:05"))
    observer.beat(at("13:30:00"))
    assert ("WATCHDOG=1" in supervisor.received()[-1]) is is_recorded


def test_slots_that_a_damaged_file_may_hold_are_not_due(supervisor, store, tmp_path):
    store.record([Poll("timesca", at("12:00") + timedelta(hours=6), Outcome.OK)])
    [segment] = (tmp_path / "parquet").rglob("*.parquet")
    store.record([Poll("timesca", at("12:00") + timedelta(days=60), Outcome.OK)])
    segment.write_bytes(b"no segment")
    damaged_segments(store.tables, "timesca", search=True)  # as its worker does
    observer = SystemdNotifier(supervisor.watching, store=store, timeout_s=20)
    observer.started(PLANNED)
    observer.beat(at("12:00:05"))
    observer.beat(at("13:30:00"))
    assert "WATCHDOG=1" in supervisor.received()[-1]


def test_clock_set_back_lets_slots_that_have_no_outcome_be_due(supervisor, store):
    observer = SystemdNotifier(supervisor.watching, store=store, timeout_s=20)
    observer.started(PLANNED)
    observer.beat(at("15:00:05"))
    store.record([poll("15:00")])
    observer.polled(poll("15:00"))
    observer.clock_jumped(-timedelta(hours=3))
    for now, is_fed in (("12:00:10", True), ("12:15:10", True), ("12:30:00", False)):
        observer.beat(at(now))
        assert ("WATCHDOG=1" in supervisor.received()[-1]) is is_fed


def test_status_names_no_slot_that_is_skipped(supervisor, store):
    observer = SystemdNotifier(supervisor.environ, store=store, timeout_s=20)
    observer.started(PLANNED)
    supervisor.received()
    for wait_until in (None, at("12:30"), at("12:30:01"), at("12:00"), at("13:00"), None):
        observer.caught_up("timesca", wait_until)
        observer.beat(at("12:00:03"))
    following = ["12:15", "12:30", "12:45", "12:15", "13:00", "12:15"]
    assert supervisor.received() == [[f"STATUS=next slot: 2025-11-14T{slot}:00Z"] for slot in following]


def test_status_names_the_last_outcome_and_the_next_slot(supervisor, store):
    observer = SystemdNotifier(supervisor.environ, store=store, timeout_s=20)
    observer.started(PLANNED)
    supervisor.received()
    observer.beat(at("12:00:03"))
    observer.polled(poll("12:00", Outcome.HTTP_ERROR))
    observer.beat(at("12:00:08"))
    assert supervisor.received() == [
        ["STATUS=next slot: 2025-11-14T12:15:00Z"],
        ["STATUS=last: timesca 2025-11-14T12:00:00Z http_error; next slot: 2025-11-14T12:15:00Z"],
    ]


def test_missed_slots_are_reported_at_the_next_beat_only(supervisor, watched):
    for _ in range(1000):
        watched.polled(poll("11:45", Outcome.MISSED))
    assert supervisor.received() == []


def test_watchdog_is_fed_while_outcomes_come(supervisor, watched):
    for slot, now in (("12:00", "12:00:02"), ("12:15", "12:15:02"), ("12:30", "12:30:02")):
        watched.polled(poll(slot))
        assert fed(supervisor, watched, now) == [True]


def test_watchdog_starves_when_a_poll_hangs(supervisor, watched, caplog):
    watched.polled(poll("12:00"))
    # the poll of 12:15 may begin until 12:22:30 and take 20 s
    assert fed(supervisor, watched, "12:22:50") == [True]
    with caplog.at_level(logging.ERROR, "fxticker"):
        watched.beat(at("12:22:51"))
        watched.beat(at("12:22:56"))
    status = "no outcome in time from timesca; last: timesca 2025-11-14T12:00:00Z ok; next slot: 2025-11-14T12:30:00Z"
    assert supervisor.received() == [[f"STATUS={status}"], [f"STATUS={status}"]]
    assert [record.message for record in caplog.records] == [
        "timesca: no outcome in time; the supervisor's watchdog is no longer fed"
    ]


def test_watchdog_is_fed_again_after_a_late_outcome(supervisor, watched):
    watched.polled(poll("12:00"))
    assert fed(supervisor, watched, "12:23") == [False]
    watched.polled(poll("12:15", Outcome.TIMEOUT))
    assert fed(supervisor, watched, "12:23:05") == [True]


def test_first_outcome_is_due_from_the_first_beat_on(supervisor, watched):
    assert fed(supervisor, watched, "12:22:50", "12:22:51") == [True, False]


def test_one_hanging_source_starves_the_watchdog(supervisor, store):
    observer = SystemdNotifier(supervisor.watching, store=store, timeout_s=20)
    observer.started([*PLANNED, ScheduledSource(replace(SOURCE, id="other"), QUARTER)])
    observer.beat(at("12:00:03"))
    supervisor.received()
    observer.polled(poll("12:15"))
    observer.beat(at("12:22:51"))
    [[status]] = supervisor.received()
    assert status.startswith("STATUS=no outcome in time from other; ")


def test_clock_jump_does_not_starve_the_watchdog(supervisor, watched):
    watched.polled(poll("12:00"))
    watched.clock_jumped(timedelta(hours=3))
    assert fed(supervisor, watched, "15:00:03", "15:22:50", "15:22:51") == [True, True, False]


def test_clock_set_back_does_not_starve_the_watchdog(supervisor, watched, store):
    # slots up to 12:00 have their outcomes: nothing is told until 12:15
    store.record(Poll("timesca", at("12:00") - number * timedelta(minutes=15), Outcome.OK) for number in range(13))
    watched.polled(poll("12:00"))
    watched.clock_jumped(timedelta(hours=-3))
    assert fed(supervisor, watched, "09:00:03", "11:00", "12:22:50") == [True, True, True]


def test_slots_recorded_ahead_of_the_clock_are_not_due(supervisor, store):
    store.record(Poll("timesca", at("18:00") - number * timedelta(minutes=15), Outcome.MISSED) for number in range(25))
    observer = SystemdNotifier(supervisor.watching, store=store, timeout_s=20)
    observer.started(PLANNED)
    observer.beat(at("12:00"))
    assert fed(supervisor, observer, "18:22:50", "18:22:51") == [True, False]


def test_slots_recorded_ahead_of_the_clock_are_not_missed_without_a_watchdog_either(supervisor, store, caplog):
    store.record(Poll("timesca", at("18:00") - number * timedelta(minutes=15), Outcome.MISSED) for number in range(25))
    observer = SystemdNotifier(supervisor.environ, store=store, timeout_s=20)
    observer.started(PLANNED)
    observer.beat(at("12:00"))
    observer.beat(at("13:30"))
    assert supervisor.received()[-1] == ["STATUS=next slot: 2025-11-14T18:15:00Z"]
    assert caplog.messages == []


def test_outcome_of_an_older_slot_changes_nothing(supervisor, watched):
    watched.polled(poll("12:15"))
    watched.polled(poll("12:00", Outcome.OVERRUN))
    assert fed(supervisor, watched, "12:37:50") == [True]


def test_reload_takes_the_new_sources_and_their_grids(supervisor, watched):
    watched.polled(poll("12:00"))
    with watched.reloading():
        watched.started([ScheduledSource(SOURCE, Every(timedelta(hours=6)))])
    # 18:00, ten minutes' grace and the request's time limit
    assert fed(supervisor, watched, "12:01", "18:10:20", "18:10:21") == [True, True, False]


def test_reload_ends_as_ready_even_if_the_configuration_was_refused(supervisor, watched):
    before_us = time.monotonic_ns() // 1000
    with pytest.raises(ValueError, match="refused"), watched.reloading():
        raise ValueError("refused")
    [[reloading, monotonic], ready] = supervisor.received()
    assert reloading == "RELOADING=1"
    name, _, value = monotonic.partition("=")
    assert name == "MONOTONIC_USEC"
    assert before_us <= int(value) <= time.monotonic_ns() // 1000
    assert ready == ["READY=1"]


def test_stopping_is_reported(supervisor, watched):
    watched.stopping()
    assert supervisor.received() == [["STOPPING=1", "STATUS=stopping"]]


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        *CASES["watchdog_is_fed_only_if_it_is_set_for_this_process"],
        ({"WATCHDOG_USEC": "120000000", "WATCHDOG_PID": str(os.getpid())}, True),
        ({"WATCHDOG_USEC": "120000000", "WATCHDOG_PID": str(os.getpid() + 1)}, False),
        ({"WATCHDOG_PID": str(os.getpid())}, False),
    ],
)
def test_watchdog_is_fed_only_if_it_is_set_for_this_process(environ, expected, supervisor, store):
    observer = SystemdNotifier(supervisor.environ | environ, store=store, timeout_s=20)
    assert fed(supervisor, observer, "12:00") == [expected]


@pytest.mark.parametrize(
    "address", [None, *CASES["missing_supervisor_stops_nothing"], "/" + "x" * 500, "@" + "x" * 500, "/\udcff"]
)
def test_missing_supervisor_stops_nothing(address, store):
    environ = {"WATCHDOG_USEC": "1000000"} | ({} if address is None else {"NOTIFY_SOCKET": address})
    observer = SystemdNotifier(environ, store=store, timeout_s=20)
    observer.started(PLANNED)
    observer.polled(poll("12:00"))
    observer.clock_jumped(timedelta(hours=1))
    observer.beat(at("12:00:03"))
    with observer.reloading():
        pass
    observer.stopping()


def test_supervisor_that_does_not_read_delays_nothing(supervisor, store):
    observer = SystemdNotifier(supervisor.environ, store=store, timeout_s=20, send_s=0.001)
    for second in range(600):  # more than any queue of datagrams
        observer.beat(at("12:00") + timedelta(seconds=second))


@pytest.mark.parametrize(
    ("schedule", "since", "last_moment"),
    [
        (QUARTER, "12:00", "2025-11-14T12:22:50Z"),
        (QUARTER, "12:07", "2025-11-14T12:22:50Z"),
        (Every(timedelta(minutes=1)), "12:00", "2025-11-14T12:01:50Z"),
        (Cron("0 */6 * * *"), "12:00", "2025-11-14T18:10:20Z"),
        (Cron("0 0 * * *"), "12:00", "2025-11-15T00:10:20Z"),
    ],
)
def test_polls_progress_until_the_next_slot_is_overdue(schedule, since, last_moment):
    began, last = at(since), datetime.fromisoformat(last_moment)
    instants = [began, last, last + timedelta(microseconds=1)]
    are_progressing = [is_progressing(schedule, began, now, timeout=TIMEOUT) for now in instants]
    assert are_progressing == [True, True, False]
