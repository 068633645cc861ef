"""Throttle: pauses between many requests to one server, retries, and when to stop sending requests."""

from __future__ import annotations

import time
from collections.abc import Callable, Container

import httpx

from fxticker.errors import BadStatus, BodyTooLarge, Disallowed, FetchError, FetchStopped, UnexpectedContent
from fxticker.fetch.client import Response
from fxticker.fetch.retry_after import retry_instant
from fxticker.model.clock import Clock, SystemClock

TRIES = 3
"""Attempts of one request before the whole run is stopped: three failures in a row are no momentary fault."""
PAUSES_AFTER_FAILURE_S = (10.0, 60.0)
"""Seconds before the second and third attempt, if the server names no time."""
PAUSE_AFTER_REFUSAL_S = 60.0
"""Seconds after a 429 that names no time: the Wayback Machine blocks clients that go on within a minute."""
LONGEST_WAIT_S = 600.0
"""If the server asks for more seconds than this, the run is stopped; it can be resumed later."""
_FINAL = (BodyTooLarge, UnexpectedContent, Disallowed, FetchStopped)
"""Failures that a further attempt would repeat."""


class Throttle:
    """Makes requests with pauses between them, and retries temporary failures.

    Parameters
    ----------
    clock
        Supplies the time that a Retry-After is measured from; `None` for the system's.
    sleep
        Waits for a number of seconds.
    """

    def __init__(self, *, clock: Clock | None = None, sleep: Callable[[float], object] = time.sleep) -> None:
        self._clock = clock or SystemClock()
        self._sleep = sleep
        self._is_first = True
        self.requests = 0

    def request(
        self, request: Callable[[], Response], *, pause_s: float, settling: Container[int | None] = ()
    ) -> Response:
        """Make a request, at least `pause_s` seconds after the previous one.

        Parameters
        ----------
        settling
            Error statuses that are an answer, such as 404: their `BadStatus` is raised without retries.

        Raises
        ------
        FetchError
            The last failure of the request. Unless it concerns this one response (`is_of_one_answer`, or its content),
            no more requests should be sent for now.
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
                if is_settled or isinstance(error, _FINAL) or _is_permanent(error):
                    raise
                wait_s = self._wait_s(error, failures)
                if failures == TRIES or wait_s > LONGEST_WAIT_S:
                    raise _stopped(error, failures, wait_s) from error
                self._sleep(max(wait_s - pause_s, 0))
        raise AssertionError("unreachable: the last attempt returns or raises")

    def _wait_s(self, error: FetchError, failures: int) -> float:
        now = self._clock.now()
        until = retry_instant(error.retry_after, now)
        if until is not None:
            return (until - now).total_seconds()
        if error.http_status == httpx.codes.TOO_MANY_REQUESTS:
            return PAUSE_AFTER_REFUSAL_S * failures
        return PAUSES_AFTER_FAILURE_S[min(failures, len(PAUSES_AFTER_FAILURE_S)) - 1]


def is_of_one_answer(error: BadStatus) -> bool:
    """Whether a failure, even if repeated, may concern this one request and not the whole server: a plain 5xx."""
    status = error.http_status
    return status is not None and status >= httpx.codes.INTERNAL_SERVER_ERROR and error.retry_after is None


def _is_permanent(error: FetchError) -> bool:
    """Whether the status is a redirect or client error that a further attempt would repeat, such as a 403."""
    status = error.http_status
    is_clients_fault = status is not None and 300 <= status < 500  # noqa: PLR2004  redirects and client errors
    return is_clients_fault and status not in {httpx.codes.TOO_MANY_REQUESTS, httpx.codes.REQUEST_TIMEOUT}


def _stopped(error: FetchError, failures: int, wait_s: float) -> FetchError:
    why = f"{error}; given up after {failures} tries in a row"
    if wait_s > LONGEST_WAIT_S:
        why = f"{error}; the server asked for a pause of {wait_s:.0f} s"
    return error.reworded(why)
