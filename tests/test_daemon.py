"""The daemon: starts and stops its workers, notifies observers, reloads; one daemon per store."""

import logging
import os
import threading
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta

import pytest
from builders import NOON, FixedClock, snapshot_ticks
from daemons import (
    ANSWER,
    QUARTER,
    SAFETY_S,
    SECOND,
    Refusing,
    at,
    daemon_of,
    outcomes,
    planned,
    reasons,
    run_daemon,
    running,
)
from servers import RawServer

import fxticker as fx
from fxticker.errors import StoreError, StoreLocked
from fxticker.model.records import Outcome, Poll
from fxticker.model.schedule import Every
from fxticker.store.local import LocalStorage
from fxticker.store.store import Store

# A store that refuses


@pytest.mark.parametrize("table", ["ticks", "polls"])
def test_refused_write_ends_the_daemon(tmp_path, site, table):
    store = Store(LocalStorage(tmp_path / "store", Refusing(table)))
    with (
        daemon_of(store, planned(site.url, Every(SECOND))) as (daemon, taken),
        pytest.raises(StoreError, match="No space left on device"),
    ):
        daemon.run()
    assert taken == []
    assert outcomes(tmp_path / "store") == []


def test_daemon_starts_beside_a_damaged_file_and_gives_the_slots_that_it_may_hold_no_outcome(tmp_path, site):
    now = datetime.now(UTC)
    Store(tmp_path).record([Poll("timesca", now, Outcome.OK)])
    [segment] = (tmp_path / "polls").rglob("*.parquet")
    segment.write_bytes(b"no parquet")

    taken = run_daemon(Store(tmp_path), planned(site.url, Every(SECOND)), polls=2)

    assert [str(poll.outcome) for poll in taken] == ["ok", "ok"]
    assert all(poll.slot > now for poll in taken)
    assert segment.read_bytes() == b"no parquet"


# Stopping


def test_stop_before_the_start_ends_the_run_at_once(tmp_path, site):
    with daemon_of(Store(tmp_path), planned(site.url, Every(SECOND))) as (daemon, taken):
        daemon.stop()
        daemon.stop()
        daemon.run()
    assert taken == []


def test_running_poll_is_finished_at_stop_if_it_is_quick(tmp_path):
    def stop_and_answer(exchange):
        daemon.stop()
        exchange.pause(0.3)
        exchange.send(ANSWER)

    with (
        RawServer(stop_and_answer) as server,
        daemon_of(Store(tmp_path), planned(server.url, Every(SECOND))) as (daemon, taken),
    ):
        daemon.run()
    assert [poll.outcome for poll in taken] == ["ok"]
    assert [outcome for _, outcome in outcomes(tmp_path)] == ["ok"]


def test_slow_running_poll_is_abandoned_at_stop_with_its_outcome(tmp_path):
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
        daemon.run()
    assert [poll.outcome for poll in taken] == ["stopped"]
    assert dict(outcomes(tmp_path))[taken[0].slot] == "stopped"


def test_poll_that_cannot_write_does_not_delay_the_stop(tmp_path, caplog):
    def lock_answer_and_stop(exchange):
        # Not before: a slot that passed while the daemon started is written before the first poll.
        locks.enter_context(Store(tmp_path).backend.write_lock(SAFETY_S))
        exchange.send(ANSWER)
        daemon.stop()

    with RawServer(lock_answer_and_stop) as server:
        plan = planned(server.url, Every(SECOND))
        with daemon_of(Store(tmp_path), plan, stop_grace_s=0.1, abandon_s=0.1) as (daemon, taken):
            with ExitStack() as locks:
                running_daemon = threading.Thread(target=daemon.run)
                running_daemon.start()
                running_daemon.join(SAFETY_S / 2)
                ended_by_itself = not running_daemon.is_alive()
                recorded = list(taken)
            for thread in threading.enumerate():
                if thread.name == "timesca":
                    thread.join(SAFETY_S)
        running_daemon.join(SAFETY_S)
    assert (ended_by_itself, recorded) == (True, [])
    assert "could not be ended in time" in caplog.text


def test_stop_while_the_scheduler_starts_is_not_lost(tmp_path, site):
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


# Being notified


