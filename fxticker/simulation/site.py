"""News site on loopback that shows the ticker as the real pages do: a block repeated eight times."""

from __future__ import annotations

import gzip
from collections.abc import Sequence
from datetime import date
from html import escape
from typing import Self

from fxticker.model.records import PrintedTick
from fxticker.simulation.loopback_server import LoopbackServer, answering

COPIES = 8
"""Copies of the block on most of the 371 captured pages."""
_ARTICLE = "Filler of the demonstration site. A price in a sentence, KGS/USD = 5 say, is no entry of the ticker."


def render_text(ticks: Sequence[PrintedTick], page_date: date | None, copies: int = COPIES) -> str:
    """Render a page as saved text: bulleted lines, the date below them, then articles."""
    lines = [f"{'' if not number else '  '}• {_entry_text(tick)}" for number, tick in enumerate([*ticks] * copies)]
    dated = [_date_text(page_date)] if page_date else []
    return "\n".join([*lines, *dated, "", "Viewing results 1 - 6 of 51", "", _ARTICLE, ""])


def render_html(ticks: Sequence[PrintedTick], page_date: date | None, copies: int = COPIES) -> str:
    """Render a page as HTML."""
    items = "\n".join(f'<li class="rate"><b>{escape(tick.pair)}</b> = {_rate_html(tick)}</li>' for tick in ticks)
    dated = f'<div class="date">{_date_text(page_date)}</div>' if page_date else ""
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>Demonstration</title>'
        '<style>.rate { display: inline }</style><script>var rates = "KGS/USD = 0 0%";</script></head>\n<body>'
        + f"<ul>\n{items}\n</ul>\n" * copies
        + f"{dated}\n<main><p>{_ARTICLE}</p></main></body></html>\n"
    )


class TickerSite:
    """The site, on a free port of the loopback address; every path has the page that was last shown."""

    def __init__(self) -> None:
        self._server = LoopbackServer(answering(b""))

    @property
    def url(self) -> str:
        """Address of the page."""
        return self._server.url

    def show(self, ticks: Sequence[PrintedTick], page_date: date) -> None:
        """Replace the page by one with these ticks and this date."""
        body = gzip.compress(render_html(ticks, page_date).encode(), compresslevel=1)
        self._server.answer = answering(body, "Content-Encoding: gzip")

    def __enter__(self) -> Self:
        self._server.__enter__()
        return self

    def __exit__(self, *error: object) -> None:
        self._server.__exit__(*error)


def _entry_text(tick: PrintedTick) -> str:
    return f"{tick.pair} = {tick.rate_text}" + (f" {tick.change_text}" if tick.change_text is not None else "")


def _rate_html(tick: PrintedTick) -> str:
    change = f' <span class="change">{escape(tick.change_text)}</span>' if tick.change_text is not None else ""
    return f"<span>{escape(tick.rate_text)}</span>{change}"


def _date_text(day: date) -> str:
    return f"{day.day} {day:%B} {day.year:04}"
