"""Exit of a process: known errors become one line on stderr and exit code 1; early signals end a daemon with 0."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable

from fxticker.errors import ConfigError, FxTickerError, one_line

_STOPPING = (signal.SIGTERM, signal.SIGINT)


def exit_on_error(run: Callable[[], None]) -> None:
    """Run a process's work; every failure that has a name is one line on stderr and exit code 1."""
    open_standard_streams()
    try:
        run()
    except ConfigError as error:
        for problem in error.problems:
            _print_error(f"{error.origin}: {problem}")
        sys.exit(1)
    except (FxTickerError, OSError, ValueError) as error:
        _print_error(str(error))
        sys.exit(1)
    except MemoryError:
        _print_error("out of memory")
        sys.exit(1)


def exit_on_early_signals() -> None:
    """End with 0 on SIGTERM and SIGINT until a daemon handles them, and hold SIGHUP back until then."""
    for number in _STOPPING:
        signal.signal(number, lambda _number, _frame: os._exit(0))
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGHUP])


def open_standard_streams() -> None:
    """Open those standard streams that are closed to the null device, so that no other file takes their number."""
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        try:
            os.fstat(number)
        except OSError:
            os.set_inheritable(os.open(os.devnull, os.O_RDWR), True)  # takes the lowest free number: this one
        if getattr(sys, name) is None:
            setattr(sys, name, open(number, "r" if number == 0 else "w", encoding="utf-8", closefd=False))  # noqa: SIM115


def _print_error(text: str) -> None:
    print(f"fxticker: {one_line(text)}", file=sys.stderr)
