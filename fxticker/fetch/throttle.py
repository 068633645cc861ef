"""Many requests to one server, one after another: how long to wait between them, and when to leave it alone."""

from __future__ import annotations

import time
from collections.abc import Callable, Container

import httpx

from fxticker.errors import BadStatus, BodyTooLarge, Disallowed, FetchError, FetchStopped, UnexpectedContent
from fxticker.fetch.client import Response
from fxticker.fetch.retry_after import retry_instant
from fxticker.model.clock import Clock, SystemClock

TRIES = 3
"""Of one request, before the whole run is broken off: what fails three times does not pass in a moment."""
PAUSES_AFTER_FAILURE_S = (10.0, 60.0)
"""Before the second and third try, where the server does not say."""
PAUSE_AFTER_REFUSAL_S = 60.0
"""After a 429 that names no time: the Wayback Machine shuts out who goes on within a minute."""
LONGEST_WAIT_S = 600.0
"""A server that asks for more is left alone: the run can be taken up again."""
_FINAL = (BodyTooLarge, UnexpectedContent, Disallowed, FetchStopped)
"""Asking again would give the same."""


class Throttle:
    """Makes requests with pauses between them, and tries again what may pass.

    Parameters
    ----------
    clock
        What a Retry-After that is a date is measured by.
    sleep
        Waits so many seconds.
    """

    def __init__(self, *, clock: Clock | None = None, sleep: Callable[[float], object] = time.sleep) -> None:
        self._clock = clock or SystemClock()
        self._sleep = sleep
        self._is_first = True
        self.requests = 0

    def request(
        self, request: Callable[[], Response], *, pause_s: float, settling: Container[int | None] = ()
    ) -> Response:
        """Make a request, `pause_s` after the one before, whatever that was for.

        Parameters
        ----------
        settling
            Statuses beside success that answer the question: `BadStatus` is raised at once.

        Raises
        ------
        FetchError
            The last failure of the request. Unless it is the answer's status or content, the server should be left
            alone for now.
        """
        for failures in range(1, TRIES + 1):
            if not self._is_first:
                self._sleep(pause_s)
            self._is_first = False
            self.requests += 1
            try:
                return request()
            except FetchError as error:
                is_settled = isinstance(error, BadStatus) and error.http_status in settling
                if is_settled or isinstance(error, _FINAL) or _is_refusal_for_good(error):
                    raise
                wait_s = self._wait_s(error, failures)
                if failures == TRIES or wait_s > LONGEST_WAIT_S:
                    raise _told(error, failures, wait_s) from error
                self._sleep(max(wait_s - pause_s, 0))
        raise AssertionError("unreachable: the last try returns or raises")

    def _wait_s(self, error: FetchError, failures: int) -> float:
        now = self._clock.now()
        until = retry_instant(error.retry_after, now)
        if until is not None:
            return (until - now).total_seconds()
        if error.http_status == httpx.codes.TOO_MANY_REQUESTS:
            return PAUSE_AFTER_REFUSAL_S * failures
        return PAUSES_AFTER_FAILURE_S[min(failures, len(PAUSES_AFTER_FAILURE_S)) - 1]


def is_of_one_answer(error: BadStatus) -> bool:
    """Whether a server failed in a way that may be a matter of this one request, though it was tried several times."""
    status = error.http_status
    return status is not None and status >= httpx.codes.INTERNAL_SERVER_ERROR and error.retry_after is None


def _is_refusal_for_good(error: FetchError) -> bool:
    """A status that asking again would not change, as a 403 of a server that has had enough of us."""
    status = error.http_status
    is_clients_fault = status is not None and 300 <= status < 500  # noqa: PLR2004  redirects and client errors
    return is_clients_fault and status not in {httpx.codes.TOO_MANY_REQUESTS, httpx.codes.REQUEST_TIMEOUT}


def _told(error: FetchError, failures: int, wait_s: float) -> FetchError:
    why = f"{error}; given up after {failures} tries in a row"
    if wait_s > LONGEST_WAIT_S:
        why = f"{error}; the server asked to be left alone for {wait_s:.0f} s"
    return type(error)(why, http_status=error.http_status, attempts=error.attempts, retry_after=error.retry_after)
