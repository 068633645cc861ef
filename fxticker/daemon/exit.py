"""Exit of a process: known errors become one line on stderr and exit code 1; early signals end a daemon with 0."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from typing import NoReturn

from fxticker.errors import ConfigError, FxTickerError, one_line

INTERRUPTED = 130
"""Exit code of a process that an interrupt ends, as shells give it: 128 and the signal's number."""
_STOPPING = (signal.SIGTERM, signal.SIGINT)


def exit_on_error(run: Callable[[], None]) -> None:
    """Run a process's work; a known error is a line on stderr and exit code 1, an interrupt exit code 130.

    Where the reader of standard output is gone, as after ``| head -1``, the process ends with 0.
    """
    open_standard_streams()
    try:
        try:
            run()
        finally:
            sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # or the last flush would fail once more
        sys.exit(0)
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)
    except ConfigError as error:
        _exit(*(f"{error.origin}: {problem}" for problem in error.problems))
    except (FxTickerError, OSError, ValueError) as error:
        _exit(str(error))
    except MemoryError:
        _exit("out of memory")


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


def _exit(*problems: str) -> NoReturn:
    for problem in problems:
        print(f"fxticker: {one_line(problem)}", file=sys.stderr)
    sys.exit(1)
