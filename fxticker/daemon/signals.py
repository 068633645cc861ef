"""Signals of a running daemon: SIGTERM and SIGINT stop it, a second one ends the process at once, SIGHUP reloads."""

from __future__ import annotations

import logging
import os
import signal
import threading
from collections.abc import Callable
from types import FrameType

_FLUSH_S = 0.5
"""Seconds that the log may keep a process that is to end."""

_log = logging.getLogger("fxticker")


def stop_on_signals(stop: Callable[[], None], *, on_hangup: Callable[[], None] | None = None) -> None:
    """Handle the process's signals from now on; the main thread must call this.

    Parameters
    ----------
    stop
        Called on the first SIGTERM or SIGINT. The second ends the process with exit code 128 plus its number.
    on_hangup
        Called on SIGHUP, in a thread of its own, and never twice at a time; ``None`` leaves SIGHUP as it is.
    """
    is_stopping = False
    reloading = threading.Lock()

    def handle_stop(number: int, _frame: FrameType | None) -> None:
        nonlocal is_stopping
        if is_stopping:
            _end_at_once(128 + number)
        is_stopping = True
        stop()
        # In a thread of its own: the main thread may have been interrupted while it holds the log's lock.
        name = signal.Signals(number).name
        threading.Thread(target=_log.info, args=["stopping: %s", name], daemon=True).start()

    def reload(call: Callable[[], None]) -> None:
        with reloading:
            call()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, handle_stop)
    if on_hangup is not None:
        signal.signal(
            signal.SIGHUP,
            lambda _number, _frame: threading.Thread(target=reload, args=[on_hangup], daemon=True).start(),
        )
        signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGHUP])  # may have been blocked until now


def _end_at_once(code: int) -> None:
    """End the process; buffered log lines are written if that takes less than `_FLUSH_S`."""
    flushing = threading.Thread(target=logging.shutdown, daemon=True)
    flushing.start()
    flushing.join(_FLUSH_S)
    os._exit(code)
