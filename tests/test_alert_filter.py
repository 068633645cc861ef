"""Alerts are sent once per cause, across restarts, and again each day while the problem lasts."""

import json
import threading
from dataclasses import replace
from datetime import timedelta

import pytest
from builders import NOON, FixedClock

from fxticker.daemon.state_file import StateFile
from fxticker.model.schedule import Every
from fxticker.monitoring.alert_filter import AlertFilter
from fxticker.monitoring.alerts import Alert
from fxticker.sources.registry import ScheduledSource
from fxticker.sources.timesca.page import SOURCE

FULL = Alert("failed", "store", NOON, "No space left on device", None, cause="WriteFailed 28 in ticks")
BACK = Alert("recovered", "store", NOON, "the store takes writes again", None)
UP = Alert("move", "timesca", NOON, "KZT/USD rose", None, pair="KZT/USD", cause="up")
HOUR = timedelta(hours=1)


class Filtered:
    """An alert filter whose alerts are delivered at once, unless the command is said to fail."""

    def __init__(self, folder, at=NOON, *, delivers=True):
        self.clock = FixedClock(at)
        self.alerts = []
        self.delivers = delivers
        self.filter = AlertFilter(self._deliver, clock=self.clock, file=StateFile(folder, "alerts"))

    def _deliver(self, alert):
        self.alerts.append(alert)
        if self.delivers:
            self.filter.delivered(alert)

    def send(self, *alerts):
        for alert in alerts:
            self.filter.send(alert)
        return self.taken()

    def beat(self, after):
        self.clock.at = NOON + after
        self.filter.beat(self.clock.at)
        return self.taken()

    def taken(self):
        taken, self.alerts[:] = [(alert.event, alert.is_reminder) for alert in self.alerts], []
        return taken


@pytest.fixture
def filtered(tmp_path):
    return Filtered(tmp_path)


def test_cause_is_reported_once_across_restarts(tmp_path):
    assert [Filtered(tmp_path).send(FULL) for _ in range(10)] == [[("failed", False)], *[[]] * 9]


def test_another_cause_is_reported_and_the_first_one_not_again(filtered):
    locked = replace(FULL, cause="StoreLocked")
    assert filtered.send(FULL, locked, FULL, locked) == [("failed", False)] * 2


def test_cause_in_another_place_is_reported_once_and_known_after_a_restart(tmp_path):
    outcomes = replace(FULL, cause="WriteFailed 28 in polls")
    assert Filtered(tmp_path).send(FULL) == [("failed", False)]
    assert Filtered(tmp_path).send(outcomes) == []
    later = Filtered(tmp_path)
    assert later.filter.causes(FULL.topic) == {FULL.cause, outcomes.cause}
    assert later.send(outcomes, FULL) == []
    assert later.send(replace(FULL, cause="WriteFailed 30 in ticks")) == [("failed", False)]


def test_cause_in_another_place_is_reminded_of_a_day_after_the_first(tmp_path):
    outcomes = replace(FULL, cause="WriteFailed 28 in polls")
    Filtered(tmp_path).send(FULL)
    assert Filtered(tmp_path, NOON + 23 * HOUR).send(outcomes) == []
    assert Filtered(tmp_path, NOON + 24 * HOUR).send(outcomes) == [("failed", True)]


def test_cause_is_reported_again_after_a_recovery(tmp_path):
    assert Filtered(tmp_path).send(FULL, BACK) == [("failed", False), ("recovered", False)]
    assert Filtered(tmp_path).send(FULL) == [("failed", False)]


def test_alert_that_was_not_delivered_is_reported_again_after_a_restart(tmp_path):
    assert Filtered(tmp_path, delivers=False).send(FULL, FULL) == [("failed", False)]
    assert Filtered(tmp_path).send(FULL) == [("failed", False)]


def test_recovery_that_was_not_delivered_is_still_due_after_a_restart(tmp_path):
    first = Filtered(tmp_path)
    first.send(FULL)
    first.delivers = False
    assert first.send(BACK) == [("recovered", False)]
    assert Filtered(tmp_path).filter.causes(FULL.topic) == {"WriteFailed 28 in ticks"}


