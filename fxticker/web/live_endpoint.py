"""Live endpoint: ``/live`` as server-sent events, until the listener goes away or is too slow."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping

from starlette.types import Receive, Scope, Send

from fxticker.errors import FxTickerError, one_line
from fxticker.web.answers import encoded
from fxticker.web.errors import refusal_of
from fxticker.web.guard import send_refusal
from fxticker.web.live import Listener, Live
from fxticker.web.parameters import fields_of, require_known
from fxticker.web.sending import SEND_S, gone

PATH = "/live"
_HEAD = encoded(
    [
        ("content-type", "text/event-stream; charset=utf-8"),
        ("cache-control", "no-store"),
        ("x-accel-buffering", "no"),  # nginx would hold events back
    ]
)
_SERVER_ERROR = 500

_log = logging.getLogger("fxticker")


class LiveEndpoint:
    """Answers ``/live``.

    Parameters
    ----------
    live
        The listeners.
    """

    def __init__(self, live: Live) -> None:
        self._live = live

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        headers: Mapping[bytes, bytes] = dict(scope["headers"])
        given = headers.get(b"last-event-id")
        try:
            require_known(fields_of(scope["query_string"]), ())
            async with self._live.listening(None if given is None else given.decode("latin-1")) as listener:
                await send({"type": "http.response.start", "status": 200, "headers": list(_HEAD)})
                if scope["method"] == "HEAD":
                    await send({"type": "http.response.body"})
                else:
                    await _send_all(listener, receive, send)
        except FxTickerError as error:
            refusal = refusal_of(error)
            if refusal.status >= _SERVER_ERROR:
                _log.warning("web: %s: %s", PATH, one_line(refusal))
            await send_refusal(send, refusal)


async def _send_all(listener: Listener, receive: Receive, send: Send) -> None:
    """Send what there is for a listener until it is over; one that takes nothing is left without an end, and is cut."""
    client = asyncio.ensure_future(gone(receive))
    client.add_done_callback(lambda _: listener.end())
    try:
        while (piece := await listener.next()) is not None:
            await asyncio.wait_for(send({"type": "http.response.body", "body": piece, "more_body": True}), SEND_S)
        await asyncio.wait_for(send({"type": "http.response.body"}), SEND_S)
    except TimeoutError:
        _log.warning("web: a listener is dropped, it took more than %g s for an event", SEND_S)
    finally:
        client.cancel()
