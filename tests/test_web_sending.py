"""HTTP API: long answers, slow clients and connections that ask for nothing."""

import asyncio
import contextlib
import json
from datetime import timedelta

import pytest
import uvicorn
from builders import NOON, snapshot_ticks, tick
from web_client import Client

from fxticker.web import protocol, sending
from fxticker.web.answer_cache import Kept
from fxticker.web.answers import Answer
from fxticker.web.server import _listener

SCOPE = {"type": "http", "method": "GET", "path": "/", "query_string": b"", "headers": []}


class Pieces:
    """Pieces of a body, and how many of them were computed."""

    def __init__(self, count):
        self.computed = 0
        self._count = count

    def __iter__(self):
        return self

    def __next__(self):
        if self.computed == self._count:
            raise StopIteration
        self.computed += 1
        return b"x"


async def sent(pieces, client, send, receive=None, method="GET"):
    """Send an answer of pieces to a client; its reader is that of any store."""
    kept = Kept.of(Answer(pieces, version="1"), "1", NOON)

    async def waiting():
        await asyncio.sleep(60)

    await sending.send_answer(kept, {**SCOPE, "method": method}, receive or waiting, send, client.reader)


@pytest.fixture
def client(store):
    store.append(snapshot_ticks(NOON))
    return Client(store, NOON)


def test_next_piece_is_computed_when_the_client_has_taken_the_one_before(client):
    pieces, computed = Pieces(3), []

    async def send(message):
        computed.append(pieces.computed)

    asyncio.run(sent(pieces, client, send))
    assert computed == [1, 1, 2, 3, 3]  # the head, three pieces, the end


def test_head_of_a_long_answer_computes_its_begin_alone(client):
    pieces, messages = Pieces(3), []

    async def send(message):
        messages.append(message)

    asyncio.run(sent(pieces, client, send, method="HEAD"))
    assert pieces.computed == 1
    assert messages[-1].get("body", b"") == b""


def test_client_that_has_gone_away_stops_its_answer(client):
    pieces, messages = Pieces(1000), []

    async def receive():
        return {"type": "http.disconnect"}

    async def send(message):
        messages.append(message)
        await asyncio.sleep(0)

    asyncio.run(sent(pieces, client, send, receive))
    assert pieces.computed < 10


def test_client_that_takes_nothing_is_dropped_without_an_end(client, monkeypatch, caplog):
    monkeypatch.setattr(sending, "SEND_S", 0.05)
    pieces, messages = Pieces(1000), []

    async def send(message):
        messages.append(message)
        if len(messages) > 3:
            await asyncio.sleep(60)

    asyncio.run(sent(pieces, client, send))
    assert pieces.computed == 3
    assert messages[-1]["more_body"] is True
    assert "took more than 0.05 s" in caplog.text


def test_more_long_answers_than_there_are_places_are_refused(client, monkeypatch):
    monkeypatch.setattr("fxticker.web.answers.LONG_ROWS", 0)
    client.reader._long_places = 0
    answer = client.get("/v2/rates?base=USD&from=2025-11-01")
    assert (answer.status_code, answer.json()["message"]) == (503, "busy")
    assert client.get("/v2/rates?base=USD").status_code == 200


@pytest.mark.parametrize(
    "path", ["/v2/rates?base=KZT&quotes=KGS&from=2025-11-01", "/v1/2025-11-01..?base=KZT&symbols=KGS"]
)
def test_long_answer_without_rows_is_not_found(store, monkeypatch, path):
    monkeypatch.setattr("fxticker.web.answers.LONG_ROWS", 0)
    store.append([tick(), tick("KGS/USD", "0.01144", observed_at=NOON + timedelta(days=1))])
    client = Client(store, NOON + timedelta(days=2))
    assert client.get(path).status_code == 404
    assert client.send("HEAD", path).status_code == 404
    found = client.get(path.replace("KGS", "USD"))
    assert found.status_code == 200
    assert found.headers["etag"].startswith('W/"')


