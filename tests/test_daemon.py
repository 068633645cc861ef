import logging
import os
import signal
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from builders import NOON, TICKER, FixedClock, snapshot_ticks, tick
from servers import RawServer, refusing_url

import fxticker as fx
from fxticker.collect.poll import collect_once
from fxticker.daemon.daemon import ABANDON_S, STOP_GRACE_S, Daemon
from fxticker.errors import StoreError, StoreLocked
from fxticker.fetch.client import Fetcher, Response
from fxticker.model.clock import SystemClock
from fxticker.model.records import Origin, Outcome, Poll, PrintedTick, TimeBasis
from fxticker.model.schedule import Cron, Every
from fxticker.simulation.site import TickerSite, render_html
from fxticker.sources.registry import ScheduledSource
from fxticker.sources.timesca.page import SOURCE
from fxticker.store.local import FileCalls, LocalStorage
from fxticker.store.store import Store

PRINTED = [PrintedTick(*entry) for entry in TICKER]
PAGE = render_html(PRINTED, None).encode()
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: %d\r\n\r\n" % len(PAGE) + PAGE
SECOND = timedelta(seconds=1)
QUARTER = Every(timedelta(minutes=15))
SAFETY_S = 30
"""After this a run that should have ended by itself is stopped, and its test fails by what it then sees."""


def at(text):
    return datetime.fromisoformat(f"2025-11-14T{text}").replace(tzinfo=UTC)


def planned(url="http://127.0.0.1:9/", schedule=QUARTER, **changes):
    return ScheduledSource(replace(SOURCE, url=url, **changes), schedule)


def outcomes(store):
    """Each slot's outcome, in the order of slots."""
    polls = fx.load_polls(store)
    return [(slot.to_pydatetime(), outcome) for slot, outcome in zip(polls["slot"], polls["outcome"], strict=True)]


def distances(store):
    """Which distances of neighbouring slots the store holds."""
    return set(fx.load_polls(store)["slot"].diff().dropna())


@pytest.fixture
def site():
    with TickerSite() as opened:
        opened.show(PRINTED, datetime.now(UTC).date())
        yield opened


@pytest.fixture
def ended():
    """Stop daemons that the test could not end."""
    timers = []

    def watch(daemon):
        timers.append(threading.Timer(SAFETY_S, daemon.stop))
        timers[-1].start()

    yield watch
    for timer in timers:
        timer.cancel()
        timer.join()


class Told:
    """An observer that keeps what it is told."""

    def __init__(self, on_poll=None):
        self.taken = []
        self.others = []
        self.jumps = []
        self.beats = []
        self.grids = []
        self.has_started = threading.Event()
        self.on_poll = on_poll

    def started(self, planned):
        self.grids.append({plan.source.id: plan.schedule for plan in planned})
        self.has_started.set()

    def polled(self, poll):
        # A poll that ran has a start; slots that nobody polled have none.
        (self.others if poll.started_at is None else self.taken).append(poll)
        if self.on_poll is not None:
            self.on_poll(poll)

    def clock_jumped(self, by):
        self.jumps.append(by)

    def beat(self, now):
        self.beats.append(now)


@contextmanager
def daemon_of(store, *plans, clock=None, polls=None, timeout_s=5, on_poll=None, observers=(), **options):
    """A daemon that stops itself after so many polls, and the polls it took."""

    def took(poll):
        if on_poll is not None and poll.started_at is not None:
            on_poll(poll)
        if len(told.taken) == polls:
            daemon.stop()

    told = Told(took)
    options = {"retry_pauses_s": (), **options}
    with Fetcher(timeout_s=timeout_s, max_bytes=1_000_000, user_agent="test", retry_pauses_s=()) as fetch:
        clock = clock or SystemClock()
        watching = [told, *observers]
        daemon = Daemon(plans, fetcher=fetch, store=store, clock=clock, observers=watching, **options)
        yield daemon, told.taken


def start_and_stop_at_once(folder, plan, *, now):
    """What a daemon writes before its first poll."""
    clock = FixedClock(now)
    with daemon_of(Store(folder, clock=clock), plan, clock=clock) as (daemon, taken):
        daemon.stop()
        daemon.run()
    assert taken == []


# Polls on the grid


def test_every_slot_gets_one_outcome(tmp_path, site, ended):
    with daemon_of(Store(tmp_path), planned(site.url, Every(SECOND)), polls=3) as (daemon, taken):
        ended(daemon)
        daemon.run()
    stored = dict(outcomes(tmp_path))
    assert distances(tmp_path) == {SECOND}
    assert [stored[poll.slot] for poll in taken] == ["ok", "ok", "ok"]
    assert {(poll.slot.microsecond, poll.ticks) for poll in taken} == {(0, 5)}
    assert len(fx.load(tmp_path)) == 15


def test_a_cron_grid_is_polled_at_its_slots(tmp_path, site, ended, caplog):
    caplog.set_level(logging.INFO, "fxticker")
    start_and_stop_at_once(tmp_path, planned(site.url, Cron("*/15 * * * *")), now=at("12:10:00"))
    assert "timesca: next slot 2025-11-14T12:15:00+00:00" in caplog.text


@pytest.mark.parametrize(
    ("now", "following"),
    [("12:00:00", "12:00:00"), ("12:07:30", "12:00:00"), ("12:07:31", "12:15:00"), ("12:14:59", "12:15:00")],
)
def test_a_slot_that_began_less_than_half_an_interval_ago_is_polled_at_the_start(tmp_path, caplog, now, following):
    caplog.set_level(logging.INFO, "fxticker")
    start_and_stop_at_once(tmp_path, planned(), now=at(now))
    assert f"timesca: next slot 2025-11-14T{following}+00:00" in caplog.text


def test_a_failed_poll_is_recorded_and_the_daemon_goes_on(tmp_path, ended):
    with (
        refusing_url() as url,
        daemon_of(Store(tmp_path), planned(url, Every(SECOND)), polls=2) as (daemon, taken),
    ):
        ended(daemon)
        daemon.run()
    assert [poll.outcome for poll in taken] == ["unreachable", "unreachable"]
    assert distances(tmp_path) == {SECOND}


def faults_then_reads(faults):
    """A source's code that fails so many times before it works."""
    left = [RuntimeError("a fault\nin two lines")] * faults

    def parse(body, headers):
        if left:
            raise left.pop()
        return SOURCE.parse(body, headers)

    return parse


