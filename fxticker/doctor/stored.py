"""Store: which one it is, what it holds, who writes to it, and what is damaged or ahead of now."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime
from pathlib import Path

from fxticker.doctor.fact import Fact
from fxticker.errors import FxTickerError, SegmentUnreadable, StoreError
from fxticker.monitoring.damage import damage_of
from fxticker.store.ahead import CORRECTED, rows_ahead, summed
from fxticker.store.location import Location, absolute, storage_at
from fxticker.store.poll_log import poll_log
from fxticker.store.read_recent import read_recent, stored_bytes
from fxticker.store.read_recording import stray_files
from fxticker.store.store import Store
from fxticker.store.store_id import read_store_id


def store_facts(folder: Location, now: datetime) -> Iterator[Fact]:
    """Yield facts about the store in a folder; the ends of its files and the newest rows are read; `check` reads all.

    Parameters
    ----------
    folder
        Of the store, which may not be there yet; or its URL on object storage, which is asked.
    now
        Aware UTC.
    """
    if isinstance(folder, Path) and not folder.exists():
        yield Fact("store", "note", f"{folder.absolute()} is not there yet: the first poll makes it")
        return
    try:
        store = Store(storage_at(folder, must_exist=True))
        yield Fact("store", "ok", _identity(store, folder))
        yield Fact("polls", "ok", _polls(store) or "none on record")
        problems = list(_problems(store, now))
    except (FxTickerError, OSError) as error:
        yield Fact("store", "fails", str(error))
        return
    if problems:
        yield Fact("damage", "fails", "; ".join(problems))


def _identity(store: Store, folder: Location) -> str:
    with suppress(SegmentUnreadable):  # it is among the problems
        files = sum(len(store.backend.list(table.spec.name)) for table in store.tables)
        return (
            f"{absolute(folder)}{_owner(folder)}; id {read_store_id(store.backend) or 'none'}; {files} files, "
            f"{stored_bytes(store) / 1e6:,.1f} MB; daemon: {store.daemon() or 'none runs'}"
        )
    return absolute(folder)


def _owner(folder: Location) -> str:
    """Return whose folder it is, if it is another account's."""
    owner = folder.stat().st_uid if isinstance(folder, Path) else os.geteuid()
    return "" if owner == os.geteuid() else f", of account {owner} where this one is {os.geteuid()}"


def _polls(store: Store) -> str:
    last = [poll for source in store.polls.sources() for poll in poll_log(store, limit=1, sources=[source])]
    return "; ".join(f"last of {poll['source']}: {poll['slot']:%Y-%m-%d %H:%M} {poll['outcome']}" for poll in last)


def _problems(store: Store, now: datetime) -> Iterator[str]:
    try:
        read_store_id(store.backend)
        for name in stray_files(store.backend, store.tables):
            yield f"{name} is not a segment: move it out of the store"
        for source in sorted({*store.ticks.sources(), *store.polls.sources()}):
            if (damage := damage_of(store, source, search=True)) is not None:
                yield f"{source}: {damage.reason}"
            else:
                read_recent(store, source, now)
        for item in summed(rows_ahead(store, now + CORRECTED)):
            yield f"{item.rows:,} {item.what} of {item.source} are ahead of the clock: see `fxticker forget`"
    except StoreError as error:
        yield str(error)
