"""Page reading: parses the ticker of a page of 150 kB on one core, with fxticker and with common libraries."""

from __future__ import annotations

import os
import random
import re
import time
from collections.abc import Callable
from datetime import date
from statistics import median
from typing import Any

from fxticker.simulation.captures import read_captures
from fxticker.simulation.site import render_html

PAGE_BYTES = 150_000
_ENTRY = re.compile(r"([A-Z]{3}/[A-Z]{3})\s*=\s*(\d+\.\d+)\s+(-?\d+(?:\.\d+)?%)")
_SYLLABLES = ("ka", "ro", "mi", "tel", "sun", "va", "lor", "en", "pa", "dri", "os", "che")


def run(reader: str, seconds: float) -> dict[str, Any]:
    """Read the page repeatedly for some time; return pages per second by the median, and the values read."""
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    data = page()
    read = READERS[reader]()
    answer = read(data)
    took_s: list[float] = []
    before = began = time.perf_counter()
    while before - began < seconds:
        read(data)
        now = time.perf_counter()
        took_s.append(now - before)
        before = now
    return {"pages_per_s": 1 / median(took_s), "answer": answer, "page_bytes": len(data)}


def page() -> bytes:
    """Return the demo's page with filler: links, nested elements, paragraphs, a script."""
    capture = read_captures()[0]
    html = render_html(capture.ticks, date(2025, 11, 14))
    head, tail = html.split("<main>", 1)
    rng = random.Random(1)  # noqa: S311 - filler
    filler = [script()]
    size = len(html) + len(filler[0])
    while size < PAGE_BYTES:
        filler.append(block(rng))
        size += len(filler[-1])
    return f"{head}{''.join(filler)}<main>{tail}".encode()


def script() -> str:
    """Return a script of 10 kB."""
    return "<script>" + f"var data = [{', '.join(str(n) for n in range(2_000))}];" + "</script>"


def block(rng: random.Random) -> str:
    """Return a block of a page: a heading with a link, and paragraphs."""
    title = _words(rng, 6)
    link = f'<a href="/{title.replace(" ", "-")}" class="link" data-id="{rng.randrange(10**6)}">{title}</a>'
    paragraphs = "".join(f'<p class="text">{_words(rng, 60)} &amp; {_words(rng, 3)}.</p>' for _ in range(3))
    note = f"<span>{_words(rng, 2)}</span>"
    return f'<div class="card"><div class="inner"><h3>{link}</h3>{paragraphs}<br>{note}</div></div>\n'


def _words(rng: random.Random, count: int) -> str:
    return " ".join("".join(rng.choices(_SYLLABLES, k=rng.randint(1, 4))) for _ in range(count))


def _matches(text: str) -> list[list[str]]:
    """Return each entry once, in the page's order, without a check that the copies agree."""
    return [list(entry) for entry in dict.fromkeys(_ENTRY.findall(text))]


def _fxticker() -> Callable[[bytes], list[list[str]]]:
    import fxticker as fx

    return lambda data: [[tick.pair, tick.rate_text, tick.change_text] for tick in fx.parse(data).ticks]


def _beautifulsoup_python() -> Callable[[bytes], list[list[str]]]:
    from bs4 import BeautifulSoup

    return lambda data: _matches(BeautifulSoup(data, "html.parser").get_text())


def _beautifulsoup_lxml() -> Callable[[bytes], list[list[str]]]:
    from bs4 import BeautifulSoup

    return lambda data: _matches(BeautifulSoup(data, "lxml").get_text())


def _lxml() -> Callable[[bytes], list[list[str]]]:
    from lxml import html

    return lambda data: _matches(html.fromstring(data).text_content())


def _selectolax() -> Callable[[bytes], list[list[str]]]:
    from selectolax.lexbor import LexborHTMLParser

    return lambda data: _matches(LexborHTMLParser(data).text())


READERS: dict[str, Callable[[], Callable[[bytes], list[list[str]]]]] = {
    "fxticker.parse": _fxticker,
    "selectolax, pattern": _selectolax,
    "lxml, pattern": _lxml,
    "BeautifulSoup (lxml), pattern": _beautifulsoup_lxml,
    "BeautifulSoup (html.parser), pattern": _beautifulsoup_python,
}
