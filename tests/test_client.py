import gzip
import socket
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import anyio.to_thread
import httpx
import pytest
from builders import cases
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
CASES = cases("client")


def answers_whole(exchange):
    exchange.send(WHOLE)


def failure(kind, *answers, url=URL, conditions=None, match=None, **options):
    """The error that one request raises, and the requests made; without answers they go over the network."""
    handle, requests = responses(*answers)
    with fetcher(handle if answers else None, **options) as fetch, pytest.raises(kind, match=match) as caught:
        fetch(url, media_types=HTML, conditions=conditions)
    return caught.value, requests


def ask(*answers, url=URL, conditions=None, **options):
    """What one request returns, and the requests made, as `failure`."""
    handle, requests = responses(*answers)
    with fetcher(handle if answers else None, **options) as fetch:
        return fetch(url, media_types=HTML, conditions=conditions), requests


# What a sound answer gives


def test_page_is_returned_with_headers_and_attempts():
    answer, _ = ask(response(BODY, X_Trace="a"))
    assert answer.body == BODY
    assert answer.headers["content-type"] == "text/html"
    assert answer.headers["x-trace"] == "a"
    assert (answer.http_status, answer.attempts) == (200, 1)


@pytest.mark.parametrize("size", [1, 7, 1000])
def test_compressed_page_is_decoded_in_chunks_of_any_size(size):
    data = gzip.compress(BODY)
    chunks = [data[at : at + size] for at in range(0, len(data), size)]
    assert ask(response(*chunks, content_encoding="gzip"))[0].body == BODY


def test_empty_page_is_a_response():
    assert ask(response())[0].body == b""


def test_request_names_the_user_agent_and_accepted_content():
    _, [request] = ask(response(BODY), user_agent="fxticker/0.1 (+mailto:me@example.org)")
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
    with refusing_url() as proxy, RawServer(answers_whole) as server:
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
            monkeypatch.setenv(name, proxy)
        assert ask(url=server.url)[0].body == BODY


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
    with RawServer(behaviour) as server:
        error, _ = failure(DeadlineExceeded, url=server.url, match=r"0\.3 s", timeout_s=0.3)
    assert error.attempts == 1


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
        with pytest.raises(Unreachable, match=r"no connection within 0\.3 s"):
            fetch("http://localhost:9/", media_types=HTML)
        answered.set()


def test_closing_does_not_wait_for_an_abandoned_name_lookup(monkeypatch):
    answered = _hanging_lookup(monkeypatch)
    fetch = fetcher(timeout_s=0.3)
    with pytest.raises(Unreachable):
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
            with pytest.raises(Unreachable, match="no connection"):
                fetch("http://localhost:9/", media_types=HTML)
        with pytest.raises(Unreachable, match="8 name lookups hang"):
            fetch("http://localhost:9/", media_types=HTML, timeout_s=10)
        answered.set()


def test_unknown_host_name_is_unreachable(monkeypatch):
    def unknown(*_arguments, **_options):
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    failure(Unreachable, url="http://localhost:9/", match="Name or service not known")


def test_failure_is_reported_if_the_deadline_leaves_no_time_for_a_retry():
    error, requests = failure(BadStatus, response(status=503), response(BODY), timeout_s=0.3, retry_pauses_s=(30,))
    assert (error.http_status, error.attempts) == (503, 1)
    assert len(requests) == 1


def test_each_call_has_its_own_deadline():
    with RawServer(stalls_before_it_answers) as server, fetcher(timeout_s=0.3) as fetch:
        with pytest.raises(DeadlineExceeded):
            fetch(server.url, media_types=HTML)
        with RawServer(answers_whole) as sound:
            assert fetch(sound.url, media_types=HTML).body == BODY


# The limit on decoded bytes


@pytest.mark.parametrize("encode", [bytes, gzip.compress], ids=["plain", "compressed"])
def test_body_may_have_the_limit_and_not_one_byte_more(encode):
    encoding = {"content_encoding": "gzip"} if encode is gzip.compress else {}
    assert len(ask(response(encode(b"x" * 1000), **encoding), max_bytes=1000)[0].body) == 1000
    error, _ = failure(BodyTooLarge, response(encode(b"x" * 1001), **encoding), max_bytes=1000)
    assert (error.http_status, error.attempts) == (200, 1)


