"""The two runs of `fxticker demo`, each through the real client, parser and store."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

from fxticker.collect.poll import collect_once
from fxticker.daemon.daemon import Daemon
from fxticker.fetch.client import Fetcher
from fxticker.model.clock import SimulatedClock, SystemClock
from fxticker.model.records import Poll
from fxticker.model.schedule import Every
from fxticker.model.timestamps import EPOCH
from fxticker.monitoring.observer import Observer
from fxticker.simulation.captures import Capture
from fxticker.simulation.site import TickerSite
from fxticker.sources.registry import ScheduledSource
from fxticker.sources.source import Source
from fxticker.sources.timesca.page import SOURCE
from fxticker.store.store import Store

USER_AGENT = "fxticker-demo (asks its own loopback site only)"
_MAX_BYTES = 5_000_000


def replay(history: Iterable[tuple[datetime, Capture]], *, site: TickerSite, store_path: Path) -> Iterator[Poll]:
    """Poll the site once per capture, with a simulated clock that is set to the capture's slot before each poll."""
    source = _source_of(site)
    clock = SimulatedClock(EPOCH)
    store = Store(store_path, clock=clock)
    with Fetcher(timeout_s=20, max_bytes=_MAX_BYTES, user_agent=USER_AGENT) as fetch:
        for slot, capture in history:
            assert capture.page_date is not None
            site.show(capture.ticks, capture.page_date, slot)
            clock.set(slot)
            yield collect_once(source, slot, fetch=fetch, store=store, clock=clock)


def run_daemon(
    captures: list[Capture], *, site: TickerSite, store_path: Path, on_poll: Callable[[Poll], None]
) -> list[Poll]:
    """Run the real daemon, which polls the site once a second, one poll per capture; return the polls."""
    clock = SystemClock()
    polls: list[Poll] = []

    class ShowNextCapture(Observer):
        def polled(self, poll: Poll) -> None:
            polls.append(poll)
            on_poll(poll)
            if len(polls) < len(captures):
                show(captures[len(polls)])
            else:
                daemon.stop()

    def show(capture: Capture) -> None:
        now = clock.now()
        site.show(capture.ticks, now.date(), now)

    show(captures[0])
    planned = ScheduledSource(_source_of(site), Every(timedelta(seconds=1)))
    with Fetcher(timeout_s=0.8, max_bytes=_MAX_BYTES, user_agent=USER_AGENT) as fetch:
        store = Store(store_path, clock=clock)
        daemon = Daemon([planned], fetcher=fetch, store=store, clock=clock, observers=[ShowNextCapture()])
        daemon.run()
    return polls


def _source_of(site: TickerSite) -> Source:
    return replace(SOURCE, url=site.url)
