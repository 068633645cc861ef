"""The alert command gets each alert, and is bounded in time and output."""

import errno
import json
import os
import shlex
import sys
import threading
import time
from dataclasses import replace
from datetime import timedelta
from functools import partial

from builders import NOON

import fxticker
from fxticker.monitoring import command_run
from fxticker.monitoring.alert_command import AlertCommand
from fxticker.monitoring.alerts import Alert
from fxticker.monitoring.command_run import run_command

STALE = Alert("stale", "timesca", NOON, "no successful poll since 2025-11-14T11:15:00Z", NOON - timedelta(minutes=45))


def script(code):
    return shlex.join([sys.executable, "-c", code])


def run_for(command, *alerts, timeout_s=30.0):
    """Have a command run to its end for each alert."""
    with AlertCommand(command, timeout_s=timeout_s, stop_s=30) as running:
        for alert in alerts:
            running.enqueue(alert)


def test_command_gets_the_alert_on_standard_input(tmp_path):
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


def test_output_is_one_bounded_line_in_the_log(info_log):
    run_for(script("print('sent\\n' + 'x' * 1_000_000)"), STALE)
    assert "timesca stale: no successful poll since 2025-11-14T11:15:00Z" in info_log.messages
    [line] = [message for message in info_log.messages if "ended with 0" in message]
    assert ": sent xxx" in line
    assert len(line) < 500


def test_failing_command_is_logged_as_a_warning(caplog):
    run_for(script("import sys; sys.exit('no route')"), STALE)
    [record] = [record for record in caplog.records if "ended with 1: no route" in record.message]
    assert record.levelname == "WARNING"


def test_command_that_cannot_run_is_logged(tmp_path, caplog):
    run_for(f"{tmp_path}/nothing --key hunter2", STALE, STALE)  # each is tried at once
    lines = [message for message in caplog.messages if "could not run" in message]
    assert len(lines) == 2
    assert f"{tmp_path}/nothing could not run: [Errno 2] No such file or directory" in lines[0]
    assert "hunter2" not in caplog.text


class Tried:
    """A command that fails while `folder/down` exists, its runs, and a clock for its pauses."""

    def __init__(self, folder):
        self.down = folder / "down"
        self.down.touch()
        self.passed_s = 0.0
        self.delivered = []
        self.runs = []
        test = shlex.join(["test", "!", "-e", str(self.down)])
        self.command = AlertCommand(
            test, stop_s=30, monotonic=lambda: self.passed_s, on_delivered=self.delivered.append
        )

    def send(self, *alerts):
        for alert in alerts:
            self.command.enqueue(alert)
        self.command.flush(30)
        return self.delivered

    def pass_time(self, seconds):
        """Let time pass, and the runs that are due then end."""
        self.passed_s += seconds
        self.command.flush(30)
        return self.delivered


def pauses(caplog):
    return [int(message.rpartition(" in ")[2].split()[0]) for message in caplog.messages if "next try" in message]


def test_failed_command_is_tried_again_after_growing_pauses_until_it_succeeds(tmp_path, caplog):
    tried = Tried(tmp_path)
    with tried.command:
        assert tried.send(STALE) == []
        for pause_s in (30, 60, 120, 240, 480, 960, 1920, 3600):
            assert tried.pass_time(pause_s - 1) == []
            assert tried.pass_time(1) == []
        assert pauses(caplog) == [30, 60, 120, 240, 480, 960, 1920, 3600, 3600]
        tried.down.unlink()
        assert tried.pass_time(3600) == [STALE]
        assert tried.pass_time(3600) == [STALE]


def test_newest_alert_of_a_source_takes_the_place_of_the_one_to_be_tried_again(tmp_path):
    tried = Tried(tmp_path)
    other = replace(STALE, source="cbu")
    recovered = replace(STALE, event="recovered")
    with tried.command:
        assert tried.send(STALE, other, recovered) == []
        tried.down.unlink()
        assert tried.pass_time(30) == [other, recovered]


def test_flood_of_alerts_is_bounded_and_the_newest_of_each_source_stays(tmp_path):
    release = tmp_path / "release"
    delivered = []
    waits = f"while [ ! -e {shlex.quote(str(release))} ]; do sleep 0.02; done"
    with AlertCommand(shlex.join(["sh", "-c", waits]), stop_s=30, on_delivered=delivered.append) as command:
        for number in range(150):
            command.enqueue(replace(STALE, reason=str(number)))
        command.enqueue(replace(STALE, source="cbu"))
        release.touch()
        assert len(command._waiting) <= 101
    assert [delivered[-2].reason, delivered[-1].source] == ["149", "cbu"]


def test_command_is_run_without_a_shell(tmp_path):
    run_for(f"echo ; touch {tmp_path}/made $HOME", STALE)
    assert not (tmp_path / "made").exists()


def test_hanging_command_is_killed_with_its_process_group(tmp_path, caplog):
    code = f"sleep 60 & echo $! > {shlex.quote(str(tmp_path / 'child'))}; wait"
    run_for(shlex.join(["sh", "-c", code]), STALE, timeout_s=2.0)
    assert "was killed after 2 s" in caplog.text
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


def test_process_that_a_command_leaves_behind_is_not_waited_for():
    started_s = time.monotonic()
    end = run_command(["sh", "-c", "sleep 3 & echo sent"], b"{}\n", timeout_s=20)
    assert (end.code, end.output, end.is_killed) == (0, "sent", False)
    assert time.monotonic() - started_s < 2


def test_hanging_command_with_closed_output_is_killed(caplog):
    run_for(script("import os, time; os.close(1); os.close(2); time.sleep(60)"), STALE, timeout_s=0.5)
    assert "was killed after 0.5 s" in caplog.text


def test_command_of_another_account_that_hangs_does_not_keep_later_alerts_back(tmp_path, caplog, monkeypatch):
    def refuse(_group, _signal):
        raise PermissionError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(os, "killpg", refuse)
    monkeypatch.setattr(command_run, "_END_S", 0.01)
    code = f"import sys, time; open({str(tmp_path / 'got')!r}, 'a').write(sys.stdin.read()); time.sleep(0.8)"
    with AlertCommand(script(code), timeout_s=0.3) as command:
        command.enqueue(STALE)
        command.enqueue(replace(STALE, source="cbr"))
        command.flush(10)
    assert [json.loads(line)["source"] for line in (tmp_path / "got").read_text().splitlines()] == ["timesca", "cbr"]
    assert caplog.text.count("took more than 0.3 s and cannot be killed; next try in 30 s") == 2


def test_command_may_ignore_its_input(info_log):
    run_for("true", STALE)
    assert "alert command true ended with 0" in info_log.text


def test_enqueue_does_not_block_and_a_stop_kills_the_command():
    began_s = time.monotonic()
    with AlertCommand(script("import time; time.sleep(60)")) as command:
        for _ in range(200):
            command.enqueue(STALE)
    assert time.monotonic() - began_s < 30
    assert "alerts" not in [thread.name for thread in threading.enumerate()]


def test_failures_of_the_command_are_counted_and_successes_are_not(tmp_path):
    failures = []
    for command in ("true", "false", str(tmp_path / "none"), "sleep 60"):
        on_failure = partial(failures.append, command)
        with AlertCommand(command, timeout_s=0.2, stop_s=30, on_failure=on_failure) as running:
            running.enqueue(STALE)
    assert failures == ["false", str(tmp_path / "none"), "sleep 60"]
