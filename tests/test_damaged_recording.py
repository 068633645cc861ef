"""The daemon beside damaged files: slots that one may hold get no outcome, other sources go on, and health says so."""

import errno
import json
import os
import sys
from datetime import UTC, datetime, timedelta

import pytest
from builders import NOON, FixedClock, snapshot_ticks
from click.testing import CliRunner
from daemons import QUARTER, SECOND, at, outcomes, planned, run_daemon
from processes import run

from fxticker.cli import app
from fxticker.config import Settings
from fxticker.daemon.sd_notify import SystemdNotifier
from fxticker.daemon.slot_ledger import SlotLedger
from fxticker.errors import SegmentUnreadable
from fxticker.model.records import Outcome, Poll
from fxticker.model.schedule import Every
from fxticker.monitoring.alerts import Alerts
from fxticker.monitoring.metrics import Metrics
from fxticker.sources.timesca.page import SOURCE
from fxticker.store.local import LocalStorage
from fxticker.store.store import Store

POLLS = "polls/source=timesca/month=2025-11/00000.parquet"
TICKS = "ticks/source=timesca/month=2025-11/00000.parquet"


def damage(root, name=POLLS):
    (root / name).write_bytes(b"")


def ledger_at(store, now):
    ledger = SlotLedger("timesca", store, store.record)
    following = ledger.recover(SOURCE, QUARTER, now)
    ledger.settle(QUARTER, following, lambda slot: Poll("timesca", slot, Outcome.MISSED))
    return ledger


# slots


@pytest.fixture
def recorded(root):
    """A store with an outcome at 11:00, and none after."""
    store = Store(root, clock=FixedClock())
    store.record([Poll("timesca", at("11:00"), Outcome.OK)])
    return store


def test_slots_that_a_damaged_file_may_hold_get_no_outcome(recorded, root):
    damage(root)

    ledger = ledger_at(recorded, at("12:00:10"))

    assert list(recorded.planned_slots("timesca", NOON)) == []
    assert ledger.is_settled(at("12:00"))
    assert not ledger.is_settled(at("12:15"))
    assert ledger.next_open(QUARTER, at("11:07")) == at("12:15")


def test_slots_after_a_damaged_file_get_their_outcomes(recorded, root):
    damage(root)
    recorded.record([Poll("timesca", at("11:15"), Outcome.OK)])

    ledger_at(recorded, at("12:00:10"))

    assert list(recorded.planned_slots("timesca", NOON)) == [at("11:45"), at("11:30"), at("11:15")]


def test_slot_of_ticks_that_cannot_be_read_gets_no_outcome(recorded, root):
    recorded.append(snapshot_ticks(at("11:15:01")))
    damage(root, TICKS)

    ledger_at(recorded, at("12:00:10"))

    assert list(recorded.planned_slots("timesca", NOON)) == [at("11:45"), at("11:30"), at("11:00")]


# sources


class Unreadable(LocalStorage):
    """A disk that does not give the files of one source for a while."""

    left = 10**6

    def open(self, name, *, version=None):
        if "source=timesca" in name and self.left > 0:
            self.left -= 1
            raise SegmentUnreadable(name, "Input/output error") from OSError(errno.EIO, "Input/output error")
        return super().open(name, version=version)


def two_sources(site):
    return planned(site.url, Every(SECOND)), planned(site.url, Every(SECOND), id="other")


def seeded(root, *, now=None):
    """A store in which both sources were polled a minute ago."""
    now = (now or datetime.now(UTC)).replace(microsecond=0)
    store = Store(root)
    for source in ("timesca", "other"):
        store.append(snapshot_ticks(now - timedelta(minutes=1), source=source))
        store.record([Poll(source, now - timedelta(minutes=1), Outcome.OK)])
    return f"source=timesca/month={now:%Y-%m}/00000.parquet"


def test_file_that_cannot_be_read_stops_its_source_and_no_other(root, site, caplog):
    seeded(root)

    taken = run_daemon(Store(Unreadable(root)), *two_sources(site), polls=2)

    assert {poll.source for poll in taken} == {"other"}
    assert "timesca: nothing can be recorded, other sources go on" in caplog.text


def test_source_goes_on_once_its_file_can_be_read(root, site):
    seeded(root)
    disk = Unreadable(root)
    disk.left = 1

    taken = run_daemon(Store(disk), planned(site.url, Every(SECOND)), polls=2)

    assert [str(poll.outcome) for poll in taken] == ["ok", "ok"]
    assert outcomes(root)[-3][1] == "missed"
    assert Store(root).check() == []


@pytest.mark.parametrize("table", ["ticks", "polls"])
def test_source_is_recorded_beside_its_damaged_file(root, site, table):
    name = f"{table}/{seeded(root)}"
    damage(root, name)

    taken = run_daemon(Store(root), *two_sources(site), polls=4)

    assert {poll.source for poll in taken} == {"timesca", "other"}
    assert {str(poll.outcome) for poll in taken} == {"ok"}
    assert [finding.name for finding in Store(root).check()] == [name]
    assert (root / name).read_bytes() == b""


