"""HTTP API under load: what an answer costs beside a bare one, and the memory of a range of ten years."""

import asyncio
import re
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

import httpx
import numpy as np
import pyarrow as pa
import pytest
import uvicorn
from builders import NOON, snapshot_ticks
from starlette.applications import Starlette
from starlette.responses import Response
from starlette.routing import Route
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.server import ServerState
from web_client import Client

from fxticker.store.store import Store
from fxticker.web.protocol import BoundedProtocol

pytestmark = pytest.mark.slow
REQUEST = b"GET /v1/latest?base=USD HTTP/1.1\r\nHost: localhost\r\n\r\n"
PAIRS = {"KGS/USD": 1144, "KZT/USD": 191, "TJS/USD": 10840, "TMT/USD": 28571, "UZS/USD": 8}
MAX_MB = 60


class NoSocket(asyncio.Transport):
    """A transport that takes everything and sends nothing."""

    def get_extra_info(self, name, default=None):
        return ("127.0.0.1", 1) if name in ("peername", "sockname") else default

    def write(self, data):
        pass

    def is_closing(self):
        return False

    def close(self):
        pass


async def _cpu_s(app, protocol, count):
    """Seconds of processor time for so many requests on one connection, without the kernel's part."""
    config = uvicorn.Config(app, log_config=None, lifespan="off", proxy_headers=False)
    config.load()
    connection = protocol(config=config, server_state=(state := ServerState()), app_state={})
    connection.connection_made(NoSocket())
    begin = time.process_time()
    for _ in range(count):
        connection.data_received(REQUEST)
        await asyncio.wait([*state.tasks])
    taken = time.process_time() - begin
    connection.connection_lost(None)
    return taken


def test_latest_costs_about_what_a_bare_answer_costs(store):
    store.append(snapshot_ticks(NOON))
    client = Client(store, NOON)
    body = client.get("/v1/latest?base=USD").content

    async def bare(request):
        return Response(body, media_type="application/json")

    bare_app = Starlette(routes=[Route("/v1/latest", bare)])

    async def compare():
        await _cpu_s(client.app, BoundedProtocol, 100)
        return [
            await _cpu_s(bare_app, HttpToolsProtocol, 2000) / await _cpu_s(client.app, BoundedProtocol, 2000)
            for _ in range(5)
        ]

    assert max(asyncio.run(compare())) > 0.8


def ten_years():
    """1.3 million ticks: a poll every 20 minutes."""
    polls = 10 * 365 * 24 * 3
    end_us = int(datetime(2026, 1, 1, tzinfo=UTC).timestamp()) * 1_000_000
    instants = end_us - np.arange(polls, 0, -1) * 1_200_000_000
    step = np.random.default_rng(18).integers(0, 3, polls)
    parts = []
    for pair, base in PAIRS.items():
        texts = [f"{(base + number) / 100_000:.5f}" for number in range(3)]
        rate_text = pa.DictionaryArray.from_arrays(pa.array(step.astype(np.int32)), pa.array(texts))
        columns = {
            "pair": pa.array([pair] * polls),
            "observed_at": pa.array(instants, pa.timestamp("us", "UTC")),
            "time_basis": pa.array(["clock"] * polls),
            "rate": pa.array((base + step) / 100_000),
            "rate_text": rate_text.cast(pa.string()),
            "nominal": pa.array(np.ones(polls, np.int32)),
            "change_pct": pa.nulls(polls, pa.float64()),
            "change_text": pa.nulls(polls, pa.string()),
            "source_date": pa.nulls(polls, pa.date32()),
            "origin": pa.array(["live"] * polls),
            "source": pa.array(["timesca"] * polls),
        }
        parts.append(pa.table(columns))
    return pa.concat_tables(parts)


def test_range_of_ten_years_takes_little_memory(tmp_path):
    Store(tmp_path / "parquet").append_table(ten_years())
    command = [
        sys.executable,
        "-m",
        "fxticker",
        "serve",
        "--store",
        str(tmp_path / "parquet"),
        "--listen",
        "127.0.0.1:0",
    ]
    with subprocess.Popen(
        [*command, "--at", "2026-01-01T00:00Z"], stdout=subprocess.PIPE, text=True, cwd=tmp_path
    ) as process:
        try:
            url = re.search(r"http://\S+/", process.stdout.readline())[0]
            with httpx.Client(base_url=url, trust_env=False, timeout=120) as client:
                client.get("/v2/rates?base=USD")
                idle_kb = _status(process.pid, "VmRSS")
                for query in ("base=USD", "base=KZT", "base=USD&group=hour"):
                    with client.stream("GET", f"/v2/rates?{query}&from=2016-01-01") as answer:
                        assert sum(len(piece) for piece in answer.iter_bytes()) > 4_000_000
            assert _status(process.pid, "VmHWM") - idle_kb < MAX_MB * 1000
        finally:
            process.kill()


def _status(pid, name):
    text = Path(f"/proc/{pid}/status").read_text("utf-8")
    return int(re.search(rf"{name}:\s+(\d+) kB", text)[1])
