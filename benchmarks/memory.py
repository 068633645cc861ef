"""Memory: resident memory of this process, now and at its peak (Linux)."""

from __future__ import annotations

import gc
from pathlib import Path

import pyarrow as pa

_SELF = Path("/proc/self")


def resident_mb() -> float:
    """Return the resident memory in 10^6 bytes."""
    return _status_mb("VmRSS")


def peak_mb() -> float:
    """Return the peak of the resident memory since `forget_peak`, in 10^6 bytes."""
    return _status_mb("VmHWM")


def forget_peak() -> None:
    """Release free memory and reset the peak."""
    gc.collect()
    pa.default_memory_pool().release_unused()
    (_SELF / "clear_refs").write_text("5")


def _status_mb(key: str) -> float:
    lines = (_SELF / "status").read_text().splitlines()
    [line] = [line for line in lines if line.startswith(f"{key}:")]
    return int(line.split()[1]) * 1024 / 1e6
