import httpx
import pytest
from servers import RawServer, refusing_url

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

HTML = frozenset(["text/html"])
URL = "http://ticker.test/rates?day=1"
ROBOTS = "http://ticker.test/robots.txt"
FORBIDDEN = b"User-agent: *\nDisallow: /\n"
DAY_S = 86_400


class Site:
    """A site on no net: `robots` is what its robots.txt answers, by path if there are several."""

    def __init__(self, robots, **elsewhere):
        self.robots = robots
        self.elsewhere = elsewhere
        self.asked = []

    def __call__(self, request):
        self.asked.append(str(request.url))
        name = request.url.path.strip("/")
        answer = self.robots if name == "robots.txt" else self.elsewhere.get(name, answered(b"page", kind="text/html"))
        if isinstance(answer, Exception):
            raise answer
        return answer()

    def fetcher(self, **changes):
        options = {"timeout_s": 10, "max_bytes": 100, "user_agent": "fxticker/0.1 (+mailto:me@example.org)"}
        return Fetcher(**{**options, "transport": httpx.MockTransport(self), "retry_pauses_s": (0, 0), **changes})


class Seconds:
    """A monotonic clock that is moved by hand."""

    def __init__(self):
        self.now = 0

    def __call__(self):
        return self.now


def answered(body=b"", status=200, kind="text/plain", **headers):
    """What makes an answer, anew for each request."""
    named = {"content-type": kind, **{name.replace("_", "-"): value for name, value in headers.items()}}

    async def sent():
        yield body

    return lambda: httpx.Response(status, headers=named, content=sent())


def ask(site, url=URL, **changes):
    with site.fetcher(**changes) as client:
        return RobotsFetcher(client)(url, media_types=HTML)


# What the file says


@pytest.mark.parametrize(
    "rules",
    [
        b"",
        b"User-agent: *\nDisallow:\n",
        b"User-agent: *\nDisallow: /private\n",
        b"User-agent: other\nDisallow: /\n",
        b"User-agent: *\nDisallow: /\nAllow: /rates\n",
        b"User-agent: *\nDisallow: /\n\nUser-agent: fxticker\nAllow: /\n",
        b"<html>Disallow: /</html>",
    ],
)
def test_a_page_that_is_allowed_is_asked_for_after_robots_txt(rules):
    site = Site(answered(rules))
    assert ask(site).body == b"page"
    assert site.asked == [ROBOTS, URL]


@pytest.mark.parametrize(
    "rules",
    [
        FORBIDDEN,
        b"\xef\xbb\xbf" + FORBIDDEN,
        FORBIDDEN.replace(b"\n", b"\r\n"),
        b"\xff\xfe garbage \x00\n" + FORBIDDEN,
        b"User-agent: FXTICKER\nDisallow: /rates\n",
        b"User-agent: *\nAllow: /\n\nUser-agent: fxticker\nDisallow: /\n",
        b"User-agent: *\nDisallow: /*?day=\n",
    ],
)
def test_nothing_is_asked_of_a_page_that_is_forbidden(rules):
    site = Site(answered(rules))
    with pytest.raises(Disallowed, match=r"^robots\.txt of the site forbids the page to fxticker$") as caught:
        ask(site)
    assert (caught.value.outcome, caught.value.attempts, caught.value.http_status) == (Outcome.DISALLOWED, 0, None)
    assert site.asked == [ROBOTS]


@pytest.mark.parametrize("user_agent", ["recorder", "recorder/1.0", "Recorder (+mailto:me@example.org)"])
def test_the_name_that_rules_are_for_is_that_of_the_configured_user_agent(user_agent):
    with pytest.raises(Disallowed):
        ask(Site(answered(b"User-agent: recorder\nDisallow: /\n")), user_agent=user_agent)


def test_robots_txt_is_asked_for_without_the_pages_credentials_and_query():
    site = Site(answered())
    ask(site, "http://me:hunter2@TICKER.test:8080/rates?key=hunter2#a")
    assert site.asked[0] == "http://ticker.test:8080/robots.txt"


def test_a_site_that_forbids_a_page_is_asked_for_robots_txt_on_the_wire_and_for_nothing_else():
    def answer(exchange):
        exchange.send(b"HTTP/1.1 200 OK\r\nContent-Length: 26\r\n\r\n" + FORBIDDEN)

    with RawServer(answer) as server, Fetcher(timeout_s=10, max_bytes=100, user_agent="fxticker") as client:
        with pytest.raises(Disallowed):
            RobotsFetcher(client)(f"{server.url}rates", media_types=HTML)
        assert [request.split("\r\n")[0] for request in server.requests] == ["GET /robots.txt HTTP/1.1"]


