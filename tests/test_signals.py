"""Signals end, kill and reload a daemon in a process of its own."""

import signal
import subprocess
from datetime import UTC, datetime

import pytest
from daemons import ANSWER, SAFETY_S, SECOND, daemon_process, distances, lines_until, planned, python, settle_at_start
from servers import RawServer

import fxticker as fx
from fxticker.daemon.daemon import ABANDON_S, STOP_GRACE_S
from fxticker.model.schedule import Every
from fxticker.store.store import Store

REPORT_MODULES = """
import atexit, sys
heavy = {"pandas", "matplotlib", "rich", "pyarrow.compute"}
atexit.register(lambda: print("heavy modules:", sorted(heavy & set(sys.modules))))
from fxticker.cli import main
main()
"""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_signal_ends_the_process_with_success_and_an_intact_store(tmp_path, site, number):
    with daemon_process(tmp_path, site.url, "-m", "fxticker") as process:
        started = lines_until(process, " ok: 5 ticks")
        process.send_signal(number)
        stdout, rest = process.communicate(timeout=20)
    assert process.returncode == 0
    assert f"stopping: {number.name}" in rest
    assert "Traceback" not in started + rest
    assert stdout == ""
    assert Store(tmp_path / "store").check() == []
    assert "ok" in set(fx.load_polls(tmp_path / "store")["outcome"])
    assert distances(tmp_path / "store") <= {SECOND}


def test_signal_ends_the_process_while_its_source_hangs(tmp_path):
    with RawServer(lambda exchange: exchange.pause(25)) as server:
        with daemon_process(tmp_path, server.url, "-m", "fxticker") as process:
            assert server.requested.wait(20)
            process.send_signal(signal.SIGTERM)
            _, log = process.communicate(timeout=20)
        assert process.returncode == 0
    assert "Traceback" not in log
    assert set(fx.load_polls(tmp_path / "store")["outcome"]) <= {"timeout", "stopped", "overrun", "missed"}


def test_restarted_process_leaves_no_gap(tmp_path, site):
    for _ in range(2):
        with daemon_process(tmp_path, site.url, "-m", "fxticker") as process:
            lines_until(process, " ok: 5 ticks")
            process.kill()
            process.communicate(timeout=20)
    assert distances(tmp_path / "store") == {SECOND}
    assert Store(tmp_path / "store").check() == []


def test_daemon_loads_no_library_that_polls_do_not_need(tmp_path, site):
    with daemon_process(tmp_path, site.url, "-c", REPORT_MODULES) as process:
        lines_until(process, " ok: 5 ticks")
        process.send_signal(signal.SIGTERM)
        stdout, _ = process.communicate(timeout=20)
    assert stdout == "heavy modules: []\n"


DAEMON = """
import sys
from dataclasses import replace
from datetime import timedelta
from fxticker.model.clock import SystemClock
from fxticker.daemon.daemon import Daemon
from fxticker.daemon.signals import stop_on_signals
from fxticker.fetch.client import Fetcher
from fxticker.model.schedule import Every
from fxticker.sources.registry import ScheduledSource
from fxticker.sources.timesca.page import SOURCE
from fxticker.store.store import Store

plan = ScheduledSource(replace(SOURCE, url=sys.argv[1]), Every(timedelta(seconds=1)))
with Fetcher(timeout_s=20, max_bytes=1_000_000, user_agent="test") as fetch:
    daemon = Daemon([plan], fetcher=fetch, store=Store(sys.argv[2]), clock=SystemClock())
    stop_on_signals(daemon.stop, on_hangup=lambda: print("hung up", flush=True))
    daemon.run()
"""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_second_signal_ends_the_process_at_once(tmp_path, number):
    with (
        RawServer(lambda exchange: exchange.pause(25)) as server,
        python(["-c", DAEMON, server.url, str(tmp_path)]) as process,
    ):
        assert server.requested.wait(SAFETY_S)
        # The second may come while the first is being handled, and would then be the same one.
        for _ in range(100):
            process.send_signal(number)
            try:
                process.wait(timeout=0.05)
                break
            except subprocess.TimeoutExpired:
                continue
    assert process.returncode == 128 + number


def test_hangup_calls_the_reload_and_polling_goes_on(tmp_path, site):
    with python(["-c", DAEMON, site.url, str(tmp_path)]) as process:
        for _ in range(300):
            if Store(tmp_path).daemon() is not None and (tmp_path / "polls").exists():
                break
            with pytest.raises(subprocess.TimeoutExpired):
                process.wait(timeout=0.1)
        process.send_signal(signal.SIGHUP)
        assert process.stdout.readline() == "hung up\n"
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=20)
    assert process.returncode == 0


@pytest.mark.slow
def test_repeatedly_killed_daemon_leaves_one_outcome_per_slot(tmp_path):
    def answer(exchange):
        exchange.pause(0.05 * (len(server.requests) % 7))
        exchange.send(ANSWER)

    with RawServer(answer) as server:
        for kill in range(1, 5):
            with python(["-c", DAEMON, server.url, str(tmp_path)]) as process:
                while len(server.requests) < 2 * kill:
                    with pytest.raises(subprocess.TimeoutExpired):
                        process.wait(timeout=0.03)
                process.kill()
                process.wait()
            assert Store(tmp_path).daemon() is None
    settle_at_start(tmp_path, planned(schedule=Every(SECOND)), now=datetime.now(UTC))
    assert distances(tmp_path) == {SECOND}
    assert fx.load_polls(tmp_path)["slot"].is_unique
    assert Store(tmp_path).check() == []


def test_stop_takes_less_than_five_seconds():
    assert STOP_GRACE_S + ABANDON_S < 5
