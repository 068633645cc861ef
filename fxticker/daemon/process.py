"""The daemon's process: what is configured, put together, and nothing in memory that is not needed for years.

``python -m fxticker.daemon.process CONFIG STORE``, either of them empty where it is not given; `fxticker run` becomes
this process.
"""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

from fxticker.daemon.memory import MemoryReturned, use_little_memory

use_little_memory()  # before anything imports Arrow

# ruff: noqa: E402
from fxticker.daemon.configured import DEFAULT_FILE, Configured, read_configuration
from fxticker.daemon.daemon import Daemon
from fxticker.daemon.exit import exit_on_error
from fxticker.daemon.observers import Observer
from fxticker.daemon.processes import ready_for_signals
from fxticker.daemon.sd_notify import SystemdNotifier
from fxticker.errors import ConfigError, StoreError, StoreLocked, one_line
from fxticker.fetch.client import Fetcher
from fxticker.fetch.robots import RobotsFetcher
from fxticker.model.clock import SystemClock
from fxticker.monitoring.logs import PollLog, log_to_stderr
from fxticker.store.store import Store

_log = logging.getLogger("fxticker")


def main() -> None:
    """Poll until a signal ends it; a store that refuses a write ends it with exit code 1."""
    config, store = (Path(told) if told else None for told in sys.argv[1:])
    sys.argv = ["fxticker", "run"]  # what it was started as, and calls itself where it holds a lock
    ready_for_signals()
    if config is None and Path(DEFAULT_FILE).exists():
        config = Path(DEFAULT_FILE)  # named, so that its absence at a reload is an error and not the defaults
    log_to_stderr()
    configured = read_configuration(config)
    try:
        _poll(configured, config, configured.store if store is None else store)
    except (StoreError, OSError) as error:
        _log.error("the daemon ends: %s", one_line(error))
        sys.exit(1)


def _poll(configured: Configured, config: Path | None, folder: str | Path) -> None:
    store = Store(folder, clock=SystemClock())
    supervised = SystemdNotifier(os.environ, store=store, timeout_s=configured.http["timeout_s"])
    with ExitStack() as stack:
        # Before anything is served: a second daemon is to say who the first one is, not which port is taken.
        if holder := store.daemon():
            raise StoreLocked(str(store.medium), 0, holder)
        fetch = RobotsFetcher(stack.enter_context(Fetcher(**configured.http)))
        observers = [supervised, *_observers(configured, store, stack)]
        daemon = Daemon(configured.planned, fetcher=fetch, store=store, clock=SystemClock(), observers=observers)
        daemon.stop_on_signals(on_hangup=lambda: _reload(daemon, supervised, configured, config))
        try:
            daemon.run()
        finally:
            supervised.stopping()


def _observers(configured: Configured, store: Store, stack: ExitStack) -> Iterator[Observer]:
    yield PollLog()
    yield MemoryReturned()
    if configured.listen is not None:
        from fxticker.monitoring.metrics import Metrics, MetricsServer

        metrics = Metrics(store=store, clock=SystemClock())
        server = stack.enter_context(MetricsServer(metrics, configured.listen))
        _log.info("metrics at %smetrics", server.url)
        yield metrics
    if configured.on_alert is not None:
        from fxticker.monitoring.alerts import AlertCommand, Alerts

        command = stack.enter_context(AlertCommand(configured.on_alert))
        yield Alerts(command.tell, store=store, clock=SystemClock())


def _reload(daemon: Daemon, supervised: SystemdNotifier, running: Configured, config: Path | None) -> None:
    """Take over the sources of the configuration as it is now; a bad one changes nothing."""
    with supervised.reloading():
        try:
            # The client keeps its time limit until the next start.
            changed = read_configuration(config, timeout_s=running.http["timeout_s"])
        except ConfigError as error:
            for problem in error.problems:
                _log.error("%s; the old configuration goes on", one_line(f"{error.origin}: {problem}"))
            return
        for table, name in _TABLES.items():
            if getattr(changed, name) != getattr(running, name):
                _log.warning("[%s] was changed, which counts from the next start on", table)
        daemon.reload(changed.planned)
        _log.info("the configuration was read again")


_TABLES = {"store": "store", "http": "http", "monitoring": "listen", "alerts": "on_alert"}
"""What of each table counts from the next start on only."""

if __name__ == "__main__":
    exit_on_error(main)
