"""Alert command: runs the operator's command for each alert, one after the other, and never delays the daemon.

Not `subprocess.run`: its timeout kills the command and not the processes it started, it keeps all output in memory, and
no stop can interrupt it.
"""

from __future__ import annotations

import contextlib
import logging
import os
import queue
import select
import shlex
import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Callable
from typing import Self

from fxticker.errors import one_line
from fxticker.monitoring.alerts import Alert

COMMAND_S = 30.0
"""Seconds that a command may run: a mail or a message takes a second or two."""
STOP_S = 1.0
"""Seconds that a stop waits for a running command, and again for its end once killed: polls come first."""
_OUTPUT_BYTES = 2_000
"""Bytes of a command's output that are logged."""
_CHECK_S = 0.05
"""Seconds between two checks for the time limit and the stop."""
_MAX_WAITING = 100
"""Alerts that wait for the command; further ones are dropped, with a line in the log."""

_log = logging.getLogger("fxticker")


class AlertCommand:
    """Runs a command for each alert in a thread of its own, within `with`.

    Parameters
    ----------
    command
        The program and its arguments, split as a shell would; no shell runs it. It gets the alert on standard input.
    timeout_s
        Seconds that one run may take before its process group is killed.
    stop_s
        Seconds that the end of the block waits for a running command, and again once it is killed.
    on_failure
        Called each time that the command could not run, was killed or ended with another code than 0.
    """

    def __init__(
        self,
        command: str,
        *,
        timeout_s: float = COMMAND_S,
        stop_s: float = STOP_S,
        on_failure: Callable[[], None] = lambda: None,
    ) -> None:
        self._arguments = shlex.split(command)
        self._timeout_s = timeout_s
        self._stop_s = stop_s
        self._on_failure = on_failure
        self._waiting: queue.Queue[Alert | None] = queue.Queue(_MAX_WAITING)
        self._is_closing = threading.Event()
        self._thread = threading.Thread(target=self._run_all, name="alerts", daemon=True)

    def __enter__(self) -> Self:
        if shutil.which(self._arguments[0]) is None:
            _log.warning("alert command %s does not exist or is not executable", self._arguments[0])
        self._thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        """Let a running command end for a moment; then kill it, and drop the alerts that still wait."""
        with contextlib.suppress(queue.Full):
            self._waiting.put_nowait(None)
        self._thread.join(self._stop_s)
        self._is_closing.set()
        self._thread.join(self._stop_s)

    def enqueue(self, alert: Alert) -> None:
        """Run the command for an alert, without waiting for it."""
        _log.warning("%s %s: %s", alert.source, alert.event, alert.reason)
        try:
            self._waiting.put_nowait(alert)
        except queue.Full:
            _log.error("alert command: %d alerts wait, this one is dropped", _MAX_WAITING)

    def _run_all(self) -> None:
        while (alert := self._waiting.get()) is not None and not self._is_closing.is_set():
            try:
                self._run(alert.encoded())
            except (OSError, ValueError) as error:
                _log.error("alert command %s could not run: %s", self._arguments[0], one_line(error))
                self._on_failure()

    def _run(self, data: bytes) -> None:
        deadline_s = time.monotonic() + self._timeout_s
        with subprocess.Popen(  # noqa: S603  the operator's own command, without a shell
            self._arguments,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            bufsize=0,
            start_new_session=True,
        ) as process:
            assert process.stdin is not None
            assert process.stdout is not None
            with contextlib.suppress(BrokenPipeError):  # it need not read; an alert fits into a pipe
                process.stdin.write(data)
                process.stdin.close()
            output = self._read_output(process.stdout.fileno(), deadline_s)
            while process.poll() is None and not self._is_over(deadline_s):
                self._is_closing.wait(_CHECK_S)
            is_late = process.returncode is None
            if is_late:  # not waited for yet, so no other process can have its group's number
                os.killpg(process.pid, signal.SIGKILL)
            code = process.wait()
        self._log_end(output, code, is_killed=is_late and code == -signal.SIGKILL)

    def _read_output(self, pipe: int, deadline_s: float) -> bytes:
        """Returns the first bytes of the output; the rest is read too, so that the command does not block."""
        output = b""
        while not self._is_over(deadline_s):
            if select.select([pipe], [], [], _CHECK_S)[0]:
                if not (part := os.read(pipe, 65_536)):
                    break
                output += part[: _OUTPUT_BYTES - len(output)]
        return output

    def _log_end(self, output: bytes, code: int, *, is_killed: bool) -> None:
        end = f"was killed after {self._timeout_s:g} s" if is_killed else f"ended with {code}"
        text = one_line(output.decode("utf-8", "replace"))
        has_failed = is_killed or code != 0
        if has_failed:
            self._on_failure()
        level = logging.WARNING if has_failed else logging.INFO
        _log.log(level, "alert command %s %s%s", self._arguments[0], end, f": {text}" if text else "")

    def _is_over(self, deadline_s: float) -> bool:
        return self._is_closing.is_set() or time.monotonic() >= deadline_s
