"""The configuration without what checks it: read by a process that ends, held by one that lives for years.

The library that checks it takes a tenth of the daemon's memory and is needed for a second at each reading.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from contextlib import redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fxticker.errors import ConfigError
from fxticker.logs import log_to_stderr
from fxticker.sources import Planned, plan

DEFAULT_FILE = "config.toml"
_READ_S = 60.0
"""A hundred times what a reading takes; a machine that needs longer does not poll in time either."""


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
    asked = json.dumps({"file": None if file is None else str(file), "timeout_s": timeout_s})
    command = [sys.executable, "-P", "-m", "fxticker.configured", asked]
    origin = str(file or DEFAULT_FILE)
    try:
        done = subprocess.run(command, stdout=subprocess.PIPE, text=True, timeout=_READ_S, check=True)  # noqa: S603
        said = json.loads(done.stdout)
        if "problems" in said:
            raise ConfigError(said["origin"], said["problems"])
        listen, planned = said.pop("listen"), [plan(**each) for each in said.pop("planned")]
    except (subprocess.SubprocessError, json.JSONDecodeError, LookupError) as error:
        raise ConfigError(origin, [f"could not be read: {error}"]) from error
    return Configured(**said, listen=None if listen is None else (listen[0], listen[1]), planned=tuple(planned))


def _tell(asked: Mapping[str, Any]) -> dict[str, Any]:
    """What the configuration is, or what is wrong with it."""
    from fxticker.config import load_settings, slow_polls, sources_to_poll

    file = None if asked["file"] is None else Path(asked["file"])
    try:
        settings = load_settings(file)
        planned = sources_to_poll(settings, file)
    except ConfigError as error:
        return {"origin": error.origin, "problems": error.problems}
    limit_s = asked["timeout_s"]
    problems = [] if limit_s is None else slow_polls(planned, limit_s)
    return {"origin": str(file), "problems": problems} if problems else settings.for_daemon()


if __name__ == "__main__":
    log_to_stderr()
    with redirect_stdout(sys.stderr):  # a plug-in may print as it is imported
        answer = json.dumps(_tell(json.loads(sys.argv[1])))
    print(answer)