def test_a_fault_in_a_source_is_recorded_and_the_daemon_goes_on(tmp_path, site, ended, caplog):
    plan = planned(site.url, Every(SECOND), parse=faults_then_reads(1))
    with daemon_of(Store(tmp_path), plan, polls=2) as (daemon, taken):
        ended(daemon)
        daemon.run()
    assert [poll.outcome for poll in taken] == ["error", "ok"]
    assert taken[0].detail == "RuntimeError: see the log"
    assert dict(outcomes(tmp_path))[taken[0].slot] == "error"
    assert "a fault\nin two lines" in caplog.text


def test_a_source_that_fails_does_not_stop_the_others(tmp_path, site, ended):
    broken = planned(site.url, Every(SECOND), id="broken", parse=faults_then_reads(100))
    sound = planned(site.url, Every(SECOND))
    with daemon_of(Store(tmp_path), broken, sound, polls=4) as (daemon, taken):
        ended(daemon)
        daemon.run()
    found = {(poll.source, str(poll.outcome)) for poll in taken}
    assert found == {("broken", "error"), ("timesca", "ok")}


def test_a_source_that_hangs_does_not_stop_the_others(tmp_path, site, ended):
    with RawServer(lambda exchange: exchange.pause(20)) as hanging:
        # By another name, for a host gets one request at a time.
        slow = planned(hanging.url.replace("127.0.0.1", "localhost"), Every(SECOND), id="hanging")
        plans = slow, planned(site.url, Every(SECOND))
        with daemon_of(Store(tmp_path), *plans, polls=3, timeout_s=20, stop_grace_s=0.1) as (daemon, taken):
            ended(daemon)
            daemon.run()
    assert [poll.source for poll in taken[:3]] == ["timesca", "timesca", "timesca"]


def test_a_slot_that_comes_while_a_poll_still_runs_is_an_overrun(tmp_path, ended):
    recorded_meanwhile = []

    def slow(exchange):
        exchange.pause(2.2)
        recorded_meanwhile.extend(outcomes(tmp_path))
        exchange.send(ANSWER)

    with (
        RawServer(slow) as server,
        daemon_of(Store(tmp_path), planned(server.url, Every(SECOND)), polls=1, timeout_s=20) as (daemon, taken),
    ):
        ended(daemon)
        daemon.run()
    (slot, outcome), *later = outcomes(tmp_path)
    assert (slot, outcome) == (taken[0].slot, "ok")
    assert len(server.requests) == 1
    assert {outcome for _, outcome in later} == {"overrun"}
    assert distances(tmp_path) == {SECOND}
    # What is recorded last tells a restart which slot was being polled.
    assert recorded_meanwhile == []
    assert "the previous poll was still running" in set(fx.load_polls(tmp_path)["detail"].dropna())


class SteppedClock:
    """The machine's clock, set by `step` from one look on, as a time server would."""

    monotonic = staticmethod(time.monotonic)

    def __init__(self, start=None):
        self.ahead = timedelta(0)
        if start is not None:
            self.put(start)

    def now(self):
        return datetime.now(UTC) + self.ahead

    def put(self, instant):
        self.ahead = instant - datetime.now(UTC)


def polled_under_a_clock_that_is_set(store, site, ended, step):
    """Three polls, the clock being set after the first of them."""
    clock = SteppedClock()

    def set_clock(_poll):
        clock.ahead = step

    plan = planned(site.url, Every(SECOND))
    with daemon_of(store, plan, clock=clock, polls=3, on_poll=set_clock) as (daemon, taken):
        ended(daemon)
        daemon.run()
    return taken


@pytest.mark.parametrize("step", [5 * SECOND, -2 * SECOND], ids=["forward", "back"])
def test_a_clock_that_is_set_leaves_no_hole_and_no_slot_polled_twice(tmp_path, site, ended, step):
    store = Store(tmp_path)
    store.record([Poll("timesca", Every(SECOND).at_or_before(datetime.now(UTC)) - 5 * SECOND, Outcome.OK)])
    taken = polled_under_a_clock_that_is_set(store, site, ended, step)
    assert len({poll.slot for poll in taken}) == 3
    assert [poll.outcome for poll in taken] == ["ok", "ok", "ok"]
    assert distances(tmp_path) == {SECOND}


def test_a_clock_that_is_set_back_before_all_records_leaves_no_slot_polled_twice(tmp_path, site, ended):
    taken = polled_under_a_clock_that_is_set(Store(tmp_path), site, ended, -2 * SECOND)
    assert len({poll.slot for poll in taken}) == 3


class WrongAtFirst:
    """A machine without a battery for its clock: it starts in the past and is set when the daemon has begun."""

    def __init__(self, behind):
        self.behind = [behind, behind]

    def now(self):
        return datetime.now(UTC) - (self.behind.pop() if self.behind else timedelta(0))


def test_the_slots_after_a_first_one_that_was_missed_have_outcomes_too(tmp_path, site, ended):
    plan = planned(site.url, Every(SECOND))
    with daemon_of(Store(tmp_path), plan, clock=WrongAtFirst(10 * SECOND), polls=1) as (daemon, _):
        ended(daemon)
        daemon.run()
    assert distances(tmp_path) == {SECOND}


# What happened while no daemon ran


def test_slots_without_a_daemon_are_recorded_as_missed_at_the_start(tmp_path):
    Store(tmp_path).record([Poll("timesca", at("11:00:00"), Outcome.OK)])
    start_and_stop_at_once(tmp_path, planned(), now=at("12:00:10"))
    assert outcomes(tmp_path) == [
        (at("11:00:00"), "ok"),
        (at("11:15:00"), "missed"),
        (at("11:30:00"), "missed"),
        (at("11:45:00"), "missed"),
    ]


def test_a_running_slot_that_is_too_late_to_be_polled_is_missed(tmp_path):
    Store(tmp_path).record([Poll("timesca", at("11:45:00"), Outcome.OK)])
    start_and_stop_at_once(tmp_path, planned(), now=at("12:10:00"))
    assert outcomes(tmp_path) == [(at("11:45:00"), "ok"), (at("12:00:00"), "missed")]


def test_starting_twice_records_a_missed_slot_once(tmp_path):
    Store(tmp_path).record([Poll("timesca", at("11:30:00"), Outcome.OK)])
    start_and_stop_at_once(tmp_path, planned(), now=at("12:00:10"))
    start_and_stop_at_once(tmp_path, planned(), now=at("12:00:20"))
    assert outcomes(tmp_path) == [(at("11:30:00"), "ok"), (at("11:45:00"), "missed")]


