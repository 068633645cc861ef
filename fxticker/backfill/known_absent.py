"""Absent days and empty captures: recorded beside the tables, so that they are not requested again."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta

from fxticker.backfill.json_record import FOLDER, MAX_BYTES, damaged_record, read_record, write_record
from fxticker.store.backend import StorageBackend
from fxticker.store.store import LOCK_TIMEOUT_S

TOO_LONG_DAYS = 21
"""Days in a row without rates that end a run. The longest holidays with adjacent weekends take 12 days; a server that
has moved has no rates for any day."""
_MAX_SPAN = timedelta(days=100_000)
"""Longest span in a record, 270 years; more is damage."""
_MAX_DAYS = 1_000_000
"""Most days in a record; more is damage."""
_DAY = timedelta(days=1)
_CAPTURE = re.compile(r"[0-9]{14}")


@dataclass(slots=True)
class AbsentDays:
    """Days without rates, collected while a source is requested day after day.

    A day is pending until rates of a later day arrive, because only then the source is known to respond normally.

    Attributes
    ----------
    without
        All days known to be without rates, from earlier runs and this one.
    """

    without: set[date]
    _pending: list[date] = field(default_factory=list)

    def add(self, days: Sequence[date]) -> list[date]:
        """Add the sorted days of an answer without rates; return the earlier days that this confirms.

        If the day before `days` has rates, the earlier days are confirmed.
        """
        confirmed = [] if days[0] - _DAY in self.without else self.confirm()
        self._pending += days
        self.without.update(days)
        return confirmed

    def confirm(self) -> list[date]:
        """Return the pending days as confirmed; none is pending afterwards."""
        confirmed, self._pending = self._pending, []
        return confirmed

    def is_too_long(self) -> bool:
        """Whether the last `TOO_LONG_DAYS` days up to the last pending one are all without rates."""
        return bool(self._pending) and all(
            self._pending[-1] - _DAY * back in self.without for back in range(TOO_LONG_DAYS)
        )


def absent_days(backend: StorageBackend, source: str) -> set[date]:
    """Return the days recorded as absent at a source.

    Raises
    ------
    StoreError
        If the record is damaged. The message names the file; once it is deleted, the days are requested again.
    """
    name = _days_name(source)
    days: set[date] = set()
    for item in read_record(backend, name, "days"):
        try:
            first, last = (date.fromisoformat(text) for text in item)
        except (TypeError, ValueError) as error:
            raise damaged_record(name, f"no span of days: {str(item)[:60]}") from error
        if not timedelta(0) <= last - first <= _MAX_SPAN or len(days) > _MAX_DAYS:
            raise damaged_record(name, f"no span of days: {first} to {last}")
        days.update(first + _DAY * offset for offset in range((last - first).days + 1))
    return days


def record_absent_days(
    backend: StorageBackend, source: str, days: Iterable[date], *, max_bytes: int = MAX_BYTES
) -> None:
    """Add days to the record of a source's absent days, durably.

    Raises
    ------
    StoreLocked
        If another process holds the write lock too long.
    WriteFailed
        If the storage refuses.
    StoreError
        If the record is damaged, or would exceed `max_bytes`; it stays as it is.
    """
    with backend.write_lock(LOCK_TIMEOUT_S):
        spans: list[list[date]] = []
        for day in sorted(absent_days(backend, source).union(days)):
            if spans and spans[-1][1] + _DAY == day:
                spans[-1][1] = day
            else:
                spans.append([day, day])
        texts = [[first.isoformat(), last.isoformat()] for first, last in spans]
        write_record(backend, _days_name(source), "days", texts, max_bytes=max_bytes)


def empty_captures(backend: StorageBackend, source: str, archive: str) -> set[str]:
    """Return the captures of an archive recorded as without a ticker, as ``yyyyMMddhhmmss``.

    Raises
    ------
    StoreError
        As `absent_days`.
    """
    name = _captures_name(source, archive)
    stamps = read_record(backend, name, "captures")
    for stamp in stamps:
        if not isinstance(stamp, str) or _CAPTURE.fullmatch(stamp) is None:
            raise damaged_record(name, f"no timestamp of a capture: {str(stamp)[:60]}")
    return set(stamps)


def record_empty_captures(
    backend: StorageBackend, source: str, archive: str, stamps: Iterable[str], *, max_bytes: int = MAX_BYTES
) -> None:
    """Add captures, as ``yyyyMMddhhmmss``, to the record of those without a ticker, durably.

    Raises
    ------
    StoreLocked, WriteFailed, StoreError
        As `record_absent_days`.
    """
    with backend.write_lock(LOCK_TIMEOUT_S):
        known = empty_captures(backend, source, archive)
        name = _captures_name(source, archive)
        write_record(backend, name, "captures", sorted(known.union(stamps)), max_bytes=max_bytes)


def _days_name(source: str) -> str:
    return f"{FOLDER}/{source}.json"


def _captures_name(source: str, archive: str) -> str:
    return f"{FOLDER}/{source}.{archive}.json"
