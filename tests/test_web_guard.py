"""HTTP API: what is refused before any endpoint sees it, and what every answer has."""

import asyncio
from threading import Event

import pytest
from builders import NOON, snapshot_ticks
from web_client import Client

from fxticker.store.store import Store
from fxticker.web.answers import json_answer
from fxticker.web.app import build
from fxticker.web.catalogue import objects_of
from fxticker.web.listen import address_of, host_of


@pytest.fixture(scope="module")
def client(tmp_path_factory):
    store = Store(tmp_path_factory.mktemp("guard") / "parquet")
    store.append(snapshot_ticks(NOON))
    return Client(store, NOON)


@pytest.mark.parametrize(
    "host", ["evil.example", "localhost.evil.example", "localhost@evil", "", "127.0.0.1:x", "[::2]"]
)
def test_other_names_of_this_machine_are_refused(client, host):
    answer = client.get("/v1/latest?base=USD", host=host)
    assert (answer.status_code, answer.json()["message"]) == (421, "unknown host")


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:9", "127.0.0.1:8080", "[::1]:8080", "rates.example.org"])
def test_own_names_are_answered(client, host, monkeypatch):
    monkeypatch.setattr(client, "app", build(client.reader, {"localhost", "127.0.0.1", "[::1]", "rates.example.org"}))
    assert client.get("/v1/currencies", host=host).status_code == 200


def test_every_answer_lets_nothing_run_and_allows_any_origin(client):
    for path in ("/v1/latest?base=USD", "/nonsense/x", "/v1/latest?base=USD&amount=x"):
        headers = client.get(path).headers
        assert "default-src 'none'" in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["access-control-allow-origin"] == "*"


def test_head_has_the_headers_of_get_and_no_body(client):
    got, head = (client.send(method, "/v1/latest?base=USD") for method in ("GET", "HEAD"))
    assert (head.status_code, head.content) == (200, b"")
    assert {name: head.headers[name] for name in ("etag", "content-length", "content-type")} == {
        name: got.headers[name] for name in ("etag", "content-length", "content-type")
    }


def test_options_says_what_may_be_asked(client):
    answer = client.send("OPTIONS", "/v1/latest", origin="https://example.org")
    assert (answer.status_code, answer.headers["access-control-allow-methods"]) == (204, "GET, HEAD, OPTIONS")


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "TRACE", "BREW"])
def test_nothing_can_be_written(client, method):
    answer = client.send(method, "/v1/latest")
    assert (answer.status_code, answer.headers["allow"]) == (405, "GET, HEAD, OPTIONS")


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/v1/latest?base=" + "A" * 5000, 414),
        ("/v1/" + "a" * 5000, 414),
        ("/v1/latest?base=USD&" + "&".join(f"x{number}=1" for number in range(60)), 400),
        ("/v1/latest?base=%00", 404),
        ("/v1/latest?base=%ff%fe", 400),
        ("/v1/latest?base=%0d%0aX-Bad:1", 404),
        ("/v2/rates?base=USD&quotes=%0d%0aX-Bad:1", 422),
        ("/v2/rates?base=USD&providers=%00", 404),
        ("/v2/rates?%0d%0aX-Bad:1=2", 422),
        ("/v1/..%2f..%2fetc%2fpasswd", 404),
        ("/v1/%00", 400),
    ],
)
def test_hostile_targets_are_refused(client, path, status):
    assert client.get(path).status_code == status


def test_broken_percent_encoding_of_a_path_is_refused(client):
    sent = []

    async def send(message):
        sent.append(message)

    scope = {"type": "http", "method": "GET", "path": "/v1/%zz", "raw_path": b"/v1/%zz", "query_string": b""}
    asyncio.run(client.app({**scope, "headers": [(b"host", b"localhost")]}, None, send))
    assert sent[0]["status"] == 400


def test_answers_are_counted(client):
    client.get("/v1/currencies")
    assert 'fxticker_http_responses_total{status="200"}' in client.get("/metrics").text


def test_unreadable_store_is_a_named_503(tmp_path):
    store = Store(tmp_path / "parquet")
    store.append(snapshot_ticks(NOON))
    next((tmp_path / "parquet" / "ticks").rglob("*.parquet")).write_bytes(b"PAR1 no more PAR1")
    answer = Client(store, NOON).get("/v1/latest?base=USD")
    assert (answer.status_code, answer.json()["message"]) == (503, "the store cannot be read")
    assert "ticks/source=timesca" in answer.json()["detail"]


