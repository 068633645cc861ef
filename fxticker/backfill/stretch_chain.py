"""Stretch chain: puts what was read of a file's stretches together, as if it had been read from its begin."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from typing import Protocol, TypeVar

from fxticker.backfill.captures import Captures
from fxticker.backfill.stretches import Stretch, StretchRead
from fxticker.backfill.warc import Allowance
from fxticker.backfill.warc_records import BEGIN, Place
from fxticker.errors import FxTickerError

Item = TypeVar("Item")


class ReaderDied(FxTickerError):
    """The process that read a stretch ended, more than once."""


class ReadersFailed(FxTickerError):
    """What should read elsewhere cannot: mend what the message names, and repeat the import."""


class Reading(Protocol):
    """A stretch that is being read elsewhere."""

    def result(self) -> StretchRead:
        """Wait for what is read.

        Raises
        ------
        OSError
            If the file cannot be read.
        ReaderDied
            If its process ended, or took too long, in each of several tries.
        ReadersFailed
            If nothing can be read elsewhere.
        """


Submit = Callable[[Stretch], Reading]
"""Has a stretch read by the next process that is free."""


def ahead(
    planned: Iterable[tuple[Item, Stretch | None]], submit: Submit, count: int
) -> Iterator[tuple[Item, Stretch | None, Reading | None]]:
    """Yield what is planned in order, while up to `count` stretches behind it are being read."""
    waiting: deque[tuple[Item, Stretch | None, Reading | None]] = deque()
    for item, stretch in planned:
        waiting.append((item, stretch, None if stretch is None or stretch.is_empty else submit(stretch)))
        while len(waiting) > count:
            yield waiting.popleft()
    yield from waiting


class StretchChain:
    """The stretches of one file, in order.

    Parameters
    ----------
    allowance
        What may be read of the file.
    submit
        Has a stretch read again, from the place where the one before it ended.
    place
        Where the first stretch begins.

    Attributes
    ----------
    next
        Place of the first record that was not read; `None` at the end of the file.
    allowance
        What may still be read.
    is_whole
        Whether no stretch was left out.
    """

    def __init__(self, allowance: Allowance, submit: Submit, place: Place | None = BEGIN) -> None:
        self.allowance = allowance
        self.next = place
        self.is_whole = True
        self._submit = submit
        self._is_lost = False

    def take(self, stretch: Stretch, reading: Reading) -> Iterator[Captures]:
        """Yield the captures of the next stretch; a stretch that counts for nothing is read again.

        Raises
        ------
        OSError, ReaderDied
            As of `Reading`; the next stretch is then read from its first record.
        """
        exact: Stretch | None = None
        while self._is_lost or (self.next is not None and self.next.offset < stretch.end):
            try:
                read = reading.result() if exact is None else self._submit(exact).result()
            except ReaderDied:
                self._is_lost, self.is_whole = True, False
                raise
            if self._is_lost and read.start is None:
                return
            left = self.allowance.without(read.used)
            if exact is not None or self._is_lost or (read.start == self.next and left.is_kept):
                self.next, self.allowance, self._is_lost = read.next, left, False
                yield read.captures
            exact = replace(stretch, place=self.next, allowance=self.allowance)
