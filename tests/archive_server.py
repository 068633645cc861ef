"""Web archives on loopback: serve the interfaces of the Wayback Machine and of Common Crawl as recorded."""

import gzip
import hashlib
import io
import json
import re
import threading
from base64 import b32encode
from dataclasses import dataclass
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, unquote_plus, urlsplit

import pyarrow as pa
import pyarrow.parquet as pq

from fxticker.backfill.cdx import read_stamp

COLUMNS = ["urlkey", "timestamp", "original", "mimetype", "statuscode", "digest", "length"]
CRAWLS = [
    {"id": "CC-MAIN-2025-33", "from": "2025-08-02T22:09:07", "to": "2025-08-15T23:42:38"},
    {"id": "CC-MAIN-2025-30", "from": "2025-07-07T18:36:38", "to": "2025-07-20T20:56:29"},
]
_NOTHING = b'{"message": "No Captures found for: timesca.com/*"}'


@dataclass(frozen=True)
class ArchivedPage:
    """A capture in both archives."""

    stamp: str
    url: str
    body: bytes
    status: str = "200"
    mime: str = "text/html"

    @property
    def digest(self):
        return b32encode(hashlib.sha1(self.body).digest()).decode()


def warc_record(page, **changes):
    """A response record as crawlers write it, not packed."""
    head = f"HTTP/1.1 {page.status} OK\r\nContent-Type: {page.mime}; charset=utf-8\r\n\r\n".encode()
    block = head + page.body
    fields = {
        "WARC-Type": "response",
        "WARC-Date": f"{read_stamp(page.stamp):%Y-%m-%dT%H:%M:%SZ}",
        "WARC-Record-ID": "<urn:uuid:006b01fb-abe9-4c02-ba23-18b037238c5f>",
        "WARC-Target-URI": page.url,
        "Content-Type": "application/http; msgtype=response",
        "WARC-Block-Digest": f"sha1:{b32encode(hashlib.sha1(block).digest()).decode()}",
        "Content-Length": str(len(block)),
        **changes,
    }
    lines = [f"{name}: {value}\r\n" for name, value in fields.items() if value is not None]
    return f"WARC/1.0\r\n{''.join(lines)}\r\n".encode() + block + b"\r\n\r\n"


COLUMNAR = pa.schema(
    [
        *((name, pa.string()) for name in ("url_surtkey", "url", "url_host_name")),
        ("fetch_time", pa.timestamp("ms")),
        ("fetch_status", pa.int16()),
        *((name, pa.string()) for name in ("content_digest", "content_mime_type", "content_mime_detected")),
        ("warc_filename", pa.string()),
        ("warc_record_offset", pa.int32()),
        ("warc_record_length", pa.int32()),
    ]
)
"""Columns of Common Crawl's index as Parquet, in the types of its files."""
PARTS, TIMESCA_PART = 9, 6
"""Files of each crawl, and which one has the site."""


def columnar_names(crawl):
    folder = f"cc-index/table/cc-main/warc/crawl={crawl}/subset=warc"
    return [f"{folder}/part-{number:05}-d466b69e.c000.gz.parquet" for number in range(PARTS)]


def columnar_row(key, place, crawl):
    page, offset, length = place or (ArchivedPage("20250708101112", f"https://{key}.test/", b"x"), 7, 9)
    return {
        "url_surtkey": key,
        "url": page.url,
        "url_host_name": "timesca.com",
        "fetch_time": read_stamp(page.stamp).replace(tzinfo=None),
        "fetch_status": int(page.status),
        "content_digest": page.digest,
        "content_mime_type": page.mime,
        "content_mime_detected": page.mime,
        "warc_filename": f"crawl-data/{crawl}/segments/1754151279781.29/warc/{crawl}-00340.warc.gz",
        "warc_record_offset": offset,
        "warc_record_length": length,
    }


