"""A store that refuses writes is reported before the daemon ends, once across restarts, and so is a disk that fills."""

import json
import shlex
import sys
from contextlib import ExitStack
from datetime import timedelta

import pytest
from builders import NOON, FixedClock
from daemons import SECOND, Refusing, daemon_of, planned, python

from fxticker.config import AlertSettings
from fxticker.daemon.alert_setup import AlertSetup
from fxticker.daemon.state_file import StateFile
from fxticker.errors import SegmentUnreadable, StoreError, StoreLocked, WriteFailed
from fxticker.model.clock import SystemClock
from fxticker.model.records import Outcome, Poll
from fxticker.model.schedule import Every
from fxticker.monitoring.alert_filter import AlertFilter
from fxticker.monitoring.store_alerts import StoreAlerts, failure
from fxticker.store.backend import FreeSpace
from fxticker.store.local import LocalStorage
from fxticker.store.store import Store

MINUTE = timedelta(minutes=1)


def keeping(file):
    """A command that adds each alert to a file."""
    return shlex.join([sys.executable, "-c", f"import sys; open({str(file)!r}, 'a').write(sys.stdin.read())"])


def events(file):
    lines = file.read_text().splitlines() if file.exists() else []
    return [(alert["event"], alert["source"]) for alert in map(json.loads, lines)]


def run_daemon(folder, site, calls=None, **options):
    """Run a daemon with alerts to its end, in a store whose disk refuses what `calls` refuses."""
    settings = AlertSettings(on_alert=keeping(folder / "got"))
    alerts = AlertSetup(
        settings, folder / "store", clock=SystemClock(), environ={"STATE_DIRECTORY": str(folder / "state")}
    )
    store = Store(LocalStorage(folder / "store", calls) if calls else folder / "store")
    with (
        ExitStack() as stack,
        alerts,
        daemon_of(
            store, planned(site.url, Every(SECOND)), observers=alerts.observers(store, None, stack), **options
        ) as (daemon, _),
    ):
        daemon.run()


# A store that refuses writes


def test_full_disk_is_reported_before_the_daemon_ends_once_over_restarts_and_so_is_the_recovery(tmp_path, site):
    for _ in range(2):
        with pytest.raises(StoreError, match="No space"):
            run_daemon(tmp_path, site, Refusing("ticks"))
    assert events(tmp_path / "got") == [("failed", "store")]
    run_daemon(tmp_path, site, polls=1)
    assert events(tmp_path / "got") == [("failed", "store"), ("recovered", "store")]
    with pytest.raises(StoreError, match="No space"):
        run_daemon(tmp_path, site, Refusing("polls"))
    assert events(tmp_path / "got")[2:] == [("failed", "store")]


def test_full_disk_that_refuses_one_table_after_the_other_is_reported_once(tmp_path, site):
    for table in ("ticks", "polls", "polls"):
        with pytest.raises(StoreError, match="No space"):
            run_daemon(tmp_path, site, Refusing(table))
    assert events(tmp_path / "got") == [("failed", "store")]


def test_daemon_that_cannot_open_its_store_tells_so_before_it_ends(tmp_path):
    (tmp_path / "store").write_text("a file where the folder belongs")
    config = tmp_path / "config.toml"
    config.write_text(f"[store]\npath = 'store'\n[alerts]\non_alert = {json.dumps(keeping(tmp_path / 'got'))}\n")
    for _ in range(2):
        with python(["-m", "fxticker", "run", "--config", str(config)]) as process:
            assert process.wait(30) == 1
    assert events(tmp_path / "got") == [("failed", "store")]


def test_second_daemon_is_no_alert(tmp_path, site):
    error = StoreLocked("store", 0, "process 1", is_daemon=True)
    settings = AlertSettings(on_alert=keeping(tmp_path / "got"))
    with pytest.raises(StoreLocked), AlertSetup(settings, tmp_path, clock=SystemClock(), environ={}):
        raise error
    assert events(tmp_path / "got") == []


def test_lock_that_another_writer_keeps_is_an_alert(tmp_path):
    settings = AlertSettings(on_alert=keeping(tmp_path / "got"))
    with pytest.raises(StoreLocked), AlertSetup(settings, tmp_path, clock=SystemClock(), environ={}):
        raise StoreLocked("store", 30, "process 1")
    assert events(tmp_path / "got") == [("failed", "store")]


