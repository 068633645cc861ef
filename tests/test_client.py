import gzip
import socket
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import anyio.to_thread
import httpx
import pytest
from servers import RawServer, fetcher, refusing_url, response, responses

from fxticker.errors import (
    BadStatus,
    BodyTooLarge,
    DeadlineExceeded,
    FetchError,
    FetchStopped,
    UnexpectedContent,
    Unreachable,
)

HTML = frozenset(["text/html"])
BODY = b"<p>KZT/USD = 0.00191 -0%</p>"
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n"
WHOLE = HEAD + b"Content-Length: 28\r\n\r\n" + BODY
URL = "http://ticker.test/"
DESCRIPTORS = Path("/proc/self/fd")


# What a sound answer gives


def test_page_is_returned_with_headers_and_attempts():
    with fetcher(lambda request: response(BODY, X_Trace="a")) as fetch:
        answer = fetch(URL, media_types=HTML)
    assert answer.body == BODY
    assert answer.headers["content-type"] == "text/html"
    assert answer.headers["x-trace"] == "a"
    assert (answer.http_status, answer.attempts) == (200, 1)


@pytest.mark.parametrize("size", [1, 7, 1000])
def test_compressed_page_is_decoded_in_chunks_of_any_size(size):
    data = gzip.compress(BODY)
    chunks = [data[at : at + size] for at in range(0, len(data), size)]
    with fetcher(lambda request: response(*chunks, content_encoding="gzip")) as fetch:
        assert fetch(URL, media_types=HTML).body == BODY


def test_empty_page_is_a_response():
    with fetcher(lambda request: response()) as fetch:
        assert fetch(URL, media_types=HTML).body == b""


def test_request_names_the_user_agent_and_accepted_content():
    handle, requests = responses(response(BODY))
    with fetcher(handle, user_agent="fxticker/0.1 (+mailto:me@example.org)") as fetch:
        fetch(URL, media_types=HTML)
    [request] = requests
    assert request.method == "GET"
    assert request.headers["user-agent"] == "fxticker/0.1 (+mailto:me@example.org)"
    assert request.headers["accept"].startswith("text/html")
    assert request.headers["accept-encoding"] == "gzip"


def test_cookie_is_not_sent_back():
    handle, requests = responses(response(BODY, set_cookie="who=me; Path=/"), response(BODY))
    with fetcher(handle) as fetch:
        fetch(URL, media_types=HTML)
        fetch(URL, media_types=HTML)
    assert "cookie" not in requests[1].headers


def test_proxies_of_the_environment_are_ignored(monkeypatch):
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    with refusing_url() as proxy, RawServer(lambda exchange: exchange.send(WHOLE)) as server:
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
            monkeypatch.setenv(name, proxy)
        with fetcher() as fetch:
            assert fetch(server.url, media_types=HTML).body == BODY


# The total deadline


def drips_headers(exchange):
    exchange.send(HEAD)
    exchange.drip([b"X-Drip: 1\r\n"] * 100, 0.05)
    exchange.send(b"Content-Length: 28\r\n\r\n" + BODY)


def drips_body(exchange):
    exchange.send(HEAD + b"Content-Length: 100\r\n\r\n")
    exchange.drip([b"x"] * 100, 0.05)


def stalls_in_the_body(exchange):
    exchange.send(HEAD + b"Content-Length: 28\r\n\r\n" + BODY[:10])
    exchange.pause(5)
    exchange.send(BODY[10:])


def stalls_before_it_answers(exchange):
    exchange.pause(5)
    exchange.send(WHOLE)


def announces_for_ever(exchange):
    exchange.drip([b"HTTP/1.1 103 Early Hints\r\n\r\n"] * 100, 0.05)
    exchange.send(WHOLE)


# Without the deadline each of these servers sends a whole answer after 5 s, and the test fails.
@pytest.mark.parametrize(
    "behaviour", [drips_headers, drips_body, stalls_in_the_body, stalls_before_it_answers, announces_for_ever]
)
def test_deadline_holds_for_the_whole_request(behaviour):
    with (
        RawServer(behaviour) as server,
        fetcher(timeout_s=0.3) as fetch,
        pytest.raises(DeadlineExceeded, match=r"0\.3 s") as caught,
    ):
        fetch(server.url, media_types=HTML)
    assert caught.value.attempts == 1