class ArchiveServer:
    """Both archives at one URL.

    Attributes
    ----------
    pages
        The captures.
    columnar
        Content of a file of the columnar index, by its number, instead of the regular one.
    rows_per_answer
        Rows per answer of the Wayback Machine's index; the others follow after a resume key.
    answers
        Status, header fields and body of the next answers; `None` for the regular answer.
    requests
        Requested paths with queries, in order; `ranges` has the requested ranges.
    """

    def __init__(self, *pages):
        self.pages = list(pages)
        self.rows_per_answer = 1000
        self.answers = []
        self.requests = []
        self.ranges = []
        self.memento = None
        self.columnar = {}
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

    def requested(self, prefix):
        """The requested paths with a prefix."""
        return [path for path in self.requests if path.startswith(prefix)]

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
        return self._data(parts.path, headers)

    def _data(self, path, headers):
        if path.endswith("/cc-index-table.paths.gz"):
            names = [*columnar_names(path.split("/")[2]), "cc-index/table/x/subset=robotstxt/part-0.gz.parquet"]
            return 200, {"Content-Type": "application/gzip"}, gzip.compress("\n".join(names).encode())
        if path.startswith("/cc-index/"):
            return self._part_of(self._columnar(path), headers)
        return self._piece(path, headers) if path.startswith("/crawl-data/") else (404, {}, b"")

    def _cdx(self, query):
        query = {name: values[-1] for name, values in parse_qs(query).items()}
        rows = [
            ["com,timesca)/", page.stamp, page.url, page.mime, page.status, page.digest, str(len(page.body))]
            for page in self.pages
            if query["from"] <= page.stamp[:8] <= query["to"]
        ]
        begin = int(query.get("resumeKey", "x,y)/ 0!").split(" ")[1].rstrip("!"))
        part = rows[begin : begin + self.rows_per_answer]
        behind = begin + len(part)
        key = [[], [f"x%2Cy%29%2F+{behind}%21"]] if behind < len(rows) else []
        return json.dumps([COLUMNS, *part, *key] if part else []).encode()

    def _replay(self, path):
        query = re.fullmatch(r"/web/([0-9]{14})id_/(.*)", path)
        for page in self.pages:
            if query and (page.stamp, page.url) == (query[1], unquote_plus(query[2])):
                captured_at = self.memento or read_stamp(page.stamp)
                fields = {"Content-Type": page.mime, "Memento-Datetime": format_datetime(captured_at, usegmt=True)}
                return 200, fields, page.body
        return 404, {}, b""

    def _crawls(self):
        elsewhere = {"timegate": "http://elsewhere.test/", "cdx-api": "http://elsewhere.test/index"}
        return json.dumps([{**crawl, **elsewhere} for crawl in CRAWLS]).encode()

    def _file(self, crawl):
        """A crawl's one file, and offset and length of each capture in it."""
        [dates] = [(item["from"], item["to"]) for item in CRAWLS if item["id"] == crawl]
        first, last = (re.sub("[^0-9]", "", text) for text in dates)
        data, places = b"", []
        for page in self.pages:
            if first <= page.stamp <= last:
                member = gzip.compress(warc_record(page))
                places.append((page, len(data), len(member)))
                data += member
        return data, places

    def _lines(self, crawl):
        _, places = self._file(crawl)
        rows = [
            {
                "urlkey": "com,timesca)/",
                "timestamp": page.stamp,
                "url": page.url,
                "mime": page.mime,
                "mime-detected": page.mime,
                "status": page.status,
                "digest": page.digest,
                "length": str(length),
                "offset": str(offset),
                "filename": f"crawl-data/{crawl}/segments/1754151279781.29/warc/{crawl}-00340.warc.gz",
            }
            for page, offset, length in places
        ]
        return "".join(json.dumps(row) + "\n" for row in rows).encode()

    def _columnar(self, path):
        """A file of the columnar index: pages of other sites before and behind, two row groups."""
        crawl, number = re.search("crawl=([^/]+)/", path)[1], int(re.search("part-([0-9]+)", path)[1])
        if number in self.columnar:
            return self.columnar[number]
        rows = [columnar_row(f"com,s{number}{letter})/", None, crawl) for letter in "abcd"]
        if number == TIMESCA_PART:
            rows += [
                columnar_row(f"com,timesca{',www' if '//www.' in page.url else ''})/", (page, offset, length), crawl)
                for page, offset, length in self._file(crawl)[1]
            ]
            rows += [columnar_row("com,timescape)/", None, crawl), columnar_row("com,tz)/", None, crawl)]
        elif number > TIMESCA_PART:
            rows = [columnar_row(f"com,u{number}{letter})/", None, crawl) for letter in "abcd"]
        table = pa.Table.from_pylist(sorted(rows, key=lambda row: row["url_surtkey"]), COLUMNAR)
        buffer = io.BytesIO()
        pq.write_table(table, buffer, row_group_size=4, compression="gzip")
        return buffer.getvalue()

    def _part_of(self, data, headers):
        """The requested range of a file, with its size."""
        wanted = headers.get("Range", "")
        self.ranges.append(wanted)
        first, last = re.fullmatch(r"bytes=([0-9]*)-([0-9]+)", wanted).groups()
        begin = int(first) if first else max(0, len(data) - int(last))
        end = int(last) + 1 if first else len(data)
        return 206, {"Content-Range": f"bytes {begin}-{end - 1}/{len(data)}"}, data[begin:end]

    def _piece(self, path, headers):
        data, _ = self._file(path.split("/")[2])
        query = re.fullmatch(r"bytes=([0-9]+)-([0-9]+)", headers.get("Range", ""))
        self.ranges.append(headers.get("Range"))
        if query is None:
            return 200, {"Content-Type": "application/gzip"}, data
        return 206, {"Content-Type": "application/gzip"}, data[int(query[1]) : int(query[2]) + 1]
