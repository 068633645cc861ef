"""HTTP client: one GET request, bounded in time and bytes, with every failure mapped to the error tree."""

from __future__ import annotations

import ssl
import zlib
from collections import defaultdict
from collections.abc import Container, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from http.cookiejar import CookieJar, DefaultCookiePolicy
from pathlib import Path
from typing import Protocol, Self

import anyio
import httpx

from fxticker.errors import (
    BadStatus,
    DeadlineExceeded,
    FetchError,
    FetchStopped,
    Unreachable,
)
from fxticker.fetch.connection import ConnectionTrace
from fxticker.fetch.loop_thread import END_S, LoopThread
from fxticker.fetch.response import check_head, read_body
from fxticker.fetch.trust import proxy_of, trust_of

RETRY_PAUSES_S = (1.0, 4.0)
"""Seconds before the second and third attempt; an attempt that the deadline leaves no time for is not made."""
_RETRIED_STATUS = frozenset([502, 503, 504])
"""Statuses of a gateway whose server is away for a moment. Other statuses come from the server itself and are final."""
_REQUEST = "fxticker_request"
"""Name by which a request of httpx carries ours."""


@dataclass(frozen=True, slots=True)
class Request:
    """One GET request and the responses that are accepted.

    Attributes
    ----------
    media_types
        Content types that a body may have; `None` for any.
    statuses
        Accepted statuses; any other raises `BadStatus`.
    conditions
        Header fields of a conditional request, such as ``if-none-match``; empty for an unconditional one.
    timeout_s, max_bytes, retry_pauses_s
        As for `Fetcher`.
    """

    url: str
    media_types: frozenset[str] | None
    statuses: Container[int]
    conditions: Mapping[str, str]
    timeout_s: float
    max_bytes: int
    retry_pauses_s: Sequence[float]


@dataclass(frozen=True, slots=True)
class Response:
    """A complete response.

    Attributes
    ----------
    body
        The decoded body; empty unless the status is 2xx, as other bodies are not read.
    headers
        By lower-case name.
    http_status
        200, or 304 for a conditional request; from `Fetcher.send`, any status that its request accepts.
    attempts
        Requests made, retries included.
    """

    body: bytes
    headers: Mapping[str, str]
    http_status: int
    attempts: int


class Fetch(Protocol):
    """The HTTP client as a poll uses it."""

    def __call__(
        self, url: str, *, media_types: frozenset[str], conditions: Mapping[str, str] | None = None
    ) -> Response:
        """Get `url`, with a status of 200, or of 304 if there are conditions; any failure is a `FetchError`."""


class StoppableFetch(Fetch, Protocol):
    """The HTTP client as the daemon uses it."""

    def stop(self) -> None:
        """Abandon the requests under way: they raise `FetchStopped` in their callers, as do later ones."""


