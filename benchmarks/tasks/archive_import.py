"""Archive import: imports a WARC file of pages of 150 kB, in one process on one core and in two on two."""

from __future__ import annotations

import gzip
import hashlib
import os
import random
import shutil
import time
from base64 import b32encode
from collections.abc import Iterator
from contextlib import nullcontext
from datetime import UTC, date, datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import Any

import pyarrow as pa

from benchmarks.tasks import page_reading
from fxticker.backfill.page_files import FilePage
from fxticker.backfill.process_pool import ProcessPool
from fxticker.backfill.saved_pages import import_pages
from fxticker.backfill.warc import read_warc
from fxticker.backfill.warc_page import WarcPage
from fxticker.simulation.captures import read_captures
from fxticker.simulation.site import render_html
from fxticker.sources.timesca.page import SOURCE
from fxticker.store.store import Store

_BLOCKS, _BLOCKS_OF_PAGE = 3_000, 24
"""Blocks of filler, and how many of them a page repeats: it packs to some 27 kB, as real pages do."""
_START = datetime(2024, 6, 1, tzinfo=UTC)
_STEP = timedelta(minutes=20)
_PARSED = 300
"""Pages that the parser alone reads."""


def write(path: str, pages: int) -> dict[str, Any]:
    """Write a file of captures with the tickers of the real history, in their order; return its sizes in bytes."""
    rng = random.Random(7)  # noqa: S311 - filler
    captures = read_captures()
    blocks = [page_reading.block(rng) for _ in range(_BLOCKS)]
    unpacked = 0
    with Path(path).open("wb") as file:
        for number in range(pages):
            html = render_html(captures[number * len(captures) // pages].ticks, date(2025, 11, 14))
            head, tail = html.split("<main>", 1)
            body = f"{head}{''.join(_filler(rng, blocks, len(html)))}<main>{tail}".encode()
            unpacked += len(body)
            file.write(gzip.compress(_record(number, body), 6))
    return {"pages": pages, "page_bytes": unpacked // pages, "packed_bytes": Path(path).stat().st_size // pages}


def run(way: str, path: str, folder: str) -> dict[str, Any]:
    """Return pages per second of a way: ``parser``, alone, on one core; ``1`` or ``2`` processes that import."""
    cores = sorted(os.sched_getaffinity(0))
    os.sched_setaffinity(0, cores[:2] if way == "2" else cores[:1])
    pa.set_cpu_count(1)
    if way == "parser":
        with Path(path).open("rb") as file:
            records = [record for record in islice(read_warc(file), _PARSED) if isinstance(record, WarcPage)]
        began = time.perf_counter()
        for record in records:
            SOURCE.parse(record.body or b"", record.headers)
        return {"pages": len(records), "pages_per_s": len(records) / (time.perf_counter() - began)}
    began = time.perf_counter()
    with ProcessPool(2) if way == "2" else nullcontext() as pool:
        summary = import_pages([FilePage(Path(path))], source=SOURCE, store=Store(Path(folder)), pool=pool)
    took_s = time.perf_counter() - began
    shutil.rmtree(folder)
    return {"pages": summary.captures, "rows": summary.added, "pages_per_s": summary.captures / took_s}


def _filler(rng: random.Random, blocks: list[str], size: int) -> Iterator[str]:
    own = rng.sample(blocks, _BLOCKS_OF_PAGE)
    script = page_reading.script()
    yield script
    size += len(script)
    while size < page_reading.PAGE_BYTES:
        block = rng.choice(own)
        size += len(block)
        yield block


def _record(number: int, body: bytes) -> bytes:
    block = b"HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\nServer: nginx\r\n\r\n" + body
    head = (
        f"WARC/1.0\r\nWARC-Type: response\r\nWARC-Date: {_START + number * _STEP:%Y-%m-%dT%H:%M:%SZ}\r\n"
        f"WARC-Record-ID: <urn:uuid:{number:032x}>\r\nContent-Length: {len(block)}\r\n"
        f"Content-Type: application/http; msgtype=response\r\nWARC-Target-URI: https://timesca.com/{number}\r\n"
        f"WARC-Payload-Digest: {_sha1(body)}\r\nWARC-Block-Digest: {_sha1(block)}\r\n\r\n"
    )
    return head.encode() + block + b"\r\n\r\n"


def _sha1(data: bytes) -> str:
    return "sha1:" + b32encode(hashlib.sha1(data, usedforsecurity=False).digest()).decode()
