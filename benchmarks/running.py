"""Worker processes: one at a time, each in the environment it needs."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

_ROOT = Path(__file__).parents[1]
_SHOWN_LINES = 12


class WorkerFailed(RuntimeError):
    """A worker ended without a result."""


@dataclass
class Workers:
    """Runs tasks in processes of their own and keeps what went wrong.

    Attributes
    ----------
    arcticdb_python
        The interpreter of ArcticDB's environment; null if there is none.
    problems
        What failed or gave a wrong answer.
    """

    arcticdb_python: Path | None
    problems: list[str] = field(default_factory=list)

    def run(self, task: str, *, arcticdb: bool = False, **arguments: Any) -> Any:
        """Run ``module:function`` of `benchmarks.tasks` and return its result.

        Raises
        ------
        WorkerFailed
            With the end of what the worker said.
        """
        python = self.arcticdb_python if arcticdb else Path(sys.executable)
        assert python is not None
        # an interpreter of a virtual environment is a link: made absolute it must stay one
        command = [str(python.absolute()), "-m", "benchmarks.worker", task, json.dumps(arguments)]
        began = time.monotonic()
        done = subprocess.run(command, cwd=_ROOT, capture_output=True, text=True, check=False)  # noqa: S603
        said(f"{time.monotonic() - began:7.1f} s  {task} {_shown(arguments)}")
        if done.returncode:
            raise WorkerFailed("\n".join(done.stderr.splitlines()[-_SHOWN_LINES:]))
        return json.loads(done.stdout.splitlines()[-1])

    def attempt(self, task: str, *, arcticdb: bool = False, **arguments: Any) -> Any:
        """The result as `run` gives it, or null with the failure kept."""
        try:
            return self.run(task, arcticdb=arcticdb, **arguments)
        except WorkerFailed as error:
            self.problem(f"{task} {_shown(arguments)} failed:\n{error}")
            return None

    def problem(self, text: str) -> None:
        """Keep what went wrong, and say it."""
        self.problems.append(text)
        said(text)


def said(text: str) -> None:
    """Progress, for whoever waits."""
    print(text, file=sys.stderr, flush=True)


def _shown(arguments: dict[str, Any]) -> str:
    """Arguments without paths."""
    return " ".join(str(value) for name, value in arguments.items() if name not in {"folder", "data", "path"})