def test_conditions_go_with_the_page_and_not_with_robots_txt():
    seen = []

    def handle(request):
        seen.append((request.url.path, request.headers.get("if-none-match")))
        return answered(status=304 if "if-none-match" in request.headers else 200)()

    with Fetcher(timeout_s=10, max_bytes=100, user_agent="fxticker", transport=httpx.MockTransport(handle)) as client:
        response = RobotsFetcher(client)(URL, media_types=HTML, conditions={"if-none-match": '"v1"'})
    assert response.http_status == 304
    assert seen == [("/robots.txt", None), ("/rates", '"v1"')]


# Answers without rules


@pytest.mark.parametrize("status", [204, 304, 400, 401, 403, 404, 410, 451])
def test_a_robots_txt_that_is_not_there_forbids_nothing(status):
    site = Site(answered(FORBIDDEN if status >= 400 else b"", status=status))
    assert ask(site).body == b"page"
    assert site.asked == [ROBOTS, URL]


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
        (
            answered(b"User-agent: a\n" * 800),
            BodyTooLarge,
            200,
            "robots.txt: too many agents and rules",
        ),
    ],
)
def test_a_robots_txt_that_cannot_be_had_fails_the_poll_after_one_request(answer, error, http_status, message):
    site = Site(answer)
    with pytest.raises(error) as caught:
        ask(site)
    assert (str(caught.value), caught.value.http_status, caught.value.attempts) == (message, http_status, 1)
    assert site.asked == [ROBOTS]


def test_when_to_come_back_is_heard_from_robots_txt_too():
    with pytest.raises(BadStatus) as caught:
        ask(Site(answered(status=503, retry_after="120")))
    assert caught.value.retry_after == "120"


def test_a_server_that_is_gone_is_named_as_robots_txt_s():
    with (
        refusing_url() as url,
        Fetcher(timeout_s=10, max_bytes=100, user_agent="fxticker") as client,
        pytest.raises(Unreachable, match=r"^robots\.txt: ConnectError"),
    ):
        RobotsFetcher(client)(url, media_types=HTML)


@pytest.mark.parametrize("url", ["ftp://ticker.test/", "/no/host", "http://", "http://[x/", "http://tic\x7fker.test/"])
def test_an_address_that_cannot_be_asked_is_an_error_of_the_tree(url):
    with Fetcher(timeout_s=10, max_bytes=100, user_agent="fxticker") as client, pytest.raises(Unreachable):
        RobotsFetcher(client)(url, media_types=HTML)


@pytest.mark.parametrize("body", [b"a" * 512_000, b"User-agent: *\nDisallow:" + b"/*a" * 170_000, b"\x00\n" * 256_000])
def test_a_hostile_file_costs_little(body):
    assert read_rules(body).can_fetch(URL, "fxticker")


# Redirects


@pytest.mark.parametrize("target", ["/rules", "rules", "http://ticker.test/rules", "http://TICKER.test/rules#a"])
@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_a_redirect_within_the_site_is_followed(target, status):
    site = Site(answered(status=status, location=target), rules=answered(FORBIDDEN))
    with pytest.raises(Disallowed):
        ask(site)
    assert [asked.partition("#")[0] for asked in site.asked] == [ROBOTS, "http://ticker.test/rules"]


@pytest.mark.parametrize(
    "target",
    [
        "http://elsewhere.test/robots.txt",
        "//elsewhere.test/robots.txt",
        "https://ticker.test/robots.txt",
        "http://ticker.test:8080/robots.txt",
        "http://me:hunter2@ticker.test/rules",
        "http://ticker.test@elsewhere.test/",
        "http://[x/",
        "file:///etc/passwd",
        "/robots.txt",
        "",
    ],
)
def test_a_redirect_that_leads_elsewhere_is_not_followed_and_forbids_nothing(target):
    site = Site(answered(status=301, location=target))
    assert ask(site).body == b"page"
    assert site.asked == [ROBOTS, URL]


def test_a_host_that_is_not_configured_hears_nothing_though_robots_txt_sends_us_there():
    with RawServer(lambda exchange: exchange.send(b"HTTP/1.1 200 OK\r\n\r\n")) as elsewhere:
        moved = f"HTTP/1.1 301 Moved\r\nLocation: {elsewhere.url}robots.txt\r\n\r\n".encode()
        with (
            RawServer(lambda exchange: exchange.send(moved)) as server,
            Fetcher(timeout_s=10, max_bytes=100, user_agent="fxticker") as client,
        ):
            with pytest.raises(BadStatus, match=r"^status 301"):
                RobotsFetcher(client)(server.url, media_types=HTML)
            assert [request.split(" ")[1] for request in server.requests] == ["/robots.txt", "/"]
        assert elsewhere.requests == []


def test_one_redirect_is_followed_and_not_a_second():
    site = Site(answered(status=301, location="/rules"), rules=answered(status=301, location="/more"))
    assert ask(site).body == b"page"
    assert site.asked == [ROBOTS, "http://ticker.test/rules", URL]


