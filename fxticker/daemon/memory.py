"""Memory: keeps the daemon small, which runs for years and is idle most of the time."""

from __future__ import annotations

import ctypes
import os
import sys
from datetime import datetime

from fxticker.monitoring.observer import Observer


def use_little_memory() -> None:
    """Keep Arrow and httpx, which are imported later, from taking memory that a daemon does not need.

    Arrow uses the system's allocator: its own is faster at millions of rows and keeps some 10 MB more. Its clients of
    cloud storage, 3 MB of code, and httpx's command line, 5 MB with Rich, are not loaded: both libraries go on without.
    """
    os.environ.setdefault("ARROW_DEFAULT_MEMORY_POOL", "system")
    for module in ("pyarrow._azurefs", "pyarrow._gcsfs", "pyarrow._hdfs", "pyarrow._s3fs", "httpx._main"):
        sys.modules.setdefault(module, None)  # type: ignore[arg-type]


class MemoryReturned(Observer):
    """Returns free memory to the system at every beat.

    Each append writes a whole segment from pieces of many sizes; glibc keeps the holes that they leave, 10 MB of them
    after 100,000 polls. Other C libraries return memory by themselves.
    """

    def __init__(self) -> None:
        self._trim = getattr(ctypes.CDLL(None), "malloc_trim", None)

    def beat(self, now: datetime) -> None:
        """Return what is free."""
        del now
        if self._trim is not None:
            self._trim(0)