def test_a_first_start_has_missed_nothing(tmp_path):
    start_and_stop_at_once(tmp_path, planned(), now=at("12:00:10"))
    assert not (tmp_path / "polls").exists()


class StopsOnceStarted(Told):
    """Stops the daemon as soon as all that passed is settled."""

    def started(self, planned):
        self.daemon.stop()


def test_a_stop_is_not_kept_waiting_by_a_long_absence(tmp_path):
    Store(tmp_path).record([Poll("timesca", datetime(2023, 11, 14, 12, tzinfo=UTC), Outcome.OK)])
    start_and_stop_at_once(tmp_path, planned(), now=NOON)
    assert fx.load_polls(tmp_path)["outcome"].value_counts().to_dict() == {"missed": 20_000, "ok": 1}


def test_two_years_without_a_daemon_are_recorded_slot_by_slot(tmp_path):
    Store(tmp_path).record([Poll("timesca", datetime(2023, 11, 14, 12, tzinfo=UTC), Outcome.OK)])
    ending = StopsOnceStarted()
    clock = FixedClock(NOON)
    with daemon_of(Store(tmp_path, clock=clock), planned(), clock=clock, observers=[ending]) as (daemon, _):
        ending.daemon = daemon
        daemon.run()
    polls = fx.load_polls(tmp_path)
    assert polls["outcome"].value_counts().to_dict() == {"missed": 70_175, "ok": 1}
    assert set(polls["slot"].diff().dropna()) == {timedelta(minutes=15)}


def test_missed_slots_and_the_polls_that_follow_leave_no_hole(tmp_path, site, ended):
    seeded = Every(SECOND).at_or_before(datetime.now(UTC)) - 5 * SECOND
    store = Store(tmp_path)
    store.record([Poll("timesca", seeded, Outcome.OK)])
    with daemon_of(store, planned(site.url, Every(SECOND)), polls=1) as (daemon, taken):
        ended(daemon)
        daemon.run()
    stored = outcomes(tmp_path)
    assert stored[0] == (seeded, "ok")
    assert stored[-1] == (taken[0].slot, "ok")
    assert {outcome for _, outcome in stored[1:-1]} == {"missed"}
    assert distances(tmp_path) == {SECOND}


def test_a_slot_that_was_recorded_is_not_polled_again_after_a_restart(tmp_path, caplog):
    caplog.set_level(logging.INFO, "fxticker")
    Store(tmp_path).record([Poll("timesca", NOON, Outcome.TIMEOUT)])
    start_and_stop_at_once(tmp_path, planned(), now=at("12:00:10"))
    assert "next slot 2025-11-14T12:15:00" in caplog.text
    assert outcomes(tmp_path) == [(NOON, "timeout")]


def test_outcomes_of_a_clock_that_was_ahead_do_not_stop_the_daemon(tmp_path, caplog):
    caplog.set_level(logging.INFO, "fxticker")
    ahead = Poll("timesca", datetime(2031, 1, 1, tzinfo=UTC), Outcome.OK)
    Store(tmp_path).record([Poll("timesca", at("11:30:00"), Outcome.OK), ahead])
    start_and_stop_at_once(tmp_path, planned(), now=at("12:00:10"))
    assert "next slot 2025-11-14T12:00:00" in caplog.text
    assert outcomes(tmp_path)[:2] == [(at("11:30:00"), "ok"), (at("11:45:00"), "missed")]


def test_the_outcomes_of_another_source_do_not_count(tmp_path):
    Store(tmp_path).record([Poll("other", at("11:00:00"), Outcome.OK)])
    start_and_stop_at_once(tmp_path, planned(), now=at("12:00:10"))
    assert outcomes(tmp_path) == [(at("11:00:00"), "ok")]


def test_a_poll_that_a_person_asked_for_does_not_hide_missed_slots(tmp_path):
    asked = [Poll("timesca", at("11:00:00"), Outcome.OK), Poll("timesca", at("11:40:23.000417"), Outcome.OK)]
    Store(tmp_path).record(asked)
    start_and_stop_at_once(tmp_path, planned(), now=at("12:00:10"))
    assert outcomes(tmp_path) == [
        (at("11:00:00"), "ok"),
        (at("11:15:00"), "missed"),
        (at("11:30:00"), "missed"),
        (at("11:40:23.000417"), "ok"),
        (at("11:45:00"), "missed"),
    ]


def test_a_poll_that_a_person_asked_for_in_a_new_month_does_not_hide_missed_slots(tmp_path):
    last = Poll("timesca", datetime(2025, 10, 31, 23, 30, tzinfo=UTC), Outcome.OK)
    asked = Poll("timesca", datetime(2025, 11, 1, 0, 20, 17, 417, tzinfo=UTC), Outcome.OK)
    Store(tmp_path).record([last, asked])
    start_and_stop_at_once(tmp_path, planned(), now=datetime(2025, 11, 1, 0, 30, tzinfo=UTC))
    assert [(f"{slot:%d %H:%M:%S}", outcome) for slot, outcome in outcomes(tmp_path)] == [
        ("31 23:30:00", "ok"),
        ("31 23:45:00", "missed"),
        ("01 00:00:00", "missed"),
        ("01 00:15:00", "missed"),
        ("01 00:20:17", "ok"),
    ]


# A process that died between ticks and outcome


def test_a_slot_whose_ticks_were_stored_is_recorded_as_read(tmp_path):
    store = Store(tmp_path)
    store.record([Poll("timesca", at("11:30:00"), Outcome.OK)])
    store.append(snapshot_ticks(at("11:45:02")))
    start_and_stop_at_once(tmp_path, planned(), now=at("12:00:10"))
    assert outcomes(tmp_path) == [(at("11:30:00"), "ok"), (at("11:45:00"), "ok")]
    assert "the process ended before this outcome was" in fx.load_polls(tmp_path)["detail"].iloc[1]


def test_the_slot_that_runs_now_is_not_polled_again_if_its_ticks_were_stored(tmp_path, caplog):
    caplog.set_level(logging.INFO, "fxticker")
    store = Store(tmp_path)
    store.record([Poll("timesca", at("11:45:00"), Outcome.OK)])
    store.append(snapshot_ticks(at("12:00:02")))
    start_and_stop_at_once(tmp_path, planned(), now=at("12:00:10"))
    assert "next slot 2025-11-14T12:15:00" in caplog.text
    assert outcomes(tmp_path) == [(at("11:45:00"), "ok"), (NOON, "ok")]


