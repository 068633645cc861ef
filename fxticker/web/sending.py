"""Sending: an answer as messages of ASGI, whole or piece by piece, none of which may wait for a client for ever."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator, Mapping
from functools import partial

from starlette.types import Receive, Scope, Send

from fxticker.web.answer_cache import Kept
from fxticker.web.answers import cache_control, is_known
from fxticker.web.reader import Pace, Reader

SEND_S = 30.0
"""Seconds that a client may take for one piece before its connection is closed."""
_NOT_MODIFIED = 304
_WHOLE_OR_PART = (200, 206)
_OF_THE_BODY = (b"content-type", b"content-length", b"content-range")

_log = logging.getLogger("fxticker")


async def send_answer(kept: Kept, scope: Scope, receive: Receive, send: Send, reader: Reader) -> None:
    """Send an answer to a request, or that the client has it already.

    An answer that cannot be sent to its end is left without one: the connection is then cut, so that nobody takes a
    part for the whole.

    Parameters
    ----------
    kept
        The answer.
    scope, receive, send
        The request, what comes from its client, and what goes to it.
    reader
        Computes the next piece of a longer answer.
    """
    answer = kept.answer
    left_s = 0 if reader.frozen_at is not None else int((kept.expires - reader.now()).total_seconds())
    control = cache_control(answer, left_s)
    headers: Mapping[bytes, bytes] = dict(scope["headers"])
    if (
        b"if-none-match" in headers
        and answer.status in _WHOLE_OR_PART
        and is_known(kept.etag, headers[b"if-none-match"])
    ):
        unchanged = [control, *(header for header in kept.head if header[0] not in _OF_THE_BODY)]
        await send({"type": "http.response.start", "status": _NOT_MODIFIED, "headers": unchanged})
        await send({"type": "http.response.body"})
        return
    start = {"type": "http.response.start", "status": answer.status, "headers": [control, *kept.head]}
    if isinstance(answer.body, bytes):
        await send(start)
        await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else answer.body})
        return
    with reader.long_answer():
        first = await reader.run(partial(next, answer.body, None), Pace.LONG)  # its error is one of the answer
        await send(start)
        if scope["method"] == "HEAD" or await _sent_pieces(first, answer.body, receive, send, reader):
            await send({"type": "http.response.body"})


async def _sent_pieces(
    piece: bytes | None, pieces: Iterator[bytes], receive: Receive, send: Send, reader: Reader
) -> bool:
    """Send a piece and all others, each computed when the client has the one before; return whether all were sent."""
    left = asyncio.ensure_future(gone(receive))
    try:
        while not left.done():
            if piece is None:
                return True
            await asyncio.wait_for(send({"type": "http.response.body", "body": piece, "more_body": True}), SEND_S)
            piece = await reader.run(partial(next, pieces, None), Pace.LONG)
    except TimeoutError:
        _log.warning("web: a client took more than %g s for a piece of its answer", SEND_S)
    finally:
        left.cancel()
    return False


async def gone(receive: Receive) -> None:
    """Return when the client has gone away."""
    while (await receive())["type"] != "http.disconnect":
        pass