def _hanging_lookup(monkeypatch):
    """Name lookups that hang until the event is set, as with a name server that is gone; 10 s at most."""
    answered = threading.Event()
    look_up = socket.getaddrinfo

    def hang(*arguments, **options):
        answered.wait(10)
        return look_up(*arguments, **options)

    monkeypatch.setattr(socket, "getaddrinfo", hang)
    return answered


def test_deadline_holds_during_a_name_lookup(monkeypatch):
    answered = _hanging_lookup(monkeypatch)
    with fetcher(timeout_s=0.3) as fetch:
        with pytest.raises(DeadlineExceeded):
            fetch("http://localhost:9/", media_types=HTML)
        answered.set()


def test_closing_does_not_wait_for_an_abandoned_name_lookup(monkeypatch):
    answered = _hanging_lookup(monkeypatch)
    fetch = fetcher(timeout_s=0.3)
    with pytest.raises(DeadlineExceeded):
        fetch("http://localhost:9/", media_types=HTML)
    closing = threading.Thread(target=fetch.close)
    closing.start()
    closing.join(3)
    closed_in_time = not closing.is_alive()
    answered.set()
    closing.join(10)
    assert closed_in_time


def test_number_of_hanging_name_lookups_is_bounded(monkeypatch):
    answered = _hanging_lookup(monkeypatch)
    with fetcher(timeout_s=0.05) as fetch:
        for _ in range(8):
            with pytest.raises(DeadlineExceeded):
                fetch("http://localhost:9/", media_types=HTML)
        with pytest.raises(Unreachable, match="8 name lookups hang"):
            fetch("http://localhost:9/", media_types=HTML, timeout_s=10)
        answered.set()


def test_unknown_host_name_is_unreachable(monkeypatch):
    def unknown(*_arguments, **_options):
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    with fetcher() as fetch, pytest.raises(Unreachable, match="Name or service not known"):
        fetch("http://localhost:9/", media_types=HTML)


def test_deadline_covers_pauses_before_retries():
    handle, requests = responses(response(status=503), response(BODY))
    with fetcher(handle, timeout_s=0.3, retry_pauses_s=(30,)) as fetch, pytest.raises(FetchError) as caught:
        fetch(URL, media_types=HTML)
    assert caught.value.attempts == 1
    assert len(requests) == 1


def test_failure_is_reported_if_the_deadline_leaves_no_time_for_a_retry():
    with fetcher(lambda request: response(status=503), timeout_s=0.3, retry_pauses_s=(30,)) as fetch:
        with pytest.raises(FetchError) as caught:
            fetch(URL, media_types=HTML)
        assert isinstance(caught.value, BadStatus)
        assert caught.value.http_status == 503


def test_each_call_has_its_own_deadline():
    with RawServer(stalls_before_it_answers) as server, fetcher(timeout_s=0.3) as fetch:
        with pytest.raises(DeadlineExceeded):
            fetch(server.url, media_types=HTML)
        with RawServer(lambda exchange: exchange.send(WHOLE)) as sound:
            assert fetch(sound.url, media_types=HTML).body == BODY


# The limit on decoded bytes


def test_body_may_have_the_limit_and_not_one_byte_more():
    with fetcher(lambda request: response(b"x" * 1000), max_bytes=1000) as fetch:
        assert len(fetch(URL, media_types=HTML).body) == 1000
    with fetcher(lambda request: response(b"x" * 1001), max_bytes=1000) as fetch, pytest.raises(BodyTooLarge) as caught:
        fetch(URL, media_types=HTML)
    assert (caught.value.http_status, caught.value.attempts) == (200, 1)


def test_compressed_body_may_have_the_limit_and_not_one_byte_more():
    exact, more = gzip.compress(b"x" * 1000), gzip.compress(b"x" * 1001)
    with fetcher(lambda request: response(exact, content_encoding="gzip"), max_bytes=1000) as fetch:
        assert len(fetch(URL, media_types=HTML).body) == 1000
    with (
        fetcher(lambda request: response(more, content_encoding="gzip"), max_bytes=1000) as fetch,
        pytest.raises(BodyTooLarge),
    ):
        fetch(URL, media_types=HTML)


