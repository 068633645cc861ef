"""Exit of a process: known errors become one line on stderr and exit code 1 or 2; early signals end a daemon with 0."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from typing import NoReturn

USAGE = 2
"""Exit code of wrong usage, as click gives it."""
INTERRUPTED = 130
"""Exit code of a process that an interrupt ends, as shells give it: 128 and the signal's number."""
_MOST_CHARS = 1000
"""Of an error on standard error: room for the sources that lack something and, behind them, what to do."""
_STOPPING = (signal.SIGTERM, signal.SIGINT)
_AGAIN_S = 0.01
_interrupts: list[bool] = []
"""One entry for each interrupt that came."""


def exit_on_error(run: Callable[[], None]) -> None:
    """Run a process's work; a known error is a line on stderr and exit code 1, an interrupt exit code 130.

    A package that the installation leaves out is a known error. An argument that means nothing is wrong usage: exit
    code 2. Where the reader of standard output is gone, as after ``| head -1``, the process ends with 0.
    """
    open_standard_streams()
    try:
        _run(run)
    except BaseException:
        if _interrupts:  # C code that is interrupted, as at an import, may raise an error of another kind
            sys.exit(INTERRUPTED)
        raise
    finally:
        if signal.getsignal(signal.SIGINT) is _interrupt:
            signal.signal(signal.SIGINT, lambda _number, _frame: os._exit(INTERRUPTED))
    if _interrupts:
        sys.exit(INTERRUPTED)


def raise_interrupts() -> None:
    """Raise KeyboardInterrupt on SIGINT from now on; `exit_on_error` ends with 130 whatever becomes of it."""
    signal.signal(signal.SIGINT, _interrupt)
    sys.unraisablehook = _interrupt_again


def _interrupt(_number: int, _frame: object) -> NoReturn:
    _interrupts.append(True)
    raise KeyboardInterrupt


def _interrupt_again(unraisable: sys.UnraisableHookArgs) -> None:
    """Repeat, in a moment, an interrupt that came where exceptions are dropped, as in a weak reference's callback."""
    if not issubclass(unraisable.exc_type, KeyboardInterrupt):
        sys.__unraisablehook__(unraisable)
        return
    signal.signal(signal.SIGALRM, _interrupt)
    signal.setitimer(signal.ITIMER_REAL, _AGAIN_S)


def _run(run: Callable[[], None]) -> None:
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
    except MemoryError:
        _exit("out of memory")
    except Exception as error:
        from fxticker.errors import ConfigError, FxTickerError
        from fxticker.installed import missing_text
        from fxticker.model.invalid import InvalidArgument

        if isinstance(error, ModuleNotFoundError) and (text := missing_text(error)) is not None:
            _exit(text)
        if _interrupts or not isinstance(error, (FxTickerError, OSError, InvalidArgument)):
            raise
        if isinstance(error, ConfigError):
            _exit(*(f"{error.origin}: {problem}" for problem in error.problems))
        if isinstance(error, OSError) and not isinstance(error, FxTickerError) and error.filename and error.strerror:
            _exit(f"{error.filename}: {error.strerror}")
        _exit(str(error), code=USAGE if isinstance(error, InvalidArgument) else 1)


def exit_on_early_signals() -> None:
    """End with 0 on SIGTERM and SIGINT until a daemon handles them, and hold SIGHUP back until then."""
    _interrupts.clear()
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


def _exit(*problems: str, code: int = 1) -> NoReturn:
    from fxticker.errors import one_line

    for problem in problems:
        print(f"fxticker: {one_line(problem, _MOST_CHARS)}", file=sys.stderr)
    sys.exit(code)
