"""News site on loopback that shows the ticker as the real pages do: list items, eight times, then a date block.

All 371 captured pages equal what Resiliparse, a text extractor, makes of such items (``tests/test_extractor.py``). What
stands inside of an item is not known, so the site serves several kinds of markup, one after the other.
"""

from __future__ import annotations

import gzip
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from html import escape
from itertools import cycle
from typing import Self

from fxticker.model.records import PrintedTick
from fxticker.simulation.loopback_server import LoopbackServer, answering, date_line

COPIES = 8
"""Copies of the block on most of the 371 captured pages."""
_RESULTS = "Viewing results 1 - 6 of 51"
_ARTICLE = "Filler of the demonstration site. A price in a sentence, KGS/USD = 5 say, is no entry of the ticker."
_HEAD = (
    '<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>Demonstration</title>'
    '<style>.rate { display: inline }</style><script>var rates = "KGS/USD = 0 0%";</script></head>\n<body>'
)


@dataclass(frozen=True, slots=True)
class Markup:
    """The markup of a page's ticker; all kinds show the same text.

    Attributes
    ----------
    item
        Of an entry, with places for ``{pair}``, ``{rate}`` and the rest of the line, ``{change}``.
    change
        Of a percentage: ``{change}``.
    list_start, list_end
        Around the items of a list.
    one_list
        Whether one list holds the items of all copies; else each copy has its own.
    date
        Of the date block: ``{date}``.
    """

    item: str
    change: str = " {change}"
    list_start: str = "<ul>\n"
    list_end: str = "</ul>\n"
    one_list: bool = False
    date: str = '<div class="date">{date}</div>'


MARKUPS = {
    "spans": Markup(
        '<li class="rate"><b>{pair}</b> = <span>{rate}</span>{change}</li>\n', ' <span class="change">{change}</span>'
    ),
    "plain": Markup("<li>{pair} = {rate}{change}</li>\n"),
    "links": Markup(
        '<li><a href="/rates/?pair={pair}&amp;from=ticker" title="{pair}">{pair} = {rate}{change}</a></li>\n',
        list_start='<nav aria-label="Rates"><ul>\n',
        list_end="</ul></nav>\n",
    ),
    "nested": Markup(
        "<li><span><span><b>{pair}</b> <span>=</span> <em><strong>{rate}</strong></em>{change}</span></span></li>",
        ' <span class="down"><small>{change}</small></span>',
        list_start='<div class="marquee"><div><ul>',
        list_end="</ul></div></div>",
        date="<div><time>{date}</time></div>",
    ),
    "one list": Markup(
        "<li>\n  {pair} =\n  {rate}{change}\n</li>\n",
        "\n  <span>{change}</span>",
        one_list=True,
        date="<section>{date}</section>",
    ),
    "attributes": Markup(
        '<li id="rate" class=\'item rate\' data-pair="{pair}" data-text="{pair} = 9 9%" style="color: #333">{pair} ='
        ' <span class="value" data-value="9.99999">{rate}</span>{change}</li>\n',
        ' <span class=change style="color:green" data-change="9%">{change}</span>',
        list_start='<ul class="ticker-list" data-copy="9.99999 9%" role=list>\n',
    ),
    "open items": Markup("<li>{pair} = {rate}{change}", " <i>{change}</i>", list_start="<ul>", list_end="</ul>"),
}
"""Kinds of markup by name. The first is that of pages which do not say."""


def render_text(ticks: Sequence[PrintedTick], page_date: date | None, copies: int = COPIES) -> str:
    """Render a page as saved text: bulleted lines, the date below them, then articles."""
    lines = [f"{'' if not number else '  '}• {_entry_text(tick)}" for number, tick in enumerate([*ticks] * copies)]
    dated = [_date_text(page_date)] if page_date else []
    return "\n".join([*lines, *dated, "", _RESULTS, "", _ARTICLE, ""])


def render_html(
    ticks: Sequence[PrintedTick], page_date: date | None, copies: int = COPIES, markup: Markup = MARKUPS["spans"]
) -> str:
    """Render a page as HTML."""
    items = "".join(_item(tick, markup) for tick in ticks)
    lists = (items * copies,) if markup.one_list else (items,) * copies
    ticker = "".join(markup.list_start + each + markup.list_end for each in lists)
    dated = markup.date.replace("{date}", _date_text(page_date)) if page_date else ""
    return f"{_HEAD}{ticker}{dated}\n<main><p>{_RESULTS}</p><p>{_ARTICLE}</p></main></body></html>\n"


class TickerSite:
    """The site, on a free port of the loopback address; every path has the page that was last shown."""

    def __init__(self) -> None:
        self._server = LoopbackServer(answering(b""))
        self._markups = cycle(MARKUPS.values())

    @property
    def url(self) -> str:
        """Address of the page."""
        return self._server.url

    def show(self, ticks: Sequence[PrintedTick], page_date: date, now: datetime | None = None) -> None:
        """Replace the page by one with these ticks and this date, in the next kind of markup.

        `now` is the site's time, which its answers have as ``Date``; with `None` they have none.
        """
        page = render_html(ticks, page_date, markup=next(self._markups))
        body = gzip.compress(page.encode(), compresslevel=1)
        dated = [] if now is None else [date_line(now)]
        self._server.answer = answering(body, "Content-Encoding: gzip", *dated)

    def __enter__(self) -> Self:
        self._server.__enter__()
        return self

    def __exit__(self, *error: object) -> None:
        self._server.__exit__(*error)


def _entry_text(tick: PrintedTick) -> str:
    return f"{tick.pair} = {tick.rate_text}" + (f" {tick.change_text}" if tick.change_text is not None else "")


def _item(tick: PrintedTick, markup: Markup) -> str:
    change = "" if tick.change_text is None else markup.change.replace("{change}", escape(tick.change_text))
    item = markup.item.replace("{pair}", escape(tick.pair)).replace("{rate}", escape(tick.rate_text))
    return item.replace("{change}", change)


def _date_text(day: date) -> str:
    return f"{day.day} {day:%B} {day.year:04}"
