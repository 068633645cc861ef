"""The daemon's process: its early signals, its start, its reloads."""

import re
import signal
import socket
import subprocess
import sys

import pytest
from daemons import daemon_process, lines_until
from processes import run
from servers import RawServer, get

import fxticker as fx
from fxticker.store.store import Store

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
def test_daemon_stopped_while_it_starts_exits_with_0(written, tmp_path, number):
    done = run([sys.executable, "-c", EARLY, written(""), tmp_path / "store", str(int(number))])
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert not (tmp_path / "store").exists()


def test_daemon_reloaded_while_it_starts_continues(tmp_path):
    done = run([sys.executable, "-c", EARLY, tmp_path / "none.toml", tmp_path / "store", str(int(signal.SIGHUP))])
    assert done.returncode == 1  # and not -1: it came to read the file
    assert "No such file" in done.stderr


def test_daemon_runs_with_all_standard_streams_closed(written, tmp_path, site):
    config = written(f"[http]\ntimeout_s = 0.9\n[sources.timesca]\nurl = '{site.url}'\nevery = '1s'\n")
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


def run_once(file, *arguments):
    return run([sys.executable, "-m", "fxticker", "run", "--config", file, *arguments], cwd=file.parent)


def test_bad_configuration_is_reported_and_ends_the_daemon(written):
    file = written("[http]\ntimeout_s = 0\nnonsense = 1\n")
    done = run_once(file)
    assert done.returncode == 1
    assert done.stdout == ""
    first, second = done.stderr.splitlines()
    assert first.startswith(f"fxticker: {file}: http.timeout_s: ")
    assert second.startswith(f"fxticker: {file}: http.nonsense: unknown key")


def test_store_that_is_a_file_is_reported_and_ends_the_daemon(written):
    file = written("")
    done = run_once(file, "--store", file)
    assert done.returncode == 1
    assert "the daemon ends: " in done.stderr
    assert "Traceback" not in done.stderr


def test_reload_replaces_the_sources_and_refuses_a_bad_file(tmp_path, site):
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


def test_success_of_reloads_is_a_metric(tmp_path, site):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    config = tmp_path / "config.toml"
    with daemon_process(tmp_path, site.url, "-m", "fxticker", extra=f'[monitoring]\nlisten = "{address}"\n') as process:
        lines_until(process, " ok: ")
        sound = config.read_text("utf-8")
        states = []
        for text, mark in ((sound + "nonsense = 1\n", "nonsense"), (sound, "was read again")):
            config.write_text(text, "utf-8")
            process.send_signal(signal.SIGHUP)
            lines_until(process, mark)
            lines_until(process, " ok: ")  # the observers were notified meanwhile
            states.append(re.findall(r"^fxticker_config_last_reload_successful (.*)$", page(address), re.MULTILINE))
        assert states == [["0.0"], ["1.0"]]
        assert get(f"http://{address}/healthz")[0] == 200


def page(address):
    return get(f"http://{address}/metrics")[2]