def test_gzip_bomb_is_too_large():
    bomb = gzip.compress(bytes(50_000_000))
    with fetcher(lambda request: response(bomb, content_encoding="gzip")) as fetch, pytest.raises(BodyTooLarge):
        fetch(URL, media_types=HTML)


def endless_body(exchange):
    exchange.send(HEAD + b"Transfer-Encoding: chunked\r\n\r\n")
    exchange.drip([b"10000\r\n" + bytes(65_536) + b"\r\n"] * 5_000, 0)


def test_endless_body_is_too_large():
    with RawServer(endless_body) as server, fetcher() as fetch, pytest.raises(BodyTooLarge):
        fetch(server.url, media_types=HTML)


def test_bytes_after_the_compressed_page_are_bounded():
    chunks = [gzip.compress(BODY), *([bytes(65_536)] * 100)]
    with fetcher(lambda request: response(*chunks, content_encoding="gzip")) as fetch, pytest.raises(FetchError):
        fetch(URL, media_types=HTML)


# Answers that do not come whole


def cuts_the_body_short(exchange):
    exchange.send(HEAD + b"Content-Length: 28\r\n\r\n" + BODY[:20])


def cuts_the_chunks_short(exchange):
    exchange.send(HEAD + b"Transfer-Encoding: chunked\r\n\r\n1c\r\n" + BODY + b"\r\n")


def cuts_the_headers_short(exchange):
    exchange.send(HEAD)


def resets_in_the_body(exchange):
    exchange.send(HEAD + b"Content-Length: 28\r\n\r\n" + BODY[:20])
    exchange.reset()


def says_nothing(exchange):
    pass


def speaks_no_http(exchange):
    exchange.send(b"SSH-2.0-OpenSSH_9.6\r\n\r\n")


def sends_endless_headers(exchange):
    exchange.send(HEAD + b"X-Long: " + b"x" * 1_000_000)


