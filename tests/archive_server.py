"""Web archives on loopback: the interfaces of the Wayback Machine and of Common Crawl, after recorded answers."""

import gzip
import hashlib
import json
import re
import threading
from base64 import b32encode
from dataclasses import dataclass
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, unquote_plus, urlsplit

from fxticker.backfill.cdx import read_stamp

COLUMNS = ["urlkey", "timestamp", "original", "mimetype", "statuscode", "digest", "length"]
CRAWLS = [
    {"id": "CC-MAIN-2025-33", "from": "2025-08-02T22:09:07", "to": "2025-08-15T23:42:38"},
    {"id": "CC-MAIN-2025-30", "from": "2025-07-07T18:36:38", "to": "2025-07-20T20:56:29"},
]
_NOTHING = b'{"message": "No Captures found for: timesca.com/*"}'


@dataclass(frozen=True)
class Held:
    """A capture that the archives hold."""

    stamp: str
    url: str
    body: bytes
    status: str = "200"
    mime: str = "text/html"

    @property
    def digest(self):
        return b32encode(hashlib.sha1(self.body).digest()).decode()


def warc_record(held, **changes):
    """A response record as crawlers write it, not packed."""
    head = f"HTTP/1.1 {held.status} OK\r\nContent-Type: {held.mime}; charset=utf-8\r\n\r\n".encode()
    block = head + held.body
    fields = {
        "WARC-Type": "response",
        "WARC-Date": f"{read_stamp(held.stamp):%Y-%m-%dT%H:%M:%SZ}",
        "WARC-Record-ID": "<urn:uuid:006b01fb-abe9-4c02-ba23-18b037238c5f>",
        "WARC-Target-URI": held.url,
        "Content-Type": "application/http; msgtype=response",
        "WARC-Block-Digest": f"sha1:{b32encode(hashlib.sha1(block).digest()).decode()}",
        "Content-Length": str(len(block)),
        **changes,
    }
    lines = [f"{name}: {value}\r\n" for name, value in fields.items() if value is not None]
    return f"WARC/1.0\r\n{''.join(lines)}\r\n".encode() + block + b"\r\n\r\n"


class ArchiveServer:
    """Both archives at one address.

    Attributes
    ----------
    held
        The captures.
    rows_per_answer
        Of the Wayback Machine's index; more are behind a resume key.
    answers
        Statuses and header fields to answer the next requests with, instead of what they ask for; null for that.
    requests
        Paths with queries, as they came; `ranges` the ranges asked for.
    """

    def __init__(self, *held):
        self.held = list(held)
        self.rows_per_answer = 1000
        self.answers = []
        self.requests = []
        self.ranges = []
        self.memento = None
        site = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                site.requests.append(self.path)
                forced = site.answers.pop(0) if site.answers else None
                status, fields, body = forced or site._answer(self.path, self.headers)
                self.send_response(status)
                for name, value in fields.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_args):
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        self.url = f"http://127.0.0.1:{self._server.server_port}/"

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_error):
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(10)

    def asked(self, what):
        """The requests for paths that begin so."""
        return [path for path in self.requests if path.startswith(what)]

    def _answer(self, path, headers):
        parts = urlsplit(path)
        if parts.path == "/cdx/search/cdx":
            return 200, {"Content-Type": "application/json"}, self._cdx(parts.query)
        if parts.path.startswith("/web/"):
            return self._replay(path)
        if parts.path == "/collinfo.json":
            return 200, {"Content-Type": "application/json"}, self._crawls()
        if crawl := re.fullmatch(r"/(CC-MAIN-[0-9-]+)-index", parts.path):
            lines = self._lines(crawl[1])
            return (200 if lines else 404), {"Content-Type": "text/x-ndjson"}, lines or _NOTHING
        if parts.path.startswith("/crawl-data/"):
            return self._piece(parts.path, headers)
        return 404, {}, b""

    def _cdx(self, query):
        asked = {name: values[-1] for name, values in parse_qs(query).items()}
        rows = [
            ["com,timesca)/", held.stamp, held.url, held.mime, held.status, held.digest, str(len(held.body))]
            for held in self.held
            if asked["from"] <= held.stamp[:8] <= asked["to"]
        ]
        begin = int(asked.get("resumeKey", "x,y)/ 0!").split(" ")[1].rstrip("!"))
        page = rows[begin : begin + self.rows_per_answer]
        behind = begin + len(page)
        key = [[], [f"x%2Cy%29%2F+{behind}%21"]] if behind < len(rows) else []
        return json.dumps([COLUMNS, *page, *key] if page else []).encode()

    def _replay(self, path):
        asked = re.fullmatch(r"/web/([0-9]{14})id_/(.*)", path)
        for held in self.held:
            if asked and (held.stamp, held.url) == (asked[1], unquote_plus(asked[2])):
                taken = self.memento or read_stamp(held.stamp)
                fields = {"Content-Type": held.mime, "Memento-Datetime": format_datetime(taken, usegmt=True)}
                return 200, fields, held.body
        return 404, {}, b""

    def _crawls(self):
        elsewhere = {"timegate": "http://elsewhere.test/", "cdx-api": "http://elsewhere.test/index"}
        return json.dumps([{**crawl, **elsewhere} for crawl in CRAWLS]).encode()

    def _file(self, crawl):
        """A crawl's one file, and where each capture lies in it."""
        [dates] = [(item["from"], item["to"]) for item in CRAWLS if item["id"] == crawl]
        first, last = (re.sub("[^0-9]", "", text) for text in dates)
        data, places = b"", []
        for held in self.held:
            if first <= held.stamp <= last:
                member = gzip.compress(warc_record(held))
                places.append((held, len(data), len(member)))
                data += member
        return data, places

    def _lines(self, crawl):
        _, places = self._file(crawl)
        rows = [
            {
                "urlkey": "com,timesca)/",
                "timestamp": held.stamp,
                "url": held.url,
                "mime": held.mime,
                "mime-detected": held.mime,
                "status": held.status,
                "digest": held.digest,
                "length": str(length),
                "offset": str(offset),
                "filename": f"crawl-data/{crawl}/segments/1754151279781.29/warc/{crawl}-00340.warc.gz",
            }
            for held, offset, length in places
        ]
        return "".join(json.dumps(row) + "\n" for row in rows).encode()

    def _piece(self, path, headers):
        data, _ = self._file(path.split("/")[2])
        asked = re.fullmatch(r"bytes=([0-9]+)-([0-9]+)", headers.get("Range", ""))
        self.ranges.append(headers.get("Range"))
        if asked is None:
            return 200, {"Content-Type": "application/gzip"}, data
        return 206, {"Content-Type": "application/gzip"}, data[int(asked[1]) : int(asked[2]) + 1]