@pytest.mark.parametrize("name", [TICKS, POLLS, "ticks/loop", "polls/source=timesca/loop", f"{POLLS}~"])
def test_source_is_recorded_beside_a_link_to_itself(root, name):
    seeded(root, now=NOON)
    (root / name).unlink(missing_ok=True)
    (root / name).symlink_to((root / name).name)
    store = Store(root)

    ledger_at(store, NOON + timedelta(seconds=10))

    assert store.append(snapshot_ticks(NOON)).added == 5
    assert store.record([Poll("timesca", NOON, Outcome.OK)]) == 1


def test_source_that_cannot_be_recorded_does_not_starve_the_watchdog(tmp_path):
    sent = []
    notifier = SystemdNotifier({}, store=Store(tmp_path), timeout_s=20)
    notifier._send = lambda *facts: sent.append(facts)  # in place of the supervisor's socket
    notifier._feeds = True
    notifier.started([planned()])
    notifier.beat(NOON)
    for minutes in (15, 30, 45):
        notifier.refused("timesca", NOON + timedelta(minutes=minutes), SegmentUnreadable("a file", "a reason"))
        notifier.beat(NOON + timedelta(minutes=minutes + 8))

    assert all("WATCHDOG=1" in facts for facts in sent if facts[0].startswith("STATUS"))


# health


@pytest.fixture
def damaged(root):
    """A store whose source was polled a moment ago, beside a damaged file of ticks; and that file's name."""
    [plan] = Settings().planned()
    last = plan.schedule.at_or_before(datetime.now(UTC))
    store = Store(root)
    store.append(snapshot_ticks(last))
    name = f"ticks/source=timesca/month={last:%Y-%m}/00000.parquet"
    content = bytearray((root / name).read_bytes())
    content[40] ^= 0xFF  # a page: the footer is sound
    (root / name).write_bytes(content)
    store.append(snapshot_ticks(last + SECOND))
    store.record([Poll("timesca", last, Outcome.OK, ticks=5)])
    return name


def status(root):
    done = CliRunner().invoke(app, ["status", "--store", str(root), "--format", "json"])
    return done.exit_code, json.loads(done.stdout)["sources"][0]["reason"], done.stderr


def test_status_is_not_well_until_the_damaged_file_is_moved_aside(damaged, root, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    code, reason, _ = status(root)
    assert code == 1
    assert reason.startswith(f"{damaged} is damaged")
    assert "check --quarantine" in reason

    Store(root).quarantine()
    assert status(root)[:2] == (0, None)


def test_status_is_well_beside_a_stray_file_and_names_it(damaged, root, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Store(root).quarantine()
    (root / f"{damaged}~").write_text("")

    code, reason, warned = status(root)

    assert (code, reason) == (0, None)
    assert f"{damaged}~ is not a segment" in warned


def test_status_names_a_stray_and_a_damaged_file_once_each(damaged, root, tmp_path):
    (root / f"{damaged}~").write_text("")

    done = run([sys.executable, "-m", "fxticker", "status", "--store", str(root)], cwd=tmp_path)

    assert done.returncode == 1
    assert (done.stdout + done.stderr).count(f"{damaged} ") == 1
    assert (done.stdout + done.stderr).count(f"{damaged}~ ") == 1


def test_status_shows_no_polls_of_a_source_whose_files_cannot_be_read(damaged, root, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    shown = CliRunner().invoke(app, ["status", "--store", str(root)]).output
    [source] = json.loads(CliRunner().invoke(app, ["status", "--store", str(root), "--format", "json"]).stdout)[
        "sources"
    ]

    assert "polls      not known while that file cannot be read" in shown
    assert "last ok" not in shown
    assert source["gaps_24h"] is None


def test_status_shows_other_sources_beside_one_whose_files_cannot_be_read(damaged, root, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "config.toml").write_text("[sources.timesca]\n[sources.cbr]\n")
    (root / "ticks" / "source=cbr").write_text("no folder")

    done = CliRunner().invoke(app, ["status", "--store", str(root)])

    assert "timesca: not healthy" in done.output
    assert "cbr: not healthy: ticks/source=cbr" in done.output


class Clock:
    def now(self):
        return datetime.now(UTC)


def test_daemon_is_not_healthy_and_alerts_until_the_damaged_file_is_moved_aside(damaged, root):
    store, sent = Store(root), []
    [plan] = Settings().planned()
    SlotLedger("timesca", store, store.record).recover(SOURCE, plan.schedule, datetime.now(UTC))
    metrics, alerts = Metrics(store=store, clock=Clock()), Alerts(sent.append, store=store, clock=Clock())
    for observer in (metrics, alerts):
        observer.started([plan])
        observer.polled(Poll("timesca", plan.schedule.at_or_before(datetime.now(UTC)), Outcome.OK, datetime.now(UTC)))
        observer.caught_up("timesca", None)
        observer.beat(datetime.now(UTC))

    [reason] = metrics.reasons()
    assert damaged in reason
    assert [(alert.event, damaged in alert.reason) for alert in sent] == [("stale", True)]

    Store(root).quarantine()
    alerts.beat(datetime.now(UTC))
    assert metrics.reasons() == []
    assert [alert.event for alert in sent] == ["stale", "recovered"]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read every file")
def test_source_without_permission_for_its_file_is_named(root, site):
    name = f"polls/{seeded(root)}"
    (root / name).chmod(0)

    assert {poll.source for poll in run_daemon(Store(root), *two_sources(site), polls=2)} == {"other"}