def compresses_and_cuts_short(exchange):
    data = gzip.compress(BODY)[:-4]
    exchange.send(HEAD + b"Content-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(data) + data)


def promises_fewer_bytes_than_the_compressed_page_has(exchange):
    data = gzip.compress(BODY)
    exchange.send(HEAD + b"Content-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % (len(data) - 6) + data)


def promises_two_lengths(exchange):
    exchange.send(HEAD + b"Content-Length: 28\r\nContent-Length: 20\r\n\r\n" + BODY)


@pytest.mark.parametrize(
    "behaviour",
    [
        cuts_the_body_short,
        cuts_the_chunks_short,
        cuts_the_headers_short,
        resets_in_the_body,
        says_nothing,
        speaks_no_http,
        sends_endless_headers,
        compresses_and_cuts_short,
        promises_fewer_bytes_than_the_compressed_page_has,
        promises_two_lengths,
    ],
)
def test_incomplete_response_is_unreachable(behaviour):
    with RawServer(behaviour) as server, fetcher() as fetch, pytest.raises(Unreachable) as caught:
        fetch(server.url, media_types=HTML)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) <= 200


@pytest.mark.parametrize(
    "data",
    [b"", b"no gzip", gzip.compress(BODY)[:15], gzip.compress(BODY)[:-8] + bytes(8)],
    ids=["empty", "not compressed", "cut short", "wrong checksum"],
)
def test_damaged_gzip_is_unreachable(data):
    with fetcher(lambda request: response(data, content_encoding="gzip")) as fetch, pytest.raises(Unreachable):
        fetch(URL, media_types=HTML)


def test_all_gzip_members_of_a_page_are_decoded():
    data = gzip.compress(BODY[:14]) + gzip.compress(BODY[14:])
    with fetcher(lambda request: response(data, content_encoding="gzip")) as fetch:
        assert fetch(URL, media_types=HTML).body == BODY


def test_refused_connection_is_unreachable():
    with refusing_url() as url, fetcher() as fetch, pytest.raises(Unreachable, match="ConnectError") as caught:
        fetch(url, media_types=HTML)
    assert caught.value.http_status is None


def test_https_request_to_a_server_without_tls_is_unreachable():
    with RawServer(lambda exchange: exchange.send(WHOLE)) as server, fetcher() as fetch, pytest.raises(Unreachable):
        fetch(server.url.replace("http:", "https:"), media_types=HTML)


@pytest.mark.parametrize(
    "url",
    [
        "ftp://ticker.test/",
        "/no/host",
        "http://",
        "http://ticker.test:99999999/",
        "http://tic\x7fker.test/",
        pytest.param(
            "http://xn--zzzzz--/",
        ),
    ],
)
def test_invalid_address_is_unreachable(url):
    with fetcher() as fetch, pytest.raises(Unreachable):
        fetch(url, media_types=HTML)


# Answers that are no page


@pytest.mark.parametrize("status", [201, 204, 206, 304, 307, 400, 403, 404, 429, 451, 500, 501])
def test_other_status_than_200_is_an_error_without_retry(status):
    handle, requests = responses(response(BODY, status=status))
    with fetcher(handle, retry_pauses_s=(0, 0)) as fetch, pytest.raises(BadStatus, match=f"status {status}") as caught:
        fetch(URL, media_types=HTML)
    assert (caught.value.http_status, caught.value.attempts) == (status, 1)
    assert len(requests) == 1


@pytest.mark.parametrize("target", ["http://elsewhere.test/", "https://ticker.test/", "/moved"])
def test_redirect_is_not_followed(target):
    handle, requests = responses(response(status=301, location=target))
    with fetcher(handle) as fetch, pytest.raises(BadStatus) as caught:
        fetch(URL, media_types=HTML)
    assert caught.value.http_status == 301
    assert len(requests) == 1


@pytest.mark.parametrize("conditions", [None, {"if-none-match": '"v1"'}])
def test_redirect_sends_no_request_to_another_host(conditions):
    with RawServer(lambda exchange: exchange.send(WHOLE)) as elsewhere:
        moved = f"HTTP/1.1 301 Moved\r\nLocation: {elsewhere.url}\r\nRefresh: 0; url={elsewhere.url}\r\n\r\n".encode()
        with RawServer(lambda exchange: exchange.send(moved)) as server, fetcher(retry_pauses_s=(0,)) as fetch:
            with pytest.raises(BadStatus):
                fetch(server.url, media_types=HTML, conditions=conditions)
            assert len(server.requests) == 1
        assert elsewhere.requests == []


@pytest.mark.parametrize("content_type", ["application/json", "image/png", "text/htmlx", "x/y\t; text/html", "text"])
def test_other_content_type_is_unexpected(content_type):
    with (
        fetcher(lambda request: response(BODY, content_type=content_type)) as fetch,
        pytest.raises(UnexpectedContent, match="content type") as caught,
    ):
        fetch(URL, media_types=HTML)
    assert caught.value.http_status == 200


@pytest.mark.parametrize("content_type", ["text/html", "TEXT/HTML; charset=utf-8", "text/html;charset=utf-8", ""])
def test_content_type_is_compared_without_case_and_parameters(content_type):
    with fetcher(lambda request: response(BODY, content_type=content_type)) as fetch:
        assert fetch(URL, media_types=HTML).body == BODY


@pytest.mark.parametrize("encoding", ["br", "zstd", "deflate", "gzip, gzip", "gzip, br", "x"])
def test_other_content_encoding_is_unexpected(encoding):
    with (
        fetcher(lambda request: response(BODY, content_encoding=encoding)) as fetch,
        pytest.raises(UnexpectedContent, match="content encoding"),
    ):
        fetch(URL, media_types=HTML)


# Conditional requests

KNOWN = {"if-none-match": '"v1"', "if-modified-since": "Fri, 14 Nov 2025 12:00:00 GMT"}


def test_conditions_are_sent_and_not_modified_is_a_response_without_body():
    handle, requests = responses(response(status=304, content_type="image/png"))
    with fetcher(handle) as fetch:
        answer = fetch(URL, media_types=HTML, conditions=KNOWN)
    assert (answer.http_status, answer.body, answer.attempts) == (304, b"", 1)
    assert requests[0].headers["if-none-match"] == '"v1"'
    assert requests[0].headers["if-modified-since"] == "Fri, 14 Nov 2025 12:00:00 GMT"


def test_not_modified_of_a_real_server_is_a_response():
    answer = b'HTTP/1.1 304 Not Modified\r\nETag: "v1"\r\nContent-Length: 28\r\n\r\n'
    with RawServer(lambda exchange: exchange.send(answer)) as server, fetcher() as fetch:
        assert fetch(server.url, media_types=HTML, conditions=KNOWN).http_status == 304
    assert 'if-none-match: "v1"' in server.requests[0].lower()


def test_changed_page_is_returned():
    with fetcher(lambda request: response(BODY)) as fetch:
        answer = fetch(URL, media_types=HTML, conditions=KNOWN)
    assert (answer.http_status, answer.body) == (200, BODY)


@pytest.mark.parametrize("conditions", [None, {}])
def test_not_modified_without_conditions_is_an_error(conditions):
    handle, requests = responses(response(status=304))
    with fetcher(handle) as fetch, pytest.raises(BadStatus, match="status 304"):
        fetch(URL, media_types=HTML, conditions=conditions)
    assert not {"if-none-match", "if-modified-since"} & set(requests[0].headers)


@pytest.mark.parametrize("status", [301, 404, 412, 503])
def test_other_statuses_are_errors_with_conditions_too(status):
    with fetcher(lambda request: response(status=status)) as fetch, pytest.raises(BadStatus, match=f"status {status}"):
        fetch(URL, media_types=HTML, conditions=KNOWN)


# When to come back


@pytest.mark.parametrize("status", [301, 403, 429, 500, 503])
def test_error_carries_retry_after(status):
    with (
        fetcher(lambda request: response(status=status, retry_after="120")) as fetch,
        pytest.raises(BadStatus) as caught,
    ):
        fetch(URL, media_types=HTML)
    assert caught.value.retry_after == "120"


def test_error_without_retry_after_carries_none():
    with fetcher(lambda request: response(status=503)) as fetch, pytest.raises(BadStatus) as caught:
        fetch(URL, media_types=HTML)
    assert caught.value.retry_after is None


@pytest.mark.parametrize("retry_after", ["120", "0", "soon"])
def test_response_with_retry_after_is_not_retried(retry_after):
    handle, requests = responses(response(status=503, retry_after=retry_after))
    with fetcher(handle, retry_pauses_s=(0, 0)) as fetch, pytest.raises(BadStatus) as caught:
        fetch(URL, media_types=HTML)
    assert caught.value.attempts == 1
    assert len(requests) == 1


# One request at a time for each host


class Crowd:
    """Counts how many requests are answered at once; the first of them waits for `release`."""

    def __init__(self):
        self.asked = threading.Event()
        self.release = threading.Event()
        self.under_way = 0
        self.most = 0

    async def __call__(self, request):
        self.under_way += 1
        self.most = max(self.most, self.under_way)
        self.asked.set()
        await anyio.to_thread.run_sync(self.release.wait, 10)
        self.under_way -= 1
        return response(BODY)


@pytest.mark.parametrize("others", ["http://ticker.test/b", "http://TICKER.test:8080/", "https://ticker.test/"])
def test_host_gets_one_request_at_a_time(others):
    crowd = Crowd()
    with fetcher(crowd) as fetch, ThreadPoolExecutor(4) as pool:
        waiting = [pool.submit(fetch, url, media_types=HTML) for url in (URL, others, URL, others)]
        assert crowd.asked.wait(10)
        with pytest.raises(DeadlineExceeded) as caught:
            fetch(others, media_types=HTML, timeout_s=0.1)
        crowd.release.set()
        assert [answer.result(10).body for answer in waiting] == [BODY] * 4
    assert crowd.most == 1
    assert caught.value.attempts == 0


def test_hosts_do_not_wait_for_each_other():
    with RawServer(lambda exchange: exchange.send(WHOLE)) as server, fetcher() as fetch, ThreadPoolExecutor(1) as pool:
        with RawServer(lambda exchange: exchange.pause(20)) as silent:
            waiting = pool.submit(fetch, silent.url.replace("127.0.0.1", "localhost"), media_types=HTML)
            assert silent.requested.wait(10)
            assert fetch(server.url, media_types=HTML).body == BODY
            assert not waiting.done()
        with pytest.raises(Unreachable):
            waiting.result(10)


def test_stop_ends_the_wait_for_another_request():
    with (
        RawServer(lambda exchange: exchange.pause(20)) as server,
        fetcher(timeout_s=30) as fetch,
        ThreadPoolExecutor(2) as pool,
    ):
        waiting = [pool.submit(fetch, server.url, media_types=HTML) for _ in range(2)]
        assert server.requested.wait(10)
        fetch.stop()
        assert [type(answer.exception(10)) for answer in waiting] == [FetchStopped, FetchStopped]
        assert len(server.requests) == 1


def test_failed_request_lets_the_next_one_start():
    handle, requests = responses(response(status=404), httpx.ReadError("reset"), response(BODY))
    with fetcher(handle) as fetch:
        with pytest.raises(BadStatus):
            fetch(URL, media_types=HTML)
        with pytest.raises(Unreachable):
            fetch(URL, media_types=HTML)
        assert fetch(URL, media_types=HTML).body == BODY
    assert len(requests) == 3


# What is not told


@pytest.mark.parametrize(
    "failure",
    [
        httpx.ConnectError("refused"),
        httpx.ReadTimeout(""),
        response(status=301, location="http://me:hunter2@elsewhere.test/?key=hunter2"),
        response(status=503),
        response(BODY, content_type="image/png"),
        response(bytes(100_001)),
    ],
)
def test_error_message_has_no_credentials_and_no_query(failure):
    with fetcher(responses(failure)[0]) as fetch, pytest.raises(FetchError) as caught:
        fetch("http://me:hunter2@ticker.test/page?key=hunter2", media_types=HTML)
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    "url",
    [
        "http://me:hunter2@ticker.test:99999999/?key=hunter2",
        "http://me:hunter2@tic\x7fker.test/?key=hunter2",
        "http://me:hunter2@[::/?key=hunter2",
        "http://me:hunter2@xn--zzzzz--/?key=hunter2",
        "ftp://me:hunter2@ticker.test/?key=hunter2",
        "http://me:hunter2@/?key=hunter2",
        "me:hunter2@ticker.test/?key=hunter2",
    ],
)
def test_error_message_has_no_invalid_address(url):
    with fetcher() as fetch, pytest.raises(Unreachable) as caught:
        fetch(url, media_types=HTML)
    assert "hunter2" not in str(caught.value)