def test_other_error_that_ends_the_daemon_is_reported_and_over_once_it_polls(tmp_path, site):
    settings = AlertSettings(on_alert=keeping(tmp_path / "got"))
    environ = {"STATE_DIRECTORY": str(tmp_path / "state")}
    with (
        pytest.raises(OSError, match="in use"),
        AlertSetup(settings, tmp_path / "store", clock=SystemClock(), environ=environ),
    ):
        raise OSError(98, "Address already in use")
    run_daemon(tmp_path, site, polls=1)
    assert events(tmp_path / "got") == [("failed", "daemon"), ("recovered", "daemon")]


@pytest.mark.parametrize(
    ("error", "cause"),
    [
        (WriteFailed("/s", "ticks/source=a/month=2025-11/00000.parquet", OSError(28, "")), "WriteFailed 28 in ticks"),
        (WriteFailed("/s", ".lock", OSError(30, "Read-only file system")), "WriteFailed 30 in .lock"),
        (StoreLocked("/s", 30, "process 1"), "StoreLocked"),
        (SegmentUnreadable("polls/source=a/x.parquet", "cut"), "SegmentUnreadable polls/source=a/x.parquet"),
        (OSError(98, "Address already in use"), "OSError 98"),
        (RuntimeError("a fault"), "RuntimeError"),
    ],
)
def test_cause_of_a_failure_is_the_same_for_each_slot(error, cause):
    assert failure(error, NOON).cause == cause


# When writing works again


class Reported:
    """Store alerts behind an alert filter that has sent these failures, and what they send."""

    def __init__(self, folder, *errors, free=None, limit_mb=100):
        self.sent = []
        self.free = free
        clock = FixedClock()
        self.filter = AlertFilter(self.sent.append, clock=clock, file=StateFile(folder, "alerts"))
        for error in errors:
            self.filter.send(failure(error, NOON))
        self.sent.clear()
        self.alerts = StoreAlerts(self.filter, backend=self, clock=clock, free_space_mb=limit_mb)

    def __str__(self):
        return "/srv/parquet"

    def free_space(self):
        return None if self.free is None else FreeSpace(self.free, None)

    def polled(self, outcome, ticks=0):
        self.alerts.polled(Poll("timesca", NOON, outcome, ticks=ticks))
        return self.taken()

    def beat(self, minutes, free_mb):
        self.free = None if free_mb is None else free_mb * 1_000_000
        self.alerts.beat(NOON + minutes * MINUTE)
        return self.taken()

    def taken(self):
        taken, self.sent[:] = [(alert.event, alert.source) for alert in self.sent], []
        return taken


def refused(table):
    return WriteFailed("/s", f"{table}/source=a/x.parquet", OSError(28, "No space left on device"))


def test_ticks_that_were_refused_recover_only_with_ticks(tmp_path):
    reported = Reported(tmp_path, refused("ticks"))
    assert reported.polled(Outcome.MISSED) == []
    assert reported.polled(Outcome.TIMEOUT) == []
    assert reported.polled(Outcome.STALE, ticks=5) == [("recovered", "store")]
    assert reported.polled(Outcome.OK, ticks=5) == []


def test_ticks_that_were_refused_after_outcomes_recover_only_with_ticks(tmp_path):
    reported = Reported(tmp_path, refused("polls"), refused("ticks"))
    assert reported.polled(Outcome.MISSED) == []
    assert reported.polled(Outcome.OK, ticks=5) == [("recovered", "store")]


def test_outcomes_that_were_refused_recover_with_any_outcome(tmp_path):
    assert Reported(tmp_path, refused("polls")).polled(Outcome.MISSED) == [("recovered", "store")]


def test_nothing_recovers_that_was_not_reported(tmp_path):
    assert Reported(tmp_path).polled(Outcome.OK, ticks=5) == []


# Free space


def test_low_space_is_reported_once_and_over_with_some_more_than_the_limit(tmp_path):
    reported = Reported(tmp_path)
    assert reported.beat(0, 100) == []
    assert reported.beat(1, 99) == [("low_space", "disk")]
    assert reported.beat(2, 98) == []
    assert reported.beat(3, 109) == []
    assert reported.beat(4, 110) == [("recovered", "disk")]
    assert reported.beat(5, 50) == [("low_space", "disk")]


def test_space_is_looked_at_once_a_minute_and_at_once_after_a_start(tmp_path):
    reported = Reported(tmp_path)
    assert reported.beat(0, 5) == [("low_space", "disk")]
    reported.filter.forget(("disk", None))
    assert reported.beat(0.9, 5) == []
    assert reported.beat(1, 5) == [("low_space", "disk")]


def test_unknown_space_is_no_alert(tmp_path):
    assert Reported(tmp_path).beat(0, None) == []
