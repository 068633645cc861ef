"""Cluster pool: reads stretches of WARC files on the workers of a Dask cluster that is running already.

The files have the same paths on all workers, as on a shared file system. Dask gives what a lost worker read to another
one; a stretch that several workers did not survive is refused by name.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import CancelledError
from contextlib import suppress
from datetime import datetime
from typing import Any, Self

from fxticker.backfill.stretch_chain import ReaderDied, ReadersFailed
from fxticker.backfill.stretches import Stretch, StretchRead, read_stretch
from fxticker.errors import MissingExtra, one_line
from fxticker.sources.source import Source

CONNECT_S = 10.0
"""Seconds in which the scheduler has to answer."""
TIMEOUT_S = 600.0
"""Seconds for a stretch from the time at which it is waited for, of which a third of one is usual."""


class ClusterPool:
    """Workers that read stretches.

    Parameters
    ----------
    address
        Of the scheduler, ``tcp://host:8786``.
    died
        Called with a line for each worker that was lost.

    Raises
    ------
    MissingExtra
        If Dask is not installed.
    ReadersFailed
        If the scheduler does not answer, has no workers, or one of them has another version of this program.
    """

    def __init__(
        self, address: str, *, died: Callable[[str], object] = lambda line: None, timeout_s: float = TIMEOUT_S
    ) -> None:
        try:
            from distributed import Client
        except ImportError as error:
            raise MissingExtra("reading on a cluster needs Dask", extra="distributed") from error
        try:
            self._client: Any = Client(address, timeout=CONNECT_S, set_as_default=False)
        except (OSError, ValueError) as error:
            raise ReadersFailed(f"{address}: no scheduler of Dask answers ({one_line(error)})") from error
        self._died = died
        self._timeout_s = timeout_s
        self._workers: dict[str, int] = {}
        try:
            self._require_workers(address)
        except BaseException:
            self._client.close()
            raise
        self.count = sum(self._workers.values())

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        with suppress(OSError):  # the scheduler is gone
            for address in sorted({*self._workers} - {*self._client.nthreads()}):
                self._died(f"worker {address} was lost; what it had not read is read by others")
        self._client.close()

    def submit(self, stretch: Stretch, source: Source, latest: datetime) -> _Reading:
        """Have a stretch read by the next worker that is free; arguments as of `read_stretch`."""
        future = self._client.submit(read_stretch, stretch, source, latest, pure=False)
        return _Reading(future, stretch, self._timeout_s)

    def _require_workers(self, address: str) -> None:
        self._workers = dict(self._client.nthreads())
        if not self._workers:
            raise ReadersFailed(f"{address}: the scheduler has no workers")
        versions = self._client.get_versions(packages=["fxticker"])
        own = versions["client"]["packages"].get("fxticker")
        for worker, facts in versions["workers"].items():
            if (version := facts["packages"].get("fxticker")) != own:
                raise ReadersFailed(f"worker {worker} has fxticker {version}, this program is {own}")


class _Reading:
    """A stretch that a worker reads."""

    def __init__(self, future: Any, stretch: Stretch, timeout_s: float) -> None:
        self._future = future
        self._stretch = stretch
        self._timeout_s = timeout_s

    def result(self) -> StretchRead:
        """Wait for what is read."""
        from distributed import KilledWorker

        try:
            read: StretchRead = self._future.result(timeout=self._timeout_s)
        except KilledWorker as error:
            raise ReaderDied(f"the workers that read {self._stretch} were lost: {one_line(error)[:200]}") from error
        except TimeoutError as error:
            self._future.cancel()
            raise ReaderDied(f"reading {self._stretch} took more than {self._timeout_s:g} s") from error
        except CancelledError as error:
            raise ReadersFailed(
                "the scheduler was lost; what came is stored; repeat the command to continue"
            ) from error
        return read
