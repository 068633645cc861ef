import json
import logging
import os
import shlex
import sys
import threading
import time
from dataclasses import replace
from datetime import timedelta

import pytest
from builders import NOON, FixedClock, snapshot_ticks, tick

import fxticker
from fxticker.model.records import Outcome, Poll
from fxticker.model.schedule import Every
from fxticker.monitoring.alert_command import AlertCommand
from fxticker.monitoring.alerts import Alert, Alerts
from fxticker.sources.registry import ScheduledSource
from fxticker.sources.timesca.page import SOURCE
from fxticker.store.store import Store

QUARTER = timedelta(minutes=15)
SECOND = timedelta(seconds=1)
PLANS = [ScheduledSource(SOURCE, Every(QUARTER))]
STALE = Alert("stale", "timesca", NOON, "no successful poll since 2025-11-14T11:15:00Z", NOON - 3 * QUARTER)


def polled(outcome, slot, *, started=True):
    return Poll("timesca", slot, outcome, started_at=slot if started else None)


class Watched:
    """Alerts over a store, started at noon, with what they told."""

    def __init__(self, folder, *before):
        store = Store(folder)
        store.record(before)
        self.told = []
        self.clock = FixedClock()
        self.alerts = Alerts(self.told.append, store=store, clock=self.clock)
        self.alerts.started(PLANS)

    def polled(self, outcome, quarters, *, started=True):
        self.alerts.polled(polled(outcome, NOON + quarters * QUARTER, started=started))
        return self.beat(quarters * QUARTER + SECOND)

    def beat(self, after):
        """What one more beat adds to what was told, some time after noon."""
        self.clock.at = NOON + after
        self.alerts.beat(self.clock.at)
        added, self.told[:] = self.told[:], []
        return [alert.event for alert in added]


@pytest.fixture
def well(tmp_path):
    return Watched(tmp_path, polled(Outcome.OK, NOON - QUARTER))


@pytest.fixture
def stale(tmp_path):
    return Watched(tmp_path, polled(Outcome.OK, NOON - 9 * QUARTER))


# When a source is told of


def test_a_source_that_goes_stale_is_told_of_once(well):
    assert well.polled(Outcome.OK, 0) == []
    assert [well.polled(Outcome.TIMEOUT, n) for n in (1, 2)] == [[], []]
    assert well.beat(3 * QUARTER) == []
    assert well.beat(3 * QUARTER + SECOND) == ["stale"]
    assert [well.polled(Outcome.TIMEOUT, n) for n in (3, 4, 5)] == [[], [], []]


def test_a_source_that_comes_back_is_told_of_once(well):
    assert well.polled(Outcome.TIMEOUT, 5) == ["stale"]
    assert well.polled(Outcome.OK, 6) == ["recovered"]
    assert well.polled(Outcome.OK, 7) == []
    assert well.polled(Outcome.TIMEOUT, 12) == ["stale"]


def test_an_old_page_is_told_of_at_once_and_until_a_sound_poll(well):
    assert well.polled(Outcome.OK, 0) == []
    assert well.polled(Outcome.STALE, 1) == ["stale"]
    assert well.polled(Outcome.TIMEOUT, 2) == []
    assert well.polled(Outcome.STALE, 3) == []
    assert well.polled(Outcome.OK, 4) == ["recovered"]


def test_an_alert_says_what_and_since_when(tmp_path):
    watched = Watched(tmp_path, polled(Outcome.OK, NOON))
    watched.alerts.beat(NOON + 4 * QUARTER)
    watched.alerts.polled(polled(Outcome.OK, NOON + 5 * QUARTER))
    watched.alerts.beat(NOON + 5 * QUARTER + SECOND)
    back = NOON + 5 * QUARTER
    assert watched.told == [
        Alert("stale", "timesca", NOON + 3 * QUARTER, "no successful poll since 2025-11-14T12:00:00Z", NOON),
        Alert("recovered", "timesca", back, "a successful poll at 2025-11-14T13:15:00Z", back),
    ]