def test_a_poll_that_died_before_its_ticks_were_stored_is_missed(tmp_path):
    store = Store(tmp_path)
    store.record([Poll("timesca", at("11:15:00"), Outcome.OK)])
    store.append(snapshot_ticks(at("11:15:02")))
    start_and_stop_at_once(tmp_path, planned(), now=at("11:45:10"))
    assert outcomes(tmp_path) == [(at("11:15:00"), "ok"), (at("11:30:00"), "missed")]


def test_the_ticks_of_another_source_say_nothing(tmp_path):
    store = Store(tmp_path)
    store.record([Poll("timesca", at("11:30:00"), Outcome.OK)])
    store.append([tick(source="other", observed_at=at("11:45:02"))])
    start_and_stop_at_once(tmp_path, planned(), now=at("12:00:10"))
    assert outcomes(tmp_path) == [(at("11:30:00"), "ok"), (at("11:45:00"), "missed")]


def test_the_very_first_poll_is_recorded_if_its_process_died(tmp_path):
    Store(tmp_path).append(snapshot_ticks(at("12:00:02")))
    start_and_stop_at_once(tmp_path, planned(), now=at("12:00:10"))
    assert (tmp_path / "polls").exists()
    assert outcomes(tmp_path) == [(NOON, "ok")]


@pytest.mark.parametrize(("printed", "outcome"), [("2025-11-14", "ok"), ("2025-11-01", "stale")])
def test_a_recovered_outcome_says_what_the_stored_ticks_say(tmp_path, printed, outcome):
    store = Store(tmp_path)
    store.record([Poll("timesca", at("11:30:00"), Outcome.OK)])
    store.append(snapshot_ticks(at("11:45:02"), source_date=datetime.fromisoformat(printed).date()))
    start_and_stop_at_once(tmp_path, planned(), now=at("12:00:10"))
    recovered = fx.load_polls(tmp_path).iloc[1]
    assert (recovered["outcome"], recovered["ticks"]) == (outcome, 5)
    assert f"{recovered['source_date']:%Y-%m-%d}" == printed


@pytest.mark.parametrize("basis", [TimeBasis.DATE, TimeBasis.CAPTURE])
def test_an_imported_page_is_not_taken_for_a_poll_that_died(tmp_path, basis):
    store = Store(tmp_path)
    store.record([Poll("timesca", at("11:30:00"), Outcome.OK)])
    store.append(snapshot_ticks(at("11:45:02"), origin=Origin.PAGE, time_basis=basis))
    start_and_stop_at_once(tmp_path, planned(), now=at("12:00:10"))
    assert outcomes(tmp_path) == [(at("11:30:00"), "ok"), (at("11:45:00"), "missed")]


def test_a_slot_is_polled_although_a_page_was_imported_into_it(tmp_path, caplog):
    caplog.set_level(logging.INFO, "fxticker")
    store = Store(tmp_path)
    store.record([Poll("timesca", at("11:45:00"), Outcome.OK)])
    store.append(snapshot_ticks(at("12:00:02"), origin=Origin.PAGE, time_basis=TimeBasis.CAPTURE))
    start_and_stop_at_once(tmp_path, planned(), now=at("12:00:10"))
    assert "next slot 2025-11-14T12:00:00" in caplog.text


def test_a_poll_that_a_person_asked_for_is_not_taken_for_one_that_died(tmp_path):
    clock = FixedClock(at("11:50:00.000417"))
    store = Store(tmp_path, clock=clock)
    store.record([Poll("timesca", at("11:30:00"), Outcome.OK)])
    page = Response(PAGE, {}, 200, 1)
    collect_once(
        SOURCE, at("11:50:00.000417"), fetch=lambda url, *, media_types, conditions: page, store=store, clock=clock
    )
    start_and_stop_at_once(tmp_path, planned(), now=at("12:00:10"))
    assert outcomes(tmp_path) == [
        (at("11:30:00"), "ok"),
        (at("11:45:00"), "missed"),
        (at("11:50:00.000417"), "ok"),
    ]


# A store that refuses


@pytest.mark.parametrize("table", ["ticks", "polls"])
def test_a_store_that_refuses_ends_the_daemon(tmp_path, site, ended, table):
    calls = FileCalls()

    def refuse(staged, target):
        if table in str(target):
            raise OSError(28, "No space left on device")
        FileCalls.replace(staged, target)

    calls.replace = refuse
    store = Store(LocalStorage(tmp_path / "store", calls))
    with daemon_of(store, planned(site.url, Every(SECOND))) as (daemon, taken):
        ended(daemon)
        with pytest.raises(StoreError, match="No space left on device"):
            daemon.run()
    assert taken == []
    assert outcomes(tmp_path / "store") == []


def test_a_store_that_refuses_at_the_start_ends_the_daemon(tmp_path, site):
    Store(tmp_path).record([Poll("timesca", datetime.now(UTC) - timedelta(days=1), Outcome.OK)])
    [segment] = (tmp_path / "polls").rglob("*.parquet")
    segment.write_bytes(b"no parquet")
    with (
        daemon_of(Store(tmp_path), planned(site.url, Every(SECOND))) as (daemon, _),
        pytest.raises(StoreError, match="cannot be read"),
    ):
        daemon.run()


# Stopping


def test_a_stop_before_the_start_ends_the_run_at_once(tmp_path, site):
    with daemon_of(Store(tmp_path), planned(site.url, Every(SECOND))) as (daemon, taken):
        daemon.stop()
        daemon.stop()
        daemon.run()
    assert taken == []


def test_a_poll_under_way_is_finished_if_it_is_quick(tmp_path, ended):
    def stop_and_answer(exchange):
        daemon.stop()
        exchange.pause(0.3)
        exchange.send(ANSWER)

    with (
        RawServer(stop_and_answer) as server,
        daemon_of(Store(tmp_path), planned(server.url, Every(SECOND))) as (daemon, taken),
    ):
        ended(daemon)
        daemon.run()
    assert [poll.outcome for poll in taken] == ["ok"]
    assert [outcome for _, outcome in outcomes(tmp_path)] == ["ok"]


def test_a_poll_under_way_is_abandoned_with_its_outcome_if_it_is_slow(tmp_path, ended):
    def stop_and_stall(exchange):
        daemon.stop()
        exchange.pause(20)

    with (
        RawServer(stop_and_stall) as server,
        daemon_of(Store(tmp_path), planned(server.url, Every(SECOND)), timeout_s=20, stop_grace_s=0.1) as (
            daemon,
            taken,
        ),
    ):
        ended(daemon)
        daemon.run()
    assert [poll.outcome for poll in taken] == ["stopped"]
    assert dict(outcomes(tmp_path))[taken[0].slot] == "stopped"


