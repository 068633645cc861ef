"""Machine: the properties that measurements depend on, without anything that identifies it."""

from __future__ import annotations

import os
import platform
import re
from pathlib import Path

_PROC = Path("/proc")


def facts(work: Path) -> dict[str, str | int | float]:
    """Return CPU, cores, memory, kernel, Python, and the type of file system of `work` (Linux)."""
    memory_kb = re.search(r"MemTotal:\s+(\d+)", (_PROC / "meminfo").read_text())
    model = re.search(r"model name\s*:\s*(.+)", (_PROC / "cpuinfo").read_text())
    return {
        "cpu": model[1] if model else platform.machine(),
        "cores": len(os.sched_getaffinity(0)),
        "memory_gib": round(int(memory_kb[1]) / 2**20, 1) if memory_kb else 0,
        "kernel": f"{platform.system()} {platform.release().partition('-')[0]}",
        "python": platform.python_version(),
        "file_system": _file_system(work.resolve()),
    }


def _file_system(path: Path) -> str:
    mounts = [line.split() for line in (_PROC / "mounts").read_text().splitlines()]
    parents = [mount for mount in mounts if path.is_relative_to(mount[1])]
    return max(parents, key=lambda mount: len(mount[1]))[2]
