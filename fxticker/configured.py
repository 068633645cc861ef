"""The configuration without what checks it: read by a process that ends, held by one that lives for years.

The library that checks it takes a tenth of the daemon's memory and is needed for a second at each reading.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import fxticker
from fxticker.errors import ConfigError, one_line
from fxticker.failing import failing_by_name
from fxticker.logs import log_to_stderr
from fxticker.processes import command_of
from fxticker.sources import Planned, plan

DEFAULT_FILE = "config.toml"
_READ_S = 20
"""Thirty times what a reading takes; a machine that needs longer does not poll in time either."""


@dataclass(frozen=True, slots=True)
class Configured:
    """What a daemon is told.

    Attributes
    ----------
    store
        The store's folder.
    timeout_s, max_bytes, user_agent
        As for `fxticker.fetching.Fetcher`.
    listen
        Host and port for metrics; null if none are served.
    on_alert
        A command; null for none.
    planned
        The enabled sources, at least one, with their grids.
    """

    store: str
    timeout_s: float
    max_bytes: int
    user_agent: str
    listen: tuple[str, int] | None
    on_alert: str | None
    planned: tuple[Planned, ...]


def read_configuration(file: Path | None, *, timeout_s: float | None = None) -> Configured:
    """Have the configuration read and checked by another process.

    Parameters
    ----------
    file
        As for `fxticker.config.load_settings`.
    timeout_s
        Another limit of a request, in seconds, that the sources' intervals have to fit.

    Raises
    ------
    ConfigError
        All that is wrong with it at once.
    """
    asked = {"file": None if file is None else str(file), "timeout_s": timeout_s, "version": fxticker.__version__}
    origin = str(file or DEFAULT_FILE)
    try:
        # In a session of its own: what interrupts the daemon at a terminal is the daemon's business.
        done = subprocess.run(  # noqa: S603 - this interpreter, and code of ours
            command_of("fxticker.configured", json.dumps(asked)),
            stdout=subprocess.PIPE,
            start_new_session=True,
            check=False,
        )
        said = _said(done, origin)
        if "problems" not in said:
            return _configured(said)
    except ConfigError:
        raise
    except (OSError, ValueError, LookupError, TypeError) as error:
        raise ConfigError(origin, [f"could not be read: {type(error).__name__}: {one_line(error)}"]) from error
    raise ConfigError(said["origin"], said["problems"])


def _said(done: subprocess.CompletedProcess[bytes], origin: str) -> dict[str, Any]:
    if done.returncode:
        is_late = done.returncode == -signal.SIGALRM
        why = f"it took more than {_READ_S} s" if is_late else f"what reads it ended with {done.returncode}"
        raise ConfigError(origin, [f"could not be read: {why}"])
    said: dict[str, Any] = json.loads(done.stdout)
    return said


def _configured(said: dict[str, Any]) -> Configured:
    listen, planned = said.pop("listen"), [plan(**each) for each in said.pop("planned")]
    return Configured(**said, listen=None if listen is None else (listen[0], listen[1]), planned=tuple(planned))


def _tell(asked: Mapping[str, Any]) -> dict[str, Any]:
    """What the configuration is, or what is wrong with it."""
    from fxticker.config import load_settings, slow_polls, sources_to_poll

    file = None if asked["file"] is None else Path(asked["file"])
    origin = str(file or DEFAULT_FILE)
    if asked["version"] != fxticker.__version__:
        problem = f"fxticker {fxticker.__version__} is installed now, which counts from the next start on"
        return {"origin": origin, "problems": [problem]}
    try:
        settings = load_settings(file)
        planned = sources_to_poll(settings, file)
    except ConfigError as error:
        return {"origin": error.origin, "problems": error.problems}
    limit_s = asked["timeout_s"]
    problems = [] if limit_s is None else slow_polls(planned, limit_s)
    return {"origin": origin, "problems": problems} if problems else settings.for_daemon()


def _answer(asked: str) -> None:
    """Say it on the standard output that was given, and end, whatever plug-ins print or leave running."""
    signal.alarm(_READ_S)  # a file that cannot be read to its end must not leave a process behind
    answers = os.dup(1)
    os.dup2(2, 1)
    log_to_stderr()
    with open(answers, "w", encoding="utf-8") as answer:  # noqa: PTH123 - a descriptor
        json.dump(_tell(json.loads(asked)), answer)
    os._exit(0)


if __name__ == "__main__":
    failing_by_name(lambda: _answer(sys.argv[1]))
