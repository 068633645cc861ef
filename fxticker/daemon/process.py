"""The daemon's process: reads the configuration, composes the daemon, and reloads its sources on SIGHUP."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from datetime import datetime
from pathlib import Path

from fxticker.daemon.memory import MemoryReturned, use_little_memory

use_little_memory()  # before anything imports Arrow

# ruff: noqa: E402
from fxticker.collect.clock_sync import is_synchronised
from fxticker.config import DEFAULT_FILE, Settings, address_of, load_settings, slow_polls, sources_to_poll
from fxticker.daemon.alert_setup import AlertSetup
from fxticker.daemon.daemon import Daemon
from fxticker.daemon.known_store import KnownStore
from fxticker.daemon.observers import Observers
from fxticker.daemon.recorder_lock import recorder_lock
from fxticker.daemon.recorder_note import RecorderNote, recorder_name
from fxticker.daemon.sd_notify import SystemdNotifier
from fxticker.daemon.signals import stop_on_signals
from fxticker.daemon.startup_message import startup_message
from fxticker.errors import ConfigError, StoreError, StoreLocked, WriteFailed, one_line
from fxticker.fetch.robots import RobotsFetcher
from fxticker.model.clock import SystemClock
from fxticker.monitoring.logs import PollLog, log_to_stderr
from fxticker.monitoring.observer import Observer
from fxticker.sources.registry import ScheduledSource
from fxticker.store.location import Location
from fxticker.store.open_slots import next_open_slot
from fxticker.store.store import Store

_FIXED_UNTIL_RESTART = ("store", "http", "monitoring", "alerts")
"""Tables of the configuration that a reload does not apply."""
_log = logging.getLogger("fxticker")


def run_daemon(config: Path | None, folder: Location | None, *, is_new_store: bool = False) -> None:
    """Poll until a signal ends it; a store that refuses a write ends it with exit code 1.

    Parameters
    ----------
    config
        The configuration; ``None`` for ``config.toml`` in the working directory, or the defaults without one.
    folder
        The store's folder, or the URL of an object storage; ``None`` for the configured one.
    is_new_store
        Whether to begin a new store where another one was used before.

    Raises
    ------
    ConfigError
        If the configuration is invalid or enables no source.
    """
    options = [f"--{name}={path}" for name, path in (("config", config), ("store", folder)) if path is not None]
    if config is None and Path(DEFAULT_FILE).exists():
        config = Path(DEFAULT_FILE)  # named, so that its absence at a reload is an error and does not mean the defaults
    log_to_stderr()
    settings = load_settings(config)
    planned = sources_to_poll(settings, config)
    folder = settings.store.path if folder is None else folder
    if sys.stderr.isatty():
        now = SystemClock().now()
        print(
            *startup_message(planned, folder, options, now, _next_slots(planned, folder, now)),
            sep="\n",
            file=sys.stderr,
        )
    try:
        _poll(settings, planned, config, folder, is_new_store=is_new_store)
    except (StoreError, OSError) as error:
        _log.error("the daemon ends: %s", one_line(error))
        sys.exit(1)


def _next_slots(planned: list[ScheduledSource], folder: Location, now: datetime) -> dict[str, datetime]:
    """The next slot of each source that will be polled; none where the store cannot be read, which is named later."""
    with suppress(StoreError, OSError):
        polls = Store(folder).polls
        return {each.source.id: next_open_slot(polls, each.source.id, each.schedule, now) for each in planned}
    return {}


def _poll(
    settings: Settings, planned: list[ScheduledSource], config: Path | None, folder: Location, *, is_new_store: bool
) -> None:
    http = settings.http
    with ExitStack() as stack:
        # before the store is opened: whatever ends the daemon from here on is reported
        alerts = stack.enter_context(AlertSetup(settings.alerts, folder, clock=SystemClock(), environ=os.environ))
        store = Store(folder, clock=SystemClock())
        notifier = SystemdNotifier(os.environ, store=store, timeout_s=http.timeout_s)
        # Before anything is served: a second daemon is to name the first one, and not the port that is taken.
        if store.backend.is_shared:
            stack.enter_context(recorder_lock(folder, os.environ))
        elif holder := store.daemon():
            raise StoreLocked(str(store.backend), 0, holder, is_daemon=True)
        known = KnownStore(store, folder, os.environ)
        known.require(is_new=is_new_store)
        client = stack.enter_context(http.fetcher())
        observers: list[Observer] = [notifier, known, *_observers(settings, store, stack, alerts)]
        observers += alerts.observers(store, client, stack)
        name = ""
        if store.backend.is_shared:
            with suppress(WriteFailed):  # out of reach: the first write looks again
                store.backend.refuse_nested()
            name = recorder_name(folder, os.environ)
            observers.append(stack.enter_context(RecorderNote(store.backend, name, SystemClock())))
            _log.info("%s may have several recorders; this one is %s", store.backend, name)
        daemon = Daemon(
            planned,
            fetcher=RobotsFetcher(client),
            store=store,
            clock=SystemClock(),
            observers=observers,
            is_synchronised=is_synchronised,
            recorder=name,
        )
        everyone = Observers(observers)
        stop_on_signals(
            daemon.stop,
            on_hangup=lambda: everyone.reloaded(is_successful=_reload(daemon, notifier, settings, config)),
        )
        try:
            daemon.run()
        finally:
            notifier.stopping()


def _observers(settings: Settings, store: Store, stack: ExitStack, alerts: AlertSetup) -> Iterator[Observer]:
    yield PollLog()
    yield MemoryReturned()
    if settings.monitoring.listen is not None:
        from fxticker.monitoring.http import MetricsServer
        from fxticker.monitoring.metrics import Metrics

        metrics = Metrics(store=store, clock=SystemClock())
        server = stack.enter_context(MetricsServer(metrics, address_of(settings.monitoring.listen)))
        _log.info("metrics at %smetrics", server.url)
        alerts.on_failure = metrics.alert_command_failed
        yield metrics


def _reload(daemon: Daemon, notifier: SystemdNotifier, running: Settings, config: Path | None) -> bool:
    """Poll the sources of the configuration as it is now, and return true; an invalid one changes nothing."""
    with notifier.reloading():
        try:
            changed = load_settings(config)
            planned = sources_to_poll(changed, config)
        except ConfigError as error:
            problems = error.problems
        else:
            problems = slow_polls(planned, running.http.timeout_s)  # the client keeps its limit until the next start
        if problems:
            for problem in problems:
                _log.error("%s; the old configuration goes on", one_line(f"{config or DEFAULT_FILE}: {problem}"))
            return False
        for table in _FIXED_UNTIL_RESTART:
            if getattr(changed, table) != getattr(running, table):
                _log.warning("[%s] was changed, which counts from the next start on", table)
        daemon.reload(planned)
        _log.info("the configuration was read again")
        return True
