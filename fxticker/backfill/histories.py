"""A request for a source's past days, and what its answer says of them."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import date
from urllib.parse import urljoin

import httpx

from fxticker.errors import BadStatus, OtherDate, ParseError
from fxticker.fetch.client import Fetch, Response
from fxticker.fetch.throttle import Throttle
from fxticker.model.printed import InvalidNumber
from fxticker.model.records import Snapshot
from fxticker.sources import History, Source

MAX_STANDING_DAYS = 14
"""For a day without figures banks answer with those of the last day that has some, before it by holidays at most."""
_log = logging.getLogger("fxticker")


def answer_of(
    source: Source, history: History, first: date, last: date, fetch: Fetch, pacing: Throttle
) -> Sequence[Snapshot]:
    """The snapshots that a source has for some days; none where it says that it lacks a single day.

    Raises
    ------
    FetchError
        If no answer came.
    ParseError, BadFigure
        If the answer is of no use.
    """
    url = urljoin(source.url, history.path(first, last))
    is_one_day = history.span_days == 1

    def request() -> Response:
        return fetch(url, media_types=history.media_types)

    try:
        answer = pacing.request(request, pause_s=history.pause_s, settling=[httpx.codes.NOT_FOUND])
        return _parsed(source, history, answer, first, last)
    except BadStatus as error:
        # A day that is a file of its own is not there if there were no figures; a script that is not there has moved.
        if is_one_day and error.http_status == httpx.codes.NOT_FOUND:
            return []
        raise
    except OtherDate as error:
        # Today's list, a later one or a copy that stands still says nothing of the day.
        if is_one_day and 1 <= (last - error.answered).days <= MAX_STANDING_DAYS:
            return []
        raise


def _parsed(source: Source, history: History, answer: Response, first: date, last: date) -> Sequence[Snapshot]:
    """What an answer holds; a fault in a source's own code makes it one that cannot be read."""
    try:
        return list(history.parse(answer.body, answer.headers, first, last))
    except (ParseError, InvalidNumber):
        raise
    except Exception as error:
        _log.exception("%s: fault while reading the answer for %s to %s", source.id, first, last)
        raise ParseError(f"{type(error).__name__}: see the log") from error