def test_a_poll_that_cannot_write_its_outcome_does_not_keep_the_daemon_from_ending(tmp_path, site, caplog):
    before = set(threading.enumerate())
    with RawServer(lambda exchange: (exchange.send(ANSWER), daemon.stop())) as server:
        plan = planned(server.url, Every(SECOND))
        with daemon_of(Store(tmp_path), plan, stop_grace_s=0.1, abandon_s=0.1) as (daemon, taken):
            with Store(tmp_path).backend.write_lock(0):
                running_daemon = threading.Thread(target=daemon.run)
                running_daemon.start()
                running_daemon.join(SAFETY_S / 2)
                ended_by_itself = not running_daemon.is_alive()
                recorded = list(taken)
            for thread in set(threading.enumerate()) - before - {running_daemon}:
                thread.join(1)
        running_daemon.join(SAFETY_S)
    assert (ended_by_itself, recorded) == (True, [])
    assert "could not be ended in time" in caplog.text


def test_a_stop_while_the_scheduler_starts_is_not_lost(tmp_path, site):
    class StopsWithinStart(logging.Handler):
        """Asks for the stop when the scheduler, on its way up, says that it has added the job."""

        def emit(self, record):
            if record.getMessage().startswith("Added job"):
                before = set(threading.enumerate())
                daemon.stop()
                for thread in set(threading.enumerate()) - before:
                    thread.join(5)

    log = logging.getLogger("apscheduler.scheduler")
    handler = StopsWithinStart()
    level = log.level
    log.addHandler(handler)
    log.setLevel(logging.INFO)
    try:
        with daemon_of(Store(tmp_path), planned(site.url, Every(timedelta(days=1)))) as (daemon, _):
            running = threading.Thread(target=daemon.run)
            running.start()
            running.join(3)
            ended_by_itself = not running.is_alive()
            log.removeHandler(handler)
            daemon.stop()
            running.join(10)
    finally:
        log.removeHandler(handler)
        log.setLevel(level)
    assert ended_by_itself


# What the clock does


class Hands:
    """A wall clock and seconds that pass, which stand until they are moved."""

    def __init__(self, now):
        self.wall, self.passed_s = now, 0.0

    def now(self):
        return self.wall

    def monotonic(self):
        return self.passed_s

    def go_on(self, by):
        self.wall += by
        self.passed_s += by.total_seconds()


@contextmanager
def running(store, *plans, clock, **options):
    """A daemon that runs in a thread, under a clock moved by hand; `told.wait` waits for outcomes."""
    told = Told(lambda _poll: told.came.release())
    told.came = threading.Semaphore(0)

    def wait(count):
        assert all(told.came.acquire(timeout=SAFETY_S) for _ in range(count))

    told.wait = wait
    with Fetcher(timeout_s=5, max_bytes=1_000_000, user_agent="test", retry_pauses_s=()) as fetch:
        daemon = Daemon(
            plans,
            fetcher=fetch,
            store=store,
            clock=clock,
            monotonic=clock.monotonic,
            observers=[told],
            **{"retry_pauses_s": (), "beat_s": 3600, **options},
        )
        thread = threading.Thread(target=daemon.run)
        thread.start()
        try:
            assert told.has_started.wait(SAFETY_S)
            yield daemon, told
        finally:
            daemon.stop()
            thread.join(SAFETY_S)
    assert not thread.is_alive()


def why(store):
    polls = fx.load_polls(store)
    return {
        f"{slot:%H:%M}": (str(outcome), str(detail))
        for slot, outcome, detail in zip(polls["slot"], polls["outcome"], polls["detail"], strict=True)
        if outcome != "ok"
    }


SLEPT = ("missed", "the machine slept or the clock was set forward by 3600 s")


def test_slots_that_a_sleeping_machine_passed_are_missed_when_it_wakes_and_the_running_one_is_polled(
    tmp_path, site, caplog
):
    hands = Hands(at("12:00:10"))
    with running(Store(tmp_path), planned(site.url), clock=hands) as (daemon, told):
        told.wait(1)
        hands.wall += timedelta(hours=1)
        daemon.beat()
        told.wait(4)
    assert outcomes(tmp_path)[::4] == [(at("12:00:00"), "ok"), (at("13:00:00"), "ok")]
    assert why(tmp_path) == {"12:15": SLEPT, "12:30": SLEPT, "12:45": SLEPT}
    assert told.jumps == [timedelta(hours=1)]
    assert told.beats == [at("13:00:10")]
    assert "the machine slept or the clock was set forward by 3600 s" in caplog.text


def test_a_clock_far_ahead_is_believed_only_once_it_has_stayed_there(tmp_path, site):
    hands = Hands(at("12:00:10"))
    with running(Store(tmp_path), planned(site.url), clock=hands) as (daemon, told):
        told.wait(1)
        hands.wall += timedelta(days=2)
        daemon.beat()
        assert len(outcomes(tmp_path)) == 1
        hands.go_on(timedelta(seconds=61))
        daemon.beat()
        told.wait(192)
    assert outcomes(tmp_path)[-1] == (at("12:00:00") + timedelta(days=2), "ok")
    assert {detail for _, detail in why(tmp_path).values()} == {
        "the machine slept or the clock was set forward by 172800 s"
    }


def test_a_clock_that_was_far_ahead_for_a_moment_settles_nothing(tmp_path, site):
    hands = Hands(at("12:00:10"))
    with running(Store(tmp_path), planned(site.url), clock=hands) as (daemon, told):
        told.wait(1)
        hands.wall += timedelta(days=4000)
        daemon.beat()
        hands.wall -= timedelta(days=4000)
        daemon.beat()
    assert told.jumps == [timedelta(days=4000), timedelta(days=-4000)]
    assert outcomes(tmp_path) == [(at("12:00:00"), "ok")]


def test_a_slot_that_a_waking_machine_is_too_late_for_is_missed_at_once(tmp_path, site):
    hands = Hands(at("12:09:00"))
    with running(Store(tmp_path), planned(site.url), clock=hands) as (daemon, told):
        hands.wall += timedelta(hours=1)
        daemon.beat()
        told.wait(4)
    assert why(tmp_path) == {"12:15": SLEPT, "12:30": SLEPT, "12:45": SLEPT, "13:00": SLEPT}
    assert told.taken == []