def test_a_source_stale_at_the_start_is_told_of_once_its_first_poll_failed(stale):
    assert stale.beat(SECOND) == []
    assert stale.polled(Outcome.MISSED, 0, started=False) == []
    assert stale.polled(Outcome.TIMEOUT, 1) == ["stale"]
    assert stale.polled(Outcome.TIMEOUT, 2) == []


def test_a_source_stale_at_the_start_is_told_of_when_its_first_poll_should_be_over(stale):
    assert stale.beat(2 * QUARTER - SECOND) == []
    assert stale.beat(2 * QUARTER) == ["stale"]


def test_a_source_stale_at_the_start_that_comes_back_is_told_of(stale):
    assert stale.polled(Outcome.OK, 1) == ["recovered"]
    assert stale.polled(Outcome.OK, 2) == []


def test_the_very_first_sound_poll_is_no_recovery(tmp_path):
    first = Watched(tmp_path)
    assert first.beat(SECOND) == []
    assert first.polled(Outcome.OK, 1) == []


def test_a_source_that_never_is_sound_is_told_of(tmp_path):
    watched = Watched(tmp_path)
    watched.alerts.polled(polled(Outcome.NO_TICKER, NOON))
    watched.alerts.beat(NOON + SECOND)
    assert watched.told == [
        Alert("stale", "timesca", NOON + SECOND, "no recent successful poll", None),
    ]
    assert watched.polled(Outcome.OK, 1) == ["stale", "recovered"]


def test_a_restart_says_nothing_of_a_source_that_is_well(tmp_path):
    Watched(tmp_path, polled(Outcome.OK, NOON - QUARTER))
    again = Watched(tmp_path)
    assert again.beat(SECOND) == []


def test_after_a_sleep_the_first_poll_comes_before_any_alert(well):
    assert well.polled(Outcome.OK, 0) == []
    well.clock.at = NOON + 40 * QUARTER
    well.alerts.clock_jumped(40 * QUARTER)
    assert well.beat(40 * QUARTER + SECOND) == []
    assert well.polled(Outcome.OK, 41) == []


def test_a_reload_forgets_nothing(well):
    assert well.polled(Outcome.TIMEOUT, 5) == ["stale"]
    well.alerts.started(
        [ScheduledSource(SOURCE, Every(QUARTER / 3)), ScheduledSource(replace(SOURCE, id="another"), Every(QUARTER))]
    )
    assert well.beat(5 * QUARTER + 2 * SECOND) == []
    assert well.polled(Outcome.OK, 6) == ["recovered"]


def test_a_source_that_is_polled_no_more_is_not_watched(well):
    well.alerts.started([])
    assert well.polled(Outcome.TIMEOUT, 9) == []


def test_a_store_that_cannot_be_read_is_a_line_in_the_log(tmp_path, caplog):
    Store(tmp_path).record([polled(Outcome.OK, NOON)])
    [segment] = tmp_path.rglob("*.parquet")
    segment.write_bytes(b"no segment")
    alerts = Alerts([].append, store=Store(tmp_path), clock=FixedClock())
    alerts.started(PLANS)
    assert "alerts: the store cannot be read: polls/source=timesca" in caplog.text


# The command


def script(code):
    return shlex.join([sys.executable, "-c", code])


def run_for(command, *alerts, timeout_s=30.0):
    """Have a command run to its end for each alert."""
    with AlertCommand(command, timeout_s=timeout_s, stop_s=30) as running:
        for alert in alerts:
            running.enqueue(alert)


def test_the_command_gets_the_alert_on_its_standard_input(tmp_path):
    code = f"import sys; open({str(tmp_path / 'got')!r}, 'a').write(sys.stdin.read())"
    run_for(script(code), STALE, replace(STALE, event="recovered", last_ok=None))
    first, second = (tmp_path / "got").read_text().splitlines()
    assert json.loads(first) == {
        "event": "stale",
        "source": "timesca",
        "since": "2025-11-14T12:00:00Z",
        "reason": "no successful poll since 2025-11-14T11:15:00Z",
        "last_ok": "2025-11-14T11:15:00Z",
        "fxticker": fxticker.__version__,
    }
    assert json.loads(second)["event"] == "recovered"
    assert json.loads(second)["last_ok"] is None


