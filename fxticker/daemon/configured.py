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
from fxticker.daemon.exit import exit_on_error
from fxticker.daemon.processes import command_of
from fxticker.errors import ConfigError, one_line
from fxticker.monitoring.logs import log_to_stderr
from fxticker.sources import ScheduledSource, scheduled

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
    http
        What `fxticker.fetch.client.Fetcher` takes.
    listen
        Host and port for metrics; null if none are served.
    on_alert
        A command; null for none.
    planned
        The enabled sources, at least one, with their grids.
    """

    store: str
    http: Mapping[str, Any]
    listen: tuple[str, int] | None
    on_alert: str | None
    planned: tuple[ScheduledSource, ...]


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
        said = json.loads(_answer_of(command_of("fxticker.daemon.configured", json.dumps(asked))))
        if "problems" not in said:
            return _configured(said)
    except (OSError, ValueError, LookupError, TypeError) as error:
        raise ConfigError(origin, [f"could not be read: {type(error).__name__}: {one_line(error)}"]) from error
    raise ConfigError(said["origin"], said["problems"])


def _answer_of(command: list[str]) -> bytes:
    """What a process prints on its standard output, within a time and whatever it leaves running.

    Raises
    ------
    OSError
        If it does not end well in time.
    """
    # A file and no pipe: what it leaves running may hold the other end for ever.
    with open(os.memfd_create("answer"), "w+b") as answer:  # noqa: PTH123 - a descriptor
        # In a session of its own: what interrupts the daemon at a terminal is the daemon's business.
        with subprocess.Popen(command, stdout=answer, start_new_session=True) as process:  # noqa: S603 - code of ours
            try:
                process.wait(_READ_S)
            except subprocess.TimeoutExpired as error:
                raise TimeoutError(f"what reads it took more than {_READ_S} s") from error
            finally:
                process.kill()
        if process.returncode:
            raise ChildProcessError(f"what reads it ended with {process.returncode}")
        answer.seek(0)
        return answer.read()


def _configured(said: dict[str, Any]) -> Configured:
    listen, planned = said.pop("listen"), [scheduled(**each) for each in said.pop("planned")]
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
    signal.alarm(_READ_S)  # also where nobody is left to end this process
    answers = os.dup(1)
    os.dup2(2, 1)
    log_to_stderr()
    with open(answers, "w", encoding="utf-8") as answer:  # noqa: PTH123 - a descriptor
        json.dump(_tell(json.loads(asked)), answer)
    os._exit(0)


if __name__ == "__main__":
    exit_on_error(lambda: _answer(sys.argv[1]))
