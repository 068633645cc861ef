"""The site that `fxticker demo-site` serves: a recorder with the printed configuration records it."""

import signal
import socket
import sys
import tomllib
from subprocess import PIPE, Popen

import pytest
from click.testing import CliRunner
from test_docs import PAGES, blocks

import fxticker as fx
from fxticker.cli import app
from fxticker.model.clock import SystemClock
from fxticker.simulation import recorded_site as module
from fxticker.simulation.captures import dated_slots, read_captures
from fxticker.simulation.recorded_site import CONFIGURATION, recorded_site

COMMAND = [sys.executable, "-m", "fxticker", "demo-site", "--port"]


@pytest.fixture
def port():
    """A port that was free."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


def test_recorder_stores_the_next_recorded_ticker_at_each_poll_and_the_first_after_the_last(tmp_path, monkeypatch):
    slots = list(dated_slots(read_captures()))[:2]
    monkeypatch.setattr(module, "dated_slots", lambda _captures: slots)
    config = tmp_path / "try.toml"
    with recorded_site(0, clock=SystemClock()) as url:
        config.write_text(CONFIGURATION.format(url=url), "utf-8")
        for _ in range(3):
            shown = CliRunner().invoke(app, ["snapshot", "--config", str(config)])
            assert shown.exit_code == 0, shown.output
    stored = fx.wide(tmp_path / "try")
    first, second = ({tick.pair: float(tick.rate_text) for tick in capture.ticks} for _, capture in slots)
    assert stored.to_dict("records") == [first, second, first]


def test_command_prints_the_configuration_of_the_documentation_and_ends_by_sigterm(port):
    with Popen([*COMMAND, str(port)], stdout=PIPE, text=True) as process:
        lines = [process.stdout.readline() for _ in range(11)]
        process.send_signal(signal.SIGTERM)
    assert process.returncode == 0
    printed = tomllib.loads("".join(lines[1:]))
    assert printed["sources"]["timesca"]["url"] == f"http://127.0.0.1:{port}/"
    [documented] = blocks(PAGES["docs/trying.md"], "toml")
    assert tomllib.loads(documented.replace(":8000/", f":{port}/")) == printed


def test_taken_port_is_named():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        shown = CliRunner().invoke(app, ["demo-site", "--port", str(port)])
    assert isinstance(shown.exception, OSError)
    assert str(port) in str(shown.exception)
