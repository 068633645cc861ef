"""The command `run`: polls in the foreground, or prints the next slots."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

import click

from fxticker.cli.formats import Format, Kind, kind_option
from fxticker.cli.options import config_option, settings, store_option
from fxticker.daemon.exit import exit_on_early_signals

if TYPE_CHECKING:
    from fxticker.sources.registry import ScheduledSource
    from fxticker.store.location import Location

_PLANNED_SLOTS = 5
"""Slots that `--plan` prints of each source."""


@click.command()
@config_option
@store_option
@click.option("--plan", is_flag=True, help="Print the next slots of each source and exit.")
@click.option("--new-store", is_flag=True, help="Begin a new store where another one was used before.")
@kind_option
def run(config: Path | None, store: Location | None, plan: bool, new_store: bool, kind: Kind) -> None:  # noqa: FBT001
    """Poll every source on its grid.

    Runs in the foreground and records one outcome for every slot. SIGTERM and SIGINT end it within 5 s, a second one
    at once; SIGHUP reads the configuration again.
    """
    if plan:
        from fxticker.cli.output import show
        from fxticker.config import sources_to_poll

        planned = sources_to_poll(settings(config), config)
        show([row for each in planned for row in _next_slots(each)], ["source", "slot"], Format(kind, is_all=True))
        return
    exit_on_early_signals()
    from fxticker.daemon.process import run_daemon

    run_daemon(config, store, is_new_store=new_store)


def _next_slots(planned: ScheduledSource) -> list[dict[str, object]]:
    from fxticker.model.schedule import slots_between
    from fxticker.model.timestamps import END_OF_TIME

    slots = islice(slots_between(planned.schedule, datetime.now(UTC), END_OF_TIME), _PLANNED_SLOTS)
    return [{"source": planned.source.id, "slot": slot} for slot in slots]
