"""Fast path: answers that are in the cache, before any route is looked at."""

from __future__ import annotations

from starlette.types import ASGIApp, Receive, Scope, Send

from fxticker.web.answer_cache import AnswerCache, Key
from fxticker.web.reader import Reader
from fxticker.web.sending import send_answer


class FastPath:
    """Answers from the cache what it can, and leaves the rest to the routes.

    Parameters
    ----------
    app
        The routes.
    cache
        The answers of before.
    reader
        Knows the version of the store.
    """

    def __init__(self, app: ASGIApp, cache: AnswerCache, reader: Reader) -> None:
        self._app = app
        self._cache = cache
        self._reader = reader

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        version = self._reader.known_version()
        if version is not None and scope["type"] == "http":
            kept = self._cache.get(key_of(scope), version, self._reader.now())
            if kept is not None:
                await send_answer(kept, scope, receive, send, self._reader)
                return
        await self._app(scope, receive, send)


def key_of(scope: Scope) -> Key:
    """Return what an answer depends on in a request."""
    accept = b""
    for name, value in scope["headers"]:
        if name == b"accept":
            accept = value
    return scope["path"], scope["query_string"], accept
