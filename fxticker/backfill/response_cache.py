"""Response cache: keeps the last response for a URL of an archive on disk, between two runs."""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime, timedelta

from fxticker.backfill.json_record import FOLDER, read_record, write_record
from fxticker.errors import StoreError
from fxticker.model.clock import Clock
from fxticker.store.backend import StorageBackend
from fxticker.store.store import LOCK_TIMEOUT_S


class ResponseCache:
    """Responses of an archive that stay valid for a while.

    Parameters
    ----------
    backend
        Storage that holds the records.
    archive
        Id of the archive; part of the file names.
    clock
        Supplies the current UTC time, from which a response's age is measured.
    """

    def __init__(self, backend: StorageBackend, archive: str, clock: Clock) -> None:
        self._backend = backend
        self._archive = archive
        self._clock = clock

    def recent(self, name: str, url: str, max_age: timedelta) -> bytes | None:
        """Return the cached body; `None` if missing, damaged, of another URL, or older than `max_age`."""
        try:
            stored_at, stored_url, text = read_record(self._backend, self._file(name), "answer")
            age = self._clock.now() - datetime.fromisoformat(stored_at)
        except (StoreError, ValueError, TypeError):
            return None
        is_valid = stored_url == url and isinstance(text, str) and timedelta(0) <= age <= max_age
        return text.encode() if is_valid else None

    def keep(self, name: str, url: str, body: bytes) -> None:
        """Replace the cached response. A failed write is ignored: the URL is then requested again."""
        item = [self._clock.now().isoformat(), url, body.decode("utf-8", "replace")]
        with suppress(StoreError), self._backend.write_lock(LOCK_TIMEOUT_S):
            write_record(self._backend, self._file(name), "answer", item)

    def _file(self, name: str) -> str:
        return f"{FOLDER}/{self._archive}.{name}.json"
