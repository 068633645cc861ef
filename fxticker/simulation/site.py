"""A small news site on loopback that shows the ticker as the real pages do: a block repeated eight times."""

from __future__ import annotations

import gzip
import threading
from collections.abc import Sequence
from datetime import date
from html import escape
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Self

from fxticker.model.records import PrintedTick

COPIES = 8
"""How often most real pages repeat the block."""
_ARTICLE = "Filler of the demonstration site. A price in a sentence, KGS/USD = 5 say, is no entry of the ticker."


def render_text(ticks: Sequence[PrintedTick], page_date: date | None, copies: int = COPIES) -> str:
    """A page as saved text: bulleted lines, the date under them, then articles."""
    lines = [f"{'' if not number else '  '}• {_entry(tick)}" for number, tick in enumerate([*ticks] * copies)]
    dated = [_day(page_date)] if page_date else []
    return "\n".join([*lines, *dated, "", "Viewing results 1 - 6 of 51", "", _ARTICLE, ""])


def render_html(ticks: Sequence[PrintedTick], page_date: date | None, copies: int = COPIES) -> str:
    """A page as HTML."""
    items = "\n".join(f'<li class="rate"><b>{escape(tick.pair)}</b> = {_figures(tick)}</li>' for tick in ticks)
    dated = f'<div class="date">{_day(page_date)}</div>' if page_date else ""
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>Demonstration</title>'
        '<style>.rate { display: inline }</style><script>var rates = "KGS/USD = 0 0%";</script></head>\n<body>'
        + f"<ul>\n{items}\n</ul>\n" * copies
        + f"{dated}\n<main><p>{_ARTICLE}</p></main></body></html>\n"
    )


class TickerSite:
    """The site: shows what it was last told to, on a free port of the loopback address."""

    def __init__(self) -> None:
        self._page = b""
        site = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                body = gzip.compress(site._page, compresslevel=1)
                self.send_response(200)
                self.send_header("Content-Type", "text/html; charset=utf-8")
                self.send_header("Content-Encoding", "gzip")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_args: object) -> None:
                """Keep quiet: the demonstration prints what matters."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)

    @property
    def url(self) -> str:
        """Where the site is."""
        return f"http://127.0.0.1:{self._server.server_port}/"

    def show(self, ticks: Sequence[PrintedTick], page_date: date) -> None:
        """Let the site show these figures under this date."""
        self._page = render_html(ticks, page_date).encode()

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def _entry(tick: PrintedTick) -> str:
    return f"{tick.pair} = {tick.rate_text}" + (f" {tick.change_text}" if tick.change_text is not None else "")


def _figures(tick: PrintedTick) -> str:
    change = f' <span class="change">{escape(tick.change_text)}</span>' if tick.change_text is not None else ""
    return f"<span>{escape(tick.rate_text)}</span>{change}"


def _day(day: date) -> str:
    return f"{day.day} {day:%B} {day.year:04}"
