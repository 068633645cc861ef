"""The command `serve`: a server on loopback, from its first line to the signal that ends it."""

import re
import signal
import socket
import subprocess
import sys

import httpx
import pytest
from click.testing import CliRunner

from fxticker.cli import app
from fxticker.web.sending import SEND_S
from fxticker.web.server import _listener


@pytest.fixture
def server(history_store, tmp_path):
    """A server of the packaged history, at the evening of its last day, and its URL."""
    command = [sys.executable, "-m", "fxticker", "serve", "--store", str(history_store), "--listen", "127.0.0.1:0"]
    with subprocess.Popen(
        [*command, "--at", "2026-02-25T18:00Z"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=tmp_path
    ) as process:
        try:
            yield process, re.search(r"http://\S+/", process.stdout.readline())[0]
        finally:
            process.kill()


def test_server_answers_until_a_signal_ends_it(server):
    process, url = server
    assert process.stdout.readline() == "Now stands still at 2026-02-25 18:00:00 UTC: nothing later is shown.\n"
    answer = httpx.get(f"{url}v1/latest?base=USD&symbols=KZT", trust_env=False)
    assert answer.json()["rates"] == {"KZT": 500.0}
    with httpx.stream("GET", f"{url}live", trust_env=False) as events:
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0
        assert events.headers["content-type"].startswith("text/event-stream")
        assert events.read().count(b"event: ") <= 1
    assert process.stderr.read() == ""


@pytest.mark.skipif(not hasattr(socket, "TCP_USER_TIMEOUT"), reason="of Linux")
def test_system_drops_a_client_that_takes_nothing():
    with _listener(("127.0.0.1", 0)) as listener, socket.create_connection(listener.getsockname()):
        connection, _ = listener.accept()
        with connection:
            assert connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) == 1000 * SEND_S


@pytest.mark.parametrize("address", ["localhost", "127.0.0.1:99999"])
def test_address_that_is_none_is_wrong_usage(address, history_store):
    result = CliRunner().invoke(app, ["serve", "--store", str(history_store), "--listen", address])
    assert (result.exit_code, "is no address and port" in result.output) == (2, True)


@pytest.mark.parametrize("name", ["https://rates.example.org", "rates.example.org:443", "a b", "[::1", ""])
def test_name_that_no_request_can_have_is_wrong_usage(name, history_store):
    result = CliRunner().invoke(app, ["serve", "--store", str(history_store), "--host", name])
    assert (result.exit_code, "without scheme and port" in result.output) == (2, True)


def test_missing_extra_is_named(monkeypatch, history_store):
    monkeypatch.setitem(sys.modules, "starlette", None)
    result = CliRunner().invoke(app, ["serve", "--store", str(history_store)])
    assert "pip install 'fxticker[web]'" in str(result.exception)
