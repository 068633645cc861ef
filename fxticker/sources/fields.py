"""Fields of a source that comes from outside: checks the type of each of them before the source is used."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, datetime
from typing import Any

from fxticker.model.records import require_source_id
from fxticker.model.schedule import every as grid_of
from fxticker.sources.source import History, Kind, Source

_MAX_VERSION = 2**31 - 1
"""The largest `parser_version` that the store has room for."""


def require_fields(source: Source) -> None:
    """Check that every field of a source has a value of its type.

    Raises
    ------
    TypeError
        If one has not; names the field and what it must be.
    ValueError
        If the id or the interval is none.
    """
    _require(source, _SOURCE, "")
    require_source_id(source.id)
    grid_of(source.every, source.id)
    if source.history is not None:
        _require(source.history, _HISTORY, "history.")


def _require(record: object, fields: Mapping[str, tuple[Callable[[Any], bool], str]], prefix: str) -> None:
    for name, (is_valid, allowed) in fields.items():
        value = getattr(record, name)
        if not is_valid(value):
            raise TypeError(f"{prefix}{name} must be {allowed}, not {str(value)[:60]!r} ({type(value).__name__})")


def _is_text(value: object) -> bool:
    return isinstance(value, str) and value != ""


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= _MAX_VERSION


def _is_optional(check: Callable[[Any], bool]) -> Callable[[Any], bool]:
    return lambda value: value is None or check(value)


def _is_set_of(check: Callable[[Any], bool]) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, frozenset) and len(value) > 0 and all(map(check, value))


def _is_week_day(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= 6  # noqa: PLR2004  Sunday


def _is_date(value: object) -> bool:
    return isinstance(value, date) and not isinstance(value, datetime)


def _is_pause(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < float("inf")


_TEXT = (_is_text, "a text")
_COUNT = (_is_count, "a whole number from 1 on")
_COUNT_OR_NONE = (_is_optional(_is_count), "a whole number from 1 on, or None")
_FUNCTION = (callable, "a function")
_MEDIA_TYPES = (_is_set_of(_is_text), "a frozenset of texts")
_SOURCE: Mapping[str, tuple[Callable[[Any], bool], str]] = {
    "id": _TEXT,
    "url": _TEXT,
    "every": _TEXT,
    "terms_url": (_is_optional(_is_text), "a text or None"),
    "media_types": _MEDIA_TYPES,
    "stale_after_days": _COUNT,
    "parse": _FUNCTION,
    "publishes": (_is_set_of(_is_week_day), "a frozenset of days of the week, 0 to 6"),
    "frozen_after_days": _COUNT_OR_NONE,
    "holds_days": _COUNT_OR_NONE,
    "history": (_is_optional(lambda value: isinstance(value, History)), "a History or None"),
    "parser_version": _COUNT,
    "evidence": (_is_optional(callable), "a function or None"),
    "kind": (lambda value: isinstance(value, Kind), "a fxticker.sources.Kind"),
}
_HISTORY: Mapping[str, tuple[Callable[[Any], bool], str]] = {
    "since": (_is_date, "a date"),
    "span_days": _COUNT,
    "path": _FUNCTION,
    "media_types": _MEDIA_TYPES,
    "parse": _FUNCTION,
    "pause_s": (_is_pause, "a number of seconds"),
}
