"""The configuration as a daemon gets it: read by another process, with every problem named, at a reload too."""

import signal
import subprocess
import sys
from datetime import UTC, datetime, timedelta

import pytest
from servers import RawServer
from test_daemon import daemon_process, lines_until

from fxticker.config import load_settings
from fxticker.configured import read_configuration
from fxticker.demo.captures import read_captures
from fxticker.demo.site import TickerSite
from fxticker.errors import ConfigError
from fxticker.schedule import Cron


@pytest.fixture
def written(tmp_path):
    """Write a configuration and give its path."""

    def write(text):
        file = tmp_path / "config.toml"
        file.write_text(text, "utf-8")
        return file

    return write


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
    assert (found.timeout_s, found.max_bytes, found.user_agent) == (7.5, 1000, "fxticker (mail@example.org)")
    assert found.listen == ("::1", 9464)
    assert found.on_alert == "/usr/bin/page me"
    assert list(found.planned) == load_settings(file).planned()
    nbk, timesca = found.planned
    assert (nbk.source.id, nbk.source.url) == ("nbk", "https://nationalbank.kz/rss/get_rates.cfm")
    assert (timesca.source.url, timesca.schedule) == ("https://example.org/ticker", Cron("*/20 * * * *"))


def test_the_defaults_serve_no_metrics_and_tell_nobody(written):
    found = read_configuration(written(""))
    assert (found.listen, found.on_alert, found.timeout_s) == (None, None, 20)
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
    assert read_configuration(file, timeout_s=9).timeout_s == 5
    with pytest.raises(ConfigError, match="20 s is not shorter than the interval of timesca, 10 s"):
        read_configuration(file, timeout_s=20)


def test_a_reader_that_fails_is_a_named_problem(written, monkeypatch, tmp_path):
    broken = tmp_path / "python"
    broken.write_text("#!/bin/sh\necho nonsense\n", "utf-8")
    broken.chmod(0o700)
    monkeypatch.setattr(sys, "executable", str(broken))
    with pytest.raises(ConfigError, match="could not be read"):
        read_configuration(written(""))


# The process


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
