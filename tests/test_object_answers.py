"""Object storage that breaks its protocol, and settings that its client cannot take: errors with their cause."""

import pytest
from servers import RawServer, refusing_url

import fxticker as fx
from fxticker.errors import StoreError
from fxticker.simulation.loopback_server import head, response

pytest.importorskip("obstore")

FIRST = "ticks/source=timesca/month=2025-11/00000.parquet"
NO_BUCKET = b"<?xml version='1.0'?><Error><Code>NoSuchBucket</Code><Message>The bucket does not exist</Message></Error>"


@pytest.fixture(autouse=True)
def _credentials(monkeypatch):
    for name in ("AWS_ENDPOINT_URL_S3", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    settings = {"AWS_ACCESS_KEY_ID": "key", "AWS_SECRET_ACCESS_KEY": "word-that-is-secret", "AWS_REGION": "us-east-1"}
    for name, value in settings.items():
        monkeypatch.setenv(name, value)


def listing(*names):
    """The answer of a LIST request."""
    items = "".join(
        f"<Contents><Key>prefix/{name}</Key><LastModified>2025-11-01T00:00:00.000Z</LastModified>"
        f'<ETag>"{number}"</ETag><Size>9</Size></Contents>'
        for number, name in enumerate(names)
    )
    body = f"<ListBucketResult><IsTruncated>false</IsTruncated>{items}</ListBucketResult>"
    return response(body.encode(), media_type="application/xml")


def cause(answer, monkeypatch):
    """The error of a load from a storage whose server answers so."""
    with RawServer(answer) as server:
        monkeypatch.setenv("AWS_ENDPOINT_URL", server.url.rstrip("/"))
        with pytest.raises(StoreError) as raised:
            fx.load("s3://bucket/prefix")
    return str(raised.value)


def answering(exchange, *listed, size):
    """List these objects; each is nine bytes long, but for a segment, which is said to have `size`."""
    request = exchange.request.partition("\n")[0]
    if "list-type" in request:
        exchange.send(listing(*listed))
    else:
        length = f"Content-Length: {size if '.parquet' in request else 9}"
        exchange.send(head(length, 'ETag: "1"', "Last-Modified: Sat, 01 Nov 2025 00:00:00 GMT") + b"123456789")


def test_listing_that_names_an_object_twice_is_refused(monkeypatch):
    message = cause(lambda exchange: answering(exchange, FIRST, FIRST, size=9), monkeypatch)
    assert "lists an object twice" in message


def test_object_that_is_too_large_is_refused_by_name_before_it_is_read(monkeypatch):
    message = cause(lambda exchange: answering(exchange, FIRST, size=10**12), monkeypatch)
    assert f"{FIRST}: cannot be read (1000000000000 bytes: no object of a store is so large)" in message


def test_refusal_is_told_in_the_words_of_the_server(monkeypatch):
    def answer(exchange):
        exchange.send(response(NO_BUCKET, status="404 Not Found", media_type="application/xml"))

    assert "404 Not Found: The bucket does not exist" in cause(answer, monkeypatch)


def test_server_that_cannot_be_reached_is_told_without_the_clients_settings(monkeypatch):
    with refusing_url() as url:
        monkeypatch.setenv("AWS_ENDPOINT_URL", url.rstrip("/"))
        with pytest.raises(StoreError, match="Connection refused") as raised:
            fx.load("s3://bucket/prefix")
    assert "retries" not in str(raised.value)


@pytest.mark.parametrize(
    "endpoint",
    [
        "127.0.0.1:9",
        "http://",
        "https://a b",
        "http://127.0.0.1:65536",
        "HTTP://127.0.0.1:9",
        " http://127.0.0.1:9",
        "http://[::1",
        "ftp://127.0.0.1",
        "http://user:word-that-is-secret@127.0.0.1:9",
        "http://127.0.0.1:9?a=b",
    ],
)
def test_endpoint_that_the_client_cannot_take_is_refused(monkeypatch, endpoint):
    monkeypatch.setenv("AWS_ENDPOINT_URL", endpoint)
    with pytest.raises(StoreError, match="AWS_ENDPOINT_URL must be http://HOST:PORT or https://HOST") as raised:
        fx.load("s3://bucket/prefix")
    assert "word-that-is-secret" not in str(raised.value)


@pytest.mark.parametrize("name", ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_REGION"])
def test_setting_with_a_line_break_is_refused_by_name(monkeypatch, name):
    monkeypatch.setenv(name, "word-that-is-secret\n")
    with pytest.raises(StoreError, match=f"{name} has a line break") as raised:
        fx.load("s3://bucket/prefix")
    assert "word-that-is-secret" not in str(raised.value)
