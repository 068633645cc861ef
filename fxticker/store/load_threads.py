"""Threads of loads: work is done in several of them where that is faster than in one."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

FEW_VALUES = 2_500_000
"""Values, rows times columns, up to which one thread is as fast as two. Of three million, two take a fifth less time
and a sixth more processor time, since they wait for the interpreter's lock and for each other's memory."""


def each(work: Callable[[Any], Any], items: Sequence[Any], values: int | None = None) -> list[Any]:
    """Return ``work(item)`` of each item, in order.

    As many threads are used as there are processors, for Arrow and numpy release the interpreter's lock. `work` must
    not call this function: all threads would wait for others. The first item's error is raised if several have one.

    Parameters
    ----------
    work, items
        What is done, and with what.
    values
        Number of values in memory that it concerns, of which few are left to one thread; None if it waits for a disk
        or a network.
    """
    if len(items) < 2 or (values is not None and values <= FEW_VALUES):  # noqa: PLR2004
        return [work(item) for item in items]
    results: list[Any] = [None] * len(items)
    places = iter(range(len(items)))
    failures: dict[int, BaseException] = {}

    def run() -> None:
        # One future a thread: one for each item would wake the thread that asks as often, and take a tenth of a load.
        for place in places:
            try:
                results[place] = work(items[place])
            except BaseException as error:  # noqa: BLE001  raised below
                failures[place] = error
                for _ in places:  # the other threads stop after their item
                    pass

    count = len(os.sched_getaffinity(0))
    for future in [_threads(os.getpid(), count).submit(run) for _ in range(count)]:
        future.result()
    if failures:
        raise failures[min(failures)]
    return results


@functools.cache
def _threads(process: int, count: int) -> ThreadPoolExecutor:
    """The threads of a process, which a forked one has not; new ones for each load would allocate all memory anew."""
    return ThreadPoolExecutor(count, thread_name_prefix=f"load-{process}")
