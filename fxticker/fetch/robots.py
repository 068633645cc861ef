"""What a site's robots.txt allows: heeded before every request, asked for once a day."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from urllib.parse import urljoin, urlsplit

import httpx
from protego import Protego

from fxticker.errors import BodyTooLarge, Disallowed, FetchError, FetchStopped
from fxticker.fetch.client import Fetcher, Request, Response

MAX_BYTES = 512_000
"""RFC 9309, 2.5: at least 500 kibibytes are to be read."""
FRESH_S = 86_400.0
"""RFC 9309, 2.4: a copy is not to be used for more than 24 hours, unless there is no newer one."""
RETRY_S = 3600.0
"""After a failed try, a copy that is past that serves so much longer before the next try."""
_SHARE = 4
"""The part of a poll's time that one request for robots.txt may take; a redirect makes it two."""
_MAX_WORK = 500_000
"""Lines that name agents times lines: a file that gives 300 robots three lines each has 270,000. Each rule is kept once
for each agent of its group, so that 500 kB of a hostile file would take gigabytes; this much takes 35 MB."""
_STATUSES = frozenset(range(200, 500)) - {httpx.codes.TOO_MANY_REQUESTS}
"""Answers that settle what is allowed; from 500 on, and by a 429, the server says that it cannot tell now."""


@dataclass(frozen=True, slots=True)
class _Copy:
    rules: Protego
    fresh_until_s: float


class RobotsFetcher:
    """A fetch that asks for no page that the site's robots.txt forbids.

    Both requests together keep the client's deadline. A robots.txt that cannot be had, while there is no copy of
    it, fails the poll, and the page is not asked for (RFC 9309, 2.3.1.4).

    Parameters
    ----------
    fetcher
        The client. The product token that rules may name is its user agent up to the first ``/`` or space.
    monotonic_s
        A clock that is never set.
    """

    def __init__(self, fetcher: Fetcher, *, monotonic_s: Callable[[], float] = time.monotonic) -> None:
        self._fetcher = fetcher
        self._token = fetcher.user_agent.replace("/", " ").partition(" ")[0]
        self._monotonic_s = monotonic_s
        self._copies: dict[str, _Copy] = {}

    def __call__(
        self, url: str, *, media_types: frozenset[str], conditions: Mapping[str, str] | None = None
    ) -> Response:
        """Get `url` within the deadline.

        Raises
        ------
        Disallowed
            If robots.txt forbids it.
        FetchError
            If the page or robots.txt could not be had; the message says so of the latter.
        """
        started_s = self._monotonic_s()
        if not self._rules(url).can_fetch(url, self._token):
            raise Disallowed(f"robots.txt of the site forbids the page to {self._token}", attempts=0)
        left_s = self._fetcher.timeout_s - (self._monotonic_s() - started_s)
        return self._fetcher(url, media_types=media_types, conditions=conditions, timeout_s=max(left_s, 0))

    def stop(self) -> None:
        """Abandon the requests under way: their callers get `FetchStopped`, as do later ones."""
        self._fetcher.stop()

    def _rules(self, url: str) -> Protego:
        origin = _origin(url)
        copy = self._copies.get(origin)
        if copy is not None and self._monotonic_s() < copy.fresh_until_s:
            return copy.rules
        try:
            fresh = _Copy(self._ask(f"{origin}/robots.txt"), self._monotonic_s() + FRESH_S)
        except FetchStopped:
            raise
        except FetchError as error:
            if copy is None:
                raise _of_robots(error) from error
            fresh = _Copy(copy.rules, self._monotonic_s() + RETRY_S)
        self._copies[origin] = fresh
        return fresh.rules

    def _ask(self, url: str) -> Protego:
        answer = self._send(url)
        if 300 <= answer.http_status < 400:  # noqa: PLR2004  the redirects
            target = _within(url, answer.headers.get("location", ""))
            answer = self._send(target) if target else answer
        if httpx.codes.is_success(answer.http_status):
            return read_rules(answer.body)
        # A file that is not there forbids nothing (RFC 9309, 2.3.1.3). One that is elsewhere counts as not there: we
        # ask no host that is not configured, and the RFC lets a crawler give up redirects so.
        return Protego.parse("")

    def _send(self, url: str) -> Response:
        return self._fetcher.send(
            Request(
                url,
                media_types=None,
                statuses=_STATUSES,
                conditions={},
                timeout_s=self._fetcher.timeout_s / _SHARE,
                max_bytes=MAX_BYTES,
                retry_pauses_s=(),
            )
        )


def read_rules(body: bytes) -> Protego:
    """The rules of a robots.txt.

    Raises
    ------
    BodyTooLarge
        If they would take more time and memory than any honest file's.
    """
    text = body.decode("utf-8-sig", errors="replace")
    if text.lower().count("agent") * len(text.splitlines()) > _MAX_WORK:
        raise BodyTooLarge("more agents and rules than are taken", http_status=httpx.codes.OK)
    return Protego.parse(text)


def _of_robots(error: FetchError) -> FetchError:
    return type(error)(
        f"robots.txt: {error}",
        http_status=error.http_status,
        attempts=error.attempts,
        retry_after=error.retry_after,
    )


def _origin(url: str) -> str:
    """Scheme, host and port, or nothing if the URL is none, which asking for it will say."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return ""
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}".lower()


def _within(url: str, location: str) -> str | None:
    """Where a redirect leads, if it stays on the same site."""
    try:
        target = urljoin(url, location)
        has_user = "@" in urlsplit(target).netloc  # nobody but the configuration says who we are
    except ValueError:
        return None
    return target if target != url and not has_user and _origin(target) == _origin(url) else None
