"""Ticker site on a fixed port of loopback, for containers and services that have no other network.

The mode is read from a file at each request: `ok` sends the last recorded ticker, `heavy` the same with markup up to
the 5 MB that are read, `slow` waits 15 s before it answers, and `down` closes the connection.
"""

import sys
import time
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from fxticker.simulation.captures import read_captures
from fxticker.simulation.site import render_html

PORT = 8000
SLOW_S = 15
MAX_BYTES = 5_000_000
TICKS = list(read_captures())[-1].ticks
MODE = Path(sys.argv[1])


class Site(BaseHTTPRequestHandler):
    """Answers GET requests; there is no robots.txt."""

    def do_GET(self):
        mode = MODE.read_text("utf-8").strip()
        if self.path == "/robots.txt":
            self.send_error(HTTPStatus.NOT_FOUND)
            return
        if mode == "down":
            return
        if mode == "slow":
            time.sleep(SLOW_S)
        body = render_html(TICKS, None).encode()
        if mode == "heavy":
            body += b"<br>" * ((MAX_BYTES - len(body)) // 4)
        self.send_response(HTTPStatus.OK)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_arguments):
        """Log nothing: a request a second would fill the journal."""


ThreadingHTTPServer(("127.0.0.1", PORT), Site).serve_forever()
