"""Processes of our own: how one becomes another, or starts one, without losing what it was started with."""

from __future__ import annotations

import json
import os
import signal
import sys

STOPPING = (signal.SIGTERM, signal.SIGINT)
_BEGIN = (
    "import json, runpy, sys; sys.path[:] = json.loads(sys.argv.pop(1)); "
    "runpy.run_module(sys.argv.pop(1), run_name='__main__', alter_sys=True)"
)


def command_of(module: str, *arguments: str) -> list[str]:
    """How this interpreter runs another module of the package: the one that was imported here, isolated as we are.

    Parameters
    ----------
    module
        Its full name; it is run as a program.
    arguments
        Its ``sys.argv[1:]``.
    """
    flags = ["-I"] if sys.flags.isolated else ["-E"] * sys.flags.ignore_environment + ["-s"] * sys.flags.no_user_site
    return [sys.executable, *flags, "-P", "-c", _BEGIN, json.dumps(sys.path), module, *arguments]


def become(module: str, *arguments: str) -> None:
    """Go on as another module of the package, in this process.

    Signals that would end or reload a daemon wait until that module has said what they mean: `ready_for_signals`.
    """
    sys.stdout.flush()
    signal.pthread_sigmask(signal.SIG_BLOCK, [*STOPPING, signal.SIGHUP])
    command = command_of(module, *arguments)
    os.execv(command[0], command)  # noqa: S606 - this interpreter, and code of ours


def ready_for_signals() -> None:
    """End well on what ends a daemon that has not begun yet; what reloads it waits for `Daemon.stop_on_signals`."""
    for number in STOPPING:
        signal.signal(number, lambda _number, _frame: os._exit(0))
    signal.pthread_sigmask(signal.SIG_UNBLOCK, STOPPING)


def hold_standard_streams() -> None:
    """Open what of the standard streams is closed, to nothing: or the next file that is opened would become it."""
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        try:
            os.fstat(number)
        except OSError:
            os.set_inheritable(os.open(os.devnull, os.O_RDWR), True)  # the lowest free number: this one
        if getattr(sys, name) is None:
            setattr(sys, name, open(number, "r" if number == 0 else "w", encoding="utf-8", closefd=False))  # noqa: SIM115
