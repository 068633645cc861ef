"""Workers: run tasks in processes of their own, one at a time, each in the environment it needs."""

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
"""Last lines of a failed worker's standard error that are shown."""


class WorkerFailed(RuntimeError):
    """A worker ended without a result."""


@dataclass
class Workers:
    """Runs tasks in processes of their own and collects problems.

    Attributes
    ----------
    arcticdb_python
        Interpreter of ArcticDB's environment; `None` if there is none.
    problems
        Failed tasks and wrong answers.
    """

    arcticdb_python: Path | None
    problems: list[str] = field(default_factory=list)

    def run(self, task: str, *, arcticdb: bool = False, **arguments: Any) -> Any:
        """Run ``module:function`` of `benchmarks.tasks` and return its result.

        Raises
        ------
        WorkerFailed
            If the worker fails; the message is the end of its standard error.
        """
        python = self.arcticdb_python if arcticdb else Path(sys.executable)
        assert python is not None
        # absolute(), not resolve(): the interpreter of a virtual environment is a link and must stay one
        command = [str(python.absolute()), "-m", "benchmarks.worker", task, json.dumps(arguments)]
        began = time.monotonic()
        done = subprocess.run(command, cwd=_ROOT, capture_output=True, text=True, check=False)  # noqa: S603
        log_progress(f"{time.monotonic() - began:7.1f} s  {task} {_shown(arguments)}")
        if done.returncode:
            raise WorkerFailed("\n".join(done.stderr.splitlines()[-_SHOWN_LINES:]))
        return json.loads(done.stdout.splitlines()[-1])

    def attempt(self, task: str, *, arcticdb: bool = False, **arguments: Any) -> Any:
        """Return the result of `run`; `None` if it fails, and add the problem."""
        try:
            return self.run(task, arcticdb=arcticdb, **arguments)
        except WorkerFailed as error:
            self.problem(f"{task} {_shown(arguments)} failed:\n{error}")
            return None

    def problem(self, text: str) -> None:
        """Add and print a problem."""
        self.problems.append(text)
        log_progress(text)


def log_progress(text: str) -> None:
    """Print a line of progress to standard error."""
    print(text, file=sys.stderr, flush=True)


def _shown(arguments: dict[str, Any]) -> str:
    """Return the arguments without paths."""
    return " ".join(str(value) for name, value in arguments.items() if name not in {"folder", "data", "path"})