def test_a_jump_that_no_beat_saw_is_seen_by_the_poll_that_follows_it(tmp_path, site, ended):
    clock = SteppedClock()

    def set_clock(_poll):
        clock.ahead = timedelta(hours=1)

    with daemon_of(
        Store(tmp_path), planned(site.url, Every(SECOND)), clock=clock, polls=2, on_poll=set_clock, beat_s=3600
    ) as (daemon, _):
        ended(daemon)
        daemon.run()
    assert distances(tmp_path) == {SECOND}
    assert SLEPT in set(why(tmp_path).values())


def test_a_poll_that_runs_while_the_clock_jumps_keeps_its_outcome_and_the_passed_slots_theirs(tmp_path):
    go_on = threading.Event()

    def answer(exchange):
        assert go_on.wait(SAFETY_S)
        exchange.send(ANSWER)

    hands = Hands(at("12:00:10"))
    with (
        RawServer(answer) as server,
        running(Store(tmp_path), planned(server.url), clock=hands) as (daemon, told),
    ):
        assert server.requested.wait(SAFETY_S)
        hands.wall += timedelta(hours=1)
        daemon.beat()
        go_on.set()
        told.wait(5)
    assert outcomes(tmp_path)[0] == (at("12:00:00"), "ok")
    assert distances(tmp_path) == {timedelta(minutes=15)}
    assert dict.fromkeys(("12:15", "12:30", "12:45"), SLEPT).items() <= why(tmp_path).items()


def test_after_a_clock_was_set_back_the_old_future_is_not_waited_for(tmp_path, site, caplog):
    clock = SteppedClock(at("12:00:10"))
    with running(Store(tmp_path), planned(site.url), clock=clock) as (daemon, told):
        told.wait(1)
        clock.put(at("11:29:59.500"))
        daemon.beat()
        told.wait(1)
    assert outcomes(tmp_path) == [(at("11:30:00"), "ok"), (at("12:00:00"), "ok")]
    assert [by < timedelta(minutes=-30) for by in told.jumps] == [True]
    assert "the clock was set back by 18" in caplog.text


def test_after_a_clock_was_set_back_no_slot_has_a_second_outcome(tmp_path, site):
    store = Store(tmp_path)
    store.record([Poll("timesca", at("11:15:00"), Outcome.OK)])
    clock = SteppedClock(at("12:00:10"))
    with running(store, planned(site.url), clock=clock) as (daemon, told):
        told.wait(3)
        clock.put(at("11:20:00"))
        daemon.beat()
        clock.put(at("12:14:59.500"))
        daemon.beat()
        told.wait(1)
    assert outcomes(tmp_path) == [
        (at("11:15:00"), "ok"),
        (at("11:30:00"), "missed"),
        (at("11:45:00"), "missed"),
        (at("12:00:00"), "ok"),
        (at("12:15:00"), "ok"),
    ]


def test_the_daemon_beats_although_a_poll_hangs(tmp_path):
    beaten = threading.Semaphore(0)

    class Beats(Told):
        def beat(self, now):
            beaten.release()

    with RawServer(lambda exchange: exchange.pause(SAFETY_S)) as server:
        with daemon_of(Store(tmp_path), planned(server.url, Every(SECOND)), observers=[Beats()], beat_s=0.01) as (
            daemon,
            _,
        ):
            thread = threading.Thread(target=daemon.run)
            thread.start()
            assert server.requested.wait(SAFETY_S)
            assert all(beaten.acquire(timeout=SAFETY_S) for _ in range(3))
            daemon.stop()
            thread.join(SAFETY_S)
        assert not thread.is_alive()


# Being told


def test_observers_are_told_of_every_outcome(tmp_path, site):
    hands = Hands(at("12:00:10"))
    store = Store(tmp_path)
    store.record([Poll("timesca", at("11:30:00"), Outcome.OK)])
    with running(store, planned(site.url), clock=hands) as (_, told):
        told.wait(2)
    assert [(poll.slot, str(poll.outcome), poll.detail) for poll in told.others] == [
        (at("11:45:00"), "missed", "the daemon was not running, or could not write")
    ]
    assert [(poll.slot, str(poll.outcome)) for poll in told.taken] == [(NOON, "ok")]
    assert told.grids == [{"timesca": QUARTER}]


def test_an_observer_that_fails_is_logged_once_and_stops_nothing(tmp_path, site, ended, caplog):
    class Broken:
        def __getattr__(self, name):
            raise RuntimeError(f"no {name}")

    plan = planned(site.url, Every(SECOND))
    with daemon_of(Store(tmp_path), plan, polls=2, observers=[Broken()]) as (daemon, taken):
        ended(daemon)
        daemon.run()
    assert [str(poll.outcome) for poll in taken] == ["ok", "ok"]
    assert caplog.text.count("Broken.polled failed") == 1


# Leaving a source alone


def test_slots_that_a_source_asked_to_be_left_alone_in_are_left_out_and_recorded(tmp_path):
    busy = b"HTTP/1.1 429 Too Many Requests\r\nRetry-After: 1800\r\nContent-Length: 0\r\n\r\n"
    hands = Hands(at("12:00:10"))
    with (
        RawServer(lambda exchange: exchange.send(busy if len(server.requests) == 1 else ANSWER)) as server,
        running(Store(tmp_path), planned(server.url), clock=hands) as (daemon, told),
    ):
        for minutes in (0, 15, 15, 15):
            hands.wall += timedelta(minutes=minutes)
            daemon.beat()
            told.wait(1)
    assert [outcome for _, outcome in outcomes(tmp_path)] == ["http_error", "backoff", "backoff", "ok"]
    assert len(server.requests) == 2
    assert "asked to be left alone until 2025-11-14T12:30:10Z" in why(tmp_path)["12:15"][1]


# Writes that fail


class Refusing(FileCalls):
    """A disk that refuses to replace a table's files so many times."""

    def __init__(self, table, times, on_refusal=lambda: None):
        self.table, self.times, self.on_refusal = table, times, on_refusal
        self.refused = 0

    def replace(self, staged, target):
        if self.table in str(target) and self.refused < self.times:
            self.refused += 1
            self.on_refusal()
            raise OSError(28, "No space left on device")
        FileCalls.replace(staged, target)


@pytest.mark.parametrize("table", ["ticks", "polls"])
def test_a_write_that_fails_is_tried_again_without_asking_the_source_again(tmp_path, ended, table):
    store = Store(LocalStorage(tmp_path / "store", Refusing(table, times=2)))
    with (
        RawServer(lambda exchange: exchange.send(ANSWER)) as server,
        daemon_of(store, planned(server.url, Every(SECOND)), polls=1, retry_pauses_s=(0, 0)) as (daemon, taken),
    ):
        ended(daemon)
        daemon.run()
    assert [str(poll.outcome) for poll in taken] == ["ok"]
    assert len(server.requests) == 1
    assert outcomes(tmp_path / "store")[0] == (taken[0].slot, "ok")


