"""Application: the endpoints of all paths behind the guard."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path as Folder

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Match, Route
from starlette.types import Scope

from fxticker.web import live_endpoint
from fxticker.web.answer_cache import AnswerCache
from fxticker.web.answers import dumps
from fxticker.web.errors import FAULT, Refused, with_status
from fxticker.web.fast_path import FastPath
from fxticker.web.guard import Guard
from fxticker.web.handler import Handler
from fxticker.web.live import Live
from fxticker.web.live_endpoint import LiveEndpoint
from fxticker.web.reader import Reader
from fxticker.web.routes import Path, paths

LOOPBACK_HOSTS = frozenset({"localhost", "127.0.0.1", "[::1]"})
FROZEN_HEADER = "x-fxticker-now"
"""Header of every answer of a server whose present stands still."""


def build(
    reader: Reader,
    hosts: Collection[str] = LOOPBACK_HOSTS,
    page: Folder | None = None,
    live: Live | None = None,
) -> Guard:
    """Return the application that serves a store.

    Parameters
    ----------
    reader
        Reads the store.
    hosts
        Names by which the server may be addressed.
    page
        A published folder that is served below ``/page/``.
    live
        The listeners of the store; by default there are none yet.
    """
    guard: Guard
    cache = AnswerCache()
    routes = [
        _Route(path, Handler(reader, cache, path.endpoint, path.body, path.pace))
        for path in paths(lambda: guard.served, page)
    ]
    listening = Route(live_endpoint.PATH, LiveEndpoint(Live(reader) if live is None else live))
    starlette = Starlette(routes=[listening, *routes], exception_handlers={Exception: _fault})
    starlette.router.redirect_slashes = False
    frozen = [] if reader.frozen_at is None else [(FROZEN_HEADER, f"{reader.frozen_at:%Y-%m-%dT%H:%M:%SZ}")]
    guard = Guard(FastPath(starlette, cache, reader), hosts, frozen)
    return guard


async def _fault(_request: Request, _error: Exception) -> Response:
    """Answer where the program has a fault; Starlette raises the exception again, for the log."""
    content = dumps(with_status(Refused(500, FAULT)))
    return Response(content, 500, {"cache-control": "no-store"}, "application/json; charset=utf-8")


class _Route(Route):
    """A route that may depend on the query too."""

    def __init__(self, path: Path, handler: Handler) -> None:
        super().__init__(path.pattern, handler)
        self._if_query = path.if_query

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """Return whether a request is of this path."""
        if self._if_query is not None and self._if_query not in scope["query_string"]:
            return Match.NONE, {}
        return super().matches(scope)
