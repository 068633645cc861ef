"""Process pool: reads stretches of WARC files in processes of this machine; one that dies or hangs is replaced."""

from __future__ import annotations

import pickle
import queue
import select
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from datetime import datetime
from typing import IO, Any, Self

from fxticker.backfill.stretch_chain import ReaderDied, ReadersFailed
from fxticker.backfill.stretches import Stretch, StretchRead
from fxticker.errors import one_line
from fxticker.sources.source import Source

TRIES = 2
"""Processes that try to read a stretch: one that dies twice kills its reader."""
TIMEOUT_S = 600.0
"""Seconds for a stretch, of which a third of one is usual; a process that takes longer is ended."""


class ProcessPool:
    """Processes that read stretches.

    Parameters
    ----------
    count
        Number of processes.
    died
        Called with a line for each process that ended or hung while it read a stretch, from a thread of the pool.
    """

    def __init__(
        self,
        count: int,
        *,
        died: Callable[[str], object] = lambda line: None,
        timeout_s: float = TIMEOUT_S,
    ) -> None:
        self.count = count
        self._died = died
        self._timeout_s = timeout_s
        self._threads = ThreadPoolExecutor(count, thread_name_prefix="reading")
        self._idle: queue.SimpleQueue[_Process] = queue.SimpleQueue()
        self._all: list[_Process] = []
        self._is_closed = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._is_closed = True
        for process in list(self._all):
            process.kill()
        self._threads.shutdown(cancel_futures=True)
        for process in self._all:
            process.kill()  # one that a thread began meanwhile
            process.close()

    def submit(self, stretch: Stretch, source: Source, latest: datetime) -> Future[StretchRead]:
        """Have a stretch read by the next process that is free; arguments as of `read_stretch`."""
        return self._threads.submit(self._read, stretch, source, latest)

    def _read(self, stretch: Stretch, *others: object) -> StretchRead:
        try:
            request = pickle.dumps((stretch, *others), pickle.HIGHEST_PROTOCOL)
        except (pickle.PicklingError, AttributeError, TypeError) as error:
            raise ReadersFailed(f"the source cannot be handed to other processes: {one_line(error)}") from error
        reason = ""
        for _ in range(TRIES):
            if self._is_closed:
                break
            process = self._process()
            try:
                answer = process.ask(request, self._timeout_s)
            except _Ended as error:
                reason = f"process {process.id}, which read {stretch}, {error}"
                if not self._is_closed:
                    self._died(reason)
            else:
                self._idle.put(process)
                if isinstance(answer, StretchRead):
                    return answer
                raise answer
        raise ReaderDied(reason)

    def _process(self) -> _Process:
        try:
            return self._idle.get_nowait()
        except queue.Empty:
            process = _Process()
            self._all.append(process)
            return process


class _Ended(Exception):
    """A process ended, or had to be, before it answered."""


class _Process:
    """A process that reads."""

    def __init__(self) -> None:
        # -P: no module of the present folder, which may be one of untrusted files, stands in for another one.
        command = [sys.executable, "-P", "-m", "fxticker.backfill.reading_process"]
        self._popen = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)  # noqa: S603
        self.id = self._popen.pid

    def ask(self, request: bytes, timeout_s: float) -> Any:
        """Return the answer to a pickled request.

        Raises
        ------
        _Ended
            If there is none; the process is gone then.
        """
        stdin, stdout = self._pipes()
        try:
            stdin.write(request)
            stdin.flush()
            if not select.select([stdout], [], [], timeout_s)[0]:
                self.kill()
                raise _Ended(f"took more than {timeout_s:g} s and was ended")
            return pickle.load(stdout)  # noqa: S301  of this program
        except (OSError, EOFError, pickle.UnpicklingError) as error:
            code = self.kill()
            raise _Ended(f"was killed by signal {-code}" if code < 0 else f"ended with exit code {code}") from error

    def kill(self) -> int:
        """Kill the process, if it is not gone, and return its exit code; minus the signal that ended it."""
        if self._popen.poll() is None:
            self._popen.kill()
        return self._popen.wait()

    def close(self) -> None:
        """Close the pipes of a process that is gone."""
        for pipe in self._pipes():
            with suppress(OSError):  # what is left to be written to it
                pipe.close()

    def _pipes(self) -> tuple[IO[bytes], IO[bytes]]:
        assert self._popen.stdin is not None  # both are pipes
        assert self._popen.stdout is not None
        return self._popen.stdin, self._popen.stdout
