"""The configuration as a daemon gets it: read by another process, with every problem named, at a reload too."""

import os
import signal
import subprocess
import sys
from datetime import UTC, datetime, timedelta

import pytest
from servers import RawServer
from test_daemon import daemon_process, lines_until

import fxticker as fx
from fxticker.config import load_settings
from fxticker.daemon.configured import read_configuration
from fxticker.daemon.processes import command_of
from fxticker.errors import ConfigError
from fxticker.model.schedule import Cron
from fxticker.simulation.captures import read_captures
from fxticker.simulation.site import TickerSite
from fxticker.store.store import Store


@pytest.fixture
def site():
    with TickerSite() as shown:
        capture = read_captures()[-1]
        shown.show(capture.ticks, datetime.now(UTC).date())
        yield shown


WHOLE = """
[store]
path = "data"
[http]
timeout_s = 7.5
max_bytes = 1000
user_agent = "fxticker (mail@example.org)"
[monitoring]
listen = "[::1]:9464"
[alerts]
on_alert = "/usr/bin/page me"
[sources.timesca]
url = "https://example.org/ticker"
cron = "*/20 * * * *"
[sources.cbu]
enabled = false
[sources.nbk]
"""


def test_what_is_configured_arrives_as_it_was_read(written):
    file = written(WHOLE)
    found = read_configuration(file)
    assert found.store == str(file.parent / "data")
    assert found.http == {"timeout_s": 7.5, "max_bytes": 1000, "user_agent": "fxticker (mail@example.org)"}
    assert found.listen == ("::1", 9464)
    assert found.on_alert == "/usr/bin/page me"
    assert list(found.planned) == load_settings(file).planned()
    nbk, timesca = found.planned
    assert (nbk.source.id, nbk.source.url) == ("nbk", "https://nationalbank.kz/rss/get_rates.cfm")
    assert (timesca.source.url, timesca.schedule) == ("https://example.org/ticker", Cron("*/20 * * * *"))


def test_the_defaults_serve_no_metrics_and_tell_nobody(written):
    found = read_configuration(written(""))
    assert (found.listen, found.on_alert, found.http["timeout_s"]) == (None, None, 20)
    assert [(plan.source.id, plan.schedule.interval) for plan in found.planned] == [("timesca", timedelta(minutes=15))]


def test_all_that_is_wrong_is_named_at_once(written):
    file = written("[http]\ntimeout_s = 0\nnonsense = 1\n[sources.timesca]\nevery = 'often'\n")
    with pytest.raises(ConfigError) as caught:
        read_configuration(file)
    assert caught.value.origin == str(file)
    assert [problem.partition(":")[0] for problem in caught.value.problems] == [
        "http.timeout_s",
        "http.nonsense",
        "sources.timesca.every",
    ]


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(ConfigError, match="No such file"):
        read_configuration(tmp_path / "none.toml")


def test_nothing_to_poll_is_a_problem(written):
    with pytest.raises(ConfigError, match="none is enabled"):
        read_configuration(written("[sources.timesca]\nenabled = false\n"))


def test_intervals_have_to_fit_the_limit_that_is_in_force(written):
    file = written("[http]\ntimeout_s = 5\n[sources.timesca]\nevery = '10s'\n")
    assert read_configuration(file, timeout_s=9).http["timeout_s"] == 5
    with pytest.raises(ConfigError, match="20 s is not shorter than the interval of timesca, 10 s"):
        read_configuration(file, timeout_s=20)


@pytest.mark.parametrize("script", ["#!/bin/sh\necho nonsense\n", "#!/bin/sh\nexit 3\n", "#!/bin/sh\necho '{}'\n"])
def test_a_reader_that_fails_is_a_named_problem(written, monkeypatch, tmp_path, script):
    broken = tmp_path / "python"
    broken.write_text(script, "utf-8")
    broken.chmod(0o700)
    monkeypatch.setattr(sys, "executable", str(broken))
    with pytest.raises(ConfigError, match="could not be read"):
        read_configuration(written(""))


def test_an_interpreter_that_is_gone_is_a_named_problem(written, monkeypatch, tmp_path):
    monkeypatch.setattr(sys, "executable", str(tmp_path / "gone"))
    with pytest.raises(ConfigError, match="could not be read: FileNotFoundError"):
        read_configuration(written(""))


def test_another_version_that_was_installed_meanwhile_is_named(written, monkeypatch):
    monkeypatch.setattr("fxticker.__version__", "0.0.9")
    with pytest.raises(ConfigError, match=r"is installed now, which counts from the next start on"):
        read_configuration(written(""))


@pytest.mark.parametrize("name", ["fifo", "/dev/zero"])
def test_what_is_no_file_is_refused_at_once(tmp_path, name):
    os.mkfifo(tmp_path / "fifo")
    with pytest.raises(ConfigError, match="must be a file of at most 1000000 bytes"):
        read_configuration(tmp_path / name)


PLUG_IN = """
import atexit, os, threading
print("printed")
os.write(1, b"written")
atexit.register(lambda: print("said at the end"))
threading.Thread(target=threading.Event().wait).start()
if os.fork() == 0:
    threading.Timer(5, os._exit, [0]).run()
from dataclasses import replace
from fxticker.sources.timesca.page import SOURCE
OTHER = replace(SOURCE, id="other", url="https://example.org/")
"""
ASKING = """
import os, sys
from pathlib import Path
from fxticker.daemon.configured import read_configuration
Path(sys.argv[2]).write_text(read_configuration(Path(sys.argv[1])).planned[0].source.url)
os._exit(0)
"""


