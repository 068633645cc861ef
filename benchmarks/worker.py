"""Worker: one measurement in a process of its own, ``python -m benchmarks.worker MODULE:FUNCTION '{"argument": …}'``.

Prints the function's result as one line of JSON. Memory, imports and garbage of one contender thus never affect
another.
"""

from __future__ import annotations

import json
import os
import sys
from importlib import import_module


def main(task: str, arguments: str) -> None:
    """Run one task and print what it returns."""
    module, _, name = task.partition(":")
    result = getattr(import_module(f"benchmarks.tasks.{module}"), name)(**json.loads(arguments))
    print(json.dumps(result), flush=True)
    os._exit(0)  # threads of some libraries (Delta Lake's) abort an interpreter at its regular exit


if __name__ == "__main__":
    main(*sys.argv[1:])