def test_store_that_is_gone_is_no_empty_one(tmp_path):
    store = Store(tmp_path / "parquet")
    store.append(snapshot_ticks(NOON))
    client = Client(store, NOON, relist_s=0)
    assert client.get("/v1/latest?base=USD").status_code == 200
    (tmp_path / "parquet").rename(tmp_path / "elsewhere")
    answer = client.get("/v1/latest?base=USD")
    assert (answer.status_code, answer.json()["message"]) == (503, "the store cannot be read")
    (tmp_path / "elsewhere").rename(tmp_path / "parquet")
    assert client.get("/v1/latest?base=USD").status_code == 200


def test_fault_of_an_endpoint_is_500_without_its_text(client, monkeypatch):
    def broken(view):
        raise RuntimeError("secret")

    monkeypatch.setattr("fxticker.web.root.root", broken)
    answer = client.get("/")
    assert (answer.status_code, answer.json()) == (500, {"status": 500, "message": "internal error"})
    assert answer.headers["cache-control"] == "no-store"


def test_slow_answer_is_503_at_the_deadline_and_too_many_are_refused_at_once(tmp_path, monkeypatch):
    store, done = Store(tmp_path / "parquet"), Event()
    store.append(snapshot_ticks(NOON))
    client = Client(store, NOON, workers=1, max_waiting=0, deadline_s=0.05, relist_s=60)
    client.get("/v1/currencies")
    monkeypatch.setattr("fxticker.web.root.root", lambda view: done.wait(10))
    assert client.get("/").json()["message"] == "deadline exceeded"
    busy = client.get("/?again")
    assert (busy.status_code, busy.json()["message"], busy.headers["retry-after"]) == (503, "busy", "1")
    done.set()


def test_long_answers_that_wait_leave_short_ones_their_places(tmp_path, monkeypatch):
    store, done = Store(tmp_path / "parquet"), Event()
    store.append(snapshot_ticks(NOON))
    client = Client(store, NOON, workers=1, max_waiting=0, relist_s=60)
    monkeypatch.setattr("fxticker.web.record.gaps", lambda view, fields: done.wait(10) and json_answer([]))

    async def run():
        long = [asyncio.ensure_future(client._send("GET", f"/v2/gaps?{number}", {})) for number in range(3)]
        finished, _ = await asyncio.wait(long, return_when=asyncio.FIRST_COMPLETED)
        short = await client._send("GET", "/v2/rate/KZT/USD", {})
        done.set()
        return (
            [answer.result().json() for answer in finished],
            short,
            [answer.status_code for answer in await asyncio.gather(*long)],
        )

    [refused], short, statuses = asyncio.run(run())
    assert (refused["message"], short.status_code, sorted(statuses)) == ("busy", 200, [200, 200, 503])


def test_listing_goes_on_for_others_when_one_who_waits_for_it_goes_away(tmp_path, monkeypatch):
    store, done, begun = Store(tmp_path / "parquet"), Event(), Event()
    store.append(snapshot_ticks(NOON))
    client = Client(store, NOON)

    def slow(store):
        begun.set()
        assert done.wait(10)
        return objects_of(store)

    monkeypatch.setattr("fxticker.web.reader.objects_of", slow)

    async def run():
        first = asyncio.ensure_future(client.reader.view())
        await asyncio.to_thread(begun.wait, 10)
        first.cancel()
        second = asyncio.ensure_future(client._send("GET", "/v1/latest?base=USD", {}))
        await asyncio.sleep(0)
        done.set()
        return (await second).status_code

    assert asyncio.run(run()) == 200


def test_store_that_hangs_is_waited_for_once(tmp_path, monkeypatch):
    store, done = Store(tmp_path / "parquet"), Event()
    client = Client(store, NOON, deadline_s=0.05)
    monkeypatch.setattr("fxticker.web.reader.objects_of", lambda store: done.wait(10))
    messages = [client.get("/v1/currencies").json()["message"] for _ in range(3)]
    assert messages == ["deadline exceeded", "busy", "busy"]
    done.set()


@pytest.mark.parametrize(
    "text", ["8080", "localhost:80", "127.0.0.1", "127.0.0.1:65536", "::1:80", "127.0.0.1:-1", "[127.0.0.1]:1"]
)
def test_address_without_ip_or_port_is_refused(text):
    with pytest.raises(ValueError, match="is no address and port"):
        address_of(text)


def test_addresses_of_both_versions_are_read():
    assert (address_of("127.0.0.1:8080"), address_of("[::1]:0")) == (("127.0.0.1", 8080), ("::1", 0))


def test_names_of_hosts_are_read_in_lower_case():
    names = ["Rates.Example.ORG", "192.0.2.7", "[2001:DB8::1]"]
    assert [host_of(name) for name in names] == ["rates.example.org", "192.0.2.7", "[2001:db8::1]"]