# Retries


@pytest.mark.parametrize("status", [502, 503, 504])
def test_gateway_error_is_retried_once_per_pause(status):
    handle, requests = responses(*(response(status=status) for _ in range(3)))
    with fetcher(handle, retry_pauses_s=(0, 0)) as fetch, pytest.raises(BadStatus) as caught:
        fetch(URL, media_types=HTML)
    assert (caught.value.http_status, caught.value.attempts) == (status, 3)
    assert len(requests) == 3


def test_failed_connection_is_retried_once_per_pause():
    handle, requests = responses(*(httpx.ConnectError("refused") for _ in range(3)))
    with fetcher(handle, retry_pauses_s=(0, 0)) as fetch, pytest.raises(Unreachable) as caught:
        fetch(URL, media_types=HTML)
    assert caught.value.attempts == 3
    assert len(requests) == 3


@pytest.mark.parametrize(
    "failure", [httpx.RemoteProtocolError("disconnected"), httpx.ReadError("reset"), httpx.ConnectError("refused")]
)
def test_connection_that_fails_once_costs_one_attempt(failure):
    handle, _ = responses(failure, response(BODY))
    with fetcher(handle, retry_pauses_s=(0, 0)) as fetch:
        answer = fetch(URL, media_types=HTML)
    assert (answer.body, answer.attempts) == (BODY, 2)