def test_problem_that_ended_while_it_was_delivered_has_its_recovery_due_after_a_restart(tmp_path):
    slow = Filtered(tmp_path, delivers=False)
    slow.send(FULL, BACK)
    slow.filter.delivered(FULL)  # and the process ends before the recovery is
    assert Filtered(tmp_path).filter.causes(FULL.topic) == {"WriteFailed 28 in ticks"}
    assert Filtered(tmp_path).send(BACK) == [("recovered", False)]
    assert Filtered(tmp_path).filter.causes(FULL.topic) == set()


def test_lasting_problem_is_reported_again_each_day(filtered):
    filtered.send(FULL)
    assert filtered.beat(23 * HOUR) == []
    assert filtered.beat(24 * HOUR) == [("failed", True)]
    assert filtered.beat(47 * HOUR) == []
    assert filtered.beat(48 * HOUR) == [("failed", True)]
    filtered.send(BACK)
    assert filtered.beat(96 * HOUR) == []


def test_daemon_that_ends_at_once_for_days_reminds_too(tmp_path):
    Filtered(tmp_path).send(FULL)
    assert Filtered(tmp_path, NOON + 25 * HOUR).send(FULL) == [("failed", True)]
    assert Filtered(tmp_path, NOON + 26 * HOUR).send(FULL) == []


def test_command_that_fails_for_days_gets_one_reminder_a_day(tmp_path):
    filtered = Filtered(tmp_path, delivers=False)
    filtered.send(FULL)
    assert [filtered.beat(24 * HOUR + timedelta(seconds=5 * n)) for n in range(3)] == [[("failed", True)], [], []]


def test_alert_sent_in_the_future_by_a_wrong_clock_is_sent_again(tmp_path):
    Filtered(tmp_path, NOON + 9000 * HOUR).send(FULL)
    assert Filtered(tmp_path).send(FULL) == [("failed", True)]


def test_move_is_not_reminded_of(filtered):
    filtered.send(UP)
    assert filtered.beat(100 * HOUR) == []


def test_forgotten_topic_is_new_again(tmp_path):
    filtered = Filtered(tmp_path)
    filtered.send(UP)
    filtered.filter.forget(UP.topic)
    assert Filtered(tmp_path).send(UP) == [("move", False)]


def test_state_file_on_a_disk_that_hangs_keeps_no_poll_waiting(tmp_path):
    hanging, released = threading.Event(), threading.Event()

    class Hanging(StateFile):
        def write(self, content):
            if content["told"]:
                hanging.set()
                released.wait(30)

    filtered = AlertFilter(lambda _alert: None, clock=FixedClock(), file=Hanging(tmp_path, "alerts"))
    filtered.send(FULL)
    telling = threading.Thread(target=filtered.delivered, args=[FULL])
    polling = threading.Thread(target=filtered.causes, args=[FULL.topic])
    telling.start()
    assert hanging.wait(30)
    polling.start()
    polling.join(5)
    assert not polling.is_alive()
    released.set()
    telling.join(30)


def test_source_that_is_no_longer_polled_is_forgotten(tmp_path):
    filtered = Filtered(tmp_path)
    filtered.send(replace(FULL, source="cbu"), replace(FULL, source="timesca"), FULL)
    filtered.filter.started([ScheduledSource(SOURCE, Every(HOUR))])
    assert filtered.beat(24 * HOUR) == [("failed", True)] * 2


def test_state_that_cannot_be_written_is_reported_again_with_one_warning(tmp_path, caplog):
    (tmp_path / "state").write_text("a file where the folder belongs")
    first = Filtered(tmp_path / "state")
    assert first.send(FULL, replace(FULL, cause="StoreLocked")) == [("failed", False)] * 2
    assert len([line for line in caplog.messages if "cannot be kept" in line]) == 1
    assert Filtered(tmp_path / "state").send(FULL) == [("failed", False)]


@pytest.mark.parametrize(
    "told",
    [
        3,
        [3],
        [{}],
        [{"source": ["store"], "pair": None, "cause": "WriteFailed 28 in ticks", "told_at": NOON.isoformat()}],
        [{"source": "store", "pair": None, "cause": "WriteFailed 28 in ticks", "told_at": "2025-11-14T12:00:00"}],
        [{"source": "store", "pair": None, "cause": "WriteFailed 28 in ticks", "told_at": "yesterday"}],
    ],
)
def test_entry_of_the_state_that_cannot_be_read_is_reported_again(tmp_path, told):
    (tmp_path / "alerts.json").write_text(json.dumps({"told": told}))
    assert Filtered(tmp_path).send(FULL) == [("failed", False)]
