"""The site that `fxticker demo-site` serves, on a port that is known before: a recorder can be set up to poll it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import cycle

from fxticker.model.clock import Clock
from fxticker.simulation.captures import dated_slots, read_captures
from fxticker.simulation.loopback_server import Exchange, LoopbackServer, date_line, response, with_robots
from fxticker.simulation.site import MARKUPS, render_html

CONFIGURATION = """\
[store]
path = "try"

[http]
timeout_s = 4

[sources.timesca]
url = "{url}"
every = "5s"
"""
"""Of a recorder that polls the site. Its store is of its own: the rates are real, but not of these days."""


@contextmanager
def recorded_site(port: int, *, clock: Clock) -> Iterator[str]:
    """Serve recorded tickers on a port of the loopback address (0: a free one); yields the URL.

    Each request gets the next ticker of the packaged history, printed as of the clock's day, and the first one after
    the last. There is no robots.txt. An `OSError` if the port is taken.
    """
    tickers = cycle([capture.ticks for _, capture in dated_slots(read_captures())])
    markups = cycle(MARKUPS.values())

    def answer(exchange: Exchange) -> None:
        server.requests.clear()  # unused here, and the list would grow with each request
        now = clock.now()
        page = render_html(next(tickers), now.date(), markup=next(markups))
        exchange.send(response(page.encode(), date_line(now)))

    with LoopbackServer(with_robots(answer), port) as server:
        yield server.url
