"""What a source or an archive was asked for and does not have, on record beside the tables: not to be asked again."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from fxticker.errors import StoreError
from fxticker.model.clock import Clock
from fxticker.store.backend import StorageBackend
from fxticker.store.store import LOCK_TIMEOUT_S

FOLDER = "asked"
MAX_BYTES = 4_000_000
"""200 years of single days take 1 MB, 150,000 captures 3 MB."""
TOO_LONG_DAYS = 21
"""Without figures in a row: the longest holidays with the weekends around them take 12. A server that has moved lacks
every day."""
_DAY = timedelta(days=1)
_CAPTURE = re.compile(r"[0-9]{14}")


@dataclass(slots=True)
class AbsentDays:
    """Days that a source lacks, found while it is asked for one after another.

    They are sure once figures of a later day came, for then the source answers as ever.

    Attributes
    ----------
    without
        All days known to be without figures, before and now.
    sure
        Days found now that are to be put on record.
    """

    without: set[date]
    sure: list[date] = field(default_factory=list)
    _open: list[date] = field(default_factory=list)

    def add(self, days: Sequence[date]) -> None:
        """Take an answer without figures, for these days."""
        if days[0] - _DAY not in self.without:
            self.confirm()
        self._open += days
        self.without.update(days)

    def confirm(self) -> None:
        """Take all days so far for sure."""
        self.sure += self._open
        self._open = []

    def is_too_long(self) -> bool:
        """Whether the row of days up to the last one is longer than any holidays."""
        return bool(self._open) and all(self._open[-1] - _DAY * back in self.without for back in range(TOO_LONG_DAYS))


def absent_days(medium: StorageBackend, source: str) -> set[date]:
    """The days that a source was found not to have.

    Raises
    ------
    StoreError
        If the record is damaged, naming it: it can be deleted, and the days are asked for again.
    """
    name = _days_name(source)
    days: set[date] = set()
    for item in _read(medium, name, "days"):
        try:
            first, last = (date.fromisoformat(text) for text in item)
        except (TypeError, ValueError) as error:
            raise _damaged(name, f"no span of days: {str(item)[:60]}") from error
        if not timedelta(0) <= last - first <= timedelta(days=100_000) or len(days) > 1_000_000:  # noqa: PLR2004
            raise _damaged(name, f"no span of days: {first} to {last}")
        days.update(first + _DAY * offset for offset in range((last - first).days + 1))
    return days


def record_absent_days(medium: StorageBackend, source: str, days: Iterable[date]) -> None:
    """Add days that a source does not have to those on record, durably.

    Raises
    ------
    StoreLocked, WriteFailed
        If another process writes for too long, or the medium refuses.
    StoreError
        As `absent_days`, and if the record has no room for them: it stays as it is.
    """
    with medium.write_lock(LOCK_TIMEOUT_S):
        spans: list[list[date]] = []
        for day in sorted(absent_days(medium, source).union(days)):
            if spans and spans[-1][1] + _DAY == day:
                spans[-1][1] = day
            else:
                spans.append([day, day])
        _write(medium, _days_name(source), "days", [[first.isoformat(), last.isoformat()] for first, last in spans])


def empty_captures(medium: StorageBackend, source: str, archive: str) -> set[str]:
    """The captures of an archive, by their timestamps, that were found to show no ticker.

    Raises
    ------
    StoreError
        As `absent_days`.
    """
    name = _captures_name(source, archive)
    stamps = _read(medium, name, "captures")
    for stamp in stamps:
        if not isinstance(stamp, str) or _CAPTURE.fullmatch(stamp) is None:
            raise _damaged(name, f"no timestamp of a capture: {str(stamp)[:60]}")
    return set(stamps)


def record_empty_captures(medium: StorageBackend, source: str, archive: str, stamps: Iterable[str]) -> None:
    """Add captures without a ticker to those on record, durably.

    Raises
    ------
    StoreError
        As `record_absent_days`.
    """
    with medium.write_lock(LOCK_TIMEOUT_S):
        known = empty_captures(medium, source, archive)
        _write(medium, _captures_name(source, archive), "captures", sorted(known.union(stamps)))


class ResponseCache:
    """An archive's answers that hold for a while, on record between two runs.

    Parameters
    ----------
    medium
        Where they are kept.
    archive
        Whose they are.
    clock
        The present.
    """

    def __init__(self, medium: StorageBackend, archive: str, clock: Clock) -> None:
        self._medium = medium
        self._archive = archive
        self._clock = clock

    def recent(self, name: str, url: str, max_age: timedelta) -> bytes | None:
        """The answer of a URL, if there is one that is not older; a damaged record is none."""
        try:
            at, asked, text = _read(self._medium, self._file(name), "answer")
            age = self._clock.now() - datetime.fromisoformat(at)
        except (StoreError, ValueError, TypeError):
            return None
        is_it = asked == url and isinstance(text, str) and timedelta(0) <= age <= max_age
        return text.encode() if is_it else None

    def keep(self, name: str, url: str, answer: bytes) -> None:
        """Put an answer on record in place of an earlier one; where that cannot be done, it is asked for again."""
        item = [self._clock.now().isoformat(), url, answer.decode("utf-8", "replace")]
        with suppress(StoreError), self._medium.write_lock(LOCK_TIMEOUT_S):
            _write(self._medium, self._file(name), "answer", item)

    def _file(self, name: str) -> str:
        return f"{FOLDER}/{self._archive}.{name}.json"


def _days_name(source: str) -> str:
    return f"{FOLDER}/{source}.json"


def _captures_name(source: str, archive: str) -> str:
    return f"{FOLDER}/{source}.{archive}.json"


def _read(medium: StorageBackend, name: str, key: str) -> list[Any]:
    found = next((item for item in medium.list(FOLDER) if item.name == name), None)
    if found is None:
        return []
    if found.size_bytes > MAX_BYTES:
        raise _damaged(name, f"{found.size_bytes} bytes: more than {MAX_BYTES}")
    try:
        with medium.open(name) as file:
            items = json.loads(file.read(MAX_BYTES))[key]
    except (StoreError, OSError, ValueError, RecursionError, KeyError, TypeError) as error:
        raise _damaged(name, f"{type(error).__name__}: {str(error)[:100]}") from error
    if not isinstance(items, list):
        raise _damaged(name, f"no list of {key}")
    return items


def _write(medium: StorageBackend, name: str, key: str, items: Sequence[object]) -> None:
    data = json.dumps({"version": 1, key: items}, separators=(",", ":")).encode()
    if len(data) > MAX_BYTES:
        raise StoreError(
            f"{name}: {len(data)} bytes would be more than {MAX_BYTES}, so nothing is added; once it is deleted, what "
            "it holds is asked for again"
        )
    medium.put(name, data)


def _damaged(name: str, cause: str) -> StoreError:
    return StoreError(f"{name}: cannot be read ({cause}); once it is deleted, what it held is asked for again")
