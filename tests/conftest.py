"""What all tests share: no network but loopback, and a clean environment."""

import os
import socket
from ipaddress import ip_address

import pytest

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
        if name.startswith("FXTICKER_"):
            monkeypatch.delenv(name)


@pytest.fixture(scope="session")
def history_store(tmp_path_factory):
    """A store with the packaged history as saved pages would give it; read-only by agreement."""
    from builders import capture_ticks

    from fxticker.store import Store

    folder = tmp_path_factory.mktemp("history") / "parquet"
    Store(folder).append(capture_ticks())
    return folder
