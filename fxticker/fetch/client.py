"""One request to a source: bounded in time and bytes, every failure mapped to the error tree."""

from __future__ import annotations

import ssl
import zlib
from collections import defaultdict
from collections.abc import Container, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from http.cookiejar import CookieJar, DefaultCookiePolicy
from types import TracebackType
from typing import Protocol, Self

import anyio
import anyio.from_thread
import httpx

from fxticker.errors import (
    BadStatus,
    BodyTooLarge,
    DeadlineExceeded,
    FetchError,
    FetchStopped,
    UnexpectedContent,
    Unreachable,
)
from fxticker.fetch.dns import ImpatientLoop

RETRY_PAUSES_S = (1.0, 4.0)
"""Pauses before the second and third try, cut short by the deadline."""
_RETRIED_STATUS = frozenset([502, 503, 504])
"""Answers of a gateway whose server is away for a moment; other statuses are the server's word."""
_GZIP = zlib.MAX_WBITS | 16


@dataclass(frozen=True, slots=True)
class Request:
    """What is asked for, and what is taken for an answer.

    Attributes
    ----------
    media_types
        Content types that a body may have; null for any.
    statuses
        Any other than these is a `BadStatus`.
    conditions
        Header fields that let a server say "not modified" instead of sending the page again.
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
    """A whole answer.

    Attributes
    ----------
    body
        The decoded body; empty unless the status is one of success, whose bodies alone are read.
    headers
        By lower-case name.
    http_status
        200, or 304 if there were conditions; `Fetcher.send` gives whatever its request takes.
    attempts
        Requests made, retries included.
    """

    body: bytes
    headers: Mapping[str, str]
    http_status: int
    attempts: int


class Fetch(Protocol):
    """What a poll needs of the net."""

    def __call__(
        self, url: str, *, media_types: frozenset[str], conditions: Mapping[str, str] | None = None
    ) -> Response:
        """Get `url`, or hear that it is as it was if there are conditions, or raise a `FetchError`."""


class StoppableFetch(Fetch, Protocol):
    """What the daemon needs of the net."""

    def stop(self) -> None:
        """Abandon the requests under way: their callers get `FetchStopped`, as do later ones."""


class Fetcher:
    """The process's one HTTP client, behind one call.

    Requests run in an event loop of their own thread: there a deadline cancels at any point, in a name lookup or
    between two header bytes as well, while httpx's own timeouts start anew with every socket operation. No idle
    connection is kept between polls (a kept one dies silently), no redirect followed (a moved page is to be loud), no
    cookie stored, and the environment's proxy settings are not used: a request goes to the configured host only. A
    host has one request at a time, whoever asks.

    Parameters
    ----------
    timeout_s
        One whole request, from waiting for its turn to the last byte, retries and pauses included.
    max_bytes
        Of the decoded body.
    user_agent
        Names the program and how to reach the person who runs it.
    retry_pauses_s
        Pauses before the second and further tries; there is no quick try where the server says when to come back.
    transport
        Stands in for the net in tests.
    """

    def __init__(
        self,
        *,
        timeout_s: float,
        max_bytes: int,
        user_agent: str,
        retry_pauses_s: Sequence[float] = RETRY_PAUSES_S,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self.timeout_s = timeout_s
        self.user_agent = user_agent
        self._max_bytes = max_bytes
        self._pauses_s = tuple(retry_pauses_s)
        self._client = httpx.AsyncClient(
            headers={"user-agent": user_agent, "accept": "text/html,*/*;q=0.1", "accept-encoding": "gzip"},
            timeout=timeout_s,
            limits=httpx.Limits(max_keepalive_connections=0),
            cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),
            follow_redirects=False,
            trust_env=False,
            transport=transport,
        )
        self._exit = ExitStack()
        self._portal = self._exit.enter_context(
            anyio.from_thread.start_blocking_portal(backend_options={"loop_factory": ImpatientLoop})
        )
        self._turns: defaultdict[bytes, anyio.Lock] = defaultdict(anyio.Lock)
        self._scopes: set[anyio.CancelScope] = set()
        self._stopped = False
        self._closed = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __call__(
        self,
        url: str,
        *,
        media_types: frozenset[str],
        conditions: Mapping[str, str] | None = None,
        timeout_s: float | None = None,
    ) -> Response:
        """Get `url` within the deadline, which is the client's own unless another is given.

        Raises
        ------
        FetchError
            The leaf of the error tree that says what happened.
        """
        return self.send(
            Request(
                url,
                media_types=media_types,
                # A "not modified" that was not asked for confirms nothing that we know.
                statuses=[httpx.codes.OK, httpx.codes.NOT_MODIFIED] if conditions else [httpx.codes.OK],
                conditions=conditions or {},
                timeout_s=self.timeout_s if timeout_s is None else timeout_s,
                max_bytes=self._max_bytes,
                retry_pauses_s=self._pauses_s,
            )
        )

    def send(self, request: Request) -> Response:
        """Make a request that has limits of its own.

        Raises
        ------
        FetchError
            As above.
        """
        return self._portal.call(self._fetch, request)

    def stop(self) -> None:
        """Abandon the requests under way: their callers get `FetchStopped`, as do later ones."""
        if not self._closed:
            self._portal.call(self._cancel)

    def close(self) -> None:
        """Abandon what is under way and close the client."""
        if self._closed:
            return
        self.stop()
        self._portal.call(self._client.aclose)
        self._exit.close()
        self._closed = True

    async def _cancel(self) -> None:
        self._stopped = True
        for scope in self._scopes:
            scope.cancel()

    async def _fetch(self, request: Request) -> Response:
        attempts = 0
        pauses = iter(request.retry_pauses_s)
        with anyio.CancelScope(deadline=anyio.current_time() + request.timeout_s) as scope:
            if self._stopped:
                scope.cancel()
            self._scopes.add(scope)
            try:
                while True:
                    try:
                        async with self._turns[_host(request.url)]:
                            attempts += 1
                            return await self._request(request, attempts)
                    except FetchError as error:
                        pause_s = next(pauses, None) if _may_pass(error) else None
                        # A pause that the deadline would cut short must not hide what happened.
                        if pause_s is None or anyio.current_time() + pause_s >= scope.deadline:
                            raise
                    await anyio.sleep(pause_s)
            finally:
                self._scopes.discard(scope)
        if self._stopped:
            raise FetchStopped("stopped while the answer was awaited", attempts=attempts)
        raise DeadlineExceeded(f"no whole answer within {round(request.timeout_s, 1):g} s", attempts=attempts)

    async def _request(self, request: Request, attempts: int) -> Response:
        try:
            async with self._client.stream("GET", request.url, headers=dict(request.conditions)) as answer:
                _check(answer, request, attempts)
                body = await _read_body(answer, request.max_bytes, attempts) if answer.is_success else b""
        except httpx.TimeoutException as error:
            raise DeadlineExceeded(_cause(error), attempts=attempts) from error
        except (httpx.HTTPError, httpx.InvalidURL, ssl.SSLError, OSError, zlib.error, UnicodeError) as error:
            raise Unreachable(_cause(error), attempts=attempts) from error
        return Response(body, dict(answer.headers), answer.status_code, attempts)


def _host(url: str) -> bytes:
    try:
        return httpx.URL(url).raw_host
    except httpx.InvalidURL:
        return b""  # asking for it will say what is wrong with it


def _may_pass(error: FetchError) -> bool:
    if error.retry_after is not None:
        return False
    return isinstance(error, Unreachable) or (isinstance(error, BadStatus) and error.http_status in _RETRIED_STATUS)


def _check(answer: httpx.Response, request: Request, attempts: int) -> None:
    status = answer.status_code
    if status not in request.statuses:
        raise BadStatus(
            f"status {status} {answer.reason_phrase[:60]}".rstrip(),
            http_status=status,
            attempts=attempts,
            retry_after=answer.headers.get("retry-after"),
        )
    media_type = answer.headers.get("content-type", "").partition(";")[0].strip().lower()
    is_page = request.media_types is None or not media_type or media_type in request.media_types
    if answer.is_success and not is_page:
        raise UnexpectedContent(f"content type {media_type[:60]!r}", http_status=status, attempts=attempts)


async def _read_body(answer: httpx.Response, max_bytes: int, attempts: int) -> bytes:
    """The decoded body, its transport bytes bounded as well as its own."""
    encoding = answer.headers.get("content-encoding", "identity").strip().lower()
    if encoding not in ("identity", "gzip", "x-gzip"):
        raise UnexpectedContent(
            f"content encoding {encoding[:60]!r}", http_status=answer.status_code, attempts=attempts
        )
    gunzip = None if encoding == "identity" else _Gunzip()
    body = bytearray()
    received = 0
    async for chunk in answer.aiter_raw():
        received += len(chunk)
        body += gunzip.feed(chunk, max_bytes + 1 - len(body)) if gunzip else chunk
        if max(received, len(body)) > max_bytes:
            raise BodyTooLarge(f"the body passes {max_bytes} bytes", http_status=answer.status_code, attempts=attempts)
    if gunzip and not gunzip.is_complete:
        raise Unreachable("the compressed body is cut short", http_status=answer.status_code, attempts=attempts)
    return bytes(body)


class _Gunzip:
    """Decodes gzip, of any number of members, to no more bytes than it is asked for: a bomb costs its limit."""

    def __init__(self) -> None:
        self._member = zlib.decompressobj(_GZIP)

    @property
    def is_complete(self) -> bool:
        return self._member.eof

    def feed(self, data: bytes, limit: int) -> bytes:
        out = bytearray()
        while data and len(out) < limit:
            if self._member.eof:
                self._member = zlib.decompressobj(_GZIP)
            out += self._member.decompress(data, limit - len(out))
            data = self._member.unused_data if self._member.eof else b""
        return bytes(out)


def _cause(error: Exception) -> str:
    # httpx messages name hosts and sizes, not URLs or headers; the length bound keeps one line of log
    return f"{type(error).__name__}: {error}"[:200].rstrip(": ")
