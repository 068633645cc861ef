"""The daemon and a clock that may be wrong: what it settles, defers, polls and reports at a start and later."""

import json
import os
from contextlib import contextmanager
from datetime import timedelta

import pytest
from daemons import PAGE, ManualClock, Running, at, daemon_of, in_thread, outcomes, planned
from servers import RawServer, refusing_url

import fxticker as fx
from fxticker.daemon.sd_notify import SystemdNotifier
from fxticker.model.records import Outcome, Poll
from fxticker.monitoring.alert_filter import AlertFilter
from fxticker.monitoring.clock_alerts import ClockAlerts
from fxticker.monitoring.metrics import Metrics
from fxticker.simulation.loopback_server import answering, date_line
from fxticker.store.store import Store

YEAR = timedelta(days=365)
HOUR = timedelta(hours=1)
QUARTER_HOUR = timedelta(minutes=15)
WHY = "the daemon was not running, or could not write"


class TrueTime:
    """A server whose own clock is right, beside a machine whose clock is `ahead` of it."""

    def __init__(self, now, ahead=timedelta(0)):
        self.clock = ManualClock(now + ahead)
        self.ahead = ahead

    def answer(self, exchange):
        answering(PAGE, date_line(self.clock.wall - self.ahead))(exchange)

    def set_right(self):
        self.clock.wall -= self.ahead
        self.ahead = timedelta(0)


class Watched(Running):
    """A running daemon whose unrecorded polls are counted, too."""

    def __init__(self, clock):
        super().__init__(clock)
        self.unrecorded = []

    def not_recorded(self, poll):
        self.unrecorded.append(poll)
        self._recorded.release()


@contextmanager
def at_work(folder, time, url=None, *, is_synchronised=lambda _now: False, observers=()):
    """A daemon under a clock that is not synchronised, which polls a server that sends the true time, or another."""
    clock = time.clock
    run = Watched(clock)
    with RawServer(time.answer) as server:
        options = {"clock": clock, "monotonic": clock.monotonic, "boottime": clock.monotonic, "beat_s": 3600}
        plan = planned(url or server.url)
        options |= {"observers": [run, *observers], "is_synchronised": is_synchronised}
        with daemon_of(Store(folder, clock=clock), plan, **options) as (run.daemon, _), in_thread(run):
            yield run


def recorded_before(folder, *times):
    Store(folder).record([Poll("timesca", at(text), Outcome.OK, ticks=5) for text in times])


def go_on(run, by=QUARTER_HOUR):
    run.clock.go_on(by)
    run.daemon._scheduler.wake_all()


# A start with a clock ahead


@pytest.mark.parametrize("ahead", [HOUR, timedelta(days=2), YEAR])
def test_start_with_a_clock_ahead_writes_no_outcome(tmp_path, ahead):
    recorded_before(tmp_path, "11:30")
    with at_work(tmp_path, TrueTime(at("12:00:10"), ahead)) as run:
        run.wait()
    assert outcomes(tmp_path) == [(at("11:30"), "ok")]
    assert [str(poll.outcome) for poll in run.unrecorded] == ["clock"]
    assert fx.load(tmp_path).empty


def test_after_the_clock_is_set_right_every_slot_has_one_outcome(tmp_path):
    recorded_before(tmp_path, "11:30")
    time = TrueTime(at("12:00:10"), YEAR)
    with at_work(tmp_path, time) as run:
        run.wait()
        time.set_right()
        run.daemon.beat()
        run.wait(2)
        go_on(run)
        run.wait()
    assert outcomes(tmp_path) == [
        (at("11:30"), "ok"),
        (at("11:45"), "missed"),
        (at("12:00"), "ok"),
        (at("12:15"), "ok"),
    ]


def test_clock_that_becomes_confirmed_settles_the_slots_that_waited(tmp_path):
    recorded_before(tmp_path, "11:30")
    time = TrueTime(at("12:00:10"), 3 * HOUR)
    states = [False]
    with at_work(tmp_path, time, is_synchronised=lambda _now: states[0]) as run:
        run.wait()
        states[0] = True  # so the server was wrong
        go_on(run)
        run.wait(15)
    stored = dict(outcomes(tmp_path))
    assert list(stored) == [at("11:30") + number * QUARTER_HOUR for number in range(16)]
    assert (stored[at("15:00")], stored[at("15:15")]) == ("missed", "ok")
    details = fx.load_polls(tmp_path).set_index("slot")["detail"]
    assert details[at("14:45")] == WHY
    assert details[at("15:00")] == "this machine's clock was ahead of the time that servers send"


