"""The daemon's command: what is configured, put together."""

from __future__ import annotations

import logging
import os
from contextlib import ExitStack
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from fxticker.cli.options import Config, Format, Formatted, StoreFolder, settings, sources_to_poll
from fxticker.errors import StoreError, one_line

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fxticker.config import Settings
    from fxticker.daemon import Daemon
    from fxticker.observing import Observer
    from fxticker.sources import Planned
    from fxticker.store import Store
    from fxticker.supervising import Supervised

_PLANNED_SLOTS = 5
"""Slots that `--plan` prints of each source."""
_log = logging.getLogger("fxticker")


def run(
    config: Config = None,
    store: StoreFolder = None,
    plan: Annotated[bool, typer.Option("--plan", help="Print the next slots of each source and exit.")] = False,  # noqa: FBT002
    form: Formatted = Format.TABLE,
) -> None:
    """Poll every source on its grid.

    Runs in the foreground and records one outcome for every slot. SIGTERM and SIGINT end it within 5 s, a second one
    at once; SIGHUP reads the configuration again.
    """
    from fxticker.config import DEFAULT_FILE

    if config is None and Path(DEFAULT_FILE).exists():
        config = Path(DEFAULT_FILE)  # named, so that its absence at a reload is an error and not the defaults
    configured = settings(config)
    planned = sources_to_poll(configured, config)
    if plan:
        from fxticker.cli.output import show

        show([row for each in planned for row in _next_slots(each)], ["source", "slot"], form)
        return
    from fxticker.logs import log_to_stderr
    from fxticker.memory import use_little_memory

    log_to_stderr()
    use_little_memory()
    try:
        _poll(configured, planned, config, store)
    except (StoreError, OSError) as error:
        _log.error("the daemon ends: %s", one_line(error))
        raise typer.Exit(1) from error


def _poll(configured: Settings, planned: list[Planned], config: Path | None, store: Path | None) -> None:
    from fxticker.cli.collecting import fetcher
    from fxticker.clock import SystemClock
    from fxticker.daemon import Daemon
    from fxticker.errors import StoreLocked
    from fxticker.robots import PoliteFetch
    from fxticker.store import Store
    from fxticker.supervising import Supervised

    opened = Store(store if store is not None else configured.store.path, clock=SystemClock())
    supervised = Supervised(os.environ, store=opened, timeout_s=configured.http.timeout_s)
    with ExitStack() as stack:
        # Before anything is served: a second daemon is to say who the first one is, not which port is taken.
        if holder := opened.daemon():
            raise StoreLocked(str(opened.medium), 0, holder)
        fetch = PoliteFetch(stack.enter_context(fetcher(configured.http)))
        observers = [supervised, *_observers(configured, opened, stack)]
        daemon = Daemon(planned, fetcher=fetch, store=opened, clock=SystemClock(), observers=observers)
        daemon.stop_on_signals(on_hangup=lambda: _reload(daemon, supervised, configured, config))
        try:
            daemon.run()
        finally:
            supervised.stopping()


def _observers(configured: Settings, store: Store, stack: ExitStack) -> Iterator[Observer]:
    from fxticker.clock import SystemClock
    from fxticker.config import address_of
    from fxticker.logs import PollLog
    from fxticker.memory import MemoryReturned

    yield PollLog()
    yield MemoryReturned()
    if configured.monitoring.listen is not None:
        from fxticker.metrics import Metrics, MetricsServer

        metrics = Metrics(store=store, clock=SystemClock())
        server = stack.enter_context(MetricsServer(metrics, address_of(configured.monitoring.listen)))
        _log.info("metrics at %smetrics", server.url)
        yield metrics
    if configured.alerts.on_alert is not None:
        from fxticker.alerting import AlertCommand, Alerts

        command = stack.enter_context(AlertCommand(configured.alerts.on_alert))
        yield Alerts(command.tell, store=store, clock=SystemClock())


def _reload(daemon: Daemon, supervised: Supervised, running: Settings, config: Path | None) -> None:
    """Take over the sources of the configuration as it is now; a bad one changes nothing."""
    from fxticker.config import slow_polls
    from fxticker.errors import ConfigError

    with supervised.reloading():
        try:
            changed = settings(config)
            planned = sources_to_poll(changed, config)
            # The client keeps its time limit until the next start.
            if problems := slow_polls(planned, running.http.timeout_s):
                raise ConfigError(str(config), problems)  # noqa: TRY301
        except ConfigError as error:
            for problem in error.problems:
                _log.error("%s; the old configuration goes on", one_line(f"{error.origin}: {problem}"))
            return
        for table in ("store", "http", "monitoring", "alerts"):
            if getattr(changed, table) != getattr(running, table):
                _log.warning("[%s] was changed, which counts from the next start on", table)
        daemon.reload(planned)
        _log.info("the configuration was read again")


def _next_slots(planned: Planned) -> list[dict[str, object]]:
    from fxticker.schedule import END_OF_TIME, slots_between

    slots = islice(slots_between(planned.schedule, datetime.now(UTC), END_OF_TIME), _PLANNED_SLOTS)
    return [{"source": planned.source.id, "slot": slot} for slot in slots]