def test_temporary_gateway_error_costs_one_attempt():
    handle, _ = responses(response(status=503), response(BODY))
    with fetcher(handle, retry_pauses_s=(0, 0)) as fetch:
        answer = fetch(URL, media_types=HTML)
    assert (answer.body, answer.attempts) == (BODY, 2)


def test_attempts_include_those_before_a_permanent_failure():
    handle, requests = responses(response(status=503), response(bytes(100_001)))
    with fetcher(handle, retry_pauses_s=(0, 0)) as fetch, pytest.raises(BodyTooLarge) as caught:
        fetch(URL, media_types=HTML)
    assert caught.value.attempts == 2
    assert len(requests) == 2


# Stopping, and the life of a client


def test_stop_abandons_the_running_request_and_all_later_ones():
    with RawServer(lambda exchange: exchange.pause(20)) as server, fetcher(timeout_s=30) as fetch:
        with ThreadPoolExecutor(1) as pool:
            waiting = pool.submit(fetch, server.url, media_types=HTML)
            assert server.requested.wait(10)
            fetch.stop()
            with pytest.raises(FetchStopped):
                waiting.result(10)
        with pytest.raises(FetchStopped):
            fetch(server.url, media_types=HTML)
        assert len(server.requests) == 1


def test_stop_ends_the_pause_before_a_retry():
    asked = threading.Event()

    def handle(_request):
        asked.set()
        return response(status=503)

    with fetcher(handle, timeout_s=30, retry_pauses_s=(20,)) as fetch, ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(fetch, URL, media_types=HTML)
        assert asked.wait(10)
        fetch.stop()
        with pytest.raises(FetchStopped):
            waiting.result(10)


