"""Guard: refuses requests that no endpoint should see, and gives every answer the headers that protect its reader."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, MutableMapping
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from fxticker.web.answers import dumps, encoded
from fxticker.web.errors import Refused, with_status

MAX_TARGET_BYTES = 4000
"""Bytes of a path and of a query: all currencies of ISO 4217 in a list have 700."""
_METHODS = "GET, HEAD, OPTIONS"
_ALLOWED = frozenset(_METHODS.split(", "))
_MAX_KNOWN = 64
"""Values of the header Host that are remembered as own ones: names with some ports."""
_BAD_ESCAPE = re.compile(rb"%(?![0-9A-Fa-f]{2})")
_HOST = re.compile(r"(\[[0-9a-f:.]+\]|[a-z0-9._-]+)(?::\d{1,5})?")
POLICY = "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
"""Content-Security-Policy of data: nothing of it runs or loads anything, should a browser take it for a page."""
_HEADERS = encoded(
    [
        ("content-security-policy", POLICY),
        ("x-content-type-options", "nosniff"),
        ("access-control-allow-origin", "*"),
        ("access-control-expose-headers", "*"),
    ]
)
_PREFLIGHT = encoded(
    [
        ("access-control-allow-methods", _METHODS),
        ("access-control-allow-headers", "*"),
        ("access-control-max-age", "86400"),
        ("allow", _METHODS),
    ]
)


class Guard:
    """The outermost application.

    Parameters
    ----------
    app
        What answers the requests that are let through.
    hosts
        Names by which this server may be addressed, without ports, in lower case. A page of another site that makes
        its own name lead here is refused.
    headers
        Further headers of every answer.

    Attributes
    ----------
    served
        Number of answers, by status.
    """

    def __init__(self, app: ASGIApp, hosts: Collection[str], headers: Collection[tuple[str, str]] = ()) -> None:
        self._app = app
        self._hosts = frozenset(hosts)
        self._headers = [*_HEADERS, *encoded([*headers])]
        self._known: set[bytes] = set()
        self.served: Counter[int] = Counter()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1000})
            return
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_protected(message: MutableMapping[str, Any]) -> None:
            if message["type"] == "http.response.start":
                self.served[message["status"]] += 1
                given = [*message.get("headers", ())]
                named = {name for name, _ in given}
                message["headers"] = [*given, *(header for header in self._headers if header[0] not in named)]
            await send(message)

        refusal = self._refusal(scope)
        if refusal is not None:
            await send_refusal(send_protected, refusal)
        elif scope["method"] == "OPTIONS":
            await send_protected({"type": "http.response.start", "status": 204, "headers": list(_PREFLIGHT)})
            await send_protected({"type": "http.response.body"})
        else:
            await self._app(scope, receive, send_protected)

    def _refusal(self, scope: Scope) -> Refused | None:
        """Return why a request is not let through; None if it is."""
        hosts = [value for name, value in scope["headers"] if name == b"host"]
        if len(hosts) != 1 or not self._is_own(hosts[0]):
            detail = "this server does not have the name in the header Host; `fxticker serve --host NAME` adds one"
            return Refused(421, "unknown host", detail)
        if scope["method"] not in _ALLOWED:
            return Refused(405, "method not allowed", f"there are {_METHODS}", (("allow", _METHODS),))
        path, query = scope.get("raw_path") or scope["path"].encode(), scope["query_string"]
        if len(path) > MAX_TARGET_BYTES or len(query) > MAX_TARGET_BYTES:
            return Refused(414, "too long", f"a path and a query have at most {MAX_TARGET_BYTES} bytes")
        if b"%" in path and (_BAD_ESCAPE.search(path) or "\x00" in scope["path"]):
            return Refused(400, "invalid path", "its percent-encoding is broken")
        return None

    def _is_own(self, host: bytes) -> bool:
        if host not in self._known:
            match = _HOST.fullmatch(host.decode("latin-1").lower())
            if match is None or match[1] not in self._hosts:
                return False
            if len(self._known) < _MAX_KNOWN:
                self._known.add(host)
        return True


async def send_refusal(send: Send, refusal: Refused, body: dict[str, Any] | None = None) -> None:
    """Send an error; its body is that of version 2 by default, and a status that stands in it is the one sent."""
    body = with_status(refusal) if body is None else body
    content = dumps(body)
    headers = [
        ("content-type", "application/json; charset=utf-8"),
        ("content-length", str(len(content))),
        ("cache-control", "no-store"),
        *refusal.headers,
    ]
    start: Message = {
        "type": "http.response.start",
        "status": body.get("status", refusal.status),
        "headers": encoded(headers),
    }
    await send(start)
    await send({"type": "http.response.body", "body": content})