def test_gzip_bomb_is_too_large():
    failure(BodyTooLarge, response(gzip.compress(bytes(50_000_000)), content_encoding="gzip"))


def endless_body(exchange):
    exchange.send(HEAD + b"Transfer-Encoding: chunked\r\n\r\n")
    exchange.drip([b"10000\r\n" + bytes(65_536) + b"\r\n"] * 5_000, 0)


def test_endless_body_is_too_large():
    with RawServer(endless_body) as server:
        failure(BodyTooLarge, url=server.url)


def test_bytes_after_the_compressed_page_are_bounded():
    failure(FetchError, response(gzip.compress(BODY), *([bytes(65_536)] * 100), content_encoding="gzip"))


# Answers that do not come whole


GZIP = gzip.compress(BODY)
INCOMPLETE = {
    "body cut short": HEAD + b"Content-Length: 28\r\n\r\n" + BODY[:20],
    "chunks cut short": HEAD + b"Transfer-Encoding: chunked\r\n\r\n1c\r\n" + BODY + b"\r\n",
    "headers cut short": HEAD,
    "nothing": b"",
    "no HTTP": b"SSH-2.0-OpenSSH_9.6\r\n\r\n",
    "endless headers": HEAD + b"X-Long: " + b"x" * 1_000_000,
    "gzip cut short": HEAD + b"Content-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % (len(GZIP) - 4) + GZIP[:-4],
    "gzip longer than promised": HEAD
    + b"Content-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % (len(GZIP) - 6)
    + GZIP,
    "two lengths": HEAD + b"Content-Length: 28\r\nContent-Length: 20\r\n\r\n" + BODY,
}


def resets_in_the_body(exchange):
    exchange.send(INCOMPLETE["body cut short"])
    exchange.reset()


def cuts_the_body_short(exchange):
    exchange.send(INCOMPLETE["body cut short"])


@pytest.mark.parametrize("data", [*INCOMPLETE.values(), None], ids=[*INCOMPLETE, "reset in the body"])
def test_incomplete_response_is_unreachable(data):
    with RawServer(resets_in_the_body if data is None else lambda exchange: exchange.send(data)) as server:
        error, _ = failure(Unreachable, url=server.url)
    assert "\n" not in str(error)
    assert len(str(error)) <= 200


@pytest.mark.parametrize(
    "data",
    [b"", b"no gzip", gzip.compress(BODY)[:15], gzip.compress(BODY)[:-8] + bytes(8)],
    ids=["empty", "not compressed", "cut short", "wrong checksum"],
)
def test_damaged_gzip_is_unreachable(data):
    failure(Unreachable, response(data, content_encoding="gzip"))


def test_all_gzip_members_of_a_page_are_decoded():
    data = gzip.compress(BODY[:14]) + gzip.compress(BODY[14:])
    assert ask(response(data, content_encoding="gzip"))[0].body == BODY


def test_refused_connection_is_unreachable():
    with refusing_url() as url:
        assert failure(Unreachable, url=url, match="ConnectError")[0].http_status is None


def test_https_request_to_a_server_without_tls_is_unreachable():
    with RawServer(answers_whole) as server:
        failure(Unreachable, url=server.url.replace("http:", "https:"))


@pytest.mark.parametrize("url", CASES["invalid_address_is_unreachable"])
def test_invalid_address_is_unreachable(url):
    failure(Unreachable, url=url)


# Answers that are no page


@pytest.mark.parametrize("status", [201, 204, 206, 304, 307, 400, 403, 404, 429, 451, 500, 501])
def test_other_status_than_200_is_an_error_without_retry(status):
    error, requests = failure(BadStatus, response(BODY, status=status), match=f"status {status}", retry_pauses_s=(0, 0))
    assert (error.http_status, error.attempts, len(requests)) == (status, 1, 1)


@pytest.mark.parametrize("target", ["http://elsewhere.test/", "https://ticker.test/", "/moved"])
def test_redirect_is_not_followed(target):
    error, requests = failure(BadStatus, response(status=301, location=target))
    assert (error.http_status, len(requests)) == (301, 1)