def test_what_the_command_prints_is_a_bounded_line_in_the_log(caplog):
    caplog.set_level(logging.INFO, "fxticker")
    run_for(script("print('sent\\n' + 'x' * 1_000_000)"), STALE)
    assert "timesca stale: no successful poll since 2025-11-14T11:15:00Z" in caplog.messages
    [line] = [message for message in caplog.messages if "ended with 0" in message]
    assert ": sent xxx" in line
    assert len(line) < 500


def test_a_command_that_fails_is_a_warning(caplog):
    run_for(script("import sys; sys.exit('no route')"), STALE)
    [record] = [record for record in caplog.records if "ended with 1: no route" in record.message]
    assert record.levelname == "WARNING"


def test_a_command_that_cannot_run_is_a_line_in_the_log(tmp_path, caplog):
    run_for(f"{tmp_path}/nothing --key hunter2", STALE, STALE)
    found = [message for message in caplog.messages if "could not run" in message]
    assert len(found) == 2
    assert f"{tmp_path}/nothing could not run: [Errno 2] No such file or directory" in found[0]
    assert "hunter2" not in caplog.text


def test_no_shell_reads_the_command(tmp_path):
    run_for(f"echo ; touch {tmp_path}/made $HOME", STALE)
    assert not (tmp_path / "made").exists()


def test_a_command_that_hangs_is_killed_with_its_group(tmp_path, caplog):
    code = f"sleep 60 & echo $! > {shlex.quote(str(tmp_path / 'child'))}; wait"
    run_for(shlex.join(["sh", "-c", code]), STALE, timeout_s=3.0)
    assert "was killed after 3 s" in caplog.text
    assert has_ended(int((tmp_path / "child").read_text()))


def has_ended(pid):
    """Whether a process ends within some seconds."""
    for _ in range(100):
        try:
            os.kill(pid, 0)
            with open(f"/proc/{pid}/stat") as stat:  # noqa: PTH123  a zombie nobody waits for has ended, too
                if stat.read().rpartition(")")[2].split()[0] == "Z":
                    return True
        except OSError:
            return True
        threading.Event().wait(0.05)
    return False


def test_a_command_that_closes_its_output_and_hangs_is_killed(caplog):
    run_for(script("import os, time; os.close(1); os.close(2); time.sleep(60)"), STALE, timeout_s=0.5)
    assert "was killed after 0.5 s" in caplog.text


def test_a_command_that_does_not_read_does_no_harm(caplog):
    caplog.set_level(logging.INFO, "fxticker")
    run_for("true", STALE)
    assert "alert command true ended with 0" in caplog.text


def test_telling_waits_for_nobody_and_a_stop_ends_what_runs():
    began_s = time.monotonic()
    with AlertCommand(script("import time; time.sleep(60)")) as command:
        for _ in range(200):
            command.enqueue(STALE)
    assert time.monotonic() - began_s < 30
    assert "alerts" not in [thread.name for thread in threading.enumerate()]


def test_a_source_whose_figures_stand_still_for_a_week_is_told_of_and_comes_back(tmp_path):
    store = Store(tmp_path)
    store.append(snapshot_ticks(NOON - timedelta(days=8)))
    found = Watched(tmp_path, polled(Outcome.OK, NOON - QUARTER))
    assert found.polled(Outcome.OK, 0) == ["stale"]
    store.append([tick(rate_text="0.00192", observed_at=NOON + QUARTER)])
    assert found.polled(Outcome.OK, 1) == []
    assert [found.polled(Outcome.OK, n) for n in (2, 3, 4, 5)] == [[], [], ["recovered"], []]