def test_a_write_is_not_tried_for_ever(tmp_path, site, ended):
    calls = Refusing("ticks", times=100)
    store = Store(LocalStorage(tmp_path / "store", calls))
    with daemon_of(store, planned(site.url, Every(SECOND)), retry_pauses_s=(0, 0)) as (daemon, taken):
        ended(daemon)
        with pytest.raises(StoreError, match="No space left on device"):
            daemon.run()
    assert (calls.refused, taken) == (3, [])


def test_a_stop_ends_the_wait_before_another_try(tmp_path, site, ended):
    def stop():
        daemon.stop()

    store = Store(LocalStorage(tmp_path / "store", Refusing("ticks", times=1, on_refusal=stop)))
    with daemon_of(store, planned(site.url, Every(SECOND)), retry_pauses_s=(3600,)) as (daemon, taken):
        ended(daemon)
        daemon.run()
    assert [str(poll.outcome) for poll in taken] == ["ok"]


def test_an_outcome_that_became_visible_in_a_try_that_failed_is_told_once(tmp_path, site, ended):
    class FailsOnce(FileCalls):
        failed = False

        def replace(self, staged, target):
            FileCalls.replace(staged, target)
            if "polls" in str(target) and not self.failed:
                self.failed = True
                raise OSError(5, "Input/output error")

    store = Store(LocalStorage(tmp_path / "store", FailsOnce()))
    with daemon_of(store, planned(site.url, Every(SECOND)), polls=1, retry_pauses_s=(0,)) as (daemon, taken):
        ended(daemon)
        daemon.run()
    assert [str(poll.outcome) for poll in taken] == ["ok"]


def test_a_folder_that_was_moved_away_ends_the_daemon_instead_of_beginning_another_store(tmp_path, ended):
    def move_and_answer(exchange):
        (tmp_path / "store").rename(tmp_path / "moved")
        exchange.send(ANSWER)

    with (
        RawServer(move_and_answer) as server,
        daemon_of(Store(tmp_path / "store"), planned(server.url, Every(SECOND))) as (daemon, _),
    ):
        ended(daemon)
        with pytest.raises(StoreError, match="No such file"):
            daemon.run()
    assert not (tmp_path / "store").exists()


# One daemon per store


def test_a_second_daemon_on_a_store_is_refused_and_told_who_runs(tmp_path, site):
    hands = Hands(at("12:00:10"))
    with running(Store(tmp_path), planned(site.url), clock=hands) as (_, told):
        told.wait(1)
        with (
            daemon_of(Store(tmp_path), planned(site.url)) as (second, _),
            pytest.raises(StoreLocked, match=f"process {os.getpid()} "),
        ):
            second.run()
        Store(tmp_path).append(snapshot_ticks(at("03:00:00")))
    assert len(fx.load(tmp_path)) == 10
    assert Store(tmp_path).daemon() is None


# Reading the configuration again


def test_a_source_that_appears_is_polled_and_one_that_vanishes_is_not(tmp_path, site):
    hands = Hands(at("12:00:10"))
    store = Store(tmp_path)
    with running(store, planned(site.url), clock=hands) as (daemon, told):
        told.wait(1)
        daemon.reload([planned(site.url, id="other")])
        told.wait(1)
        hands.wall += timedelta(minutes=15)
        daemon.beat()
        told.wait(1)
    assert [(poll.source, f"{poll.slot:%H:%M}") for poll in told.taken] == [
        ("timesca", "12:00"),
        ("other", "12:00"),
        ("other", "12:15"),
    ]
    assert told.grids == [{"timesca": QUARTER}, {"other": QUARTER}]


def test_a_source_whose_url_changes_keeps_its_grid(tmp_path, site):
    hands = Hands(at("12:00:10"))
    with (
        RawServer(lambda exchange: exchange.send(ANSWER)) as server,
        running(Store(tmp_path), planned(site.url), clock=hands) as (daemon, told),
    ):
        told.wait(1)
        daemon.reload([planned(server.url)])
        hands.wall += timedelta(minutes=15)
        daemon.beat()
        told.wait(1)
        assert len(server.requests) == 1
    assert outcomes(tmp_path) == [(at("12:00:00"), "ok"), (at("12:15:00"), "ok")]


def test_another_cadence_holds_from_the_reload_on_and_leaves_no_slot_of_the_old_one_open(tmp_path, site):
    hands = Hands(at("12:00:10"))
    with running(Store(tmp_path), planned(site.url), clock=hands) as (daemon, told):
        told.wait(1)
        hands.go_on(timedelta(minutes=17))
        daemon.reload([planned(site.url, Every(timedelta(minutes=5)))])
        told.wait(1)
        hands.wall += timedelta(minutes=8)
        daemon.beat()
        told.wait(2)
    assert outcomes(tmp_path) == [
        (at("12:00:00"), "ok"),
        (at("12:15:00"), "missed"),
        (at("12:20:00"), "missed"),
        (at("12:25:00"), "ok"),
    ]
    assert why(tmp_path)["12:15"] == ("missed", "the grid was changed before it was polled")


def test_a_source_that_comes_back_has_outcomes_for_the_time_between(tmp_path, site):
    hands = Hands(at("12:00:10"))
    with running(Store(tmp_path), planned(site.url), clock=hands) as (daemon, told):
        told.wait(1)
        daemon.reload([planned(site.url, id="other")])
        told.wait(1)
        hands.go_on(timedelta(minutes=30))
        daemon.reload([planned(site.url)])
        told.wait(2)
    assert why(tmp_path) == {"12:15": ("missed", "the source was not configured")}
    assert told.taken[-1].slot == at("12:30:00")


def test_reload_before_the_start_decides_what_is_polled(tmp_path):
    clock = FixedClock(at("12:00:10"))
    store = Store(tmp_path, clock=clock)
    store.record([Poll(source, at("11:30:00"), Outcome.OK) for source in ("timesca", "other")])
    with daemon_of(store, planned(), clock=clock) as (daemon, _):
        daemon.reload([planned(id="other")])
        daemon.stop()
        daemon.run()
    polls = fx.load_polls(tmp_path)
    assert polls[polls["outcome"] == "missed"]["source"].to_list() == ["other"]


