"""robots.txt: checked before every request for a page, fetched at most once a day per site."""

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
"""Limit of the decoded file. RFC 9309, 2.5: at least 500 KiB must be parsed."""
FRESH_S = 86_400.0
"""Seconds that a copy is used. RFC 9309, 2.4: at most 24 hours, unless the file cannot be fetched."""
RETRY_S = 3600.0
"""Seconds that an older copy is used after a failed attempt to fetch a newer one."""
_DEADLINE_DIVISOR = 4
"""One request for robots.txt may take a quarter of a poll's time; a redirect makes it two requests."""
_MAX_AGENT_LINE_PRODUCT = 500_000
"""Limit of agent lines times all lines: a file with three lines for each of 300 robots has 270,000. The parser stores
each rule once per agent of its group, so that a hostile file of 500 kB would take gigabytes; this limit takes 35 MB."""
_STATUSES = frozenset(range(200, 500)) - {httpx.codes.TOO_MANY_REQUESTS}
"""Statuses after which it is known what is allowed. After a 5xx or 429 it is not (RFC 9309, 2.3.1.4)."""


@dataclass(frozen=True, slots=True)
class _Copy:
    rules: Protego
    fresh_until_s: float


class RobotsFetcher:
    """A fetch that requests no page that the site's robots.txt forbids.

    Both requests together keep the client's deadline. If robots.txt cannot be fetched and there is no copy of it, the
    poll fails and the page is not requested (RFC 9309, 2.3.1.4).

    Parameters
    ----------
    fetcher
        HTTP client. Its user agent up to the first ``/`` or space is the product token that rules are matched with.
    monotonic_s
        Clock that never jumps, in seconds.
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
            If the page or robots.txt cannot be fetched; for the latter, the message begins with ``robots.txt:``.
        """
        started_s = self._monotonic_s()
        if not self._rules(url).can_fetch(url, self._token):
            raise Disallowed(f"robots.txt of the site forbids the page to {self._token}", attempts=0)
        left_s = self._fetcher.timeout_s - (self._monotonic_s() - started_s)
        return self._fetcher(url, media_types=media_types, conditions=conditions, timeout_s=max(left_s, 0))

    def stop(self) -> None:
        """Abandon the requests under way: they raise `FetchStopped` in their callers, as do later ones."""
        self._fetcher.stop()

    def _rules(self, url: str) -> Protego:
        origin = _origin(url)
        copy = self._copies.get(origin)
        if copy is not None and self._monotonic_s() < copy.fresh_until_s:
            return copy.rules
        try:
            fresh = _Copy(self._fetch_rules(f"{origin}/robots.txt"), self._monotonic_s() + FRESH_S)
        except FetchStopped:
            raise
        except FetchError as error:
            if copy is None:
                raise error.reworded(f"robots.txt: {error}") from error
            fresh = _Copy(copy.rules, self._monotonic_s() + RETRY_S)
        self._copies[origin] = fresh
        return fresh.rules

    def _fetch_rules(self, url: str) -> Protego:
        response = self._send(url)
        if 300 <= response.http_status < 400:  # noqa: PLR2004  the redirects
            target = _same_site_target(url, response.headers.get("location", ""))
            response = self._send(target) if target else response
        if httpx.codes.is_success(response.http_status):
            return read_rules(response.body)
        # An absent file forbids nothing (RFC 9309, 2.3.1.3). One on another host counts as absent: only configured
        # hosts get requests, and the RFC allows a crawler to stop following redirects.
        return Protego.parse("")

    def _send(self, url: str) -> Response:
        return self._fetcher.send(
            Request(
                url,
                media_types=None,
                statuses=_STATUSES,
                conditions={},
                timeout_s=self._fetcher.timeout_s / _DEADLINE_DIVISOR,
                max_bytes=MAX_BYTES,
                retry_pauses_s=(),
            )
        )


def read_rules(body: bytes) -> Protego:
    """Parse a robots.txt.

    Raises
    ------
    BodyTooLarge
        If parsing would take far more time and memory than for a real file.
    """
    text = body.decode("utf-8-sig", errors="replace")
    if text.lower().count("agent") * len(text.splitlines()) > _MAX_AGENT_LINE_PRODUCT:
        raise BodyTooLarge("too many agents and rules", http_status=httpx.codes.OK)
    return Protego.parse(text)


def _origin(url: str) -> str:
    """Scheme, host and port; empty if the URL is invalid, for which the request itself raises."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return ""
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}".lower()


def _same_site_target(url: str, location: str) -> str | None:
    """The target of a redirect; `None` if it is on another site, has credentials, or is the same URL."""
    try:
        target = urljoin(url, location)
        has_user = "@" in urlsplit(target).netloc  # credentials come from the configuration only
    except ValueError:
        return None
    return target if target != url and not has_user and _origin(target) == _origin(url) else None