def test_running_clock_that_is_set_a_year_ahead_is_contradicted_by_the_boot_time_clock(tmp_path):
    time = TrueTime(at("12:00:10"))
    with at_work(tmp_path, time) as run:
        run.wait()
        time.ahead = YEAR
        run.jump(days=365)
        run.clock.passed_s += 61
        run.clock.wall += timedelta(seconds=61)
        run.daemon.beat()
        run.wait()
        assert len(run.unrecorded) == 1
    assert outcomes(tmp_path) == [(at("12:00"), "ok")]


def test_sleep_of_two_days_is_confirmed_by_the_boot_time_clock_alone(tmp_path):
    time = TrueTime(at("12:00:10"))
    with at_work(tmp_path, time) as run:
        run.wait()
        go_on(run, timedelta(days=2))
        run.wait(192)
    assert [outcome for _, outcome in outcomes(tmp_path)] == ["ok", *["missed"] * 191, "ok"]


@pytest.mark.parametrize(("ahead", "outcome"), [(timedelta(0), "ok"), (YEAR, None)])
def test_first_poll_off_the_grid_confirms_the_clock_or_not(tmp_path, ahead, outcome):
    recorded_before(tmp_path, "11:15")
    with at_work(tmp_path, TrueTime(at("12:10:00"), ahead)) as run:
        while not run.taken + run.unrecorded:
            run.wait()
    stored = [(f"{slot:%H:%M}", polled) for slot, polled in outcomes(tmp_path)]
    passed = [("11:30", "missed"), ("11:45", "missed"), ("12:00", "missed"), ("12:10", "ok")]
    assert stored == [("11:15", "ok"), *(passed if outcome else [])]


# A clock that nothing confirms


def test_unconfirmed_clock_settles_a_day_and_records_the_current_poll(tmp_path):
    recorded_before(tmp_path, "11:30")
    with refusing_url() as url, at_work(tmp_path, TrueTime(at("12:00:10"), YEAR), url) as run:
        run.wait(97)
    stored = outcomes(tmp_path)
    assert [outcome for _, outcome in stored] == ["ok", *["missed"] * 96, "unreachable"]
    assert stored[-2][0] == at("11:30") + timedelta(days=1)
    assert stored[-1][0] == at("12:00") + YEAR


def test_repeated_starts_of_an_unconfirmed_clock_settle_no_further_day(tmp_path):
    recorded_before(tmp_path, "11:30")
    for later in range(3):
        with refusing_url() as url:
            time = TrueTime(at("12:00:10") + later * QUARTER_HOUR, YEAR)
            with at_work(tmp_path, time, url) as run:
                run.wait()
                while not run.taken:
                    run.wait()
    counted = fx.load_polls(tmp_path)["outcome"].value_counts().to_dict()
    assert counted == {"ok": 1, "missed": 96, "unreachable": 3}


def test_deferred_slots_get_their_outcomes_when_a_server_confirms_the_clock(tmp_path):
    recorded_before(tmp_path, "11:30")
    with refusing_url() as url, at_work(tmp_path, TrueTime(at("12:00:10") + timedelta(days=3)), url) as run:
        run.wait(97)
    assert len(outcomes(tmp_path)) == 98
    [deferred] = (tmp_path / "deferred").iterdir()
    assert [row["why"] for row in json.loads(deferred.read_text())] == [WHY]
    with at_work(tmp_path, TrueTime(at("12:15:10") + timedelta(days=3))) as run:
        while not run.taken:
            run.wait()
    stored = outcomes(tmp_path)
    assert [slot for slot, _ in stored] == [at("11:30") + number * QUARTER_HOUR for number in range(len(stored))]
    assert stored[-1] == (at("12:15") + timedelta(days=3), "ok")
    assert set(fx.load_polls(tmp_path).query("outcome == 'missed'")["detail"]) == {WHY}
    assert not deferred.exists()


def test_deferred_slots_that_lie_ahead_are_polled_when_the_clock_is_right(tmp_path):
    recorded_before(tmp_path, "11:30")
    with refusing_url() as url, at_work(tmp_path, TrueTime(at("12:00:10"), YEAR), url) as run:
        run.wait(97)
    day = timedelta(days=1)
    with at_work(tmp_path, TrueTime(at("11:45:10") + day)) as run:
        run.wait()
    stored = dict(outcomes(tmp_path))
    assert stored[at("11:45") + day] == "ok"
    assert at("12:00") + day not in stored
    assert not [*(tmp_path / "deferred").iterdir()]


