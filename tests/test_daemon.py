import logging
import os
import signal
import subprocess
import sys
import threading
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from builders import NOON, TICKER, FixedClock, snapshot_ticks, tick
from servers import RawServer, refusing_url

import fxticker as fx
from fxticker.clock import SystemClock
from fxticker.collecting import collect_once
from fxticker.daemon import Daemon
from fxticker.demo.site import TickerSite, render_html
from fxticker.errors import StoreError
from fxticker.fetching import Fetcher, Response
from fxticker.models import Origin, Outcome, Poll, PrintedTick, TimeBasis
from fxticker.schedule import Cron, Every
from fxticker.sources import Planned
from fxticker.sources.timesca import SOURCE
from fxticker.store import Store
from fxticker.store.medium import FileCalls, LocalMedium

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
    return Planned(replace(SOURCE, url=url, **changes), schedule)


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


@contextmanager
def daemon_of(store, *plans, clock=None, polls=None, timeout_s=5, on_poll=None, retry_pauses_s=()):
    """A daemon that stops itself after so many polls, and the polls it took."""
    taken = []

    def took(poll):
        taken.append(poll)
        if on_poll is not None:
            on_poll(poll)
        if len(taken) == polls:
            daemon.stop()

    with Fetcher(timeout_s=timeout_s, max_bytes=1_000_000, user_agent="test", retry_pauses_s=retry_pauses_s) as fetch:
        daemon = Daemon(plans, fetcher=fetch, store=store, clock=clock or SystemClock(), on_poll=took)
        yield daemon, taken


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


def test_a_source_that_hangs_does_not_stop_the_others(tmp_path, site, ended, monkeypatch):
    monkeypatch.setattr("fxticker.daemon.STOP_GRACE_S", 0.1)
    with RawServer(lambda exchange: exchange.pause(20)) as hanging:
        plans = (
            planned(hanging.url.replace("127.0.0.1", "localhost"), Every(SECOND), id="hanging"),
            planned(site.url, Every(SECOND)),
        )
        with daemon_of(Store(tmp_path), *plans, polls=3, timeout_s=20) as (daemon, taken):
            ended(daemon)
            daemon.run()
    assert [poll.source for poll in taken[:3]] == ["timesca", "timesca", "timesca"]


def test_a_slot_that_comes_while_a_poll_still_runs_is_an_overrun(tmp_path, ended):
    def slow(exchange):
        exchange.pause(2.2)
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
    assert "the previous poll was still running" in set(fx.load_polls(tmp_path)["detail"].dropna())


class SteppedClock:
    """The machine's clock, set by `step` from one look on, as a time server would."""

    def __init__(self):
        self.ahead = timedelta(0)

    def now(self):
        return datetime.now(UTC) + self.ahead


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
    """A machine without a battery for its clock: it starts in the past and is set after its first look."""

    def __init__(self, behind):
        self.behind = behind

    def now(self):
        instant = datetime.now(UTC) - self.behind
        self.behind = timedelta(0)
        return instant


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


def test_two_years_without_a_daemon_are_recorded_slot_by_slot(tmp_path):
    Store(tmp_path).record([Poll("timesca", datetime(2023, 11, 14, 12, tzinfo=UTC), Outcome.OK)])
    start_and_stop_at_once(tmp_path, planned(), now=NOON)
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
    store = Store(LocalMedium(tmp_path / "store", calls))
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


def test_a_poll_under_way_is_abandoned_with_its_outcome_if_it_is_slow(tmp_path, ended, monkeypatch):
    monkeypatch.setattr("fxticker.daemon.STOP_GRACE_S", 0.1)

    def stop_and_stall(exchange):
        daemon.stop()
        exchange.pause(20)

    with (
        RawServer(stop_and_stall) as server,
        daemon_of(Store(tmp_path), planned(server.url, Every(SECOND)), timeout_s=20) as (daemon, taken),
    ):
        ended(daemon)
        daemon.run()
    assert [poll.outcome for poll in taken] == ["stopped"]
    assert dict(outcomes(tmp_path))[taken[0].slot] == "stopped"


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


# The process


REPORT_MODULES = """
import atexit, sys
heavy = {"pandas", "matplotlib"}
atexit.register(lambda: print("heavy modules:", sorted(heavy & set(sys.modules))))
from fxticker.cli import main
sys.argv = ["fxticker", *sys.argv[1:]]
main()
"""


@contextmanager
def daemon_process(folder, url, *command):
    """`fxticker run` in a process of its own, which is killed if it outlives its test."""
    config = folder / "config.toml"
    config.write_text(
        f'[store]\npath = "store"\n[http]\ntimeout_s = 0.9\n[sources.timesca]\nurl = "{url}"\nevery = "1s"\n', "utf-8"
    )
    process = subprocess.Popen(
        [sys.executable, *command, "run", "--config", str(config)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=folder,
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
            assert server.asked.wait(20)
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


def test_the_daemon_loads_neither_pandas_nor_matplotlib(tmp_path, site):
    with daemon_process(tmp_path, site.url, "-c", REPORT_MODULES) as process:
        lines_until(process, " ok: 5 ticks")
        process.send_signal(signal.SIGTERM)
        stdout, _ = process.communicate(timeout=20)
    assert stdout == "heavy modules: []\n"
