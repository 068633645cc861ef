"""The command snapshot: polls every source once."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from fxticker.cli.options import config_option, require_among, selected, settings, store_option
from fxticker.model.selection import Selection

if TYPE_CHECKING:
    from fxticker.store.location import Location


@click.command()
@config_option
@store_option
@selected("sources")
def snapshot(config: Path | None, store: Location | None, selection: Selection) -> None:
    """Poll every source once, now.

    For cron and for tests. Exit 1 if a source gave no ticks. While the machine's clock is an hour or more ahead of the
    time that servers send, nothing is recorded.
    """
    from fxticker.collect.clock_evidence import ClockEvidence
    from fxticker.collect.clock_sync import is_synchronised
    from fxticker.collect.poll import collect_once
    from fxticker.fetch.robots import RobotsFetcher
    from fxticker.model.clock import SystemClock
    from fxticker.model.schedule import off_grid
    from fxticker.monitoring.logs import describe
    from fxticker.store.store import Store

    configured = settings(config)
    enabled = configured.planned()
    require_among(selection.sources or (), [planned.source.id for planned in enabled], "not enabled is")
    clock = SystemClock()
    opened = Store(store if store is not None else configured.store.path, clock=clock)
    with configured.http.fetcher() as client:
        fetch = RobotsFetcher(client)
        evidence = ClockEvidence(is_synchronised=is_synchronised)
        polls = [
            collect_once(
                planned.source,
                off_grid(clock.now()),
                fetch=fetch,
                store=opened,
                clock=clock,
                clock_evidence=evidence,
            )
            for planned in enabled
            if selection.sources is None or planned.source.id in selection.sources
        ]
    for poll in polls:
        print(describe(poll), file=sys.stdout if poll.ticks else sys.stderr)
    if not polls:
        raise click.BadParameter("no such source is enabled")
    if not all(poll.ticks for poll in polls):
        sys.exit(1)