class Fetcher:
    """The process's one HTTP client.

    Requests run in an event loop of their own thread. There a deadline can cancel at any point, also during a name
    lookup or between two header bytes; httpx's own timeouts start anew with every socket operation. No idle
    connection is kept between polls (a kept one can die unnoticed), no redirect is followed (a moved page must be an
    error), no cookie is stored, and the environment's proxy settings are ignored: requests go to the configured host
    or proxy only. Each host gets one request at a time, from all threads together.

    Parameters
    ----------
    timeout_s
        Seconds for one whole request: waiting for other requests to the host, retries and pauses included.
    max_bytes
        Limit of the decoded body, and of the body as transferred.
    user_agent
        Names the program and how to reach the person who runs it.
    retry_pauses_s
        Seconds before each further attempt after a failure that may be temporary. A response with a Retry-After is
        not retried.
    proxy
        URL of a proxy for all requests, with its user and password if it wants any; `None` for none.
    ca_file
        As for `trust_of`.
    transport
        Replaces the network in tests.

    Raises
    ------
    ConfigError
        If `ca_file` or `proxy` cannot be used.
    """

    def __init__(
        self,
        *,
        timeout_s: float,
        max_bytes: int,
        user_agent: str,
        retry_pauses_s: Sequence[float] = RETRY_PAUSES_S,
        proxy: str | None = None,
        ca_file: Path | None = None,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self.timeout_s = timeout_s
        self.user_agent = user_agent
        self._max_bytes = max_bytes
        self._pauses_s = tuple(retry_pauses_s)
        self._has_proxy = proxy is not None
        trust = trust_of(ca_file)
        self._client = httpx.AsyncClient(
            headers={"user-agent": user_agent, "accept": "text/html,*/*;q=0.1", "accept-encoding": "gzip"},
            timeout=timeout_s,
            limits=httpx.Limits(max_keepalive_connections=0),
            cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),
            follow_redirects=False,
            event_hooks={"response": [_check]},
            trust_env=False,
            verify=trust,
            proxy=proxy_of(proxy, trust),
            transport=transport,
        )
        self._loop = LoopThread()
        self._host_locks: defaultdict[bytes, anyio.Lock] = defaultdict(anyio.Lock)
        self._scopes: set[anyio.CancelScope] = set()
        self._stopped = False
        self._closed = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()

    def __call__(
        self,
        url: str,
        *,
        media_types: frozenset[str],
        conditions: Mapping[str, str] | None = None,
        timeout_s: float | None = None,
    ) -> Response:
        """Get `url` within `timeout_s` seconds; `None` for the client's own deadline.

        Raises
        ------
        FetchError
            Its subclass names the kind of failure.
        """
        return self.send(
            Request(
                url,
                media_types=media_types,
                # 304 to an unconditional request confirms no page that is known here.
                statuses=[httpx.codes.OK, httpx.codes.NOT_MODIFIED] if conditions else [httpx.codes.OK],
                conditions=conditions or {},
                timeout_s=self.timeout_s if timeout_s is None else timeout_s,
                max_bytes=self._max_bytes,
                retry_pauses_s=self._pauses_s,
            )
        )

    def send(self, request: Request) -> Response:
        """Make a request that has its own limits; every failure is a `FetchError`, as above."""
        return self._loop.call(self._send, request)

    def stop(self) -> None:
        """Abandon the requests under way: they raise `FetchStopped` in their callers, as do later ones."""
        if not self._closed:
            self._loop.call(self._cancel_all)

    def close(self) -> None:
        """Abandon the requests under way and close the client, in a few seconds at most."""
        if self._closed:
            return
        with suppress(TimeoutError):  # only after an interrupt that left the loop unable to answer
            self._loop.call(self._end, timeout_s=END_S)
        self._loop.close()
        self._closed = True

    async def _end(self) -> None:
        await self._cancel_all()
        await self._client.aclose()

    async def _cancel_all(self) -> None:
        self._stopped = True
        for scope in self._scopes:
            scope.cancel()

    async def _send(self, request: Request) -> Response:
        attempts = 0
        pauses_s = iter(request.retry_pauses_s)
        trace = ConnectionTrace(is_tunnelled=self._has_proxy and request.url.lower().startswith("https:"))
        with anyio.CancelScope(deadline=anyio.current_time() + request.timeout_s) as scope:
            if self._stopped:
                scope.cancel()
            self._scopes.add(scope)
            try:
                while True:
                    try:
                        async with self._host_locks[_host(request.url)]:
                            attempts += 1
                            return await self._attempt(request, attempts, trace)
                    except FetchError as error:
                        error.attempts = attempts
                        pause_s = next(pauses_s, None) if _is_temporary(error) else None
                        # A pause beyond the deadline would turn this failure into a timeout.
                        if pause_s is None or anyio.current_time() + pause_s >= scope.deadline:
                            raise
                    await anyio.sleep(pause_s)
            finally:
                self._scopes.discard(scope)
        await trace.close()
        if self._stopped:
            raise FetchStopped("stopped before the response was complete", attempts=attempts)
        time_limit = f"within {round(request.timeout_s, 1):g} s"
        if not trace.has_connected:
            raise Unreachable(f"no connection {time_limit}", attempts=attempts)
        raise DeadlineExceeded(f"no complete response {time_limit}", attempts=attempts)

    async def _attempt(self, request: Request, attempts: int, trace: ConnectionTrace) -> Response:
        """One attempt. All errors of httpx, TLS, sockets and gzip are mapped here."""
        headers = dict(request.conditions)
        extensions = {"trace": trace, _REQUEST: request}
        try:
            async with self._client.stream("GET", request.url, headers=headers, extensions=extensions) as response:
                body = await read_body(response, request.max_bytes) if response.is_success else b""
        except (httpx.ConnectTimeout, httpx.PoolTimeout) as error:
            raise (DeadlineExceeded if trace.has_connected else Unreachable)(_cause(error)) from error
        except httpx.TimeoutException as error:
            raise DeadlineExceeded(_cause(error)) from error
        except (httpx.HTTPError, httpx.InvalidURL, ssl.SSLError, OSError, zlib.error, UnicodeError) as error:
            raise Unreachable(_cause(error)) from error
        return Response(body, dict(response.headers), response.status_code, attempts)


async def _check(response: httpx.Response) -> None:
    """Check a head before httpx reads its ``Location``: an invalid one would hide the status."""
    check_head(response, response.request.extensions[_REQUEST])


def _host(url: str) -> bytes:
    try:
        return httpx.URL(url).raw_host
    except httpx.InvalidURL:
        return b""  # the attempt itself raises for it


def _is_temporary(error: FetchError) -> bool:
    if error.retry_after is not None:
        return False
    return isinstance(error, Unreachable) or (isinstance(error, BadStatus) and error.http_status in _RETRIED_STATUS)


def _cause(error: Exception) -> str:
    # httpx messages name hosts and sizes, but no URL and no header; the limit keeps a log line short
    return f"{type(error).__name__}: {error}"[:200].rstrip(": ")
