from contextlib import contextmanager

import httpx
import pytest
from builders import cases
from servers import RawServer, fetcher, refusing_url, response

from fxticker.errors import (
    BadStatus,
    BodyTooLarge,
    DeadlineExceeded,
    Disallowed,
    FetchStopped,
    UnexpectedContent,
    Unreachable,
)
from fxticker.fetch.client import Fetcher, Response
from fxticker.fetch.robots import RobotsFetcher, read_rules
from fxticker.model.records import Outcome
from fxticker.simulation.loopback_server import answering

CASES = cases("robots")
HTML = frozenset(["text/html"])
URL = "http://ticker.test/rates?day=1"
ROBOTS = "http://ticker.test/robots.txt"
FORBIDDEN = b"User-agent: *\nDisallow: /\n"
DAY_S = 86_400


class Site:
    """A site without a network: `robots` answers for robots.txt, `elsewhere` for other paths, by name."""

    def __init__(self, robots, **elsewhere):
        self.robots = robots
        self.elsewhere = elsewhere
        self.requests = []
        self.passed_s = 0

    def __call__(self, request):
        self.requests.append(str(request.url))
        name = request.url.path.strip("/")
        answer = (
            self.robots
            if name == "robots.txt"
            else self.elsewhere.get(name, answered(b"page", content_type="text/html"))
        )
        if isinstance(answer, Exception):
            raise answer
        return answer()

    @contextmanager
    def polled(self):
        """A fetch of the site, by the site's clock."""
        with fetcher(self, retry_pauses_s=(0, 0)) as client:
            yield RobotsFetcher(client, monotonic_s=lambda: self.passed_s)


def answered(body=b"", status=200, content_type="text/plain", **headers):
    """Makes a response, anew for each request."""
    return lambda: response(body, status=status, content_type=content_type, **headers)


def ask(site=None, url=URL, **changes):
    """What one poll returns, of this site or of the server at the address."""
    with fetcher(site, **{"retry_pauses_s": (0, 0), **changes}) as client:
        return RobotsFetcher(client)(url, media_types=HTML)


# Rules


@pytest.mark.parametrize("rules", CASES["allowed_page_is_requested_after_robots_txt"])
def test_allowed_page_is_requested_after_robots_txt(rules):
    site = Site(answered(rules.encode("latin-1")))
    assert ask(site).body == b"page"
    assert site.requests == [ROBOTS, URL]


@pytest.mark.parametrize("rules", CASES["forbidden_page_is_not_requested"])
def test_forbidden_page_is_not_requested(rules):
    site = Site(answered(rules.encode("latin-1")))
    with pytest.raises(Disallowed, match=r"^robots\.txt of the site forbids the page to fxticker$") as caught:
        ask(site)
    assert (caught.value.outcome, caught.value.attempts, caught.value.http_status) == (Outcome.DISALLOWED, 0, None)
    assert site.requests == [ROBOTS]


@pytest.mark.parametrize("user_agent", ["recorder", "recorder/1.0", "Recorder (+mailto:me@example.org)"])
def test_rules_are_matched_with_the_configured_user_agent(user_agent):
    with pytest.raises(Disallowed):
        ask(Site(answered(b"User-agent: recorder\nDisallow: /\n")), user_agent=user_agent)


def test_robots_txt_is_requested_without_credentials_and_query():
    site = Site(answered())
    ask(site, "http://me:hunter2@TICKER.test:8080/rates?key=hunter2#a")
    assert site.requests[0] == "http://ticker.test:8080/robots.txt"


def test_forbidding_server_gets_one_request_for_robots_txt():
    with RawServer(answering(FORBIDDEN)) as server:
        with pytest.raises(Disallowed):
            ask(url=f"{server.url}rates")
        assert [request.split("\r\n")[0] for request in server.requests] == ["GET /robots.txt HTTP/1.1"]


def test_conditions_are_sent_for_the_page_and_not_for_robots_txt():
    seen = []

    def handle(request):
        seen.append((request.url.path, request.headers.get("if-none-match")))
        return answered(status=304 if "if-none-match" in request.headers else 200)()

    with fetcher(handle) as client:
        answer = RobotsFetcher(client)(URL, media_types=HTML, conditions={"if-none-match": '"v1"'})
    assert answer.http_status == 304
    assert seen == [("/robots.txt", None), ("/rates", '"v1"')]


