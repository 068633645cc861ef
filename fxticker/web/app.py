"""Application: which endpoint answers which path, and what surrounds each of them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from importlib.metadata import version
from typing import Any

from starlette.applications import Starlette
from starlette.routing import Route

from fxticker.web import currencies_v2, frankfurter_v1, frankfurter_v2, health, providers_v2
from fxticker.web.answer_cache import AnswerCache
from fxticker.web.answers import Answer, Keep, json_answer
from fxticker.web.errors import not_found, plain, with_status
from fxticker.web.guard import Guard
from fxticker.web.handler import Asked, Body, Endpoint, Handler
from fxticker.web.reader import Reader
from fxticker.web.view import View

LOOPBACK_HOSTS = frozenset({"localhost", "127.0.0.1", "[::1]"})
FROZEN_HEADER = "x-fxticker-now"
"""Header of every answer of a server whose present stands still."""


def build(reader: Reader, hosts: Collection[str] = LOOPBACK_HOSTS) -> Guard:
    """Return the application that serves a store.

    Parameters
    ----------
    reader
        Reads the store.
    hosts
        Names by which the server may be addressed.
    """
    guard: Guard
    cache = AnswerCache()
    routes = [
        Route(path, Handler(reader, cache, endpoint, body)) for path, endpoint, body in _endpoints(lambda: guard.served)
    ]
    starlette = Starlette(routes=routes)
    starlette.router.redirect_slashes = False
    frozen = [] if reader.frozen_at is None else [(FROZEN_HEADER, f"{reader.frozen_at:%Y-%m-%dT%H:%M:%SZ}")]
    guard = Guard(starlette, hosts, frozen)
    return guard


def _endpoints(served: Callable[[], Mapping[int, int]]) -> list[tuple[str, Endpoint, Body]]:
    """Return path, endpoint and shape of errors; the first path that matches answers."""
    return [
        ("/", lambda view, _: _root(view), with_status),
        ("/healthz", lambda view, asked: health.healthz(view, asked.accept), with_status),
        ("/metrics", lambda view, asked: health.metrics(view, asked.accept, served()), with_status),
        *_frankfurter_v2(),
        *_frankfurter_v1("/v1"),
        *_frankfurter_v1(""),
        ("/{path:path}", _no_such_path, with_status),
    ]


def _frankfurter_v1(prefix: str) -> list[tuple[str, Endpoint, Body]]:
    """Return the paths of version 1, which old programs also ask for without its prefix."""
    return [
        (f"{prefix}/latest", lambda view, asked: frankfurter_v1.latest(view, asked.fields), plain),
        (f"{prefix}/current", lambda view, asked: frankfurter_v1.latest(view, asked.fields), plain),
        (f"{prefix}/currencies", lambda view, _: frankfurter_v1.currencies(view), plain),
        (f"{prefix}/{{days}}", lambda view, asked: frankfurter_v1.on(view, asked.fields, asked.path["days"]), plain),
    ]


def _frankfurter_v2() -> list[tuple[str, Endpoint, Body]]:
    return [
        ("/v2/rates", lambda view, asked: frankfurter_v2.rates(view, asked.fields, asked.accept), with_status),
        ("/v2/rates.csv", lambda view, asked: frankfurter_v2.rates_csv(view, asked.fields), with_status),
        (
            "/v2/rate/{base}/{quote}",
            lambda view, asked: frankfurter_v2.rate(view, asked.fields, asked.path["base"], asked.path["quote"]),
            with_status,
        ),
        ("/v2/currencies", lambda view, asked: currencies_v2.currencies(view, asked.fields), with_status),
        ("/v2/currency/{code}", lambda view, asked: currencies_v2.currency(view, asked.path["code"]), with_status),
        ("/v2/providers", lambda view, _: providers_v2.providers(view), with_status),
        ("/v2/{path:path}.csv", lambda view, _: frankfurter_v2.not_as_csv(view), with_status),
        ("/v2/{path:path}", _no_such_path, with_status),
    ]


def _root(view: View) -> Answer:
    content: dict[str, Any] = {
        "name": "fxticker",
        "description": "Rates of Central Asian currencies as they were printed, with their rounding error",
        "version": version("fxticker"),
        "versions": {"v1": {"path": "/v1"}, "v2": {"path": "/v2"}},
        "now": view.now.isoformat(timespec="seconds").replace("+00:00", "Z"),
        "is_now_frozen": view.is_frozen,
        "sources": sorted(view.catalogue.sources),
    }
    return json_answer(content, keep=Keep.LATEST)


def _no_such_path(view: View, asked: Asked) -> Answer:
    del view
    raise not_found(f"there is no path {asked.path['path'][:100]}")
