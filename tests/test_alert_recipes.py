"""The recipes of docs/running.md: each delivers an alert to a server on loopback, and fails where that refuses it."""

import email
import email.policy
import json
import re
import subprocess
import sys
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from builders import NOON
from servers import refusing_url

from fxticker.monitoring.alerts import Alert

TEXT = (Path(__file__).parent.parent / "docs" / "running.md").read_text("utf-8")
BLOCKS = re.findall(r"^```py\n(.*?)^```", TEXT, re.MULTILINE | re.DOTALL)
RECIPES = dict(zip(("ntfy", "slack", "telegram", "mail"), BLOCKS, strict=True))
ALERT = Alert("stale", "timesca", NOON, "no successful poll since 2025-11-14T11:15:00Z", NOON)
LINE = "timesca stale: no successful poll since 2025-11-14T11:15:00Z"


class Service(ThreadingHTTPServer):
    """A service on loopback that takes messages, or answers with another status."""

    def __init__(self, status):
        self.got = []
        service = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                service.got.append((self.path, self.headers, body))
                self.send_response(status)
                self.end_headers()

            def log_message(self, *_arguments):
                pass

        super().__init__(("127.0.0.1", 0), Handler)


@contextmanager
def service(status=200):
    with Service(status) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


def send(name, folder, address):
    """Run a recipe whose address leads to loopback."""
    text, count = re.subn(r'"https://[^/"]+/', f'"{address}', RECIPES[name])
    assert count == 1
    script = folder / "recipe"
    script.write_text(text)
    return subprocess.run(
        [sys.executable, script], input=ALERT.encoded(), capture_output=True, timeout=30, check=False, env={}
    )


@pytest.mark.parametrize(
    ("name", "path", "message"),
    [
        ("slack", "/services/your/secret/path", {"text": f"fxticker: {LINE}"}),
        ("telegram", "/botYOUR:TOKEN/sendMessage", {"chat_id": "123456789", "text": f"fxticker: {LINE}"}),
    ],
)
def test_service_gets_the_alert_as_json(name, path, message, tmp_path):
    with service() as server:
        done = send(name, tmp_path, f"http://127.0.0.1:{server.server_port}/")
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")
    [(got_path, headers, body)] = server.got
    assert (got_path, headers["Content-Type"], json.loads(body)) == (path, "application/json", message)


def test_ntfy_gets_the_alert_as_text(tmp_path):
    with service() as server:
        done = send("ntfy", tmp_path, f"http://127.0.0.1:{server.server_port}/")
    assert (done.returncode, done.stderr) == (0, b"")
    [(path, headers, body)] = server.got
    assert (path, headers["Title"], body.decode()) == ("/your-secret-topic", "fxticker", LINE)


@pytest.mark.parametrize("name", ["ntfy", "slack", "telegram"])
def test_refused_message_is_a_failure_in_one_line_without_secrets(name, tmp_path):
    with service(429) as server:
        done = send(name, tmp_path, f"http://127.0.0.1:{server.server_port}/")
    assert (done.returncode, done.stderr) == (1, b"not sent: HTTP Error 429: Too Many Requests\n")
    with refusing_url() as address:
        done = send(name, tmp_path, address)
    assert done.returncode == 1
    assert done.stderr.count(b"\n") == 1
    assert b"refused" in done.stderr


@pytest.mark.parametrize("code", [0, 75])
def test_sendmail_gets_a_message_and_its_exit_code_counts(code, tmp_path):
    sendmail = tmp_path / "sendmail"
    sendmail.write_text(f'#!/bin/sh\necho "$@" > {tmp_path}/arguments\ncat > {tmp_path}/mail\nexit {code}\n')
    sendmail.chmod(0o755)
    script = tmp_path / "recipe"
    script.write_text(RECIPES["mail"].replace("/usr/sbin/sendmail", str(sendmail)))
    done = subprocess.run([sys.executable, script], input=ALERT.encoded(), capture_output=True, timeout=30, check=False)
    assert (done.returncode, done.stderr) == (code, b"")
    assert (tmp_path / "arguments").read_text() == "-t -i\n"
    mail = email.message_from_bytes((tmp_path / "mail").read_bytes(), policy=email.policy.default)
    assert (mail["To"], mail["Subject"]) == ("you@example.org", "fxticker: timesca stale")
    assert "reason: no successful poll since 2025-11-14T11:15:00Z" in mail.get_content()
    assert b"\r" not in (tmp_path / "mail").read_bytes()
