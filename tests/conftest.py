"""What all tests share: no network but loopback, and a clean environment."""

import logging
import os
import socket
from datetime import UTC, datetime
from ipaddress import ip_address

import pytest
from hypothesis import settings
from laws import THOROUGH

settings.register_profile(THOROUGH)
_connect = socket.socket.connect


def _is_local(address):
    if isinstance(address, str | bytes):  # a Unix socket
        return True
    host = address[0]
    return host == "localhost" or ip_address(host.partition("%")[0]).is_loopback


def _guarded_connect(self, address):
    assert _is_local(address), f"a test tried to reach {address}"
    return _connect(self, address)


@pytest.fixture(autouse=True)
def _only_loopback(monkeypatch):
    monkeypatch.setattr(socket.socket, "connect", _guarded_connect)


@pytest.fixture(autouse=True)
def _no_configuration_from_outside(monkeypatch):
    for name in list(os.environ):
        if name.startswith(("FXTICKER_", "AWS_")):
            monkeypatch.delenv(name)


@pytest.fixture(autouse=True)
def _no_state_from_outside(monkeypatch, tmp_path_factory):
    monkeypatch.delenv("STATE_DIRECTORY", raising=False)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path_factory.getbasetemp() / "state"))


@pytest.fixture(scope="session")
def history_store(tmp_path_factory):
    """A store with the packaged history as saved pages would give it; read-only by agreement."""
    from builders import capture_ticks

    from fxticker.store.store import Store

    folder = tmp_path_factory.mktemp("history") / "parquet"
    Store(folder).append(capture_ticks())
    return folder


@pytest.fixture(scope="session")
def polled_history_store(tmp_path_factory):
    """The packaged history as polls at its slots store and record it; read-only by agreement."""
    from builders import store_polled_history

    folder = tmp_path_factory.mktemp("polled") / "parquet"
    store_polled_history(folder)
    return folder


@pytest.fixture
def root(tmp_path):
    """The folder of a store that does not exist yet."""
    return tmp_path / "parquet"


@pytest.fixture
def written(tmp_path):
    """Write a configuration and give its path."""

    def write(text):
        file = tmp_path / "config.toml"
        file.write_text(text, "utf-8")
        return file

    return write


@pytest.fixture
def store(tmp_path):
    """An empty store."""
    from fxticker.store.store import Store

    return Store(tmp_path / "parquet")


@pytest.fixture
def site():
    """A ticker site on loopback that shows the ticker of `builders`, dated today."""
    from builders import PRINTED_TICKS

    from fxticker.simulation.site import TickerSite

    with TickerSite() as site:
        site.show(PRINTED_TICKS, datetime.now(UTC).date())
        yield site


@pytest.fixture
def start(root):
    """Start a process that runs a script on the store; all have ended when the test has."""
    from processes import Process, script_command

    started = []

    def start_one(script, *arguments):
        started.append(Process(script_command(script, *arguments, root)))
        return started[-1]

    yield start_one
    for process in started:
        process.end()


@pytest.fixture
def holder(start):
    """Another process that holds the store's write lock."""
    from processes import HOLD

    process = start(HOLD)
    assert process.hear() == "holds"
    return process


@pytest.fixture
def info_log(caplog):
    """What the package logs, from the level INFO on."""
    caplog.set_level(logging.INFO, "fxticker")
    return caplog


@pytest.fixture(scope="session")
def seaweedfs_endpoint():
    """A SeaweedFS, which decides conditional writes one after the other."""
    from object_servers import seaweedfs

    with seaweedfs() as endpoint:
        yield endpoint


@pytest.fixture(scope="session")
def moto_endpoint():
    """A moto server, for one writer at a time."""
    from object_servers import moto

    with moto() as endpoint:
        yield endpoint
