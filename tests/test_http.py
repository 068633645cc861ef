"""The HTTP endpoint answers two paths, within limits."""

import socket

import pytest
from builders import FixedClock
from servers import get

from fxticker.monitoring.http import MetricsServer
from fxticker.monitoring.metrics import Metrics

ANY_PORT = ("127.0.0.1", 0)


@pytest.fixture
def metrics(store):
    return Metrics(store=store, clock=FixedClock())


@pytest.fixture
def served(metrics):
    with MetricsServer(metrics, ANY_PORT) as server:
        yield server.url


@pytest.mark.parametrize("path", ["", "metrics/", "metric", "healthz/x", "..%2fetc", "favicon.ico"])
def test_other_paths_are_not_found(served, path):
    assert get(f"{served}{path}") == (404, "text/plain; charset=utf-8", "there are /metrics and /healthz\n")


def test_query_is_ignored(served):
    assert get(f"{served}healthz?verbose=1")[0] == 200


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS"])
def test_only_get_and_head_are_answered(served, method):
    assert get(f"{served}metrics", method)[0] == 501


def test_head_has_no_body(served):
    status, kind, body = get(f"{served}metrics", "HEAD")
    assert (status, kind.partition(";")[0], body) == (200, "text/plain", "")


def address_in(url):
    return "127.0.0.1", int(url.rpartition(":")[2].rstrip("/"))


def test_slow_request_is_ended(metrics):
    with (
        MetricsServer(metrics, ANY_PORT, request_s=0.1) as server,
        socket.create_connection(address_in(server.url), timeout=10) as slow,
    ):
        slow.sendall(b"GET /metrics HT")
        assert slow.recv(1) == b""


def test_requests_above_the_limit_are_dropped(metrics):
    with (
        MetricsServer(metrics, ANY_PORT, max_requests=1) as server,
        socket.create_connection(address_in(server.url), timeout=10) as first,
    ):
        first.sendall(b"GET /metrics HTTP/1.0\r\n")
        with socket.create_connection(address_in(server.url), timeout=10) as second:
            assert second.recv(1) == b""
        first.sendall(b"\r\n")
        assert first.recv(12) == b"HTTP/1.0 200"


def test_requests_are_not_logged(served, capfd, caplog):
    get(f"{served}metrics")
    get(f"{served}nothing")
    assert capfd.readouterr() == ("", "")
    assert caplog.records == []


def test_address_in_use_is_named(metrics, served):
    port = address_in(served)[1]
    with pytest.raises(OSError, match=f"127.0.0.1 port {port}: Address already in use"):
        MetricsServer(metrics, ("127.0.0.1", port))


def test_nothing_is_served_after_the_block(metrics):
    with MetricsServer(metrics, ANY_PORT) as server:
        assert get(f"{server.url}metrics")[0] == 200
    with pytest.raises(OSError, match="refused"):
        get(f"{server.url}metrics")
