"""Sending: an answer as messages of ASGI, whole or piece by piece, none of which may wait for a client for ever."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

from starlette.types import Scope, Send

from fxticker.web.answers import Answer, encoded, head_of, is_known
from fxticker.web.reader import Reader

SEND_S = 30.0
"""Seconds that a client may take for one piece of 64 kB before its connection is closed."""
_UNCHANGED = (b"content-type", b"content-length")
_OK, _NOT_MODIFIED = 200, 304


async def send_answer(answer: Answer, scope: Scope, send: Send, reader: Reader, max_age_s: int) -> None:
    """Send an answer to a request, or that the client has it already.

    Parameters
    ----------
    answer
        The answer.
    scope
        The request.
    send
        Sends messages.
    reader
        Computes the next piece of a longer answer.
    max_age_s
        Seconds for which one about the present may be kept.
    """
    head = head_of(answer, max_age_s)
    if answer.status == _OK and is_known(answer, dict(scope["headers"])):
        unchanged = [(name, value) for name, value in head if name not in _UNCHANGED]
        await send({"type": "http.response.start", "status": _NOT_MODIFIED, "headers": unchanged})
        await send({"type": "http.response.body"})
        return
    if isinstance(answer.body, bytes):
        head += encoded([("content-length", str(len(answer.body)))])
        await send({"type": "http.response.start", "status": answer.status, "headers": head})
        await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else answer.body})
        return
    await send({"type": "http.response.start", "status": answer.status, "headers": head})
    if scope["method"] != "HEAD":
        await _send_pieces(answer.body, send, reader)
    await send({"type": "http.response.body"})


async def _send_pieces(pieces: Iterator[bytes], send: Send, reader: Reader) -> None:
    """Send the pieces one by one: the next one is computed when the client has taken this one."""
    while (piece := await reader.run(lambda: next(pieces, None))) is not None:
        message = {"type": "http.response.body", "body": piece, "more_body": True}
        await asyncio.wait_for(send(message), SEND_S)
