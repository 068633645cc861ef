"""How much memory this process holds, and held at most since it was last asked (Linux)."""

from __future__ import annotations

import gc
from pathlib import Path

import pyarrow as pa

_SELF = Path("/proc/self")


def resident_mb() -> float:
    """Resident memory in 10^6 bytes."""
    return _status_mb("VmRSS")


def peak_mb() -> float:
    """The most that was resident since `forget_peak`, in 10^6 bytes."""
    return _status_mb("VmHWM")


def forget_peak() -> None:
    """Give back what is free and let the peak begin anew."""
    gc.collect()
    pa.default_memory_pool().release_unused()
    (_SELF / "clear_refs").write_text("5")


def _status_mb(key: str) -> float:
    lines = (_SELF / "status").read_text().splitlines()
    [line] = [line for line in lines if line.startswith(f"{key}:")]
    return int(line.split()[1]) * 1024 / 1e6
