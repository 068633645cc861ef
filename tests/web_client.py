"""A client of the HTTP API within the process: no socket, no thread but those that read the store."""

import asyncio
import logging
from datetime import UTC, datetime

import httpx

from fxticker.sources.rate_order import DEFAULT_ORDER
from fxticker.store.store import Store
from fxticker.web.app import build
from fxticker.web.reader import Reader

EVENING = datetime(2026, 2, 25, 18, tzinfo=UTC)
"""Six hours after the last capture of the packaged history."""


class Client:
    """Sends requests to the application that serves a store."""

    def __init__(self, store, now=EVENING, order=DEFAULT_ORDER, planned=(), **limits):
        opened = store if isinstance(store, Store) else Store(store)
        self.reader = Reader(opened, now=now, order=order, planned=planned, **limits)
        self.app = build(self.reader)

    def get(self, path, **headers):
        return self.send("GET", path, **headers)

    def send(self, method, path, **headers):
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return asyncio.run(self._send(method, path, named))

    async def _send(self, method, path, headers):
        transport = httpx.ASGITransport(self.app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost:8080") as client:
            return await client.request(method, path, headers=headers)


logging.getLogger("httpx").setLevel(logging.WARNING)