def test_append_during_a_range_changes_no_row_and_doubles_none(store, monkeypatch):
    monkeypatch.setattr("fxticker.web.answers.LONG_ROWS", 0)
    monkeypatch.setattr("fxticker.web.ranges.TICKER_DAYS", 7)
    days = [NOON + timedelta(days=number) for number in range(40)]
    store.append([row for day in days for row in snapshot_ticks(day)])
    client, pieces = Client(store, days[-1] + timedelta(hours=1), relist_s=0), []

    async def receive():
        await asyncio.sleep(60)

    async def send(message):
        if message.get("body"):
            pieces.append(message["body"])
            store.append([tick(rate_text="0.00200", observed_at=NOON + timedelta(days=len(pieces), hours=1))])

    scope = {**SCOPE, "path": "/v2/rates", "query_string": b"base=KZT&quotes=USD&from=2025-11-01"}
    asyncio.run(client.app({**scope, "headers": [(b"host", b"localhost")]}, receive, send))
    rows = json.loads(b"".join(pieces))
    assert len(pieces) > 4
    assert [row["date"] for row in rows] == [f"{day:%Y-%m-%d}" for day in days]


@contextlib.asynccontextmanager
async def server(client):
    """The port of a server on loopback."""
    listener = _listener(("127.0.0.1", 0))
    config = uvicorn.Config(client.app, http=protocol.BoundedProtocol, lifespan="off", log_config=None, ws="none")
    running = uvicorn.Server(config)
    running.capture_signals = contextlib.nullcontext
    task = asyncio.ensure_future(running.serve([listener]))
    try:
        yield listener.getsockname()[1]
    finally:
        running.should_exit = running.force_exit = True
        await task
        listener.close()


async def asked(port, request):
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(request)
    answer = await asyncio.wait_for(reader.read(), 5)
    writer.close()
    return answer


REQUEST = b"GET /v1/currencies HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"


def test_idle_connections_keep_nobody_from_an_answer(client):
    async def run():
        async with server(client) as port:
            idle = [await asyncio.open_connection("127.0.0.1", port) for _ in range(150)]
            answer = await asked(port, REQUEST)
            for _, writer in idle:
                writer.close()
            return answer

    assert asyncio.run(run()).startswith(b"HTTP/1.1 200 OK")


@pytest.mark.parametrize(
    "begin",
    [
        b"",
        b"GET /v1/currencies HTTP/1.1\r\nHost: loc",
        b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\nx",
    ],
)
def test_request_that_does_not_end_is_closed(client, monkeypatch, begin):
    monkeypatch.setattr(protocol, "REQUEST_S", 0.1)

    async def run():
        async with server(client) as port:
            return await asked(port, begin)

    answer = asyncio.run(run())
    assert answer == b"" if not begin.startswith(b"POST") else answer.startswith(b"HTTP/1.1 405")


@pytest.mark.parametrize(
    ("request_bytes", "status"),
    [
        (b"\x00\x01\x02\r\n\r\n", b"400"),
        (b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\nConnection: close\r\n\r\n", b"421"),
        (b"GET / HTTP/1.1\r\nConnection: close\r\n\r\n", b"421"),
        (b"GET /" + b"a" * 20_000 + b" HTTP/1.1\r\n", b"400"),
        (b"GET / HTTP/1.1\r\n" + b"X: y\r\n" * 4000, b"400"),
        ("GET /ü HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode(), b"400"),
        (b"GET http://evil.example/ HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n", b"421"),
    ],
)
def test_malformed_request_is_refused(client, request_bytes, status):
    async def run():
        async with server(client) as port:
            return await asked(port, request_bytes)

    assert asyncio.run(run()).split(b" ")[1] == status


def test_requests_that_follow_each_other_at_once_are_answered_in_order(client):
    first = REQUEST.replace(b"Connection: close\r\n", b"").replace(b"/v1/currencies", b"/v2/rate/KZT/USD")

    async def run():
        async with server(client) as port:
            return await asked(port, first + REQUEST)

    answers = asyncio.run(run()).split(b"HTTP/1.1 200 OK")
    assert [b'"rate":0.00191' in answer for answer in answers] == [False, True, False]


def test_offer_of_another_protocol_is_answered_and_not_logged(client, caplog):
    offer = REQUEST.replace(b"Connection: close", b"Connection: Upgrade, close\r\nUpgrade: h2c")

    async def run():
        async with server(client) as port:
            return await asked(port, offer)

    assert asyncio.run(run()).startswith(b"HTTP/1.1 200 OK")
    assert caplog.text == ""


def test_listener_sends_at_once(client):
    with contextlib.closing(_listener(("127.0.0.1", 0))) as listener:
        assert listener.proto == 6  # TCP: asyncio sets TCP_NODELAY on such sockets only