DAY_BEFORE = b'"after": "2025-11-13T12:00:00+00:00", "until": "2025-11-14T11:00:00+00:00"'
DAMAGED_LISTS = {
    "other key": b'[{"after": 3}]',
    "empty": b"",
    "no list": b"5",
    "cut": b'[{"after": "2025-11-13T',
    "nested": b"[" * 100_000,
    "no zone": b'[{"after": "2025-11-13", "until": "2025-11-14", "why": null}]',
    "reason is a number": b'[{%s, "why": 5}]' % DAY_BEFORE,
    "reason is a list": b'[{%s, "why": []}]' % DAY_BEFORE,
    "before the epoch": b'[{"after": "0001-01-01T00:00:00Z", "until": "0001-01-01T00:00:00Z", "why": null}]',
    "year 0 in UTC": b'[{"after": "0001-01-01T00:00:00+14:00", "until": "2025-11-14T11:00:00Z", "why": null}]',
    "year 10000 in UTC": b'[{"after": "2025-11-14T11:00:00Z", "until": "9999-12-31T23:59:59-14:00", "why": null}]',
}


@pytest.mark.parametrize("content", DAMAGED_LISTS.values(), ids=DAMAGED_LISTS.keys())
def test_damaged_list_of_deferred_slots_stops_nothing_and_check_names_it(tmp_path, caplog, content):
    recorded_before(tmp_path, "11:45")
    (tmp_path / "deferred").mkdir()
    (tmp_path / "deferred" / "source=timesca.json").write_bytes(content)
    with at_work(tmp_path, TrueTime(at("12:00:10"))) as run:
        run.wait()
    assert outcomes(tmp_path)[-1] == (at("12:00"), "ok")
    assert "not a list of deferred slots" in caplog.text
    [finding] = Store(tmp_path).check()
    assert str(finding) == "deferred/source=timesca.json: cannot be read (not a list of deferred slots)"
    [moved] = Store(tmp_path).quarantine()
    assert moved.to == "quarantine/deferred/source=timesca.json"
    assert Store(tmp_path).check() == []


def test_pipe_in_place_of_the_list_of_deferred_slots_stops_nothing(tmp_path, caplog):
    recorded_before(tmp_path, "11:45")
    (tmp_path / "deferred").mkdir()
    os.mkfifo(tmp_path / "deferred" / "source=timesca.json")
    with at_work(tmp_path, TrueTime(at("12:00:10"))) as run:
        run.wait()
    assert outcomes(tmp_path)[-1] == (at("12:00"), "ok")
    assert "its slots get no outcome: no regular file" in caplog.text


def test_reason_of_deferred_slots_is_recorded_as_one_line(tmp_path):
    recorded_before(tmp_path, "11:00")
    (tmp_path / "deferred").mkdir()
    stretch = {"after": "2025-11-14T11:00:00Z", "until": "2025-11-14T11:45:00Z", "why": "a\nb\x1b[31m\ud800"}
    (tmp_path / "deferred" / "source=timesca.json").write_text(json.dumps([stretch]))
    with at_work(tmp_path, TrueTime(at("12:00:10"))) as run:
        while not run.taken:
            run.wait()
    assert "a b\N{REPLACEMENT CHARACTER}[31m\N{REPLACEMENT CHARACTER}" in [*fx.load_polls(tmp_path)["detail"]]


def test_empty_store_takes_its_first_poll_by_an_unconfirmed_clock(tmp_path):
    with running_unconfirmed(tmp_path) as run:
        run.wait()
    assert outcomes(tmp_path) == [(at("12:00"), "ok")]


@contextmanager
def running_unconfirmed(folder):
    """A daemon whose source sends no Date."""
    clock = ManualClock(at("12:00:10"))
    with RawServer(answering(PAGE)) as server, at_work(folder, TrueTime(clock.wall), server.url) as run:
        yield run


# A clock behind


def test_clock_behind_records_the_outcome_clock_and_goes_on(tmp_path):
    time = TrueTime(at("12:00:10"), -3 * HOUR)
    with at_work(tmp_path, time) as run:
        run.wait()
        time.set_right()
        run.daemon.beat()
        run.wait(12)
    stored = outcomes(tmp_path)
    assert (stored[0], stored[-1]) == ((at("09:00"), "clock"), (at("12:00"), "ok"))
    assert {outcome for _, outcome in stored[1:-1]} == {"missed"}
    assert len(fx.load(tmp_path)) == 5