@pytest.mark.parametrize(("location", "shown"), CASES["redirect_target_is_in_the_message"])
def test_target_of_a_redirect_is_in_the_message_without_secrets(location, shown):
    answer = response(status=302)
    answer.headers["location"] = location
    error, _ = failure(BadStatus, answer, match=shown)
    assert "hunter2" not in str(error)
    assert str(error).isprintable()
    assert len(str(error)) <= 300


@pytest.mark.parametrize("status", [300, 301, 304, 404])
def test_answer_without_a_target_names_none(status):
    error, _ = failure(BadStatus, response(status=status))
    assert "moved" not in str(error)


def test_long_target_is_cut_short():
    error, _ = failure(BadStatus, response(status=301, location=f"https://elsewhere.test/{'x' * 5000}"))
    assert len(str(error)) < 250


@pytest.mark.parametrize("conditions", [None, {"if-none-match": '"v1"'}])
def test_redirect_sends_no_request_to_another_host(conditions):
    with RawServer(answers_whole) as elsewhere:
        moved = f"HTTP/1.1 301 Moved\r\nLocation: {elsewhere.url}\r\nRefresh: 0; url={elsewhere.url}\r\n\r\n".encode()
        with RawServer(lambda exchange: exchange.send(moved)) as server:
            failure(BadStatus, url=server.url, conditions=conditions, retry_pauses_s=(0,))
            assert len(server.requests) == 1
        assert elsewhere.requests == []


@pytest.mark.parametrize("content_type", ["application/json", "image/png", "text/htmlx", "x/y\t; text/html", "text"])
def test_other_content_type_is_unexpected(content_type):
    error, _ = failure(UnexpectedContent, response(BODY, content_type=content_type), match="content type")
    assert error.http_status == 200


@pytest.mark.parametrize("content_type", ["text/html", "TEXT/HTML; charset=utf-8", "text/html;charset=utf-8", ""])
def test_content_type_is_compared_without_case_and_parameters(content_type):
    assert ask(response(BODY, content_type=content_type))[0].body == BODY


@pytest.mark.parametrize("encoding", CASES["misplaced_encoding_is_none"])
def test_content_encoding_that_is_none_leaves_the_body(encoding):
    assert ask(response(BODY, content_encoding=encoding))[0].body == BODY


@pytest.mark.parametrize("encoding", CASES["misplaced_encoding_beside_gzip"])
def test_gzip_is_decoded_beside_an_encoding_that_is_none(encoding):
    assert ask(response(gzip.compress(BODY), content_encoding=encoding))[0].body == BODY


@pytest.mark.parametrize("encoding", CASES["other_encoding_is_unexpected"])
def test_other_content_encoding_is_unexpected(encoding):
    failure(UnexpectedContent, response(BODY, content_encoding=encoding), match="content encoding")


# Conditional requests

KNOWN = {"if-none-match": '"v1"', "if-modified-since": "Fri, 14 Nov 2025 12:00:00 GMT"}


def test_conditions_are_sent_and_not_modified_is_a_response_without_body():
    answer, [request] = ask(response(status=304, content_type="image/png"), conditions=KNOWN)
    assert (answer.http_status, answer.body, answer.attempts) == (304, b"", 1)
    assert KNOWN.items() <= request.headers.items()


def test_not_modified_of_a_real_server_is_a_response():
    answer = b'HTTP/1.1 304 Not Modified\r\nETag: "v1"\r\nContent-Length: 28\r\n\r\n'
    with RawServer(lambda exchange: exchange.send(answer)) as server:
        assert ask(url=server.url, conditions=KNOWN)[0].http_status == 304
    assert 'if-none-match: "v1"' in server.requests[0].lower()


def test_changed_page_is_returned():
    answer, _ = ask(response(BODY), conditions=KNOWN)
    assert (answer.http_status, answer.body) == (200, BODY)


@pytest.mark.parametrize("conditions", [None, {}])
def test_not_modified_without_conditions_is_an_error(conditions):
    _, requests = failure(BadStatus, response(status=304), match="status 304", conditions=conditions)
    assert not {"if-none-match", "if-modified-since"} & set(requests[0].headers)


