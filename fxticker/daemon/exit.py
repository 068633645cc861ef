"""How a process fails: whatever has a name is one line on stderr and exit code 1."""

from __future__ import annotations

import sys
from collections.abc import Callable

from fxticker.daemon.processes import hold_standard_streams
from fxticker.errors import ConfigError, FxTickerError, one_line


def exit_on_error(run: Callable[[], None]) -> None:
    """Run a process's work; every failure that has a name is one line on stderr and exit code 1."""
    hold_standard_streams()
    try:
        run()
    except ConfigError as error:
        for problem in error.problems:
            _say(f"{error.origin}: {problem}")
        sys.exit(1)
    except (FxTickerError, OSError, ValueError) as error:
        _say(str(error))
        sys.exit(1)
    except MemoryError:
        _say("out of memory")
        sys.exit(1)


def _say(text: str) -> None:
    print(f"fxticker: {one_line(text)}", file=sys.stderr)
