"""Memory: keeps the daemon small, which runs for years and is idle most of the time."""

from __future__ import annotations

import ctypes
import os
import sys
from datetime import datetime

from fxticker.monitoring.observer import Observer

_LIBC = ctypes.CDLL(None)
_M_MMAP_THRESHOLD = -3
"""Number of a parameter of mallopt, from malloc.h of glibc."""
_M_ARENA_MAX = -8
"""Likewise."""
_ARENAS = 2
"""Heaps: with one of them the threads wait for each other."""
_MMAP_BYTES = 128 << 10
"""Size from which a buffer is mapped alone, and returned at once when it is free: the value that glibc begins with."""


def use_little_memory() -> None:
    """Keep Arrow and httpx, which are imported later, from taking memory that a daemon does not need.

    Arrow uses the system's allocator: its own is faster at millions of rows and keeps some 10 MB more. Its clients of
    cloud storage, 3 MB of code, and httpx's command line, 5 MB with Rich, are not loaded: both libraries go on without.

    By default glibc raises its threshold for mapped buffers with the first large buffer that is freed, and then keeps
    the holes of an append's buffers: 5 MB more after an append to a full segment.
    """
    if hasattr(_LIBC, "mallopt"):
        _LIBC.mallopt(_M_MMAP_THRESHOLD, _MMAP_BYTES)
    os.environ.setdefault("ARROW_DEFAULT_MEMORY_POOL", "system")
    for module in ("pyarrow._azurefs", "pyarrow._gcsfs", "pyarrow._hdfs", "pyarrow._s3fs", "httpx._main"):
        sys.modules.setdefault(module, None)  # type: ignore[arg-type]


def use_few_arenas() -> None:
    """Let the threads of this process share two of glibc's heaps: by default it has 8 for each processor.

    A server reads in a few threads, and each heap keeps what its largest answer took. Other C libraries have no such
    heaps.
    """
    if hasattr(_LIBC, "mallopt"):
        _LIBC.mallopt(_M_ARENA_MAX, _ARENAS)


class MemoryReturned(Observer):
    """Returns free memory to the system at every beat.

    Each append writes a whole segment from pieces of many sizes; glibc keeps the holes that they leave, 10 MB of them
    after 100,000 polls. Other C libraries return memory by themselves.
    """

    def __init__(self) -> None:
        self._trim = getattr(_LIBC, "malloc_trim", None)

    def beat(self, now: datetime) -> None:
        """Return what is free."""
        del now
        if self._trim is not None:
            self._trim(0)