def test_a_reload_that_changes_nothing_polls_nothing(tmp_path, site):
    hands = Hands(at("12:00:10"))
    with running(Store(tmp_path), planned(site.url), clock=hands) as (daemon, told):
        told.wait(1)
        daemon.reload([planned(site.url)])
    assert len(told.taken) == 1
    assert told.others == []


# The process


REPORT_MODULES = """
import atexit, sys
heavy = {"pandas", "matplotlib", "rich", "pyarrow.compute"}
atexit.register(lambda: print("heavy modules:", sorted(heavy & set(sys.modules))))
from fxticker.cli import main
main()
"""


@contextmanager
def python(arguments, cwd=None):
    """A Python process with these tests' modules, which is killed if it outlives its test."""
    process = subprocess.Popen(
        [sys.executable, *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=cwd,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    safety = threading.Timer(SAFETY_S, process.kill)
    safety.start()
    try:
        yield process
    finally:
        safety.cancel()
        process.kill()
        process.communicate()


@contextmanager
def daemon_process(folder, url, *command):
    """`fxticker run` in a process of its own, which is killed if it outlives its test."""
    config = folder / "config.toml"
    config.write_text(
        f'[store]\npath = "store"\n[http]\ntimeout_s = 0.9\n[sources.timesca]\nurl = "{url}"\nevery = "1s"\n', "utf-8"
    )
    with python([*command, "run", "--config", str(config)], cwd=folder) as process:
        yield process


def lines_until(process, mark):
    """The lines of the log up to the first one with this word in it."""
    lines = []
    for line in process.stderr:
        lines.append(line)
        if mark in line:
            break
    return "".join(lines)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_the_process_with_success_and_a_sound_store(tmp_path, site, number):
    with daemon_process(tmp_path, site.url, "-m", "fxticker") as process:
        started = lines_until(process, " ok: 5 ticks")
        process.send_signal(number)
        stdout, rest = process.communicate(timeout=20)
    assert process.returncode == 0
    assert f"stopping: {number.name}" in rest
    assert "Traceback" not in started + rest
    assert stdout == ""
    assert Store(tmp_path / "store").check() == []
    assert "ok" in set(fx.load_polls(tmp_path / "store")["outcome"])
    assert distances(tmp_path / "store") <= {SECOND}


def test_a_signal_ends_the_process_while_its_source_hangs(tmp_path):
    with RawServer(lambda exchange: exchange.pause(25)) as server:
        with daemon_process(tmp_path, server.url, "-m", "fxticker") as process:
            assert server.requested.wait(20)
            process.send_signal(signal.SIGTERM)
            _, log = process.communicate(timeout=20)
        assert process.returncode == 0
    assert "Traceback" not in log
    assert set(fx.load_polls(tmp_path / "store")["outcome"]) <= {"timeout", "stopped", "overrun", "missed"}


def test_a_restarted_process_leaves_no_hole(tmp_path, site):
    for _ in range(2):
        with daemon_process(tmp_path, site.url, "-m", "fxticker") as process:
            lines_until(process, " ok: 5 ticks")
            process.kill()
            process.communicate(timeout=20)
    assert distances(tmp_path / "store") == {SECOND}
    assert Store(tmp_path / "store").check() == []


def test_the_daemon_loads_no_library_that_its_polls_do_not_need(tmp_path, site):
    with daemon_process(tmp_path, site.url, "-c", REPORT_MODULES) as process:
        lines_until(process, " ok: 5 ticks")
        process.send_signal(signal.SIGTERM)
        stdout, _ = process.communicate(timeout=20)
    assert stdout == "heavy modules: []\n"


DAEMON = """
import sys
from dataclasses import replace
from datetime import timedelta
from fxticker.model.clock import SystemClock
from fxticker.daemon.daemon import Daemon
from fxticker.daemon.signals import stop_on_signals
from fxticker.fetch.client import Fetcher
from fxticker.model.schedule import Every
from fxticker.sources.registry import ScheduledSource
from fxticker.sources.timesca.page import SOURCE
from fxticker.store.store import Store

plan = ScheduledSource(replace(SOURCE, url=sys.argv[1]), Every(timedelta(seconds=1)))
with Fetcher(timeout_s=20, max_bytes=1_000_000, user_agent="test") as fetch:
    daemon = Daemon([plan], fetcher=fetch, store=Store(sys.argv[2]), clock=SystemClock())
    stop_on_signals(daemon.stop, on_hangup=lambda: print("hung up", flush=True))
    daemon.run()
"""


@contextmanager
def bare_daemon(store, url):
    """A daemon in a process of its own, which is killed if it outlives its test."""
    with python(["-c", DAEMON, url, str(store)]) as process:
        yield process


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_second_signal_ends_the_process_at_once(tmp_path, number):
    with RawServer(lambda exchange: exchange.pause(25)) as server, bare_daemon(tmp_path, server.url) as process:
        assert server.requested.wait(SAFETY_S)
        # The second may come while the first is being handled, and would then be the same one.
        for _ in range(100):
            process.send_signal(number)
            try:
                process.wait(timeout=0.05)
                break
            except subprocess.TimeoutExpired:
                continue
    assert process.returncode == 128 + number


def test_a_hangup_calls_what_reads_the_configuration_and_polling_goes_on(tmp_path, site):
    with bare_daemon(tmp_path, site.url) as process:
        for _ in range(300):
            if Store(tmp_path).daemon() is not None and (tmp_path / "polls").exists():
                break
            with pytest.raises(subprocess.TimeoutExpired):
                process.wait(timeout=0.1)
        process.send_signal(signal.SIGHUP)
        assert process.stdout.readline() == "hung up\n"
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=20)
    assert process.returncode == 0


def test_a_daemon_that_is_killed_over_and_over_leaves_one_outcome_per_slot(tmp_path):
    def answer(exchange):
        exchange.pause(0.05 * (len(server.requests) % 7))
        exchange.send(ANSWER)

    with RawServer(answer) as server:
        for kill in range(1, 5):
            with bare_daemon(tmp_path, server.url) as process:
                while len(server.requests) < 2 * kill:
                    with pytest.raises(subprocess.TimeoutExpired):
                        process.wait(timeout=0.03)
                process.kill()
                process.wait()
            assert Store(tmp_path).daemon() is None
    start_and_stop_at_once(tmp_path, planned(schedule=Every(SECOND)), now=datetime.now(UTC))
    assert distances(tmp_path) == {SECOND}
    assert fx.load_polls(tmp_path)["slot"].is_unique
    assert Store(tmp_path).check() == []


def test_a_stop_takes_less_than_five_seconds():
    assert STOP_GRACE_S + ABANDON_S < 5
