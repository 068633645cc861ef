"""Loop thread: an event loop in a thread of its own, which can be left at any moment: nothing waits for it for long."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from fxticker.fetch.dns import NonBlockingDnsLoop

END_S = 2.0
"""Seconds that calls under way have to end when the loop is closed, and that `LoopThread.close` waits at most."""
Result = TypeVar("Result")


class LoopThread:
    """An event loop that runs in a daemon thread, for calls from all other threads.

    An interrupt of the main thread, as by Ctrl-C, may come between any two instructions: while the thread starts, while
    a call is awaited, and while the loop is closed. So no end of a block waits for this thread without a limit.
    """

    def __init__(self) -> None:
        self._runner = asyncio.Runner(loop_factory=NonBlockingDnsLoop)
        self._loop = self._runner.get_loop()
        self._closing = asyncio.Event()
        self._thread = threading.Thread(target=self._run, name="fxticker-http", daemon=True)
        self._thread.start()

    def call(
        self, function: Callable[..., Coroutine[Any, Any, Result]], *arguments: object, timeout_s: float | None = None
    ) -> Result:
        """Run a coroutine function in the loop and return its result.

        Raises
        ------
        TimeoutError
            If that takes longer than `timeout_s`; ``None`` for no limit.
        """
        return asyncio.run_coroutine_threadsafe(function(*arguments), self._loop).result(timeout_s)

    def close(self) -> None:
        """End the loop once its calls have ended, or `END_S` later."""
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._closing.set)
        self._thread.join(END_S)

    def _run(self) -> None:
        with self._runner:
            self._runner.run(self._until_closed())

    async def _until_closed(self) -> None:
        await self._closing.wait()
        calls = asyncio.all_tasks() - {asyncio.current_task()}
        if calls:
            await asyncio.wait(calls, timeout=END_S / 2)
