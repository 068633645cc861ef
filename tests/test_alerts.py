from dataclasses import replace
from datetime import timedelta

import pytest
from builders import NOON, FixedClock, snapshot_ticks, tick

from fxticker.model.records import Outcome, Poll
from fxticker.model.schedule import Every
from fxticker.monitoring.alerts import Alert, Alerts
from fxticker.sources.registry import ScheduledSource
from fxticker.sources.timesca.page import SOURCE
from fxticker.store.store import Store

QUARTER = timedelta(minutes=15)
SECOND = timedelta(seconds=1)
PLANS = [ScheduledSource(SOURCE, Every(QUARTER))]


def polled(outcome, slot, *, started=True):
    return Poll("timesca", slot, outcome, started_at=slot if started else None)


class Watched:
    """Alerts over a store, started at noon, with those that were sent."""

    def __init__(self, folder, *before, reported=()):
        store = Store(folder)
        store.record(before)
        self.sent = []
        self.clock = FixedClock()
        self.alerts = Alerts(
            self.sent.append, store=store, clock=self.clock, was_reported=lambda source: source in reported
        )
        self.alerts.started(PLANS)

    def polled(self, outcome, quarters, *, started=True):
        self.alerts.polled(polled(outcome, NOON + quarters * QUARTER, started=started))
        return self.beat(quarters * QUARTER + SECOND)

    def beat(self, after):
        """Events of the alerts that a beat sends some time after noon."""
        self.clock.at = NOON + after
        self.alerts.beat(self.clock.at)
        added, self.sent[:] = self.sent[:], []
        return [alert.event for alert in added]


@pytest.fixture
def well(tmp_path):
    return Watched(tmp_path, polled(Outcome.OK, NOON - QUARTER))


@pytest.fixture
def stale(tmp_path):
    return Watched(tmp_path, polled(Outcome.OK, NOON - 9 * QUARTER))


# When a source is reported


def test_stale_source_is_reported_once(well):
    assert well.polled(Outcome.OK, 0) == []
    assert [well.polled(Outcome.TIMEOUT, n) for n in (1, 2)] == [[], []]
    assert well.beat(3 * QUARTER) == []
    assert well.beat(3 * QUARTER + SECOND) == ["stale"]
    assert [well.polled(Outcome.TIMEOUT, n) for n in (3, 4, 5)] == [[], [], []]


def test_recovered_source_is_reported_once(well):
    assert well.polled(Outcome.TIMEOUT, 5) == ["stale"]
    assert well.polled(Outcome.OK, 6) == ["recovered"]
    assert well.polled(Outcome.OK, 7) == []
    assert well.polled(Outcome.TIMEOUT, 12) == ["stale"]


def test_stale_page_is_reported_at_once_and_recovers_with_a_successful_poll(well):
    assert well.polled(Outcome.OK, 0) == []
    assert well.polled(Outcome.STALE, 1) == ["stale"]
    assert well.polled(Outcome.TIMEOUT, 2) == []
    assert well.polled(Outcome.STALE, 3) == []
    assert well.polled(Outcome.OK, 4) == ["recovered"]


def test_another_kind_of_problem_is_reported_while_the_first_one_lasts(well):
    assert well.polled(Outcome.TIMEOUT, 5) == ["stale"]
    assert well.polled(Outcome.STALE, 6) == ["stale"]
    assert [well.polled(Outcome.STALE, n) for n in (7, 8)] == [[], []]
    assert well.polled(Outcome.OK, 9) == ["recovered"]


def test_alert_has_reason_and_start(tmp_path):
    watched = Watched(tmp_path, polled(Outcome.OK, NOON))
    watched.alerts.beat(NOON + 4 * QUARTER)
    watched.alerts.polled(polled(Outcome.OK, NOON + 5 * QUARTER))
    watched.alerts.beat(NOON + 5 * QUARTER + SECOND)
    back = NOON + 5 * QUARTER
    assert watched.sent == [
        Alert(
            "stale",
            "timesca",
            NOON + 3 * QUARTER,
            "no successful poll since 2025-11-14T12:00:00Z",
            NOON,
            cause="silent",
        ),
        Alert("recovered", "timesca", back, "a successful poll at 2025-11-14T13:15:00Z", back),
    ]