def test_clock_behind_recorded_slots_is_found_at_the_start(tmp_path):
    recorded_before(tmp_path, "11:30", "11:45")
    with at_work(tmp_path, TrueTime(at("12:00:10"), -3 * HOUR)) as run:
        run.wait()
    assert [str(poll.outcome) for poll in run.taken] == ["clock"]
    assert fx.load(tmp_path).empty


# Who is notified


def test_wrong_clock_is_alerted_once_and_its_end_too(tmp_path):
    alerts = []
    time = TrueTime(at("12:00:10"), 3 * HOUR)
    alert_filter = AlertFilter(alerts.append, clock=time.clock)
    with at_work(tmp_path, time, observers=[alert_filter, ClockAlerts(alert_filter)]) as run:
        run.wait()
        go_on(run)
        run.wait()
        time.set_right()
        run.daemon.beat()
        run.wait()
    assert [(alert.event, alert.source) for alert in alerts] == [("clock", "clock"), ("recovered", "clock")]
    assert "3:00:00 ahead of the time that servers send" in alerts[0].reason
    assert json.loads(alerts[0].encoded())["event"] == "clock"


def test_clock_that_is_set_right_is_reported_of_before_the_next_poll(tmp_path):
    alerts = []
    time = TrueTime(at("12:00:10"), 3 * HOUR)
    alert_filter = AlertFilter(alerts.append, clock=time.clock)
    metrics = Metrics(store=Store(tmp_path), clock=time.clock)
    with at_work(tmp_path, time, observers=[alert_filter, ClockAlerts(alert_filter), metrics]) as run:
        run.wait()
        run.wait_for(lambda: any("ahead of the time" in reason for reason in metrics.reasons()))
        run.daemon._scheduler.wake_all = lambda: None  # the next slot is tomorrow's
        time.set_right()
        run.daemon.beat()
        assert [alert.event for alert in alerts] == ["clock", "recovered"]
        assert not any("ahead of the time" in reason for reason in metrics.reasons())


def test_watchdog_is_fed_while_a_clock_ahead_is_polled_without_outcomes(tmp_path):
    sent = []

    class Recorded(SystemdNotifier):
        def _send(self, *facts):
            sent.append(facts)

    environ = {"NOTIFY_SOCKET": "@none", "WATCHDOG_USEC": "120000000"}
    notifier = Recorded(environ, store=Store(tmp_path), timeout_s=5)
    with at_work(tmp_path, TrueTime(at("12:00:10"), YEAR), observers=[notifier]) as run:
        run.wait()
        run.daemon.beat()
        for _ in range(4):
            go_on(run)
            run.wait()
            run.daemon.beat()
    assert all("WATCHDOG=1" in facts for facts in sent if facts[0].startswith("STATUS=last"))
    assert len(run.unrecorded) == 5


# The next slot that will really be polled


def test_next_slot_is_the_first_without_an_outcome(tmp_path, info_log):
    ahead = [Poll("timesca", at("12:00") + number * QUARTER_HOUR, Outcome.MISSED) for number in range(4000)]
    Store(tmp_path).record(ahead)
    following = (at("12:00") + 4000 * QUARTER_HOUR).isoformat(timespec="seconds")
    sent = []

    class Recorded(SystemdNotifier):
        def _send(self, *facts):
            sent.append(facts)

    notifier = Recorded({"NOTIFY_SOCKET": "@none"}, store=Store(tmp_path), timeout_s=5)
    with at_work(tmp_path, TrueTime(at("12:00:10")), observers=[notifier]) as run:
        run.daemon.beat()
    [warned] = [record for record in info_log.records if f"timesca: next slot {following}" in record.getMessage()]
    assert warned.levelname == "WARNING"
    assert "`fxticker status` names what is ahead of now" in warned.getMessage()
    assert f"next slot: {following.replace('+00:00', 'Z')}" in sent[-1][0]


def test_next_slot_of_the_grid_is_no_warning(tmp_path, info_log):
    with at_work(tmp_path, TrueTime(at("12:00:10"))) as run:
        run.daemon.beat()
    [shown] = [record for record in info_log.records if "timesca: next slot" in record.getMessage()]
    assert (shown.levelname, shown.getMessage()) == ("INFO", "timesca: next slot 2025-11-14T12:00:00+00:00")