def test_a_failure_behind_the_redirect_fails_the_poll():
    site = Site(answered(status=301, location="/rules"), rules=answered(status=500))
    with pytest.raises(BadStatus, match=r"^robots\.txt: status 500"):
        ask(site)


# The copy


def test_a_copy_serves_for_a_day_and_is_then_asked_for_again():
    site, seconds = Site(answered()), Seconds()
    with site.fetcher() as client:
        fetch = RobotsFetcher(client, monotonic_s=seconds)
        for seconds.now in (0, 900, DAY_S - 1):
            fetch(URL, media_types=HTML)
        assert site.asked == [ROBOTS, URL, URL, URL]
        site.robots = answered(FORBIDDEN)
        seconds.now = DAY_S
        with pytest.raises(Disallowed):
            fetch(URL, media_types=HTML)


def test_that_a_page_is_forbidden_is_remembered_as_well():
    site = Site(answered(FORBIDDEN))
    with site.fetcher() as client:
        fetch = RobotsFetcher(client)
        for _ in range(3):
            with pytest.raises(Disallowed):
                fetch(URL, media_types=HTML)
    assert site.asked == [ROBOTS]


@pytest.mark.parametrize("failure", [answered(status=503), httpx.ConnectError("refused")])
def test_an_old_copy_serves_while_there_is_no_newer_one(failure):
    site, seconds = Site(answered(b"User-agent: *\nDisallow: /private\n")), Seconds()
    with site.fetcher() as client:
        fetch = RobotsFetcher(client, monotonic_s=seconds)
        fetch(URL, media_types=HTML)
        site.robots = failure
        for seconds.now in (DAY_S, DAY_S + 3599):
            fetch(URL, media_types=HTML)
            with pytest.raises(Disallowed):
                fetch("http://ticker.test/private", media_types=HTML)
        assert site.asked == [ROBOTS, URL, ROBOTS, URL, URL]
        site.robots = answered()
        seconds.now = DAY_S + 3600
        assert fetch("http://ticker.test/private", media_types=HTML).body == b"page"


def test_a_failure_is_not_remembered():
    site = Site(answered(status=503))
    with site.fetcher() as client:
        fetch = RobotsFetcher(client)
        with pytest.raises(BadStatus):
            fetch(URL, media_types=HTML)
        site.robots = answered()
        assert fetch(URL, media_types=HTML).body == b"page"


def test_each_origin_has_its_own_copy():
    site = Site(answered())
    with site.fetcher() as client:
        fetch = RobotsFetcher(client)
        for url in ("http://a.test/", "http://b.test/", "https://a.test/", "http://a.test:81/", "http://A.test/x"):
            fetch(url, media_types=HTML)
    assert [asked for asked in site.asked if asked.endswith("robots.txt")] == [
        "http://a.test/robots.txt",
        "http://b.test/robots.txt",
        "https://a.test/robots.txt",
        "http://a.test:81/robots.txt",
    ]


# The deadline, and stopping


def test_a_robots_txt_that_stalls_leaves_time_and_is_named():
    with (
        RawServer(lambda exchange: exchange.pause(5)) as server,
        Fetcher(timeout_s=0.8, max_bytes=100, user_agent="fxticker") as client,
        pytest.raises(DeadlineExceeded, match=r"^robots\.txt: no complete response within 0\.2 s$"),
    ):
        RobotsFetcher(client)(server.url, media_types=HTML)


class SlowRobots(Fetcher):
    """A client that needs so much time of a clock for each robots.txt."""

    def __init__(self, seconds, cost_s, **options):
        super().__init__(**options)
        self.seconds = seconds
        self.cost_s = cost_s

    def send(self, request):
        if request.url.endswith("/robots.txt"):
            self.seconds.now += self.cost_s
            return Response(b"", {}, 404, 1)
        return super().send(request)


def test_the_page_gets_what_robots_txt_left_of_the_deadline():
    seconds = Seconds()
    with (
        RawServer(lambda exchange: exchange.pause(5)) as server,
        SlowRobots(seconds, 9.75, timeout_s=10, max_bytes=100, user_agent="fxticker") as client,
        pytest.raises(DeadlineExceeded, match=r"^no complete response within 0\.2 s$"),
    ):
        RobotsFetcher(client, monotonic_s=seconds)(server.url, media_types=HTML)


def test_stopping_is_not_taken_for_a_robots_txt_that_cannot_be_had():
    site, seconds = Site(answered()), Seconds()
    with site.fetcher() as client:
        fetch = RobotsFetcher(client, monotonic_s=seconds)
        fetch(URL, media_types=HTML)
        seconds.now = DAY_S
        fetch.stop()
        with pytest.raises(FetchStopped):
            fetch(URL, media_types=HTML)
    assert site.asked == [ROBOTS, URL]
