"""Routes: which endpoint answers which path, and in which shape its errors are."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path as Folder

from fxticker.web import (
    currencies_v2,
    fixer,
    frankfurter_v1,
    frankfurter_v2,
    health,
    openapi,
    parquet_files,
    providers_v2,
    record,
    root,
)
from fxticker.web import open_exchange_rates as oxr
from fxticker.web.answers import Answer
from fxticker.web.errors import not_found, plain, with_status
from fxticker.web.handler import Asked, Body, Endpoint
from fxticker.web.page_files import page_file, to_page
from fxticker.web.reader import Pace
from fxticker.web.view import View

ACCESS_KEY = b"access_key="
"""A parameter of Fixer alone: it tells its paths from those of Frankfurter's version 1, which are the same."""


@dataclass(frozen=True, slots=True)
class Path:
    """A path and what answers it.

    Attributes
    ----------
    pattern
        As Starlette reads it.
    endpoint
        Computes the answer.
    body
        Shape of errors.
    if_query
        The query contains this; None for any query.
    pace
        Which threads compute it.
    """

    pattern: str
    endpoint: Endpoint
    body: Body
    if_query: bytes | None = None
    pace: Pace = Pace.SHORT


def paths(served: Callable[[], Mapping[int, int]], page: Folder | None = None) -> list[Path]:
    """Return all paths; the first one that matches answers.

    Parameters
    ----------
    served
        Returns the number of answers so far, by status.
    page
        A published folder; None for no page.
    """
    return [
        Path("/", lambda view, _: root.root(view), with_status),
        Path("/openapi.json", lambda _view, _asked: openapi.openapi(), with_status),
        Path("/healthz", lambda view, asked: health.healthz(view, asked.accept), with_status),
        Path("/metrics", lambda view, asked: health.metrics(view, asked.accept, served()), with_status),
        *_frankfurter_v2(),
        Path("/parquet/manifest.json", lambda view, _: parquet_files.manifest(view), with_status, pace=Pace.LONG),
        Path(
            "/parquet/{name:path}",
            lambda view, asked: parquet_files.file(view, asked.path["name"], asked.headers),
            with_status,
        ),
        *([] if page is None else _published_page(page)),
        *_frankfurter_v1("/v1"),
        *_open_exchange_rates(""),
        *_open_exchange_rates("/api"),
        *_fixer("/fixer"),
        *_fixer("/api"),
        *_fixer("", ACCESS_KEY),
        *_frankfurter_v1(""),
        Path("/{path:path}", _no_such_path, with_status),
    ]


def _published_page(folder: Folder) -> list[Path]:
    return [
        Path("/page", lambda _view, _asked: to_page(), with_status),
        Path("/page/{name:path}", lambda _, asked: page_file(folder, asked.path["name"]), with_status),
    ]


def _frankfurter_v1(prefix: str) -> list[Path]:
    """Return the paths of version 1, which old programs also ask for without its prefix."""
    return [
        Path(f"{prefix}/latest", lambda view, asked: frankfurter_v1.latest(view, asked.fields), plain),
        Path(f"{prefix}/current", lambda view, asked: frankfurter_v1.latest(view, asked.fields), plain),
        Path(f"{prefix}/currencies", lambda view, _: frankfurter_v1.currencies(view), plain),
        Path(
            f"{prefix}/{{days}}", lambda view, asked: frankfurter_v1.on(view, asked.fields, asked.path["days"]), plain
        ),
    ]


def _frankfurter_v2() -> list[Path]:
    return [
        Path("/v2/rates", lambda view, asked: frankfurter_v2.rates(view, asked.fields, asked.accept), with_status),
        Path("/v2/rates.csv", lambda view, asked: frankfurter_v2.rates_csv(view, asked.fields), with_status),
        Path(
            "/v2/rate/{base}/{quote}",
            lambda view, asked: frankfurter_v2.rate(view, asked.fields, asked.path["base"], asked.path["quote"]),
            with_status,
        ),
        Path("/v2/currencies", lambda view, asked: currencies_v2.currencies(view, asked.fields), with_status),
        Path("/v2/currency/{code}", lambda view, asked: currencies_v2.currency(view, asked.path["code"]), with_status),
        Path("/v2/providers", lambda view, _: providers_v2.providers(view), with_status),
        Path("/v2/gaps", lambda view, asked: record.gaps(view, asked.fields), with_status, pace=Pace.LONG),
        Path("/v2/coverage", lambda view, asked: record.coverage(view, asked.fields), with_status, pace=Pace.LONG),
        Path("/v2/polls", lambda view, asked: record.polls(view, asked.fields), with_status, pace=Pace.LONG),
        Path("/v2/drift", lambda view, asked: record.drift(view, asked.fields), with_status, pace=Pace.LONG),
        Path("/v2/{path:path}.csv", lambda view, _: frankfurter_v2.not_as_csv(view), with_status),
        Path("/v2/{path:path}", _no_such_path, with_status),
    ]


def _open_exchange_rates(prefix: str) -> list[Path]:
    """Return the paths of Open Exchange Rates, which are below ``/api`` on its own host."""
    found: list[tuple[str, Endpoint]] = [
        ("/latest.json", lambda view, asked: oxr.latest(view, asked.fields)),
        ("/historical/{day}.json", lambda view, asked: oxr.historical(view, asked.fields, asked.path["day"])),
        ("/time-series.json", lambda view, asked: oxr.time_series(view, asked.fields)),
        ("/currencies.json", lambda view, _: oxr.currencies(view)),
        ("/convert.json", lambda view, asked: oxr.convert_query(view, asked.fields)),
        (
            "/convert/{amount}/{base}/{quote}",
            lambda view, asked: oxr.convert(view, asked.path["amount"], asked.path["base"], asked.path["quote"]),
        ),
    ]
    return [Path(f"{prefix}{path}", endpoint, oxr.error_body) for path, endpoint in found]


def _fixer(prefix: str, if_query: bytes | None = None) -> list[Path]:
    """Return the paths of Fixer, which are below ``/api`` on its own host."""
    found: list[tuple[str, Endpoint]] = [
        ("/latest", lambda view, asked: fixer.latest(view, asked.fields)),
        ("/symbols", lambda view, _: fixer.symbols(view)),
        ("/timeseries", lambda view, asked: fixer.time_series(view, asked.fields)),
        ("/convert", lambda view, asked: fixer.convert(view, asked.fields)),
        ("/{day}", lambda view, asked: fixer.on(view, asked.fields, asked.path["day"])),
    ]
    return [Path(f"{prefix}{path}", endpoint, fixer.error_body, if_query) for path, endpoint in found]


def _no_such_path(view: View, asked: Asked) -> Answer:
    del view
    raise not_found(f"there is no path {asked.path['path'][:100]}")
