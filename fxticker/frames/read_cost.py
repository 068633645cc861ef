"""Read cost: opens a store for a reader, and logs what was asked of an object storage until the reader is done.

Each request is billed and takes its time, and a frame does not show how many there were. The log has it, at level
DEBUG: an attribute of the frame would be lost by the first operation that makes another, and tables of Arrow or Polars
have none.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING

from fxticker.store.store import Store, opened
from fxticker.store.traffic import Traffic

if TYPE_CHECKING:
    from fxticker.frames.pairs import StorePath


@contextlib.contextmanager
def counted(store: StorePath) -> Iterator[Store]:
    """Open a store, and log the requests, bytes and seconds of the block if the store is on object storage.

    Those of other threads that use the same open store at that time are among them.

    Raises
    ------
    StoreError
        If there is no store at the path.
    """
    began_s = time.monotonic()
    found = opened(store)
    before = Traffic() if found is not store else found.backend.traffic  # to open a store takes a request, too
    yield found
    after = found.backend.traffic
    if before is not None and after is not None:
        import logging  # commands that read a folder start without it

        logging.getLogger("fxticker").debug(
            "%s: read by %s, %.2f s", found.backend, after.since(before), time.monotonic() - began_s
        )
