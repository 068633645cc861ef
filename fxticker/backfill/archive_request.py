"""Archive requests: one bounded, throttled request to an archive's index or to a capture.

An archive's own robots.txt is not requested. It governs programs that follow links through an archive's pages (RFC
9309, 1); nothing is followed here. Requested are the interfaces that the archives offer to programs, index and
captures, as their operators and the libraries written for them describe: one request at a time, pauses, a User-Agent
that names the program, Retry-After, an end after repeated refusals. A request goes to the configured roots only: no
content of an index can lead elsewhere.
"""

from __future__ import annotations

from collections.abc import Mapping

import httpx

from fxticker.fetch.client import Fetcher, Request, Response
from fxticker.fetch.throttle import Throttle

INDEX_PAUSE_S = 3.0
"""Seconds between requests to an index, 20 a minute: the Wayback Machine's index accepts 30, and the authors of its
clients recommend 24 at most."""
GONE = frozenset(range(300, 500)) - {403, 408, 429}
"""HTTP statuses by which an archive reports that it does not have a capture; the excepted ones refuse the client."""
TIMEOUT_S = 120.0
"""Seconds for one request: searches of an index take a minute now and then."""


def request_archive(
    fetcher: Fetcher,
    throttle: Throttle,
    url: str,
    *,
    pause_s: float,
    max_bytes: int,
    media_types: frozenset[str] | None = None,
    status: int = httpx.codes.OK,
    headers: Mapping[str, str] | None = None,
) -> Response:
    """Request a URL of an archive, at least `pause_s` seconds after the request before.

    Parameters
    ----------
    max_bytes
        Largest body, decoded.
    media_types
        Accepted media types; `None` accepts any.
    status
        The accepted status.
    headers
        Additional header fields.

    Raises
    ------
    FetchError
        If there is no acceptable answer. A status of `GONE` is not retried.
    """
    request = Request(
        url,
        media_types=media_types,
        statuses=[status],
        conditions=dict(headers or {}),
        timeout_s=TIMEOUT_S,
        max_bytes=max_bytes,
        retry_pauses_s=(),
    )
    return throttle.request(lambda: fetcher.send(request), pause_s=pause_s, settling=GONE)