def test_stop_may_be_called_twice():
    with fetcher(lambda request: response(BODY)) as fetch:
        fetch.stop()
        fetch.stop()


def test_close_abandons_the_running_request():
    with RawServer(lambda exchange: exchange.pause(20)) as server, ThreadPoolExecutor(1) as pool:
        fetch = fetcher(timeout_s=30)
        waiting = pool.submit(fetch, server.url, media_types=HTML)
        assert server.requested.wait(10)
        fetch.close()
        with pytest.raises(FetchStopped):
            waiting.result(10)


def test_client_works_after_many_failures():
    rounds = (
        [response(BODY), response(status=404), response(bytes(100_001)), httpx.ReadError("reset")] for _ in range(50)
    )
    handle, requests = responses(*(answer for answers in rounds for answer in answers))
    with fetcher(handle) as fetch:
        for _ in range(50):
            assert fetch(URL, media_types=HTML).body == BODY
            for failure in (BadStatus, BodyTooLarge, Unreachable):
                with pytest.raises(failure):
                    fetch(URL, media_types=HTML)
    assert len(requests) == 200


def test_threads_share_a_client():
    with fetcher(lambda request: response(BODY)) as fetch, ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda number: fetch(URL, media_types=HTML), range(40)))
    assert [answer.body for answer in answers] == [BODY] * 40


def test_no_idle_connection_is_kept():
    closed = []

    def keeps_alive(exchange):
        exchange.send(WHOLE)
        closed.append(exchange.connection.recv(1) == b"")

    with RawServer(keeps_alive) as server, fetcher() as fetch:
        fetch(server.url, media_types=HTML)
        fetch(server.url, media_types=HTML)
    assert len(server.requests) == 2
    assert closed == [True, True]


def _held():
    """How many threads run, and what the open descriptors are."""
    descriptors = [link for link in DESCRIPTORS.iterdir() if link.is_symlink()]
    return threading.active_count(), sorted(str(link.readlink()) for link in descriptors)


@pytest.mark.skipif(not DESCRIPTORS.is_dir(), reason="descriptors are counted in /proc")
def test_close_leaves_no_thread_and_no_descriptor():
    fetcher().close()
    before = _held()
    with RawServer(cuts_the_body_short) as server, fetcher(retry_pauses_s=(0,)) as fetch:
        for _ in range(5):
            with pytest.raises(Unreachable):
                fetch(server.url, media_types=HTML)
    with RawServer(drips_body) as server, fetcher(timeout_s=0.2) as fetch, pytest.raises(DeadlineExceeded):
        fetch(server.url, media_types=HTML)
    with RawServer(lambda exchange: exchange.send(WHOLE)) as server, fetcher() as fetch:
        for _ in range(5):
            fetch(server.url.replace("127.0.0.1", "localhost"), media_types=HTML)
    assert _held() == before
