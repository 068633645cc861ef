"""Alert set-up: composes alerts and heartbeat as configured, and reports an error that ends the daemon."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import ExitStack
from functools import partial
from types import TracebackType
from typing import Self

from fxticker.config import AlertSettings
from fxticker.daemon.state_file import StateFile, state_folder, state_name
from fxticker.errors import StoreLocked
from fxticker.fetch.client import Fetcher
from fxticker.model.clock import Clock
from fxticker.model.schedule import every
from fxticker.monitoring.alert_command import AlertCommand
from fxticker.monitoring.alert_filter import STORE, AlertFilter
from fxticker.monitoring.alerts import Alert, Alerts
from fxticker.monitoring.clock_alerts import ClockAlerts
from fxticker.monitoring.heartbeat import Heartbeat, call_url
from fxticker.monitoring.observer import Observer
from fxticker.monitoring.store_alerts import StoreAlerts, failure
from fxticker.store.location import Location
from fxticker.store.store import Store

LAST_ALERT_S = 20.0
"""Seconds that a daemon which an error ends waits for the command: systemd allows 30 s for the whole stop."""
STATE_BYTES = 16_384
"""Size of the state file: room for 100 delivered alerts, taken while the disk has it."""


class AlertSetup:
    """Alerts and heartbeat, from before the store is opened until the daemon has ended.

    An error that leaves the block is reported, once across restarts, unless another daemon runs on the store.

    Parameters
    ----------
    settings
        The table ``[alerts]``.
    folder
        The store's folder.
    clock
        Supplies the current UTC time.
    environ
        The process's environment, with the folder of state files.
    last_alert_s
        Seconds that the end of the block waits for the command after an error.

    Attributes
    ----------
    on_failure
        Called each time that the alert command failed; the owner may set it.
    """

    def __init__(
        self,
        settings: AlertSettings,
        folder: Location,
        *,
        clock: Clock,
        environ: Mapping[str, str],
        last_alert_s: float = LAST_ALERT_S,
    ) -> None:
        self._settings = settings
        self._clock = clock
        self._last_alert_s = last_alert_s
        self.on_failure: Callable[[], None] = lambda: None
        self._command: AlertCommand | None = None
        if settings.on_alert is not None:
            self._command = AlertCommand(
                settings.on_alert, on_failure=self._command_failed, on_delivered=self._command_succeeded
            )
        state = state_folder(environ)
        self._alert_filter = AlertFilter(
            (lambda _alert: None) if self._command is None else self._command.enqueue,
            clock=clock,
            remind_every=every(settings.remind_every, source="").interval,
            file=None
            if state is None or self._command is None
            else StateFile(state, state_name("alerts", folder), reserve_bytes=STATE_BYTES),
        )

    def __enter__(self) -> Self:
        if self._command is not None:
            self._command.__enter__()
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        if self._command is None:
            return
        is_other_daemon = isinstance(error, StoreLocked) and error.is_daemon
        if isinstance(error, Exception) and not is_other_daemon:
            self._alert_filter.send(failure(error, self._clock.now()))
            self._command.flush(self._last_alert_s)
        self._command.__exit__()

    def observers(self, store: Store, fetcher: Fetcher, stack: ExitStack) -> list[Observer]:
        """Return what the daemon is to notify; `fetcher` makes the calls of the heartbeat, which ends with `stack`."""
        settings, alert_filter, clock = self._settings, self._alert_filter, self._clock
        if self._command is None and settings.heartbeat_url is None:
            return []
        alerts = Alerts(
            alert_filter.send,
            store=store,
            clock=clock,
            was_reported=lambda source: bool(alert_filter.causes((source, None))),
        )
        observers: list[Observer] = [alert_filter, alerts]
        if self._command is not None:
            observers.append(ClockAlerts(alert_filter))
            observers.append(
                StoreAlerts(alert_filter, backend=store.backend, clock=clock, free_space_mb=settings.free_space_mb)
            )
        if settings.on_move:
            from fxticker.monitoring.moves import Moves

            observers.append(Moves(alert_filter, limits=settings.on_move, store=store))
        if settings.heartbeat_url is not None:
            observers.append(
                stack.enter_context(
                    Heartbeat(
                        partial(call_url, fetcher, settings.heartbeat_url),
                        is_well=alerts.are_all_healthy,
                        was_written=not alert_filter.causes((STORE, None)),
                    )
                )
            )
        return observers

    def _command_failed(self) -> None:
        self.on_failure()

    def _command_succeeded(self, alert: Alert) -> None:
        self._alert_filter.delivered(alert)
