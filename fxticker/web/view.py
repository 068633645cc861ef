"""View: what one request sees, the store with its catalogue and the present, fixed while it is answered."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from importlib.metadata import version

from fxticker.model.days import Lookup
from fxticker.sources.registry import ScheduledSource
from fxticker.store.store import Store
from fxticker.web.catalogue import Catalogue


@dataclass(frozen=True, slots=True)
class View:
    """What one request sees.

    Attributes
    ----------
    store
        The store, which is only read.
    catalogue
        What it has.
    now
        The present, aware UTC.
    is_frozen
        The present stands still: it was given when the server was started.
    order
        Which source answers: see `fxticker.rate`.
    planned
        The sources of the configuration, with their schedules.
    """

    store: Store
    catalogue: Catalogue
    now: datetime
    is_frozen: bool
    order: Sequence[str]
    planned: Sequence[ScheduledSource]

    @property
    def present(self) -> Lookup:
        """What a lookup as of now includes."""
        return Lookup(self.now, self.now)

    def version_of(self, *facts: object) -> str:
        """Return a hash that differs whenever facts do, or what every answer follows from beside the store.

        That is the program, the order of its sources, and a present that stands still.
        """
        text = repr((version("fxticker"), self.now if self.is_frozen else None, tuple(self.order), facts))
        return hashlib.sha256(text.encode()).hexdigest()[:32]