def test_observers_are_notified_of_every_outcome(tmp_path, site):
    store = Store(tmp_path)
    store.record([Poll("timesca", at("11:30:00"), Outcome.OK)])
    with running(store, planned(site.url)) as run:
        run.wait(2)
    assert [(poll.slot, str(poll.outcome), poll.detail) for poll in run.not_polled] == [
        (at("11:45:00"), "missed", "the daemon was not running, or could not write")
    ]
    assert [(poll.slot, str(poll.outcome)) for poll in run.taken] == [(NOON, "ok")]
    assert run.grids == [{"timesca": QUARTER}]


def test_failing_observer_is_logged_once_and_polling_goes_on(tmp_path, site, caplog):
    class Broken:
        def __getattr__(self, name):
            raise RuntimeError(f"no {name}")

    plan = planned(site.url, Every(SECOND))
    taken = run_daemon(Store(tmp_path), plan, polls=2, observers=[Broken()])
    assert [str(poll.outcome) for poll in taken] == ["ok", "ok"]
    assert caplog.text.count("Broken.polled failed") == 1


# One daemon per store


def test_second_daemon_on_a_store_is_refused_by_the_name_of_the_first(tmp_path, site):
    with running(Store(tmp_path), planned(site.url)) as run:
        run.wait()
        with (
            daemon_of(Store(tmp_path), planned(site.url)) as (second, _),
            pytest.raises(StoreLocked, match=f"process {os.getpid()} "),
        ):
            second.run()
        Store(tmp_path).append(snapshot_ticks(at("03:00:00")))
    assert len(fx.load(tmp_path)) == 10
    assert Store(tmp_path).daemon() is None


# Reading the configuration again


def test_reload_polls_added_sources_and_not_removed_ones(tmp_path, site):
    store = Store(tmp_path)
    with running(store, planned(site.url)) as run:
        run.wait()
        run.daemon.reload([planned(site.url, id="other")])
        run.wait()
        run.jump(minutes=15)
        run.wait()
    assert [(poll.source, f"{poll.slot:%H:%M}") for poll in run.taken] == [
        ("timesca", "12:00"),
        ("other", "12:00"),
        ("other", "12:15"),
    ]
    assert run.grids == [{"timesca": QUARTER}, {"other": QUARTER}]


def test_reload_of_a_url_keeps_the_grid(tmp_path, site):
    with (
        RawServer(lambda exchange: exchange.send(ANSWER)) as server,
        running(Store(tmp_path), planned(site.url)) as run,
    ):
        run.wait()
        run.daemon.reload([planned(server.url)])
        run.jump(minutes=15)
        run.wait()
        assert len(server.requests) == 1
    assert outcomes(tmp_path) == [(at("12:00:00"), "ok"), (at("12:15:00"), "ok")]


def test_reload_of_a_grid_settles_the_slots_of_the_old_one(tmp_path, site):
    with running(Store(tmp_path), planned(site.url)) as run:
        run.wait()
        run.clock.go_on(timedelta(minutes=17))
        run.daemon.reload([planned(site.url, Every(timedelta(minutes=5)))])
        run.wait()
        run.jump(minutes=8)
        run.wait(2)
    assert outcomes(tmp_path) == [
        (at("12:00:00"), "ok"),
        (at("12:15:00"), "missed"),
        (at("12:20:00"), "missed"),
        (at("12:25:00"), "ok"),
    ]
    assert reasons(tmp_path)["12:15"] == ("missed", "the grid was changed before it was polled")


def test_source_added_again_has_outcomes_for_the_time_between(tmp_path, site):
    with running(Store(tmp_path), planned(site.url)) as run:
        run.wait()
        run.daemon.reload([planned(site.url, id="other")])
        run.wait()
        run.clock.go_on(timedelta(minutes=30))
        run.daemon.reload([planned(site.url)])
        run.wait(2)
    assert reasons(tmp_path) == {"12:15": ("missed", "the source was not configured")}
    assert run.taken[-1].slot == at("12:30:00")


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


def test_reload_without_changes_polls_nothing(tmp_path, site):
    with running(Store(tmp_path), planned(site.url)) as run:
        run.wait()
        run.daemon.reload([planned(site.url)])
    assert len(run.taken) == 1
    assert run.not_polled == []