# Responses without rules


@pytest.mark.parametrize("status", [204, 304, 400, 401, 403, 404, 410, 451])
def test_absent_robots_txt_forbids_nothing(status):
    site = Site(answered(FORBIDDEN if status >= 400 else b"", status=status))
    assert ask(site).body == b"page"
    assert site.requests == [ROBOTS, URL]


@pytest.mark.parametrize(
    ("answer", "error", "http_status", "message"),
    [
        (answered(status=500), BadStatus, 500, "robots.txt: status 500 Internal Server Error"),
        (answered(status=503), BadStatus, 503, "robots.txt: status 503 Service Unavailable"),
        (answered(status=429), BadStatus, 429, "robots.txt: status 429 Too Many Requests"),
        (httpx.ConnectError("refused"), Unreachable, None, "robots.txt: ConnectError: refused"),
        (httpx.ReadTimeout("slow"), DeadlineExceeded, None, "robots.txt: ReadTimeout: slow"),
        (answered(b"x" * 512_001), BodyTooLarge, 200, "robots.txt: the body exceeds 512000 bytes"),
        (answered(b"x", content_encoding="br"), UnexpectedContent, 200, "robots.txt: content encoding 'br'"),
        (answered(b"User-agent: a\n" * 800), BodyTooLarge, 200, "robots.txt: too many agents and rules"),
    ],
)
def test_unavailable_robots_txt_fails_the_poll_after_one_request(answer, error, http_status, message):
    site = Site(answer)
    with pytest.raises(error) as caught:
        ask(site)
    assert (str(caught.value), caught.value.http_status, caught.value.attempts) == (message, http_status, 1)
    assert site.requests == [ROBOTS]


def test_error_of_robots_txt_carries_retry_after():
    with pytest.raises(BadStatus) as caught:
        ask(Site(answered(status=503, retry_after="120")))
    assert caught.value.retry_after == "120"


def test_unreachable_server_is_reported_for_robots_txt():
    with refusing_url() as url, pytest.raises(Unreachable, match=r"^robots\.txt: ConnectError"):
        ask(url=url)


@pytest.mark.parametrize("url", ["ftp://ticker.test/", "/no/host", "http://", "http://[x/", "http://tic\x7fker.test/"])
def test_invalid_address_is_unreachable(url):
    with pytest.raises(Unreachable):
        ask(url=url)


@pytest.mark.parametrize("body", [b"a" * 512_000, b"User-agent: *\nDisallow:" + b"/*a" * 170_000, b"\x00\n" * 256_000])
def test_hostile_file_is_parsed(body):
    assert read_rules(body).can_fetch(URL, "fxticker")


# Redirects


@pytest.mark.parametrize("target", ["/rules", "rules", "http://ticker.test/rules", "http://TICKER.test/rules#a"])
@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_redirect_within_the_site_is_followed(target, status):
    site = Site(answered(status=status, location=target), rules=answered(FORBIDDEN))
    with pytest.raises(Disallowed):
        ask(site)
    assert [url.partition("#")[0] for url in site.requests] == [ROBOTS, "http://ticker.test/rules"]


@pytest.mark.parametrize("target", CASES["redirect_to_another_site_is_not_followed_and_forbids_nothing"])
def test_redirect_to_another_site_is_not_followed_and_forbids_nothing(target):
    site = Site(answered(status=301, location=target))
    assert ask(site).body == b"page"
    assert site.requests == [ROBOTS, URL]


def test_redirect_of_robots_txt_sends_no_request_to_another_host():
    with RawServer(lambda exchange: exchange.send(b"HTTP/1.1 200 OK\r\n\r\n")) as elsewhere:
        moved = f"HTTP/1.1 301 Moved\r\nLocation: {elsewhere.url}robots.txt\r\n\r\n".encode()
        with RawServer(lambda exchange: exchange.send(moved)) as server:
            with pytest.raises(BadStatus, match=r"^status 301"):
                ask(url=server.url)
            assert [request.split(" ")[1] for request in server.requests] == ["/robots.txt", "/"]
        assert elsewhere.requests == []


