"""Nested stores: which places near a store's would make it a store inside another one.

Readers take every file below ``ticks/`` for data. With a store in ``ticks/`` they would read its ``store.id``, and each
read of the outer one, by fxticker or pandas, would fail. A store is refused in any folder of another one, because what
that one has for names is its own; around one it is refused only if that one lies in the place of a table.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from fxticker.errors import NestedStore
from fxticker.store.backend import STORE_ID

TABLES = ("ticks", "polls", "retractions")
"""Names on disk of the folders that every reader lists."""


def refuse_nested_folder(root: Path) -> None:
    """Refuse a folder inside another store, or with another store as a table, unless it is a store with an id.

    Raises
    ------
    NestedStore
        With the other store.
    OSError
        If the folder cannot be looked into.
    """
    if not (root / STORE_ID).is_file():
        for folder in _near(root):
            if _is_store(folder):
                raise NestedStore(root, folder)


def _near(root: Path) -> Iterator[Path]:
    """The folders above, where links lead to the store's, and those of its tables."""
    yield from Path(os.path.realpath(root)).parents
    for table in TABLES:
        yield root / table


def _is_store(folder: Path) -> bool:
    """Whether a folder has a store's id, or a source's ticks or polls, as stores of version 0.1.0 have no id."""
    with suppress(OSError):  # nobody may look into it
        return (folder / STORE_ID).is_file() or any(any(folder.glob(f"{table}/source=*")) for table in TABLES[:2])
    return False
