"""Alert command: runs the operator's command for each alert, again until it succeeds, and never delays the daemon."""

from __future__ import annotations

import logging
import shlex
import shutil
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Self

from fxticker.errors import one_line
from fxticker.monitoring.alerts import Alert, Topic
from fxticker.monitoring.command_run import run_command

COMMAND_S = 30.0
"""Seconds that a command may run: a mail or a message takes a second or two."""
STOP_S = 1.0
"""Seconds that a stop waits for a running command, and again for its end once killed: polls come first."""
FIRST_PAUSE_S = 30.0
"""Seconds before a failed command is run again: a mail server restarts within that time."""
LONGEST_PAUSE_S = 3600.0
"""Seconds, an hour: the longest pause, which grows twofold with each failure."""
_MAX_WAITING = 100
"""Alerts that wait for their first run; with more, an older one of the same source gives way."""

_log = logging.getLogger("fxticker")


@dataclass(slots=True)
class _Retry:
    """An alert whose command failed: when it is run again, on the monotonic clock, and after which pause."""

    alert: Alert
    due_s: float
    pause_s: float


class AlertCommand:
    """Runs a command for each alert in a thread of its own, within `with`.

    An alert for which the command failed is tried again until the command exits with 0, or a newer alert on the same
    topic is there.

    Parameters
    ----------
    command
        The program and its arguments, split as a shell would; no shell runs it. It gets the alert on standard input.
    timeout_s
        Seconds that one run may take before its process group is killed.
    stop_s
        Seconds that the end of the block waits for a running command, and again once it is killed.
    first_pause_s, longest_pause_s
        Seconds before the first further try, and the longest such pause.
    on_failure
        Called each time that the command could not run, was killed or ended with another code than 0.
    on_delivered
        Called with each alert for which the command ended with 0.
    monotonic
        Returns the seconds that pauses are measured by.
    """

    def __init__(
        self,
        command: str,
        *,
        timeout_s: float = COMMAND_S,
        stop_s: float = STOP_S,
        first_pause_s: float = FIRST_PAUSE_S,
        longest_pause_s: float = LONGEST_PAUSE_S,
        on_failure: Callable[[], None] = lambda: None,
        on_delivered: Callable[[Alert], None] = lambda _alert: None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._arguments = shlex.split(command)
        self._timeout_s = timeout_s
        self._stop_s = stop_s
        self._first_pause_s = first_pause_s
        self._longest_pause_s = longest_pause_s
        self._on_failure = on_failure
        self._on_delivered = on_delivered
        self._monotonic = monotonic
        self._changed = threading.Condition()
        self._waiting: deque[Alert] = deque()
        self._retries: dict[Topic, _Retry] = {}
        self._is_running = False
        self._is_ending = False
        self._is_closing = threading.Event()
        self._thread = threading.Thread(target=self._run_all, name="alerts", daemon=True)

    def __enter__(self) -> Self:
        if shutil.which(self._arguments[0]) is None:
            _log.warning("alert command %s does not exist or is not executable", self._arguments[0])
        self._thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        """Let a running command end for a moment; then kill it, and drop the alerts that still wait."""
        with self._changed:
            self._is_ending = True
            self._changed.notify_all()
        self._thread.join(self._stop_s)
        self._is_closing.set()
        self._thread.join(self._stop_s)

    def enqueue(self, alert: Alert) -> None:
        """Run the command for an alert, without waiting for it."""
        _log.warning("%s %s: %s", alert.source, alert.event, alert.reason)
        with self._changed:
            self._retries.pop(alert.topic, None)
            if len(self._waiting) >= _MAX_WAITING:
                self._waiting = deque(other for other in self._waiting if other.topic != alert.topic)
            self._waiting.append(alert)
            self._changed.notify_all()

    def flush(self, timeout_s: float) -> None:
        """Wait until no run is due: each alert was tried, and the next tries have to wait for their pauses."""
        with self._changed:
            self._changed.notify_all()  # to look at the clock again
            self._changed.wait_for(self._is_idle, timeout_s)

    def _is_idle(self) -> bool:
        now_s = self._monotonic()
        is_due = any(retry.due_s <= now_s for retry in self._retries.values())
        return not (self._waiting or self._is_running or is_due)

    def _run_all(self) -> None:
        while (retry := self._next()) is not None:
            is_delivered = self._run(retry)
            if is_delivered:
                self._on_delivered(retry.alert)
            with self._changed:
                self._is_running = False
                is_newest = all(other.topic != retry.alert.topic for other in self._waiting)
                if not is_delivered and is_newest:
                    self._retries[retry.alert.topic] = retry
                self._changed.notify_all()

    def _next(self) -> _Retry | None:
        """Wait for an alert that is due, with the pause before its next try; None once there are none to wait for."""
        with self._changed:
            while not self._is_closing.is_set():
                if self._waiting:
                    self._is_running = True
                    return _Retry(self._waiting.popleft(), 0, self._first_pause_s)
                if self._is_ending:
                    return None
                next_retry = min(self._retries.values(), key=lambda retry: retry.due_s, default=None)
                left_s = None if next_retry is None else next_retry.due_s - self._monotonic()
                if next_retry is not None and left_s is not None and left_s <= 0:
                    self._is_running = True
                    return self._retries.pop(next_retry.alert.topic)
                self._changed.wait(left_s)
        return None

    def _run(self, retry: _Retry) -> bool:
        """Run the command, whether it succeeded; where it failed, the next try is set."""
        name = self._arguments[0]
        try:
            end = run_command(
                self._arguments, retry.alert.encoded(), timeout_s=self._timeout_s, is_closing=self._is_closing
            )
        except (OSError, ValueError) as error:
            level, text = logging.ERROR, f"could not run: {one_line(error)}"
        else:
            text = end.described(self._timeout_s)
            if end.is_good:
                _log.info("alert command %s %s", name, text)
                return True
            level = logging.WARNING
        self._on_failure()
        _log.log(level, "alert command %s %s; next try in %g s", name, text, retry.pause_s)
        retry.due_s = self._monotonic() + retry.pause_s
        retry.pause_s = min(2 * retry.pause_s, self._longest_pause_s)
        return False