def test_a_plug_in_may_print_and_leave_threads_running(tmp_path, written):
    about = tmp_path / "plug_in-1.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: plug-in\nVersion: 1\n", "utf-8")
    (about / "entry_points.txt").write_text("[fxticker.sources]\nother = plug_in_of_a_test:OTHER\n", "utf-8")
    (tmp_path / "plug_in_of_a_test.py").write_text(PLUG_IN, "utf-8")
    answer = tmp_path / "answer"
    subprocess.run(
        [sys.executable, "-c", ASKING, str(written("[sources.other]")), str(answer)],
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(tmp_path), *sys.path])},
        timeout=60,
        check=True,
    )
    assert answer.read_text() == "https://example.org/"


# The process


def test_another_process_finds_the_package_where_this_one_did(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(str(tmp_path))
    (tmp_path / "shown.py").write_text("import sys; print(sys.argv[1:], sys.path[0], __name__)\n", "utf-8")
    done = subprocess.run(command_of("shown", "a b", ""), capture_output=True, text=True, check=True, cwd="/")
    assert done.stdout == f"['a b', ''] {tmp_path} __main__\n"


WAITING = """
import os, signal, sys
from fxticker.daemon.processes import become
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
for number in sys.argv[3:]:
    os.kill(os.getpid(), int(number))
become("fxticker.daemon.process", *sys.argv[1:3])
"""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_daemon_that_is_stopped_before_it_began_ends_well(written, tmp_path, number):
    command = [sys.executable, "-c", WAITING, str(written("")), str(tmp_path / "store")]
    done = subprocess.run([*command, str(int(number))], capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert not (tmp_path / "store").exists()


def test_a_daemon_that_is_told_to_reload_before_it_began_goes_on(tmp_path):
    command = [sys.executable, "-c", WAITING, str(tmp_path / "none.toml"), "", str(int(signal.SIGHUP))]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 1  # and not -1: it came to read the file
    assert "No such file" in done.stderr


def test_a_daemon_runs_with_all_standard_streams_closed(tmp_path, site):
    config = tmp_path / "config.toml"
    config.write_text(f"[http]\ntimeout_s = 0.9\n[sources.timesca]\nurl = '{site.url}'\nevery = '1s'\n", "utf-8")
    command = [sys.executable, "-m", "fxticker", "run", "--config", str(config), "--store", str(tmp_path / "store")]
    with subprocess.Popen(["sh", "-c", 'exec "$@" <&- >&- 2>&-', "sh", *command]) as process:
        try:
            for _ in range(300):
                if (tmp_path / "store" / "ticks").exists():
                    break
                with pytest.raises(subprocess.TimeoutExpired):
                    process.wait(timeout=0.1)
            assert "fxticker run" in Store(tmp_path / "store").daemon()
            process.terminate()
            assert process.wait(timeout=20) == 0
        finally:
            process.kill()
    assert len(fx.load(tmp_path / "store")) >= 4


def run_once(*arguments, cwd):
    return subprocess.run(
        [sys.executable, "-m", "fxticker", "run", *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        cwd=cwd,
        check=False,
    )


def test_a_daemon_with_a_bad_configuration_names_all_problems_and_ends(written):
    file = written("[http]\ntimeout_s = 0\nnonsense = 1\n")
    done = run_once("--config", str(file), cwd=file.parent)
    assert done.returncode == 1
    assert done.stdout == ""
    first, second = done.stderr.splitlines()
    assert first.startswith(f"fxticker: {file}: http.timeout_s: ")
    assert second.startswith(f"fxticker: {file}: http.nonsense: unknown key")


def test_a_daemon_whose_store_is_a_file_says_so_and_ends(written):
    file = written("")
    done = run_once("--config", str(file), "--store", str(file), cwd=file.parent)
    assert done.returncode == 1
    assert "the daemon ends: " in done.stderr
    assert "Traceback" not in done.stderr


def test_a_reload_takes_the_sources_over_and_refuses_a_bad_file(tmp_path, site):
    config = tmp_path / "config.toml"
    with daemon_process(tmp_path, site.url, "-m", "fxticker") as process:
        lines_until(process, " ok: ")
        sound = config.read_text("utf-8")
        config.write_text(sound.replace('every = "1s"', 'every = "never"') + "nonsense = 1\n", "utf-8")
        process.send_signal(signal.SIGHUP)
        refused = lines_until(process, "nonsense")
        assert lines_until(process, " ok: ")  # the old configuration goes on
        with RawServer(lambda exchange: exchange.pause(0)) as other:
            config.write_text(sound.replace(site.url, other.url).replace("0.9", "0.8"), "utf-8")
            process.send_signal(signal.SIGHUP)
            taken = lines_until(process, "was read again")
            assert other.asked.wait(20)
        config.unlink()
        process.send_signal(signal.SIGHUP)
        gone = lines_until(process, "No such file")
        process.send_signal(signal.SIGTERM)
        _, rest = process.communicate(timeout=20)
    assert process.returncode == 0
    assert "sources.timesca.every" in refused
    assert "the old configuration goes on" in refused
    assert "[http] was changed, which counts from the next start on" in taken
    assert "the old configuration goes on" in gone
    assert "Traceback" not in refused + taken + gone + rest