def test_second_redirect_is_not_followed():
    site = Site(answered(status=301, location="/rules"), rules=answered(status=301, location="/more"))
    assert ask(site).body == b"page"
    assert site.requests == [ROBOTS, "http://ticker.test/rules", URL]


def test_failure_after_a_redirect_fails_the_poll():
    site = Site(answered(status=301, location="/rules"), rules=answered(status=500))
    with pytest.raises(BadStatus, match=r"^robots\.txt: status 500"):
        ask(site)


# The copy


def test_copy_is_used_for_a_day_and_then_fetched_again():
    site = Site(answered())
    with site.polled() as fetch:
        for site.passed_s in (0, 900, DAY_S - 1):
            fetch(URL, media_types=HTML)
        assert site.requests == [ROBOTS, URL, URL, URL]
        site.robots = answered(FORBIDDEN)
        site.passed_s = DAY_S
        with pytest.raises(Disallowed):
            fetch(URL, media_types=HTML)


def test_forbidding_copy_is_kept_too():
    site = Site(answered(FORBIDDEN))
    with site.polled() as fetch:
        for _ in range(3):
            with pytest.raises(Disallowed):
                fetch(URL, media_types=HTML)
    assert site.requests == [ROBOTS]


@pytest.mark.parametrize("failure", [answered(status=503), httpx.ConnectError("refused")])
def test_old_copy_is_used_while_no_newer_one_can_be_fetched(failure):
    site = Site(answered(b"User-agent: *\nDisallow: /private\n"))
    with site.polled() as fetch:
        fetch(URL, media_types=HTML)
        site.robots = failure
        for site.passed_s in (DAY_S, DAY_S + 3599):
            fetch(URL, media_types=HTML)
            with pytest.raises(Disallowed):
                fetch("http://ticker.test/private", media_types=HTML)
        assert site.requests == [ROBOTS, URL, ROBOTS, URL, URL]
        site.robots = answered()
        site.passed_s = DAY_S + 3600
        assert fetch("http://ticker.test/private", media_types=HTML).body == b"page"


def test_failure_is_not_cached():
    site = Site(answered(status=503))
    with site.polled() as fetch:
        with pytest.raises(BadStatus):
            fetch(URL, media_types=HTML)
        site.robots = answered()
        assert fetch(URL, media_types=HTML).body == b"page"


def test_each_origin_has_its_own_copy():
    site = Site(answered())
    with site.polled() as fetch:
        for url in ("http://a.test/", "http://b.test/", "https://a.test/", "http://a.test:81/", "http://A.test/x"):
            fetch(url, media_types=HTML)
    assert [url for url in site.requests if url.endswith("robots.txt")] == [
        "http://a.test/robots.txt",
        "http://b.test/robots.txt",
        "https://a.test/robots.txt",
        "http://a.test:81/robots.txt",
    ]


# The deadline, and stopping


def test_stalled_robots_txt_takes_a_quarter_of_the_deadline():
    expected = r"^robots\.txt: no complete response within 0\.2 s$"
    with RawServer(lambda exchange: exchange.pause(5)) as server, pytest.raises(DeadlineExceeded, match=expected):
        ask(url=server.url, timeout_s=0.8)


class SlowRobots(Fetcher):
    """A client whose requests for robots.txt take 9.75 s of its clock."""

    passed_s = 0

    def send(self, request):
        if request.url.endswith("/robots.txt"):
            self.passed_s += 9.75
            return Response(b"", {}, 404, 1)
        return super().send(request)


def test_page_gets_the_rest_of_the_deadline():
    with (
        RawServer(lambda exchange: exchange.pause(5)) as server,
        SlowRobots(timeout_s=10, max_bytes=100, user_agent="fxticker") as client,
        pytest.raises(DeadlineExceeded, match=r"^no complete response within 0\.2 s$"),
    ):
        RobotsFetcher(client, monotonic_s=lambda: client.passed_s)(server.url, media_types=HTML)


def test_stop_is_not_a_failure_of_robots_txt():
    site = Site(answered())
    with site.polled() as fetch:
        fetch(URL, media_types=HTML)
        site.passed_s = DAY_S
        fetch.stop()
        with pytest.raises(FetchStopped):
            fetch(URL, media_types=HTML)
    assert site.requests == [ROBOTS, URL]
