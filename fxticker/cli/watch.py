"""Watching: prints an answer anew at each interval, on a terminal in place of the one before."""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
from io import StringIO
from shutil import get_terminal_size
from time import sleep
from typing import NoReturn

_TOP, _END_OF_LINE, _END_OF_SCREEN = "\x1b[H", "\x1b[K", "\x1b[J"
"""To the screen's first line; clear the rest of a line, and of the screen."""


def repeat(print_now: Callable[[], None], *, every_s: float) -> NoReturn:
    """Print an answer, wait, and print it again, until an interrupt.

    Parameters
    ----------
    print_now
        Prints the answer as of now on standard output, and reads the store once.
    every_s
        Seconds between two answers.
    """
    while True:
        if sys.stdout.isatty():
            _redraw(print_now)
        else:
            print_now()
            print(flush=True)
        sleep(every_s)


def _redraw(print_now: Callable[[], None]) -> None:
    screen = sys.stdout
    with redirect_stdout(_Screen()) as text, redirect_stderr(text):
        print_now()
    lines, room = text.getvalue().splitlines(), get_terminal_size().lines - 1
    if len(lines) > room:  # a screen that scrolls cannot be drawn again from its top
        lines[room - 1 :] = [f"({len(lines) - room + 1} lines more; the terminal is too low)"]
    screen.write(_TOP + "".join(f"{line}{_END_OF_LINE}\n" for line in lines) + _END_OF_SCREEN)
    screen.flush()


class _Screen(StringIO):
    """What goes to the terminal at once, so that it does not flicker."""

    def isatty(self) -> bool:
        return True
