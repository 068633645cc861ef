"""The command `serve`: a server on loopback, from its first line to the signal that ends it."""

import json
import re
import signal
import socket
import subprocess
import sys
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import httpx
import pytest
from browser import CHROMIUM
from builders import store_polled_history
from click.testing import CliRunner

from fxticker.cli import app
from fxticker.web.sending import SEND_S
from fxticker.web.server import _listener

PAGE = (Path(__file__).parent.parent / "docs" / "http.md").read_text("utf-8")


@contextmanager
def serving(store, folder):
    """A server of a store, at the evening of the packaged history's last day, and its URL."""
    command = [sys.executable, "-m", "fxticker", "serve", "--store", str(store), "--listen", "127.0.0.1:0"]
    with subprocess.Popen(
        [*command, "--at", "2026-02-25T18:00Z"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=folder
    ) as process:
        try:
            yield process, re.search(r"http://\S+/", process.stdout.readline())[0]
        finally:
            process.kill()


@pytest.fixture
def server(history_store, tmp_path):
    with serving(history_store, tmp_path) as process_and_url:
        yield process_and_url


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


class Reports(BaseHTTPRequestHandler):
    """Keeps what a page sends."""

    def do_POST(self):
        self.server.sent = json.loads(self.rfile.read(int(self.headers["content-length"])))
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_):
        pass


@pytest.mark.slow
@pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed")
def test_script_of_the_page_on_the_api_is_sent_the_last_poll_in_a_browser(tmp_path):
    store_polled_history(tmp_path / "parquet")
    [script] = re.findall(r"^```js\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    flags = [
        *("--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run"),
        *("--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-extensions"),
        *("--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1", f"--user-data-dir={tmp_path}/user"),
    ]
    file = tmp_path / "page.html"
    with serving(tmp_path / "parquet", tmp_path) as (_, url), HTTPServer(("127.0.0.1", 0), Reports) as reports:
        address = f"http://127.0.0.1:{reports.server_port}/"
        report = f"console.log = (sent) => fetch('{address}', {{method: 'POST', body: JSON.stringify(sent)}})"
        script = script.replace("http://127.0.0.1:8080/", url)
        file.write_text(f"<!doctype html><script>{report}\n{script}</script>", "utf-8")
        with subprocess.Popen([CHROMIUM, *flags, file.as_uri()], stderr=subprocess.DEVNULL) as browser:
            reports.timeout = 30
            reports.handle_request()
            browser.kill()
    assert (reports.sent["source"], reports.sent["outcome"]) == ("timesca", "ok")
    assert len(reports.sent["rates"]) == 5
