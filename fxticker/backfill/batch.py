"""Batch: ticks of several answers that become durable together, and the items that were found to have none."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Generic, Protocol, TypeVar

from fxticker.model.records import Tick
from fxticker.store.store import Appended, Store

Item = TypeVar("Item")
"""A day of a bank's history, or the timestamp of a capture."""


class Counts(Protocol):
    """A summary of a run."""

    def count_stored(self, appended: Appended, items: int) -> None:
        """Add rows that are durable, and the number of items that they belong to."""

    def count_absent(self, items: int) -> None:
        """Add the number of items without ticks."""


@dataclass(slots=True)
class Batch(Generic[Item]):
    """Results that are not durable yet.

    Attributes
    ----------
    store
        Receives the ticks.
    record_absent
        Records items without ticks durably.
    counts
        Updated as soon as something is durable.
    ticks
        Ticks to be appended.
    filled
        Number of items whose ticks are among `ticks`.
    absent
        Items without ticks.
    """

    store: Store
    record_absent: Callable[[Sequence[Item]], object]
    counts: Counts
    ticks: list[Tick] = field(default_factory=list)
    filled: int = 0
    absent: list[Item] = field(default_factory=list)

    def flush(self) -> None:
        """Make the batch durable and start an empty one.

        Ticks are appended first: if the process ends in between, no item that has ticks is recorded as absent.
        """
        appended = self.store.append(self.ticks) if self.ticks else Appended(added=0, known=0)
        self.counts.count_stored(appended, self.filled)
        self.ticks, self.filled = [], 0
        if self.absent:
            self.record_absent(self.absent)
        self.counts.count_absent(len(self.absent))
        self.absent = []
