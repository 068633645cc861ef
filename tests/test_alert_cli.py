"""`fxticker alert --test` runs the alert command once, and says how it ended."""

import json
import shlex
import sys

from click.testing import CliRunner
from processes import run

from fxticker.cli import app


def alert_test(file):
    return run([sys.executable, "-m", "fxticker", "alert", "--test", "--config", file])


def test_test_reaches_the_command_and_shows_what_it_prints(written, tmp_path):
    code = f"import sys; open({str(tmp_path / 'got')!r}, 'w').write(sys.stdin.read()); print('queued as 7')"
    done = alert_test(written(f"[alerts]\non_alert = {json.dumps(shlex.join([sys.executable, '-c', code]))}\n"))
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == f"{sys.executable} ended with 0: queued as 7\n"
    got = json.loads((tmp_path / "got").read_text())
    assert (got["event"], got["source"], got["last_ok"]) == ("test", "fxticker", None)
    assert "nothing is wrong" in got["reason"]


def test_command_that_fails_is_named_with_its_output_and_without_its_arguments(written):
    done = alert_test(written("[alerts]\non_alert = \"sh -c 'echo no route; exit 3' hunter2\"\n"))
    assert (done.returncode, done.stdout, done.stderr) == (1, "", "fxticker: sh ended with 3: no route\n")


def test_command_that_does_not_exist_is_a_failure(written):
    done = alert_test(written("[alerts]\non_alert = '/nothing/here --key hunter2'\n"))
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "fxticker: /nothing/here: No such file or directory\n"


def test_configuration_without_a_command_is_a_failure(written):
    done = alert_test(written(""))
    assert done.returncode == 1
    assert "alerts.on_alert: is not set" in done.stderr


def test_alert_without_test_is_wrong_usage():
    assert CliRunner().invoke(app, ["alert"]).exit_code == 2
