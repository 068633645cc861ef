"""The HTTP endpoint answers two paths, within limits."""

import http.client
import socket
import threading

import pytest
from builders import FixedClock, cases
from servers import get

from fxticker.monitoring.exposition import exposition
from fxticker.monitoring.http import MetricsServer
from fxticker.monitoring.metrics import Metrics

ANY_PORT = ("127.0.0.1", 0)
CASES = cases("http")


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
    assert get(f"{served}healthz?verbose=1")[2] == get(f"{served}healthz")[2] != ""


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


@pytest.mark.parametrize("path", ["healthz", "metrics"])
def test_request_that_waits_for_the_store_is_answered_in_time(metrics, monkeypatch, path):
    is_over = threading.Event()
    for holder, name in ((metrics, "reasons"), (metrics.registry, "collect")):
        monkeypatch.setattr(holder, name, lambda: [is_over.wait(10)][:0])
    with MetricsServer(metrics, ANY_PORT, request_s=0.1) as server:
        answer = get(f"{server.url}{path}")
        is_over.set()
    assert answer == (503, "text/plain; charset=utf-8", "the store was not read in time\n")


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


# Formats


@pytest.mark.parametrize(("accept", "is_open_metrics"), CASES["format_is_the_one_that_is_preferred"])
def test_format_is_the_one_that_is_preferred(metrics, accept, is_open_metrics):
    kind, body = exposition(metrics.registry, accept)
    assert (kind.partition(";")[0], kind.split("version=")[1][:5]) == (
        ("application/openmetrics-text", "1.0.0") if is_open_metrics else ("text/plain", "0.0.4")
    )
    assert body.endswith(b"# EOF\n") == is_open_metrics


def test_both_formats_have_the_same_samples(metrics):
    texts = [exposition(metrics.registry, accept)[1].decode() for accept in ("", "application/openmetrics-text")]
    first, second = (
        {line.split(" ")[0] for line in text.splitlines() if line.startswith("fxticker_")} for text in texts
    )
    assert first == second != set()


def test_header_of_64_kilobytes_is_read_at_once(metrics):
    assert exposition(metrics.registry, "text/plain;q=0," * 4000)[0].startswith("text/plain")


def type_for(served, *accept):
    """The type of the answer to a request with these headers ``Accept``."""
    answer = http.client.HTTPConnection(*address_in(served), timeout=10)
    answer.putrequest("GET", "/metrics")
    for value in accept:
        answer.putheader("Accept", value)
    answer.endheaders()
    media_type = answer.getresponse().getheader("Content-Type").partition(";")[0]
    answer.close()
    return media_type


def test_repeated_header_counts_as_one(served):
    assert type_for(served, "text/plain;q=0.1", "application/openmetrics-text") == "application/openmetrics-text"


def test_what_follows_two_thousand_characters_is_not_read(served):
    assert type_for(served, "a," * 700, "application/openmetrics-text") == "application/openmetrics-text"
    assert type_for(served, "a," * 1000, "application/openmetrics-text") == "text/plain"
