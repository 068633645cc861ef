"""Handler: one request from its parameters to its answer, with the errors of its endpoint's shape."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from starlette.types import Message, Receive, Scope, Send

from fxticker.errors import FxTickerError, one_line
from fxticker.model.invalid import InvalidArgument
from fxticker.web.answer_cache import AnswerCache, Kept
from fxticker.web.answers import Answer
from fxticker.web.errors import Refused, refusal_of
from fxticker.web.fast_path import key_of
from fxticker.web.guard import send_refusal
from fxticker.web.parameters import fields_of
from fxticker.web.reader import Pace, Reader
from fxticker.web.sending import send_answer
from fxticker.web.view import View

_SERVER_ERROR = 500
_OF_A_PART = frozenset({b"range", b"if-range", b"if-match"})
"""Headers on which the answer about a file depends, and an error too: such requests are not answered together."""

_log = logging.getLogger("fxticker")


@dataclass(frozen=True, slots=True)
class Asked:
    """A request as an endpoint sees it.

    Attributes
    ----------
    path
        Parts of the path, by the names in the route.
    fields
        Parameters of the query.
    headers
        By lower-case name.
    """

    path: Mapping[str, str]
    fields: Mapping[str, str]
    headers: Mapping[bytes, bytes]

    @property
    def accept(self) -> str:
        """The header ``Accept``; empty if there is none."""
        return self.headers.get(b"accept", b"").decode("latin-1")


Endpoint = Callable[[View, Asked], Answer]
Body = Callable[[Refused], dict[str, Any]]
"""Returns the body of an error, in the shape of an endpoint."""


class Handler:
    """Answers the requests of one path.

    Parameters
    ----------
    reader
        Reads the store.
    cache
        The answers of before.
    endpoint
        Computes an answer; it runs in a thread of the reader.
    body
        Shape of errors.
    pace
        Which threads compute it.
    """

    def __init__(
        self, reader: Reader, cache: AnswerCache, endpoint: Endpoint, body: Body, pace: Pace = Pace.SHORT
    ) -> None:
        self._reader = reader
        self._cache = cache
        self._endpoint = endpoint
        self._body = body
        self._pace = pace

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        is_begun = False

        async def send_noted(message: Message) -> None:
            nonlocal is_begun
            is_begun = True
            await send(message)

        try:
            await send_answer(await self._kept(scope), scope, receive, send_noted, self._reader)
        except (FxTickerError, InvalidArgument) as error:
            refusal = refusal_of(error)
            if refusal.status >= _SERVER_ERROR:
                _log.warning("web: %s: %s", one_line(scope["path"]), one_line(refusal))
            if not is_begun:  # else the answer stays without its end
                await send_refusal(send, refusal, self._body(refusal))

    async def _kept(self, scope: Scope) -> Kept:
        view = await self._reader.view()
        key, version = key_of(scope), view.catalogue.version
        kept = self._cache.get(key, version, view.now)
        if kept is not None:
            return kept
        asked = Asked(scope.get("path_params", {}), fields_of(scope["query_string"]), dict(scope["headers"]))
        if not _OF_A_PART.isdisjoint(asked.headers):
            return await self._computed(view, asked)
        return await self._cache.computed(key, version, lambda: self._computed(view, asked))

    async def _computed(self, view: View, asked: Asked) -> Kept:
        def compute() -> Kept:  # the hash of a long body too
            return Kept.of(self._endpoint(view, asked), view.catalogue.version, self._reader.expires(view.now))

        return await self._reader.run(compute, self._pace)