def test_source_stale_at_start_is_reported_after_its_first_poll_failed(stale):
    assert stale.beat(SECOND) == []
    assert stale.polled(Outcome.MISSED, 0, started=False) == []
    assert stale.polled(Outcome.TIMEOUT, 1) == ["stale"]
    assert stale.polled(Outcome.TIMEOUT, 2) == []


def test_source_stale_at_start_is_reported_when_its_first_poll_is_overdue(stale):
    assert stale.beat(2 * QUARTER - SECOND) == []
    assert stale.beat(2 * QUARTER) == ["stale"]


def test_source_that_an_earlier_process_reported_as_stale_is_reported_as_recovered(tmp_path):
    stale = Watched(tmp_path, polled(Outcome.OK, NOON - 9 * QUARTER), reported=["timesca"])
    assert stale.polled(Outcome.OK, 1) == ["recovered"]
    assert stale.polled(Outcome.OK, 2) == []


def test_absence_that_was_not_reported_ends_without_an_alert(stale):
    assert stale.polled(Outcome.OK, 1) == []
    assert stale.polled(Outcome.TIMEOUT, 8) == ["stale"]
    assert stale.polled(Outcome.OK, 9) == ["recovered"]


def test_first_successful_poll_ever_is_no_recovery(tmp_path):
    first = Watched(tmp_path)
    assert first.beat(SECOND) == []
    assert first.polled(Outcome.OK, 1) == []


def test_source_without_any_successful_poll_is_reported(tmp_path):
    watched = Watched(tmp_path)
    watched.alerts.polled(polled(Outcome.NO_TICKER, NOON))
    watched.alerts.beat(NOON + SECOND)
    assert watched.sent == [Alert("stale", "timesca", NOON + SECOND, "no recent successful poll", None, cause="silent")]
    assert watched.polled(Outcome.OK, 1) == ["stale", "recovered"]


def test_restart_reports_no_healthy_source(tmp_path):
    Watched(tmp_path, polled(Outcome.OK, NOON - QUARTER))
    again = Watched(tmp_path)
    assert again.beat(SECOND) == []


def test_after_a_suspend_the_first_poll_precedes_any_alert(well):
    assert well.polled(Outcome.OK, 0) == []
    well.clock.at = NOON + 40 * QUARTER
    well.alerts.clock_jumped(40 * QUARTER)
    assert well.beat(40 * QUARTER + SECOND) == []
    assert well.polled(Outcome.OK, 41) == []


def test_reload_keeps_the_state(well):
    assert well.polled(Outcome.TIMEOUT, 5) == ["stale"]
    well.alerts.started(
        [ScheduledSource(SOURCE, Every(QUARTER / 3)), ScheduledSource(replace(SOURCE, id="another"), Every(QUARTER))]
    )
    assert well.beat(5 * QUARTER + 2 * SECOND) == []
    assert well.polled(Outcome.OK, 6) == ["recovered"]


def test_removed_source_is_not_watched(well):
    well.alerts.started([])
    assert well.polled(Outcome.TIMEOUT, 9) == []


def test_unreadable_store_is_logged(tmp_path, caplog):
    Store(tmp_path).record([polled(Outcome.OK, NOON)])
    [segment] = tmp_path.rglob("*.parquet")
    segment.write_bytes(b"no segment")
    alerts = Alerts([].append, store=Store(tmp_path), clock=FixedClock())
    alerts.started(PLANS)
    assert "alerts: the store cannot be read: polls/source=timesca" in caplog.text


def test_rates_unchanged_for_a_week_are_reported_and_recover(tmp_path):
    store = Store(tmp_path)
    store.append(snapshot_ticks(NOON - timedelta(days=8)))
    watched = Watched(tmp_path, polled(Outcome.OK, NOON - QUARTER))
    assert watched.polled(Outcome.OK, 0) == ["stale"]
    store.append([tick(rate_text="0.00192", observed_at=NOON + QUARTER)])
    assert watched.polled(Outcome.OK, 1) == []
    assert [watched.polled(Outcome.OK, n) for n in (2, 3, 4, 5)] == [[], [], ["recovered"], []]
