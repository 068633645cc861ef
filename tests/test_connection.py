"""A time-out before a connection stands is `unreachable` and costs no slot; with a connection it is the server's."""

import socket
import threading
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta

import pytest
from builders import NOON, FixedClock
from servers import RawServer, fetcher, refusing_url

from fxticker.collect.backoff import SourceState
from fxticker.collect.poll import collect_once
from fxticker.errors import DeadlineExceeded, Unreachable
from fxticker.fetch.robots import RobotsFetcher
from fxticker.model.schedule import Every
from fxticker.sources.timesca.page import SOURCE

HTML = frozenset(["text/html"])
BODY = b"<p>KZT/USD = 0.00191 -0%</p>"
WHOLE = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 28\r\n\r\n" + BODY
SECOND = Every(timedelta(seconds=1))


@contextmanager
def vanishing_url(scheme="http"):
    """An address whose packets vanish: a listener with a full queue, which drops what would open a connection."""
    with socket.socket() as listener, socket.socket() as first, socket.socket() as second:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        for filler in (first, second):
            filler.setblocking(False)
            filler.connect_ex(listener.getsockname())
        yield f"{scheme}://127.0.0.1:{listener.getsockname()[1]}/"


@pytest.fixture
def no_name_servers(monkeypatch):
    """Name lookups hang until the event is set, as without any name server; 10 s at most."""
    answered = threading.Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_arguments, **_options: answered.wait(10))
    yield "http://localhost:9/"
    answered.set()


def get(url, timeout_s=0.2, **options):
    with fetcher(timeout_s=timeout_s, **options) as fetch:
        return fetch(url, media_types=HTML)


def silent(exchange):
    exchange.pause(5)


def answers_whole(exchange):
    exchange.send(WHOLE)


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_packets_that_vanish_are_unreachable(scheme):
    with vanishing_url(scheme) as url, pytest.raises(Unreachable, match=r"no connection within 0\.2 s"):
        get(url)


def test_names_that_nobody_resolves_are_unreachable(no_name_servers):
    with pytest.raises(Unreachable, match=r"no connection within 0\.2 s"):
        get(no_name_servers)


def test_silence_on_a_connection_is_a_timeout():
    with RawServer(silent) as server, pytest.raises(DeadlineExceeded):
        get(server.url)


def test_tls_handshake_without_an_end_is_a_timeout():
    with RawServer(silent) as server, pytest.raises(DeadlineExceeded):
        get(server.url.replace("http:", "https:"))


def test_connection_of_an_earlier_attempt_counts():
    """A server that answered 503 and then lets packets vanish is overloaded; the network of this machine is there."""
    with RawServer(lambda exchange: exchange.send(b"HTTP/1.1 503 Busy\r\n\r\n")) as server, vanishing_url() as url:
        target = iter([server.url, url])
        connect = socket.socket.connect

        def by_turns(self, _address):
            return connect(self, ("127.0.0.1", int(next(target).rstrip("/").rpartition(":")[2])))

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(socket.socket, "connect", by_turns)
            with pytest.raises(DeadlineExceeded):
                get(server.url, retry_pauses_s=(0.01,))


def test_robots_txt_without_a_connection_is_unreachable():
    with (
        vanishing_url() as url,
        fetcher(timeout_s=0.4) as client,
        pytest.raises(Unreachable, match=r"robots\.txt: no connection within 0\.1 s"),
    ):
        RobotsFetcher(client)(url, media_types=HTML)


def polls_of(store, url, count, timeout_s):
    """Outcomes of polls at neighbouring slots, and the state after them."""
    state, outcomes = SourceState(), []
    with fetcher(timeout_s=timeout_s) as fetch:
        for number in range(count):
            slot = NOON + number * timedelta(seconds=1)
            poll = collect_once(
                replace(SOURCE, url=url),
                slot,
                fetch=fetch,
                store=store,
                clock=FixedClock(slot),
                state=state,
                schedule=SECOND,
            )
            outcomes.append(str(poll.outcome))
    return outcomes, state


def test_no_slot_is_lost_to_back_off_while_the_own_network_is_away(store, no_name_servers):
    outcomes, state = polls_of(store, no_name_servers, 10, 0.02)
    assert outcomes == ["unreachable"] * 10
    assert (state.failures, state.wait_until) == (0, None)


def test_silent_server_is_left_alone_after_three_polls(store):
    with RawServer(silent) as server:
        outcomes, _ = polls_of(store, server.url, 4, 0.2)
    assert outcomes == ["timeout", "timeout", "timeout", "backoff"]


# A proxy


def test_request_goes_to_the_proxy_with_its_credentials():
    with RawServer(answers_whole) as proxy:
        address = proxy.url.replace("://", "://me:hunter%402@")
        assert get("http://ticker.test/page", timeout_s=10, proxy=address).body == BODY
    [request] = proxy.requests
    assert request.startswith("GET http://ticker.test/page HTTP/1.1\r\n")
    assert "Proxy-Authorization: Basic bWU6aHVudGVyQDI=" in request  # me:hunter@2


def test_https_goes_through_a_tunnel_of_the_proxy():
    with (
        RawServer(lambda exchange: exchange.send(b"HTTP/1.1 502 No Route\r\n\r\n")) as proxy,
        pytest.raises(Unreachable, match="ProxyError: 502 No Route"),
    ):
        get("https://ticker.test/page", timeout_s=10, proxy=proxy.url)
    assert proxy.requests[0].startswith("CONNECT ticker.test:443 HTTP/1.1\r\n")


def test_proxy_that_opens_no_tunnel_is_unreachable():
    with RawServer(silent) as proxy, pytest.raises(Unreachable, match="no connection"):
        get("https://ticker.test/", proxy=proxy.url)


def test_silent_server_behind_a_tunnel_is_a_timeout():
    def opens(exchange):
        exchange.send(b"HTTP/1.1 200 Connection established\r\n\r\n")
        exchange.pause(5)

    with RawServer(opens) as proxy, pytest.raises(DeadlineExceeded):
        get("https://ticker.test/", timeout_s=0.4, proxy=proxy.url)


def test_proxy_whose_packets_vanish_is_unreachable():
    with vanishing_url() as proxy, pytest.raises(Unreachable, match="no connection"):
        get("http://ticker.test/", proxy=proxy)


REFUSAL = b"HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Basic\r\n\r\n"


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_error_of_a_proxy_has_no_credentials(scheme):
    with RawServer(lambda exchange: exchange.send(REFUSAL)) as proxy, pytest.raises(Exception, match="407") as caught:
        get(f"{scheme}://ticker.test/", timeout_s=10, proxy=proxy.url.replace("://", "://me:hunter2@"))
    assert "hunter2" not in str(caught.value) + repr(caught.value.__cause__)


def test_refusing_proxy_is_unreachable():
    with refusing_url() as proxy, pytest.raises(Unreachable) as caught:
        get("http://ticker.test/", timeout_s=10, proxy=proxy.replace("://", "://me:hunter2@"))
    assert "hunter2" not in str(caught.value)
