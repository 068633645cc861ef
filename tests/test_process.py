"""The daemon's process: its configuration, its early signals, its reloads."""

import os
import signal
import subprocess
import sys

import pytest
from daemons import daemon_process, lines_until
from servers import RawServer

import fxticker as fx
from fxticker.config import HttpSettings, address_of, load_settings, slow_polls, sources_to_poll
from fxticker.errors import ConfigError
from fxticker.model.schedule import Cron
from fxticker.store.store import Store

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


def test_whole_configuration_is_read(written):
    file = written(WHOLE)
    settings = load_settings(file)
    assert settings.store.path == file.parent / "data"
    assert settings.http == HttpSettings(timeout_s=7.5, max_bytes=1000, user_agent="fxticker (mail@example.org)")
    assert address_of(settings.monitoring.listen) == ("::1", 9464)
    assert settings.alerts.on_alert == "/usr/bin/page me"
    nbk, timesca = sources_to_poll(settings, file)
    assert (nbk.source.id, nbk.source.url) == ("nbk", "https://nationalbank.kz/rss/get_rates.cfm")
    assert (timesca.source.url, timesca.schedule) == ("https://example.org/ticker", Cron("*/20 * * * *"))


def test_all_that_is_wrong_is_named_at_once(written):
    file = written("[http]\ntimeout_s = 0\nnonsense = 1\n[sources.timesca]\nevery = 'often'\n")
    with pytest.raises(ConfigError) as caught:
        load_settings(file)
    assert caught.value.origin == str(file)
    assert [problem.partition(":")[0] for problem in caught.value.problems] == [
        "http.timeout_s",
        "http.nonsense",
        "sources.timesca.every",
    ]


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(ConfigError, match="No such file"):
        load_settings(tmp_path / "none.toml")


def test_nothing_to_poll_is_a_problem(written):
    file = written("[sources.timesca]\nenabled = false\n")
    with pytest.raises(ConfigError, match="none is enabled"):
        sources_to_poll(load_settings(file), file)


def test_intervals_are_compared_with_the_time_limit_in_force(written):
    settings = load_settings(written("[http]\ntimeout_s = 5\n[sources.timesca]\nevery = '10s'\n"))
    assert slow_polls(settings.planned(), 9) == []
    [problem] = slow_polls(settings.planned(), 20)
    assert problem == "http.timeout_s: 20 s is not shorter than the interval of timesca, 10 s"


@pytest.mark.parametrize("name", ["fifo", "/dev/zero"])
def test_what_is_no_file_is_refused_at_once(tmp_path, name):
    os.mkfifo(tmp_path / "fifo")
    with pytest.raises(ConfigError, match="must be a file of at most 1000000 bytes"):
        load_settings(tmp_path / name)


EARLY = """
import os, sys
from pathlib import Path
from fxticker.daemon.exit import exit_on_early_signals, exit_on_error
exit_on_early_signals()
for number in sys.argv[3:]:
    os.kill(os.getpid(), int(number))
from fxticker.daemon.process import run_daemon
exit_on_error(lambda: run_daemon(Path(sys.argv[1]), Path(sys.argv[2])))
"""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_daemon_that_is_stopped_before_it_began_ends_well(written, tmp_path, number):
    command = [sys.executable, "-c", EARLY, str(written("")), str(tmp_path / "store")]
    done = subprocess.run([*command, str(int(number))], capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert not (tmp_path / "store").exists()


def test_a_daemon_that_is_told_to_reload_before_it_began_goes_on(tmp_path):
    command = [
        sys.executable,
        "-c",
        EARLY,
        str(tmp_path / "none.toml"),
        str(tmp_path / "store"),
        str(int(signal.SIGHUP)),
    ]
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
            assert other.requested.wait(20)
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