@pytest.mark.parametrize("status", [301, 404, 412, 503])
def test_other_statuses_are_errors_with_conditions_too(status):
    failure(BadStatus, response(status=status), match=f"status {status}", conditions=KNOWN)


# When to come back


@pytest.mark.parametrize("status", [301, 403, 429, 500, 503])
def test_error_carries_retry_after(status):
    assert failure(BadStatus, response(status=status, retry_after="120"))[0].retry_after == "120"


def test_error_without_retry_after_carries_none():
    assert failure(BadStatus, response(status=503))[0].retry_after is None


@pytest.mark.parametrize("retry_after", ["120", "0", "soon"])
def test_response_with_retry_after_is_not_retried(retry_after):
    answer = response(status=503, retry_after=retry_after)
    error, requests = failure(BadStatus, answer, retry_pauses_s=(0, 0))
    assert (error.attempts, len(requests)) == (1, 1)


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
        with pytest.raises(Unreachable, match=r"no connection within 0\.1 s") as caught:
            fetch(others, media_types=HTML, timeout_s=0.1)
        crowd.release.set()
        assert [answer.result(10).body for answer in waiting] == [BODY] * 4
    assert crowd.most == 1
    assert caught.value.attempts == 0


def test_hosts_do_not_wait_for_each_other():
    with RawServer(answers_whole) as server, fetcher() as fetch, ThreadPoolExecutor(1) as pool:
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
        for error in (BadStatus, Unreachable):
            with pytest.raises(error):
                fetch(URL, media_types=HTML)
        assert fetch(URL, media_types=HTML).body == BODY
    assert len(requests) == 3


# What is not reported


@pytest.mark.parametrize(
    "answer",
    [
        httpx.ConnectError("refused"),
        httpx.ReadTimeout(""),
        response(status=301, location="http://me:hunter2@elsewhere.test/?key=hunter2"),
        response(status=503),
        response(BODY, content_type="image/png"),
        response(bytes(100_001)),
    ],
)
def test_error_message_has_no_credentials_and_no_query(answer):
    error, _ = failure(FetchError, answer, url="http://me:hunter2@ticker.test/page?key=hunter2")
    assert "hunter2" not in str(error)


@pytest.mark.parametrize("url", CASES["error_message_has_no_invalid_address"])
def test_error_message_has_no_invalid_address(url):
    assert "hunter2" not in str(failure(Unreachable, url=url)[0])


# Retries


@pytest.mark.parametrize("status", [502, 503, 504])
def test_gateway_error_is_retried_once_per_pause(status):
    answers = [response(status=status) for _ in range(3)]
    error, requests = failure(BadStatus, *answers, retry_pauses_s=(0, 0))
    assert (error.http_status, error.attempts, len(requests)) == (status, 3, 3)


def test_failed_connection_is_retried_once_per_pause():
    error, requests = failure(Unreachable, *[httpx.ConnectError("refused")] * 3, retry_pauses_s=(0, 0))
    assert (error.attempts, len(requests)) == (3, 3)


@pytest.mark.parametrize(
    "answer",
    [
        httpx.RemoteProtocolError("disconnected"),
        httpx.ReadError("reset"),
        httpx.ConnectError("refused"),
        response(status=503),
    ],
)
def test_failure_that_comes_once_costs_one_attempt(answer):
    answer, _ = ask(answer, response(BODY), retry_pauses_s=(0, 0))
    assert (answer.body, answer.attempts) == (BODY, 2)


def test_attempts_include_those_before_a_permanent_failure():
    answers = response(status=503), response(bytes(100_001))
    error, requests = failure(BodyTooLarge, *answers, retry_pauses_s=(0, 0))
    assert (error.attempts, len(requests)) == (2, 2)


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
    with RawServer(drips_body) as server:
        failure(DeadlineExceeded, url=server.url, timeout_s=0.2)
    with RawServer(answers_whole) as server, fetcher() as fetch:
        for _ in range(5):
            fetch(server.url.replace("127.0.0.1", "localhost"), media_types=HTML)
    assert _held() == before
